/* The figures of idem report against numpy and scipy (tests/oracle/report.py), its page and its tables. */
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

#include "base/file.h"
#include "idem.h"
#include "measure/frechet.h"
#include "measure/measures.h"
#include "measure/pair_groups.h"
#include "measure/plot.h"
#include "measure/spread.h"
#include "measure/w_space.h"
#include "support/fill.h"

enum { N = 40, SIZE = 24, PIXELS = SIZE * SIZE, RECOGNISERS = 2, CODES = 200, WIDTH = 12, SIDES = 4 };
enum { ID, ATTR, OUT, SAME };

static const char SALT[] = "report/";
static const int dims[RECOGNISERS] = {16, 8};

#define NEAR(got, want, tol) assert_true(fabs((double)(got) - (double)(want)) <= (tol))

/* ---- the oracle's inputs ---- */

typedef struct {
    idem_seen seen;
    float *pictures; /* [N, SIZE, SIZE, 3] */
} side;

static float *filled(const char *name, const char *part, size_t n, double a, double b) {
    char whole[64];
    float *x = malloc(n * sizeof *x);
    snprintf(whole, sizeof whole, "%s%s", name, part);
    fixture_fill(x, n, SALT, whole, a, b);
    return x;
}

static side make_side(const char *name) {
    side s = {.seen.n = N};
    float *face = filled("face", "", IDEM_POINT_NUMBERS, 0.3, 0.5), *found = filled(name, ".face", N, 0.5, 0.5);
    s.seen.id[0] = filled(name, ".id0", (size_t)(N * dims[0]), 1, 0.2);
    s.seen.id[1] = filled(name, ".id1", (size_t)(N * dims[1]), 1, 0.2);
    s.seen.points = filled(name, ".points", N * IDEM_POINT_NUMBERS, 0.05, 0);
    s.seen.pose = filled(name, ".pose", N * IDEM_ANGLES, 40, 0);
    s.seen.expression = filled(name, ".expression", N * IDEM_EXPRESSIONS, 0.5, 0.5);
    s.seen.face = malloc(N);
    s.pictures = filled(name, ".picture", N * PIXELS * 3, 0.5, 0.5);
    for (int i = 0; i < N * IDEM_POINT_NUMBERS; i++)
        s.seen.points[i] += face[i % IDEM_POINT_NUMBERS];
    for (int i = 0; i < N; i++)
        s.seen.face[i] = found[i] > 0.2f;
    free(face);
    free(found);
    return s;
}

static void free_side(side *s) {
    idem_seen_free(&s->seen);
    free(s->pictures);
}

static void make_sides(side *s) {
    static const char *const names[SIDES] = {"id", "attr", "out", "same"};
    for (int k = 0; k < SIDES; k++)
        s[k] = make_side(names[k]);
    for (int r = 0; r < RECOGNISERS; r++)
        for (int i = 0; i < N * dims[r]; i++)
            s[OUT].seen.id[r][i] += s[ID].seen.id[r][i] * 0.5f;
    for (int i = 0; i < N * PIXELS * 3; i++)
        s[OUT].pictures[i] = s[OUT].pictures[i] * 0.25f + s[ATTR].pictures[i] * 0.75f;
}

static json_t *fixture(void) {
    json_t *root = json_load_file("tests/fixtures/report/fixture.json", 0, NULL);
    assert_non_null(root);
    return root;
}

static double number(const json_t *o, const char *key) {
    const json_t *x = json_object_get(o, key);
    if (!json_is_number(x))
        print_message("no number: %s\n", key);
    assert_true(json_is_number(x));
    return json_number_value(x);
}

/* ---- figures ---- */

static void same_spread(const char *key, const json_t *want, double *x, bool share) {
    const double first = x[0], error = number(want, "standard_error"), bootstrap = number(want, "bootstrap");
    const idem_spread s = idem_spread_of(x, N, share, 1);
    const bool good = fabs(s.mean.mean - number(want, "mean")) <= 1e-4 * fmax(1, fabs(s.mean.mean)) &&
                      fabs(s.median - number(want, "median")) <= 1e-4 * fmax(1, fabs(s.median)) &&
                      fabs(s.deviation - number(want, "standard_deviation")) <= 1e-4 * fmax(1, s.deviation) &&
                      fabs(first - number(want, "first")) <= 1e-4 * fmax(1, fabs(first)) && s.mean.n == N;
    if (!good)
        print_message("%s: mean %g, median %g, deviation %g, first %g\n", key, s.mean.mean, s.median, s.deviation,
                      first);
    assert_true(good);
    if (error > 0) { /* a share of all or none has Laplace's */
        NEAR(s.mean.error, error, 1e-4 * fmax(1, error));
        NEAR(s.mean.error, bootstrap, 0.1 * error);
    } else {
        assert_true(s.mean.error > 0 || !share);
    }
}

