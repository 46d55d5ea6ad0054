/* Figures of anonymity against numpy (tests/oracle/anonymity.py), and the properties that no oracle is needed for. */
#define _GNU_SOURCE
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/rng.h"
#include "base/status.h"
#include "measure/anonymity.h"
#include "measure/anonymity_groups.h"
#include "measure/anonymity_list.h"
#include "measure/attack.h"
#include "measure/people.h"
#include "support/fill.h"

#define NEAR(got, want, tol) assert_true(fabs((double)(got) - (double)(want)) <= (tol))

static json_t *fixture(void) {
    json_error_t error;
    json_t *root = json_load_file("tests/fixtures/anonymity/fixture.json", 0, &error);
    assert_non_null(root);
    return root;
}

static double number(const json_t *o, const char *key) {
    return json_number_value(json_object_get(o, key));
}

static void normalise(float *x, int n, int dim) {
    for (int i = 0; i < n; i++) {
        double length = 0;
        for (int k = 0; k < dim; k++)
            length += (double)x[i * dim + k] * (double)x[i * dim + k];
        for (int k = 0; k < dim; k++)
            x[i * dim + k] = (float)(x[i * dim + k] / sqrt(length));
    }
}

typedef struct {
    idem_anonymity_set set;
    int *person;
    float *original, *anonymised;
} codes;

static float *filled(const json_t *root, const json_t *c, const char *part, int rows, double a) {
    const int dim = (int)number(root, "dim");
    char name[64];
    float *x = malloc((size_t)(rows * dim) * sizeof *x);
    assert_non_null(x);
    snprintf(name, sizeof name, "%s.%s", json_string_value(json_object_get(c, "name")), part);
    fixture_fill(x, (size_t)(rows * dim), json_string_value(json_object_get(root, "salt")), name, a, 0);
    return x;
}

static codes make(const json_t *root, const json_t *c) {
    const int dim = (int)number(root, "dim"), persons = (int)number(c, "persons"), each = (int)number(c, "each"),
              n = persons * each;
    float *middle = filled(root, c, "middle", persons, 1), *other = filled(root, c, "other", n, 1);
    codes k = {.original = filled(root, c, "spread", n, number(c, "spread")), .anonymised = other};
    k.person = malloc((size_t)n * sizeof *k.person);
    assert_non_null(k.person);
    for (int i = 0; i < n; i++) {
        k.person[i] = 100 - 7 * (i / each); /* any numbers */
        for (int d = 0; d < dim; d++) {
            k.original[i * dim + d] += middle[i / each * dim + d];
            other[i * dim + d] += (float)number(c, "leak") * middle[i / each * dim + d];
        }
    }
    normalise(k.original, n, dim);
    normalise(k.anonymised, n, dim);
    free(middle);
    k.set = (idem_anonymity_set){k.person, k.original, k.anonymised, n, dim};
    return k;
}

static void free_codes(codes *k) {
    free(k->person);
    free(k->original);
    free(k->anonymised);
}

static void figures_are_those_of_numpy(void **state) {
    (void)state;
    json_t *root = fixture(), *c;
    size_t i;
    json_array_foreach(json_object_get(root, "cases"), i, c) {
        codes k = make(root, c);
        idem_anonymity a;
        assert_int_equal(idem_anonymity_of(&a, &k.set, number(c, "threshold"), 1), 0);
        assert_int_equal(a.impostor, (int)number(c, "impostor"));
        assert_int_equal(a.persons, (int)number(c, "persons"));
        NEAR(a.threshold.mean, number(c, "threshold"), 1e-6);
        NEAR(a.tar_before.mean, number(c, "tar_before"), 1e-9);
        NEAR(a.tar.mean, number(c, "tar"), 1e-9);
        NEAR(a.tar.error, number(c, "tar_error"), 1e-9);
        NEAR(a.lost.mean, number(c, "lost"), 1e-9);
        NEAR(a.eer.mean, number(c, "eer"), 1e-9);
        NEAR(a.reid.mean, number(c, "reid"), 1e-9);
        NEAR(a.self.mean.mean, number(c, "self"), 1e-6);
        NEAR(a.parrot_tar.mean, number(c, "parrot_tar"), 1e-9);
        NEAR(a.rank1.mean, number(c, "rank1"), 1e-9);
        /* What 252 impostor pairs cannot carry is not stated, what 15,930 carry is. */
        assert_int_equal(idem_figure_holds(&a.tar), a.impostor >= 10000);
        assert_true(idem_figure_holds(&a.rank1) && idem_figure_holds(&a.tar_known));
        if (json_is_number(json_object_get(c, "rank1_of_4"))) {
            double chance;
            NEAR(idem_anonymity_rank1(&k.set, 4, &chance).mean, number(c, "rank1_of_4"), 1e-9);
            NEAR(chance, 0.25, 0);
        }
        free_codes(&k);
    }
    assert_int_equal(i, 2);
    json_decref(root);
}

