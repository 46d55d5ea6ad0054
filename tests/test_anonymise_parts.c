/* The parts of anonymising that need no network: secrets, persons, hiding, lists of files, boxes by hand, reports. */
#define _GNU_SOURCE
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/status.h"
#include "compose/anonymise_files.h"
#include "compose/anonymise_page.h"
#include "compose/anonymise_report.h"
#include "compose/hand_boxes.h"
#include "compose/project.h"
#include "support/pictures.h"
#include "support/program.h"

/* ---- secrets ---- */

/* Worked out with Python's hmac and hashlib: key bytes 0 .. 31. */
static void derived_secrets_are_hmac_sha256(void **state) {
    (void)state;
    uint8_t key[IDEM_SECRET], out[IDEM_SECRET];
    char hex[2 * IDEM_SECRET + 1];
    for (int i = 0; i < IDEM_SECRET; i++)
        key[i] = (uint8_t)i;
    idem_secret_derive(out, key, "person 1", 8);
    for (int i = 0; i < IDEM_SECRET; i++)
        snprintf(hex + 2 * i, 3, "%02x", out[i]);
    assert_string_equal(hex, "1dceb9e6735f4f7788eae8e7bcabd24c3830825c85f1b9f1f7b011d1a7e513e4");
}

static void secrets_of_the_system_differ(void **state) {
    (void)state;
    uint8_t a[IDEM_SECRET] = {0}, b[IDEM_SECRET] = {0}, none[IDEM_SECRET] = {0};
    assert_int_equal(idem_secret_draw(a, sizeof a), 0);
    assert_int_equal(idem_secret_draw(b, sizeof b), 0);
    assert_true(memcmp(a, b, sizeof a) && memcmp(a, none, sizeof a));
}

/* ---- projects ---- */

static void make_project(idem_project *p) {
    assert_int_equal(idem_project_make(p, "0123456789abcdef"), 0);
    p->persons = 3;
    p->person_width = 4;
    p->surrogate_width = 5;
    p->person_rows = malloc(12 * sizeof(float));
    p->surrogate_rows = malloc(15 * sizeof(float));
    assert_true(p->person_rows && p->surrogate_rows);
    for (int i = 0; i < 12; i++)
        p->person_rows[i] = (float)i / 7;
    for (int i = 0; i < 15; i++)
        p->surrogate_rows[i] = -(float)i / 3;
}

static void projects_come_back_with_their_passphrase_alone(void **state) {
    (void)state;
    char path[300];
    snprintf(path, sizeof path, "%s/study.key", program_folder);
    idem_project p, q;
    make_project(&p);
    assert_int_equal(idem_project_write(&p, path, "open sesame", 11), 0);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(idem_project_read(&q, path, "open sesame", 11), 0);
    assert_memory_equal(q.secret, p.secret, IDEM_SECRET);
    assert_string_equal(q.generator, "0123456789abcdef");
    assert_true(q.persons == 3 && q.person_width == 4 && q.surrogate_width == 5);
    assert_memory_equal(q.person_rows, p.person_rows, 12 * sizeof(float));
    assert_memory_equal(q.surrogate_rows, p.surrogate_rows, 15 * sizeof(float));
    idem_project_free(&q);
    assert_int_equal(idem_project_read(&q, path, "open sesamE", 11), -1);
    assert_non_null(strstr(idem_error(), "passphrase is wrong"));
    assert_int_equal(idem_project_read(&q, path, "open sesame", 10), -1);
    /* Nothing of it can be read in the file, and no byte of it can be changed. */
    unsigned char *bytes;
    size_t size;
    assert_int_equal(idem_file_read(path, 1 << 20, &bytes, &size), 0);
    assert_null(memmem(bytes, size, p.secret, 8));
    assert_null(memmem(bytes, size, p.generator, 8));
    const size_t at[] = {0, 9, 24, 28, 33, 60, size / 2, size - 1};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        bytes[at[i]] ^= 1;
        assert_int_equal(idem_file_write(path, bytes, size), 0);
        assert_int_equal(idem_project_read(&q, path, "open sesame", 11), -1);
        bytes[at[i]] ^= 1;
    }
    assert_int_equal(idem_file_write(path, bytes, size - 1), 0);
    assert_int_equal(idem_project_read(&q, path, "open sesame", 11), -1);
    assert_int_equal(idem_file_write(path, bytes, 20), 0);
    assert_int_equal(idem_project_read(&q, path, "open sesame", 11), -1);
    assert_non_null(strstr(idem_error(), "no project file"));
    /* A cost that would take all memory is refused before it is paid. */
    memset(bytes + 24, 0xff, 8);
    assert_int_equal(idem_file_write(path, bytes, size), 0);
    assert_int_equal(idem_project_read(&q, path, "open sesame", 11), -1);
    assert_non_null(strstr(idem_error(), "damaged"));
    free(bytes);
    idem_project_free(&p);
}