static void every_figure_is_that_of_numpy(void **state) {
    (void)state;
    side s[SIDES];
    make_sides(s);
    json_t *root = fixture(), *figures = json_object_get(root, "figures");
    float *chance = filled("outside", "", PIXELS, 0.5, 0.5);
    uint8_t outside[PIXELS];
    for (int i = 0; i < PIXELS; i++)
        outside[i] = chance[i] > 0.4f;
    idem_measures_about about = {.recognisers = RECOGNISERS,
                                 .dim = {dims[0], dims[1]},
                                 .key = {"train", "judge"},
                                 .n = N,
                                 .candidates = N,
                                 .id = &s[ID].seen,
                                 .attr = &s[ATTR].seen,
                                 .size = SIZE,
                                 .outside = outside,
                                 .strangers = {0.1, 0.15}};
    idem_measures m;
    idem_measures_make(&m, &about);
    float *rows = malloc((size_t)(N * m.n) * sizeof *rows);
    for (int i = 0; i < N; i++) {
        const size_t at = (size_t)i * PIXELS * 3;
        float *row = rows + i * m.n;
        idem_measures_clear(&m, row);
        assert_int_equal(idem_measures_cross(&m, i, &s[OUT].seen, i, s[OUT].pictures + at, s[ATTR].pictures + at, row),
                         0);
        idem_measures_same(&m, i, &s[SAME].seen, i, s[SAME].pictures + at, s[ID].pictures + at, 0.5f, row);
    }
    size_t checked = 0;
    for (int k = 0; k < m.n; k++) {
        const json_t *want = json_object_get(figures, m.table[k].key);
        double x[N];
        if (!want) { /* of networks and codes; MS-SSIM has a fixture of its own */
            assert_true(!strcmp(m.table[k].key, "w_distance") || !strcmp(m.table[k].key, "same_msssim"));
            continue;
        }
        for (int i = 0; i < N; i++)
            x[i] = (double)rows[i * m.n + k];
        same_spread(m.table[k].key, want, x, m.table[k].share);
        checked++;
    }
    assert_int_equal(checked, json_object_size(figures));
    for (int k = 0; k < SIDES; k++)
        free_side(&s[k]);
    free(rows);
    free(chance);
    json_decref(root);
}

static void sets_are_those_of_numpy(void **state) {
    (void)state;
    side s[SIDES];
    make_sides(s);
    json_t *root = fixture(), *diversity = json_object_get(root, "diversity");
    const size_t width = (size_t)dims[0];
    idem_moments *out = idem_moments_new(width), *attr = idem_moments_new(width), *unit = idem_moments_new(width);
    double distance, mean, error;
    for (size_t i = 0; i < N; i += 7) /* bit by bit */
        assert_int_equal(idem_moments_add(out, s[OUT].seen.id[0] + i * width, i + 7 < N ? 7 : N - i), 0);
    assert_int_equal(idem_moments_add(attr, s[ATTR].seen.id[0], N), 0);
    assert_int_equal(idem_moments_distance(&distance, out, attr), 0);
    NEAR(distance, number(root, "frechet"), 1e-4);
    assert_int_equal(idem_moments_distance(&distance, out, attr), 0); /* by the root that was kept */
    NEAR(distance, number(root, "frechet"), 1e-4);
    for (size_t i = 0; i < N; i++) {
        float *row = s[OUT].seen.id[0] + i * width;
        double square = 0;
        for (size_t k = 0; k < width; k++)
            square += (double)row[k] * (double)row[k];
        for (size_t k = 0; k < width; k++)
            row[k] = (float)((double)row[k] / sqrt(square));
    }
    assert_int_equal(idem_moments_add(unit, s[OUT].seen.id[0], N), 0);
    assert_int_equal(idem_moments_cosine(unit, &mean, &error), 0);
    NEAR(mean, number(diversity, "mean"), 1e-4);
    NEAR(error, number(diversity, "standard_error"), 1e-4);
    NEAR(error, number(diversity, "bootstrap"), 0.1 * error);
    idem_moments_free(out);
    idem_moments_free(attr);
    idem_moments_free(unit);
    for (int k = 0; k < SIDES; k++)
        free_side(&s[k]);
    json_decref(root);
}