static void nothing_changed_is_all_recognised(void **state) {
    (void)state;
    json_t *root = fixture();
    codes k = make(root, json_array_get(json_object_get(root, "cases"), 0));
    k.set.anonymised = k.original;
    idem_anonymity a;
    assert_int_equal(idem_anonymity_of(&a, &k.set, 0, 1), 0);
    NEAR(a.tar.mean, a.tar_before.mean, 0);
    NEAR(a.rank1.mean, a.rank1_before.mean, 0);
    NEAR(a.reid.mean, 1, 0);
    NEAR(a.lost.mean, 0, 0);
    NEAR(a.self.percentile[0], 1, 1e-5);
    assert_true(a.lost.error > 0); /* none of 60 persons is no proof of none at all */
    free_codes(&k);
    json_decref(root);
}

static void shares_of_groups_are_of_their_probes(void **state) {
    (void)state;
    json_t *root = fixture();
    codes k = make(root, json_array_get(json_object_get(root, "cases"), 1));
    const int n = k.set.n;
    uint8_t *first = calloc((size_t)n, 1), *rest = calloc((size_t)n, 1);
    assert_true(first && rest);
    for (int i = 0; i < n; i++)
        *(i % 3 ? &rest[i] : &first[i]) = 1;
    const double all = idem_anonymity_rank1_of(&k.set, NULL).mean, a = idem_anonymity_rank1_of(&k.set, first).mean,
                 b = idem_anonymity_rank1_of(&k.set, rest).mean;
    NEAR(all, (a + 2 * b) / 3, 1e-9);
    assert_true(a != b);
    free(first);
    free(rest);
    free_codes(&k);
    json_decref(root);
}

static void too_few_persons_are_refused(void **state) {
    (void)state;
    const float e[4] = {1, 0, 0, 1};
    const int person[2] = {3, 4};
    idem_anonymity a;
    assert_int_equal(idem_anonymity_of(&a, &(idem_anonymity_set){person, e, e, 2, 2}, 0, 1), -1);
    assert_non_null(strstr(idem_error(), "0 of them with two pictures"));
}

/* ---- learned attacks ---- */

static float *numbers(const json_t *list) {
    float *x = malloc(json_array_size(list) * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < json_array_size(list); i++)
        x[i] = (float)json_number_value(json_array_get(list, i));
    return x;
}

static double mean_cosine(const float *a, const float *b, int n, int dim) {
    double sum = 0;
    for (int i = 0; i < n * dim; i++)
        sum += (double)a[i] * (double)b[i];
    return sum / n;
}

static void ridge_finds_the_way_back(void **state) {
    (void)state;
    json_t *root = fixture(), *c = json_object_get(root, "ridge");
    const int dim = (int)number(root, "dim"), train = (int)number(c, "train"), test = (int)number(c, "test");
    float *from = numbers(json_object_get(c, "from")), *to = numbers(json_object_get(c, "to"));
    float *guess = malloc((size_t)(test * dim) * sizeof *guess);
    assert_non_null(guess);
    const idem_attack_pairs pairs = {from, to, train, dim};
    assert_int_equal(idem_attack_ridge(guess, from + train * dim, test, &pairs, 1), 0);
    NEAR(mean_cosine(guess, to + train * dim, test, dim), number(c, "cosine"), 0.004);
    assert_int_equal(idem_attack_ridge(guess, from, test, &(idem_attack_pairs){from, to, 19, dim}, 1), -1);
    assert_non_null(strstr(idem_error(), "19 pairs"));
    free(from);
    free(to);
    free(guess);
    json_decref(root);
}