static void damaged_projects_are_refused(void **state) {
    (void)state;
    unsigned char *bytes;
    size_t size;
    idem_project p;
    assert_int_equal(idem_file_read("fuzz/seeds/project/two", 1 << 20, &bytes, &size), 0);
    assert_int_equal(idem_project_parse(&p, bytes, size, "seed"), 0);
    assert_true(p.persons == 2 && p.person_width == 3 && p.surrogate_width == 2);
    idem_project_free(&p);
    for (size_t n = 0; n < size; n++)
        assert_int_equal(idem_project_parse(&p, bytes, n, "cut"), -1);
    for (size_t at = 52; at < 64; at++) { /* counts and widths */
        const unsigned char was = bytes[at];
        bytes[at] = 0xfe;
        assert_int_equal(idem_project_parse(&p, bytes, size, "counts"), -1);
        bytes[at] = was;
    }
    memset(bytes + size - 4, 0xff, 4); /* a number that is none */
    assert_int_equal(idem_project_parse(&p, bytes, size, "nan"), -1);
    free(bytes);
}

/* ---- persons ---- */

enum { DIM = 16 };

/* Vectors of unit length: of a person, with something of their own. */
static void vectors(float *feature, float *judge, uint64_t person, uint64_t picture, double own) {
    idem_rng who = idem_rng_make(person, "person"), what = idem_rng_make(100 * person + picture, "picture");
    float *const to[2] = {feature, judge};
    const int dim[2] = {DIM, IDEM_JUDGE_DIM};
    for (int k = 0; k < 2; k++) {
        double squares = 0;
        for (int i = 0; i < dim[k]; i++) {
            to[k][i] = idem_rng_normal(&who) + (float)(own * (k ? 0.2 : 1)) * idem_rng_normal(&what);
            squares += (double)to[k][i] * (double)to[k][i];
        }
        for (int i = 0; i < dim[k]; i++)
            to[k][i] /= (float)sqrt(squares);
    }
}

static void persons_are_found_again_and_strangers_are_new(void **state) {
    (void)state;
    idem_persons *p = idem_persons_new(DIM);
    assert_non_null(p);
    float feature[DIM], judge[IDEM_JUDGE_DIM];
    for (uint64_t person = 0; person < 5; person++)
        for (uint64_t picture = 0; picture < 4; picture++) {
            vectors(feature, judge, person, picture, 0.5);
            const int found = idem_persons_find(p, feature, judge, NULL, 0);
            assert_int_equal(found, picture ? (int)person : -1);
            assert_int_equal(idem_persons_add(p, found, feature, judge), (int)person);
        }
    /* Two faces of one photograph are of two persons. */
    vectors(feature, judge, 2, 9, 0.5);
    assert_int_equal(idem_persons_find(p, feature, judge, NULL, 0), 2);
    assert_int_equal(idem_persons_find(p, feature, judge, (const int[]){2}, 1), -1);
    /* Both recognisers must agree. */
    float other[IDEM_JUDGE_DIM], unused[DIM];
    vectors(unused, other, 3, 1, 0.5);
    assert_int_equal(idem_persons_find(p, feature, other, NULL, 0), -1);
    assert_int_equal(idem_persons_find_exact(p, feature, other), -1);
    /* Kept and taken back. */
    float *rows = malloc(5 * idem_persons_width(p) * sizeof *rows);
    assert_non_null(rows);
    idem_persons_copy(p, rows);
    idem_persons *q = idem_persons_new(DIM);
    assert_true(q && !idem_persons_take(q, rows, 5));
    assert_int_equal(idem_persons_find(q, feature, judge, NULL, 0), 2);
    free(rows);
    idem_persons_free(q);
    idem_persons_free(p);
}

/* ---- hiding ---- */

