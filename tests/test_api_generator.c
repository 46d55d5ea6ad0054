/* Generators measured through the public header: novelty and inversion, as the program measures them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "idem.h"
#include "support/program.h"
#include "support/tiny.h"

#define GENERATOR "tests/fixtures/generator-64.safetensors"

static const char *dir;
static char data[512], output[512];

#define RUN(...) program_run(dir, __VA_ARGS__)

typedef struct {
    int told, stop_at, notes;
    char stages[200]; /* what was told, each once in its order */
    uint64_t done, all;
} listener;

static int on_progress(void *user, const char *what, uint64_t done, uint64_t all) {
    listener *l = user;
    assert_true(done <= all);
    if (!strstr(l->stages, what))
        snprintf(l->stages + strlen(l->stages), sizeof l->stages - strlen(l->stages), "%s ", what);
    l->done = done;
    l->all = all;
    return ++l->told == l->stop_at;
}

static void on_note(void *user, const char *line) {
    assert_non_null(strstr(line, "passed over: "));
    ((listener *)user)->notes++;
}

static idem_measure_watch watching(listener *l) {
    return (idem_measure_watch){.user = l, .progress = on_progress, .note = on_note};
}

/* Ten pictures, and one that cannot be read. */
static int set_up(void **state) {
    (void)state;
    if (!tiny_has_models())
        return 0;
    if (!(dir = tiny_folder()))
        return -1;
    snprintf(data, sizeof data, "%s/data", dir);
    snprintf(output, sizeof output, "%s/out", dir);
    return RUN("mkdir $DIR/data && cp samples/identities/*.png samples/attributes/*.png $DIR/data && echo bad > "
               "$DIR/data/0.png");
}

static int tear_down(void **state) {
    (void)state;
    tiny_remove(dir);
    return 0;
}

static void refused(int status, const char *why) {
    assert_int_equal(status, -1);
    if (!strstr(idem_last_error(), why))
        print_message("expected \"%s\", found \"%s\"\n", why, idem_last_error());
    assert_non_null(strstr(idem_last_error(), why));
}

static double number(const char *json, const char *key) {
    json_t *root = json_loads(json, JSON_DECODE_INT_AS_REAL, NULL);
    assert_non_null(root);
    const double x = json_number_value(json_object_get(root, key));
    json_decref(root);
    return x;
}

static void novelty_is_that_of_the_program(void **state) {
    (void)state;
    tiny_need(dir);
    listener l = {0};
    idem_measure_generator_options o;
    idem_measure_generator_options_default(&o);
    assert_true(o.count == 200 && o.truncation == 1 && o.seed == 1 && !o.held_out);
    const uint64_t data_seed = 7;
    o.watch = watching(&l);
    o.generator = GENERATOR;
    o.data = data;
    o.output = output;
    o.count = 5;
    o.held_out = 3;
    o.data_seed = &data_seed;
    o.seed = UINT64_MAX;
    o.threads = 1;
    char *json;
    int unreadable = -1;
    assert_int_equal(idem_measure_generator(&o, &json, &unreadable), 0);
    assert_true(unreadable == 1 && l.notes == 1 && l.done == l.all);
    assert_string_equal(l.stages, "reading measuring ");
    assert_int_equal(number(json, "held_out"), 3);
    assert_non_null(strstr(json, "\"seed\": 18446744073709551615,"));
    program_expect(RUN("$IDEM evaluate-generator -q -g " GENERATOR " -d $DIR/data -o $DIR/again -n 5 --held-out 3 "
                       "--data-seed 7 --seed 18446744073709551615 --threads 1 --json 2>/dev/null"),
                   1);
    const size_t length = strlen(json);
    assert_int_equal(strlen(program_output), length + 1);
    assert_memory_equal(program_output, json, length);
    program_expect(RUN("cmp $DIR/out/report.json $DIR/again/report.json && cmp $DIR/out/nearest.png "
                       "$DIR/again/nearest.png"),
                   0);
    idem_measure_free(json);
    l = (listener){.stop_at = 2};
    assert_int_equal(idem_measure_generator(&o, &json, NULL), -1);
    assert_int_equal(idem_error_kind(), IDEM_ERROR_INTERRUPTED);
    assert_null(json);
}

static void inversion_is_that_of_the_program(void **state) {
    (void)state;
    tiny_need(dir);
    listener l = {0};
    idem_measure_inversion_options o;
    idem_measure_inversion_options_default(&o);
    assert_true(o.count == 200 && o.steps == 200 && o.seed == 1);
    o.watch = watching(&l);
    o.generator = GENERATOR;
    o.pictures = data;
    o.output = output;
    o.steps = 1;
    o.threads = 1;
    char *json;
    int unreadable = -1;
    assert_int_equal(idem_measure_inversion(&o, &json, &unreadable), 0);
    assert_true(unreadable == 1 && l.notes == 1 && l.done == l.all && l.all == number(json, "n"));
    program_expect(RUN("$IDEM evaluate-generator -q -g " GENERATOR " --invert $DIR/data -o $DIR/again --steps 1 "
                       "--threads 1 --json 2>/dev/null"),
                   1);
    static const char *const keys[] = {"n", "size", "psnr", "S", "strangers", "seed", "rate"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_true(number(json, keys[i]) == number(program_output, keys[i]));
    program_expect(RUN("cmp $DIR/out/inverted.png $DIR/again/inverted.png"), 0);
    idem_measure_free(json);
    l = (listener){.stop_at = 1};
    assert_int_equal(idem_measure_inversion(&o, &json, NULL), -1);
    assert_int_equal(idem_error_kind(), IDEM_ERROR_INTERRUPTED);
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    idem_measure_generator_options g = {0};
    refused(idem_measure_generator(&g, NULL, NULL), "idem_measure_generator_options_default");
    idem_measure_generator_options_default(&g);
    refused(idem_measure_generator(&g, NULL, NULL), "generator is NULL, expected a file");
    g.generator = "/nowhere.safetensors";
    refused(idem_measure_generator(&g, NULL, NULL), "data is NULL, expected a folder");
    g.data = "/nowhere";
    refused(idem_measure_generator(&g, NULL, NULL), "output is NULL");
    g.output = "/nowhere/out";
    g.count = 1;
    refused(idem_measure_generator(&g, NULL, NULL), "count is 1");
    g.count = 2;
    g.held_out = 1;
    refused(idem_measure_generator(&g, NULL, NULL), "held_out is 1");
    g.held_out = 0;
    g.truncation = 2;
    refused(idem_measure_generator(&g, NULL, NULL), "truncation is 2");
    g.truncation = 1;
    refused(idem_measure_generator(&g, NULL, NULL), "/nowhere.safetensors");
    idem_measure_inversion_options v = {0};
    refused(idem_measure_inversion(&v, NULL, NULL), "idem_measure_inversion_options_default");
    idem_measure_inversion_options_default(&v);
    v.generator = "/nowhere.safetensors";
    refused(idem_measure_inversion(&v, NULL, NULL), "pictures is NULL");
    v.pictures = data;
    v.output = "/proc/nowhere";
    v.steps = 0;
    refused(idem_measure_inversion(&v, NULL, NULL), "steps is 0");
    v.steps = 1;
    refused(idem_measure_inversion(&v, NULL, NULL), "/proc/nowhere");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(novelty_is_that_of_the_program),
                                       cmocka_unit_test(inversion_is_that_of_the_program),
                                       cmocka_unit_test(wrong_arguments_are_refused)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