/* A way back that is not linear: to is the sign pattern of a turned code, which ridge finds worse than the network. */
static void the_network_finds_what_ridge_does_not(void **state) {
    (void)state;
    enum { N = 1200, TEST = 200, DIM = 12 };
    float *from = malloc(N * DIM * sizeof *from), *to = malloc(N * DIM * sizeof *to), *guess = malloc(TEST * DIM * 4);
    assert_true(from && to && guess);
    idem_rng rng = idem_rng_make(3, "test");
    idem_rng_fill_normal(&rng, from, N * DIM);
    normalise(from, N, DIM);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < DIM; k++)
            to[i * DIM + k] = fabsf(from[i * DIM + k]) - fabsf(from[i * DIM + (k + 1) % DIM]);
    normalise(to, N, DIM);
    const idem_attack_pairs pairs = {from, to, N - TEST, DIM};
    assert_int_equal(idem_attack_ridge(guess, from + (N - TEST) * DIM, TEST, &pairs, 1), 0);
    const double ridge = mean_cosine(guess, to + (N - TEST) * DIM, TEST, DIM);
    assert_int_equal(idem_attack_network(guess, from + (N - TEST) * DIM, TEST, &pairs, 1), 0);
    const double network = mean_cosine(guess, to + (N - TEST) * DIM, TEST, DIM);
    assert_true(fabs(ridge) < 0.2 && network > 0.8);
    free(from);
    free(to);
    free(guess);
}

/* ---- names and tables ---- */

static void persons_are_folders_or_names(void **state) {
    (void)state;
    assert_int_equal(idem_people_person("Ann_Veneman_0002.jpg"), strlen("Ann_Veneman"));
    assert_int_equal(idem_people_person("ann/0002.jpg"), strlen("ann"));
    assert_int_equal(idem_people_person("a/b/x_1.jpg"), strlen("a/b"));
    assert_int_equal(idem_people_person("holiday.png"), strlen("holiday"));
    assert_int_equal(idem_people_person("_12.png"), strlen("_12"));
    assert_int_equal(idem_people_person("12"), strlen("12"));
    assert_int_equal(idem_people_person("a_1_x.png"), strlen("a_1_x"));
}

static void pictures_are_in_the_groups_of_a_table(void **state) {
    (void)state;
    enum { N = 10 };
    idem_anonymity_picture at[N];
    memset(at, 0, sizeof at);
    char names[N][16];
    for (int i = 0; i < N; i++) {
        snprintf(names[i], sizeof names[i], "p%d.jpg", i);
        at[i].name = names[i];
        at[i].width = 100;
    }
    const idem_anonymity_pictures p = {.at = at, .n = N};
    static const char text[] =
        "file, age ,sex\r\n\np0,old,f\np1.jpg,old,\np2,old,m\np3,old,m\np4.jpg,\"old\",m\np5,young,m\n";
    idem_group_table *t = idem_group_table_parse(text, strlen(text), "table");
    assert_non_null(t);
    idem_group *groups;
    const int n = idem_anonymity_groups(&groups, &p, t);
    int old = -1;
    for (int i = 0; i < n; i++) {
        assert_true(groups[i].n >= IDEM_GROUP_LEAST);
        if (!strcmp(groups[i].by, "age"))
            old = i;
    }
    assert_true(old >= 0 && !strcmp(groups[old].name, "old") && groups[old].n == 5);
    assert_true(groups[old].has[4] && !groups[old].has[5]);
    idem_groups_free(groups, n);
    idem_group_table_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_those_of_numpy),
        cmocka_unit_test(nothing_changed_is_all_recognised),
        cmocka_unit_test(shares_of_groups_are_of_their_probes),
        cmocka_unit_test(too_few_persons_are_refused),
        cmocka_unit_test(ridge_finds_the_way_back),
        cmocka_unit_test(the_network_finds_what_ridge_does_not),
        cmocka_unit_test(persons_are_folders_or_names),
        cmocka_unit_test(pictures_are_in_the_groups_of_a_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