static void only_the_region_is_hidden(void **state) {
    (void)state;
    enum { W = 160, H = 120 };
    const idem_region region = {80, 60, 40, 25, 0.4}, keep = {95, 60, 10, 10, 0};
    for (idem_hiding how = IDEM_HIDE_BLUR; how <= IDEM_HIDE_SOLID; how++) {
        idem_image im, was;
        assert_int_equal(idem_image_new(&im, W, H), 0);
        assert_int_equal(idem_image_new(&was, W, H), 0);
        idem_rng rng = idem_rng_make(1, "noise");
        for (int i = 0; i < W * H * 3; i++)
            im.rgb[i] = was.rgb[i] = (uint8_t)idem_rng_below(&rng, 256);
        assert_int_equal(idem_hide(&im, &region, how, &keep, 1), 0);
        double inside = 0, squares = 0, n = 0;
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                const uint8_t *a = im.rgb + 3 * (y * W + x), *b = was.rgb + 3 * (y * W + x);
                if (!idem_region_has(&region, x + 0.5, y + 0.5, 1) || idem_region_has(&keep, x + 0.5, y + 0.5, 1)) {
                    assert_memory_equal(a, b, 3);
                } else {
                    inside += a[0];
                    squares += (double)a[0] * a[0];
                    n++;
                }
            }
        /* Of noise of deviation 74 about 127, only coarse means are left. */
        const double mean = inside / n, deviation = sqrt(squares / n - mean * mean);
        assert_true(n > 2500 && fabs(mean - 127) < 8 && deviation < 8);
        idem_image_free(&im);
        idem_image_free(&was);
    }
    idem_image im;
    assert_int_equal(idem_image_new(&im, W, H), 0);
    assert_int_equal(idem_hide(&im, &(idem_region){NAN, 0, 1, 1, 0}, IDEM_HIDE_SOLID, NULL, 0), -1);
    assert_int_equal(idem_hide(&im, &(idem_region){500, 500, 20, 20, 0}, IDEM_HIDE_BLUR, NULL, 0), 0); /* none of it */
    idem_image_free(&im);
}

/* ---- files ---- */

static void trees_keep_their_structure(void **state) {
    (void)state;
    char path[300], out[300], *inputs[2] = {path, out};
    assert_int_equal(program_run(program_folder, "mkdir -p $DIR/in/a/b $DIR/other/a"), 0);
    picture_black(program_folder, "in/1.png", 8, 8);
    picture_black(program_folder, "in/a/b/2.png", 8, 8);
    picture_black(program_folder, "other/a/2.png", 8, 8);
    idem_anonymise_files files;
    snprintf(path, sizeof path, "%s/in", program_folder);
    snprintf(out, sizeof out, "%s/out", program_folder);
    assert_int_equal(idem_anonymise_files_list(&files, inputs, 1, out, false), 0);
    assert_int_equal(files.n, 2);
    assert_string_equal(files.at[0].name, "1.png");
    assert_string_equal(files.at[1].name, "a/b/2.png");
    idem_anonymise_files_free(&files);
    assert_int_equal(idem_anonymise_files_list(&files, inputs, 1, out, true), 0);
    assert_string_equal(files.at[1].name, "000002.png");
    idem_anonymise_files_free(&files);
    /* Several folders keep their names. */
    char second[300], elsewhere[300];
    snprintf(second, sizeof second, "%s/other/", program_folder);
    snprintf(elsewhere, sizeof elsewhere, "%s/out/deep/er", program_folder);
    inputs[1] = second;
    assert_int_equal(idem_anonymise_files_list(&files, inputs, 2, elsewhere, false), 0);
    assert_int_equal(files.n, 3);
    assert_string_equal(files.at[2].name, "other/a/2.png");
    idem_anonymise_files_free(&files);
}

static void expect_renamed(const idem_anonymise_files *files, size_t i, const char *expected) {
    char *name = idem_anonymise_files_renamed(files, &files->at[i], ".jpg");
    assert_non_null(name);
    assert_string_equal(name, expected);
    free(name);
}

/* A phone leaves a.heic and a.jpg side by side: no result may replace the other. */
static void a_result_in_another_format_has_a_name_of_its_own(void **state) {
    (void)state;
    static const char *const names[] = {"a.heic", "a.heic.jpg", "a.jpg", "b.c.heic", "d/a.heic"};
    char path[300], out[300], *inputs[1] = {path};
    assert_int_equal(program_run(program_folder, "mkdir -p $DIR/renamed/d"), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "renamed/%s", names[i]);
        picture_black(program_folder, path, 8, 8);
    }
    idem_anonymise_files files;
    snprintf(path, sizeof path, "%s/renamed", program_folder);
    snprintf(out, sizeof out, "%s/out", program_folder);
    assert_int_equal(idem_anonymise_files_list(&files, inputs, 1, out, false), 0);
    assert_int_equal(files.n, 5);
    expect_renamed(&files, 0, "a.heic.jpg.jpg");
    expect_renamed(&files, 3, "b.c.jpg");
    expect_renamed(&files, 4, "d/a.jpg");
    files.n = 1; /* without the others */
    expect_renamed(&files, 0, "a.jpg");
    files.n = 5;
    idem_anonymise_files_free(&files);
}