static void codes_lie_where_numpy_has_them(void **state) {
    (void)state;
    json_t *root = fixture(), *want = json_object_get(root, "codes");
    float *codes = filled("codes", "", CODES * WIDTH, 1, 0), *w = filled("w", "", N * WIDTH, 2, 0);
    float nearest[N], plane[N][2];
    for (int i = 0; i < CODES * WIDTH; i++)
        codes[i] *= (float)(1 + 2.0 * (i % WIDTH) / (WIDTH - 1));
    idem_w_space *s = idem_w_space_of(codes, CODES, WIDTH);
    assert_non_null(s);
    assert_int_equal(idem_w_space_place(s, w, N, nearest, plane[0]), 0);
    for (size_t i = 0; i < N; i++) {
        NEAR(nearest[i], json_number_value(json_array_get(json_object_get(want, "nearest"), i)), 1e-4);
        const json_t *at = json_array_get(json_object_get(want, "plane"), i);
        for (size_t k = 0; k < 2; k++)
            NEAR(plane[i][k], json_number_value(json_array_get(at, k)), 1e-4);
    }
    for (size_t k = 0; k < 2; k++)
        NEAR(idem_w_space_shares(s)[k], json_number_value(json_array_get(json_object_get(want, "shares"), k)), 1e-5);
    assert_int_equal(idem_w_space_place(s, codes + 5 * WIDTH, 1, nearest, NULL), 0);
    NEAR(nearest[0], 0, 1e-6);
    idem_w_space_free(s);
    assert_null(idem_w_space_of(codes, 2, WIDTH));
    free(codes);
    free(w);
    json_decref(root);
}

static void spreads_pass_over_what_is_no_number(void **state) {
    (void)state;
    double x[] = {3, NAN, 1, 8, NAN}, none[] = {NAN, NAN}, all[] = {1, 1, 1};
    const idem_spread s = idem_spread_of(x, 5, false, 1), n = idem_spread_of(none, 2, false, 1);
    NEAR(s.mean.mean, 4, 1e-12);
    NEAR(s.median, 3, 0);
    NEAR(s.deviation, sqrt(13), 1e-12);
    assert_int_equal(s.mean.n, 3);
    assert_false(idem_figure_holds(&n.mean));
    const idem_spread few = idem_spread_of(all, 3, true, 10);
    assert_true(!idem_figure_holds(&few.mean) && few.mean.error > 0 && few.mean.needs == 10);
}

/* ---- groups ---- */

static const char *name_of(void *self, int i) {
    static const char *const names[] = {"anna", "ben", "cleo", "dan", "eve, the second"};
    (void)self;
    return names[i];
}

static idem_group_table *table_of(const char *text) {
    return idem_group_table_parse(text, strlen(text), "t.csv");
}

static void groups_come_from_a_table(void **state) {
    (void)state;
    static const idem_pairs_kind kind = {.name = name_of};
    idem_pairs *pairs = idem_pairs_new(&kind, NULL, 5, 8);
    idem_pair_groups g = {.pairs = 5};
    idem_group_table *t = table_of(
        "\xEF\xBB\xBFname,age,light\r\nben,old,\"soft, from \"\"above\"\"\"\r\nanna,young,hard\n\nnobody,old,hard\n"
        "\"eve, the second\",old,hard");
    assert_non_null(t);
    assert_int_equal(idem_pair_groups_of_table(&g, t, "attributes", pairs), 0);
    assert_int_equal(g.n, 4);
    assert_string_equal(g.at[0].by, "attributes: age");
    assert_string_equal(g.at[0].value, "old");
    assert_true(g.at[0].n == 2 && g.at[0].member[1] && g.at[0].member[4] && !g.at[0].member[0]);
    assert_string_equal(g.at[2].value, "hard");
    assert_string_equal(g.at[3].value, "soft, from \"above\"");
    assert_true(g.at[3].n == 1 && g.at[3].member[1]);
    idem_pair_groups_free(&g);
    idem_group_table_free(t);
    idem_pairs_free(pairs);
}

static void tables_know_pictures_by_name(void **state) {
    (void)state;
    idem_group_table *t = table_of("file, age ,\t\"se,x\" \na.jpg , old, \"f\"\t\nb,,m\nb.jpg,young,\" m \"\n ab ,x,y");
    assert_non_null(t);
    assert_int_equal(idem_group_table_columns(t), 2);
    assert_string_equal(idem_group_table_title(t, 0), "age");
    assert_string_equal(idem_group_table_title(t, 1), "se,x");
    const int a = idem_group_table_row(t, "a.jpg"), b = idem_group_table_row(t, "b.png"),
              c = idem_group_table_row(t, "b.jpg"), d = idem_group_table_row(t, "ab.c.png");
    assert_true(a >= 0 && b >= 0 && c >= 0 && d < 0);
    assert_int_equal(idem_group_table_row(t, "a.png"), -1);
    assert_int_equal(idem_group_table_row(t, "a"), -1);
    assert_int_equal(idem_group_table_row(t, ""), -1);
    assert_string_equal(idem_group_table_value(t, a, 0), "old");
    assert_string_equal(idem_group_table_value(t, a, 1), "f");
    assert_string_equal(idem_group_table_value(t, b, 0), "");
    assert_string_equal(idem_group_table_value(t, c, 1), " m ");
    assert_string_equal(idem_group_table_value(t, idem_group_table_row(t, "ab.jpg"), 1), "y");
    idem_group_table_free(t);
}

static void bad_tables_are_refused_by_line(void **state) {
    (void)state;
    static const struct {
        const char *text, *said;
    } bad[] = {{"name,age\nben\n", "line 2 has one field"},
               {"name,age\n\"ben,old\n", "line 2 has a quote"},
               {"name,age\n\"ben\"x,old\n", "line 2 has a quote"},
               {"name,age\n\nben,old,tall\n", "line 3 has 3 fields, expected 2"},
               {"name,age,light\nben,old\n", "line 2 has 2 fields, expected 3"},
               {"name,age\nben,old\nann,old\n\"ben\",young\n", "line 4 is of the same picture as line 2"},
               {"name,age\n", "no line of a picture"},
               {"name\n", "line 1 has one field"},
               {" \n\t", "no line of a picture"},
               {"", "no line of a picture"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(table_of(bad[i].text));
        if (!strstr(idem_last_error(), bad[i].said) || !strstr(idem_last_error(), "t.csv"))
            fail_msg("%zu: %s", i, idem_last_error());
    }
    assert_null(idem_group_table_parse("a,b\nc\0,d\n", 9, "t.csv"));
    assert_non_null(strstr(idem_last_error(), "zero byte"));
    char wide[3 * IDEM_GROUP_FIELDS + 8] = "n";
    for (int i = 0; i < IDEM_GROUP_FIELDS; i++)
        strcat(wide, ",x");
    assert_null(table_of(wide));
    assert_non_null(strstr(idem_last_error(), "more than 64 fields"));
}

/* ---- pages ---- */

static void pages_escape_what_stands_in_them(void **state) {
    (void)state;
    char folder[] = "/tmp/idem-page-XXXXXX";
    assert_non_null(mkdtemp(folder));
    idem_text_table *t = idem_text_table_new("A & B <i>", "note_1", 1, 2);
    idem_text_table_set(t, 0, 0, "row");
    idem_text_table_set(t, 0, 1, "<script>");
    idem_text_table_set(t, 1, 0, "50 %% | x_1");
    idem_text_table_set_figure(t, 1, 1, &(idem_figure){.mean = 0.5, .error = 0.01, .n = 3, .needs = 1}, 2);
    assert_int_equal(idem_text_table_check(t), 0);
    double x[] = {0, 1, NAN}, y[] = {1, 2, 3};
    const idem_plot_series series = {.label = "a\"b", .kind = IDEM_PLOT_LINE, .x = x, .y = y, .n = 3};
    const idem_plot plot = {.title = "<p>", .x_label = "x", .y_label = "y", .series = &series, .n = 1};
    idem_image im;
    assert_int_equal(idem_image_new(&im, 3, 2), 0);
    idem_html *h = idem_html_new("t<", "one\ntwo");
    idem_html_table(h, t);
    idem_html_plots(h, &plot, 1);
    idem_html_picture(h, &im, NULL, "\"c\"");
    char path[512], *text;
    snprintf(path, sizeof path, "%s/p.html", folder);
    assert_int_equal(idem_html_write(h, path), 0);
    idem_html_free(h);
    size_t size;
    assert_int_equal(idem_file_read(path, 1 << 20, (unsigned char **)&text, &size), 0);
    assert_null(strstr(text, "<script>"));
    assert_null(strstr(text, "nan"));
    static const char *const in[] = {"A &amp; B &lt;i&gt;", "<p>one</p>",       "<p>two</p>",
                                     "0.50 ± 0.01",         "a&quot;b",         "&lt;p&gt;",
                                     "iVBORw0KGgo",         "</body>\n</html>", "prefers-color-scheme:dark"};
    for (size_t i = 0; i < sizeof in / sizeof *in; i++)
        assert_non_null(strstr(text, in[i]));
    free(text);
    char *out = NULL;
    FILE *f = open_memstream(&out, &size);
    idem_text_table_latex(t, f);
    idem_text_table_markdown(t, f);
    fclose(f);
    assert_non_null(strstr(out, "50 \\% | x\\_1 & 0.50 $\\pm$ 0.01 \\\\"));
    assert_non_null(strstr(out, "| 50 % \\| x\\_1 | 0.50 ± 0.01 |"));
    free(out);
    idem_image_free(&im);
    idem_text_table_free(t);
    remove(path);
    remove(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_figure_is_that_of_numpy),  cmocka_unit_test(sets_are_those_of_numpy),
        cmocka_unit_test(codes_lie_where_numpy_has_them), cmocka_unit_test(spreads_pass_over_what_is_no_number),
        cmocka_unit_test(groups_come_from_a_table),       cmocka_unit_test(tables_know_pictures_by_name),
        cmocka_unit_test(bad_tables_are_refused_by_line), cmocka_unit_test(pages_escape_what_stands_in_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