static void outputs_among_the_inputs_are_refused(void **state) {
    (void)state;
    char path[300], out[300], *inputs[1] = {path};
    assert_int_equal(program_run(program_folder, "mkdir -p $DIR/in/a && ln -s in $DIR/link"), 0);
    picture_black(program_folder, "in/1.png", 8, 8);
    idem_anonymise_files files;
    static const char *const places[] = {"in", "in/", "in/new", "in/a", "in/a/x/y", "link", "link/new", "link/../in"};
    snprintf(path, sizeof path, "%s/in", program_folder);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(out, sizeof out, "%s/%s", program_folder, places[i]);
        assert_int_equal(idem_anonymise_files_list(&files, inputs, 1, out, false), -1);
        assert_non_null(strstr(idem_error(), "is in the input"));
        idem_anonymise_files_free(&files);
    }
    snprintf(out, sizeof out, "%s/inside", program_folder); /* begins alike, lies elsewhere */
    assert_int_equal(idem_anonymise_files_list(&files, inputs, 1, out, false), 0);
    idem_anonymise_files_free(&files);
    snprintf(path, sizeof path, "%s/in/1.png", program_folder); /* a file onto itself */
    snprintf(out, sizeof out, "%s/in", program_folder);
    assert_int_equal(idem_anonymise_files_list(&files, inputs, 1, out, false), -1);
    assert_non_null(strstr(idem_error(), "replace the original"));
    idem_anonymise_files_free(&files);
    snprintf(path, sizeof path, "%s/nothing", program_folder);
    assert_int_equal(idem_anonymise_files_list(&files, inputs, 1, out, false), -1);
    idem_anonymise_files_free(&files);
}

/* ---- by hand ---- */

static json_t *parse(const char *text) {
    return idem_hand_boxes_parse(text, strlen(text), "boxes");
}

static void boxes_by_hand_are_read_and_bad_ones_named(void **state) {
    (void)state;
    json_t *all = parse("{\"pictures\": {\"a/b.jpg\": [{\"box\": [1, 2.5, 30, 40], \"do\": \"hide\"},"
                        "{\"box\": [0, 0, 9, 9], \"do\": \"skip\"}], \"c.png\": []}}");
    assert_non_null(all);
    idem_hand_boxes boxes;
    assert_int_equal(idem_hand_boxes_of(&boxes, all, "a/b.jpg"), 0);
    assert_int_equal(boxes.n, 2);
    assert_true(boxes.at[0].wish == IDEM_BY_HAND_HIDE && boxes.at[0].box[1] == 2.5f);
    assert_true(boxes.at[1].wish == IDEM_BY_HAND_SKIP);
    free((void *)(uintptr_t)boxes.at);
    assert_int_equal(idem_hand_boxes_of(&boxes, all, "other.jpg"), 0);
    assert_int_equal(boxes.n, 0);
    json_decref(all);
    static const char *const bad[] = {"",
                                      "[]",
                                      "{}",
                                      "{\"pictures\": []}",
                                      "{\"pictures\": {\"a\": 1}}",
                                      "{\"pictures\": {\"a\": [1]}}",
                                      "{\"pictures\": {\"a\": [{\"box\": [1, 2, 3], \"do\": \"hide\"}]}}",
                                      "{\"pictures\": {\"a\": [{\"box\": [5, 2, 3, 9], \"do\": \"hide\"}]}}",
                                      "{\"pictures\": {\"a\": [{\"box\": [1, 2, 3, 1e300], \"do\": \"hide\"}]}}",
                                      "{\"pictures\": {\"a\": [{\"box\": [1, 2, 3, 9], \"do\": \"burn\"}]}}",
                                      "{\"pictures\": {\"a\": [{\"box\": [1, 2, 3, 9]}]}}",
                                      "{\"pictures\": {}, \"pictures\": {}}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(parse(bad[i]));
        assert_non_null(strstr(idem_error(), "boxes"));
    }
}

static void reports_become_boxes_and_name_what_to_look_at(void **state) {
    (void)state;
    const idem_anonymised_face faces[] = {{.box = {1, 2, 30, 40},
                                           .score = 0.99f,
                                           .sure = true,
                                           .done = IDEM_FACE_RECOMPOSED,
                                           .person = 0,
                                           .feature = 0.1,
                                           .judge = 0.85,
                                           .yaw = 3},
                                          {.box = {50, 2, 80, 40},
                                           .score = 0.9f,
                                           .sure = true,
                                           .done = IDEM_FACE_HIDDEN,
                                           .why = "too small",
                                           .person = -1,
                                           .feature = NAN,
                                           .judge = NAN,
                                           .yaw = NAN},
                                          {.box = {90, 2, 99, 40},
                                           .score = 0.9f,
                                           .sure = true,
                                           .done = IDEM_FACE_EXEMPT,
                                           .person = -1,
                                           .feature = NAN,
                                           .judge = NAN,
                                           .yaw = 1}};
    const idem_rewritten about = {.replaced = 0.1, .largest_outside = 4};
    json_t *pictures = json_array();
    json_array_append_new(pictures, idem_anonymise_picture_json("one.jpg", 100, 50, faces, 1, &about));
    json_array_append_new(pictures, idem_anonymise_picture_json("two.jpg", 100, 50, faces, 2, &about));
    json_array_append_new(pictures, idem_anonymise_picture_json("three.jpg", 100, 50, faces, 3, &about));
    json_array_append_new(pictures, idem_anonymise_picture_json("none.jpg", 100, 50, NULL, 0, NULL));
    json_t *look = idem_anonymise_look_first(pictures), *boxes = idem_hand_boxes_from(pictures);
    assert_true(look && boxes);
    static const char *const order[] = {"three.jpg", "none.jpg", "two.jpg"};
    assert_int_equal(json_array_size(look), 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(json_string_value(json_object_get(json_array_get(look, i), "picture")), order[i]);
    char *text = json_dumps(boxes, 0);
    json_t *again = parse(text);
    assert_non_null(again);
    idem_hand_boxes hand;
    assert_int_equal(idem_hand_boxes_of(&hand, again, "three.jpg"), 0);
    assert_int_equal(hand.n, 3);
    assert_true(hand.at[0].wish == IDEM_BY_HAND_REPLACE && hand.at[1].wish == IDEM_BY_HAND_HIDE &&
                hand.at[2].wish == IDEM_BY_HAND_EXEMPT);
    free((void *)(uintptr_t)hand.at);
    free(text);
    json_decref(again);
    json_decref(boxes);
    json_decref(look);
    json_decref(pictures);
}

static void the_page_has_every_face_and_escapes_names(void **state) {
    (void)state;
    char path[300];
    const idem_anonymised_face face = {.box = {1, 2, 31, 40},
                                       .sure = true,
                                       .done = IDEM_FACE_HIDDEN,
                                       .why = "too small",
                                       .person = -1,
                                       .feature = 0.125,
                                       .judge = 0.85,
                                       .yaw = 3};
    const idem_rewritten about = {.replaced = 0.1, .largest_outside = 4};
    json_t *pictures = json_array();
    json_array_append_new(pictures, idem_anonymise_picture_json("<b>.jpg", 100, 50, &face, 1, &about));
    json_t *report = json_pack("{s:{s:i}, s:o, s:o}", "summary", "pictures", 1, "look_first",
                               idem_anonymise_look_first(pictures), "pictures", pictures);
    assert_non_null(report);
    snprintf(path, sizeof path, "%s/page.html", program_folder);
    assert_int_equal(idem_anonymise_page_write(path, report), 0);
    unsigned char *page;
    size_t size;
    assert_int_equal(idem_file_read(path, 1 << 24, &page, &size), 0);
    assert_non_null(strstr((char *)page, "&lt;b&gt;.jpg"));
    assert_null(strstr((char *)page, "<b>.jpg"));
    assert_non_null(strstr((char *)page, "hidden: too small"));
    assert_non_null(strstr((char *)page, "0.125"));
    free(page);
    json_decref(report);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derived_secrets_are_hmac_sha256),
        cmocka_unit_test(secrets_of_the_system_differ),
        cmocka_unit_test_setup_teardown(projects_come_back_with_their_passphrase_alone, program_enter, program_leave),
        cmocka_unit_test(damaged_projects_are_refused),
        cmocka_unit_test(persons_are_found_again_and_strangers_are_new),
        cmocka_unit_test(only_the_region_is_hidden),
        cmocka_unit_test_setup_teardown(trees_keep_their_structure, program_enter, program_leave),
        cmocka_unit_test_setup_teardown(a_result_in_another_format_has_a_name_of_its_own, program_enter, program_leave),
        cmocka_unit_test_setup_teardown(outputs_among_the_inputs_are_refused, program_enter, program_leave),
        cmocka_unit_test(boxes_by_hand_are_read_and_bad_ones_named),
        cmocka_unit_test_setup_teardown(the_page_has_every_face_and_escapes_names, program_enter, program_leave),
        cmocka_unit_test(reports_become_boxes_and_name_what_to_look_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
