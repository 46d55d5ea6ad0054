/* Measuring through the public header: arguments, results, stopping, and that the program says the same. The report is
 * tests/test_study.c's. */
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
#include "support/photographs.h"
#include "support/program.h"
#include "support/tiny.h"

static const char *dir; /* NULL: models are missing */
static char generator[512], mapper[512];

#define RUN(...) program_run(dir, __VA_ARGS__)

typedef struct {
    int told, stop_at, notes;
    uint64_t done, all;
} listener;

static int on_progress(void *user, const char *what, uint64_t done, uint64_t all) {
    listener *l = user;
    assert_non_null(what);
    assert_true(done <= all && (!l->told || done >= l->done));
    l->done = done;
    l->all = all;
    return ++l->told == l->stop_at;
}

static void on_note(void *user, const char *line) {
    assert_non_null(strstr(line, "passed over"));
    ((listener *)user)->notes++;
}

static idem_measure_watch watching(listener *l) {
    return (idem_measure_watch){.user = l, .progress = on_progress, .note = on_note};
}

static int set_up(void **state) {
    (void)state;
    if (tiny_make(&dir))
        return -1;
    if (dir) {
        snprintf(generator, sizeof generator, "%s/generator.safetensors", dir);
        snprintf(mapper, sizeof mapper, "%s/mapper.safetensors", dir);
    }
    return 0;
}

static void refused(int status, const char *why) {
    assert_int_equal(status, -1);
    if (!strstr(idem_last_error(), why))
        print_message("expected \"%s\", found \"%s\"\n", why, idem_last_error());
    assert_non_null(strstr(idem_last_error(), why));
    assert_int_equal(idem_error_kind(), IDEM_ERROR_INPUT);
}

/* But for times and memory. */
static void same_but_times(const char *a, const char *b) {
    static const char *const times[] = {"pictures_per_second", "seconds", "peak_rss_mb"};
    json_t *x = json_loads(a, 0, NULL), *y = json_loads(b, 0, NULL);
    assert_true(json_is_object(x) && json_is_object(y));
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        json_object_del(x, times[i]);
        json_object_del(y, times[i]);
    }
    assert_true(json_equal(x, y));
    json_decref(x);
    json_decref(y);
}

/* ---- a mapper ---- */

static void mappers_are_measured_as_the_program_does(void **state) {
    (void)state;
    tiny_need(dir);
    listener l = {0};
    idem_measure_mapper_options o;
    idem_measure_mapper_options_default(&o);
    assert_true(o.pairs == 300 && o.baseline_pairs == 100 && o.seed == 1 && o.refine == -1 && o.truncation < 0);
    o.watch = watching(&l);
    o.generator = generator;
    o.mapper = mapper;
    o.pairs = 3;
    o.baselines = 1;
    o.baseline_pairs = 2;
    o.batch = 2;
    o.threads = 1;
    o.seed = 5;
    char *json;
    assert_int_equal(idem_measure_mapper(&o, &json), 0);
    assert_true(l.done == l.all && l.told >= 6);
    program_expect(
        RUN("$IDEM evaluate -q -g $DIR/generator.safetensors -m $DIR/mapper.safetensors --threads 1 --pairs 3 "
            "--baselines --baseline-pairs 2 --batch 2 --seed 5 --json"),
        0);
    same_but_times(json, program_output);
    idem_measure_free(json);
    l = (listener){.stop_at = 2};
    assert_int_equal(idem_measure_mapper(&o, &json), -1);
    assert_int_equal(idem_error_kind(), IDEM_ERROR_INTERRUPTED);
    assert_null(json);
}

static void what_cannot_be_measured_is_refused(void **state) {
    (void)state;
    idem_measure_mapper_options o = {0};
    refused(idem_measure_mapper(NULL, NULL), "options have 0 bytes");
    refused(idem_measure_mapper(&o, NULL), "idem_measure_mapper_options_default");
    idem_measure_mapper_options_default(&o);
    refused(idem_measure_mapper(&o, NULL), "generator is NULL");
    o.generator = o.mapper = "/nowhere.safetensors";
    o.pairs = 1;
    refused(idem_measure_mapper(&o, NULL), "pairs is 1");
    o.pairs = 3;
    o.identity = "a";
    refused(idem_measure_mapper(&o, NULL), "go together");
    o.attributes = "b";
    o.photographs = "c";
    refused(idem_measure_mapper(&o, NULL), "photographs go without");
    o.photographs = NULL;
    o.sheet = "s.png";
    refused(idem_measure_mapper(&o, NULL), "sheet is set without");
    o.sheet = NULL;
    o.refine = 2000;
    refused(idem_measure_mapper(&o, NULL), "refine is 2000");
    o.refine = 0;
    o.batch = 300;
    refused(idem_measure_mapper(&o, NULL), "batch is 300");
    o.batch = 0;
    refused(idem_measure_mapper(&o, NULL), "/nowhere.safetensors");
}

/* ---- distances ---- */

static void distances_are_those_of_the_program(void **state) {
    (void)state;
    tiny_need(dir);
    char a[512], b[512], *json;
    program_expect(RUN("mkdir -p $DIR/some && cp '%s'/samples/identities/*.png $DIR/some && echo bad > $DIR/some/9.png",
                       IDEM_SOURCE_DIR),
                   0);
    snprintf(a, sizeof a, "%s/some", dir);
    snprintf(b, sizeof b, "%s/samples/attributes", IDEM_SOURCE_DIR);
    listener l = {0};
    idem_measure_distance_options o;
    idem_measure_distance_options_default(&o);
    o.watch = watching(&l);
    o.a = a;
    o.b = b;
    o.size = 64;
    o.threads = 1;
    o.spectrum = 1;
    assert_int_equal(idem_measure_distance(&o, &json), 0);
    assert_int_equal(l.notes, 1);
    program_expect(RUN("$IDEM distance -q $DIR/some '%s' --at 64 --threads 1 --spectrum --json 2>/dev/null", b), 1);
    same_but_times(json, program_output);
    json_t *root = json_loads(json, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(root, "unreadable")), 1);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(root, "a"), "n")), 6);
    assert_true(json_array_size(json_object_get(root, "bands")) > 3);
    json_decref(root);
    idem_measure_free(json);
    l = (listener){.stop_at = 1};
    assert_int_equal(idem_measure_distance(&o, &json), -1);
    assert_int_equal(idem_error_kind(), IDEM_ERROR_INTERRUPTED);
}

static void distances_want_two_sets(void **state) {
    (void)state;
    idem_measure_distance_options o = {0};
    refused(idem_measure_distance(&o, NULL), "idem_measure_distance_options_default");
    idem_measure_distance_options_default(&o);
    refused(idem_measure_distance(&o, NULL), "a is NULL");
    o.a = o.b = "/nowhere";
    o.count = 3;
    refused(idem_measure_distance(&o, NULL), "count is 3");
    o.count = 4;
    o.truncation = 2;
    refused(idem_measure_distance(&o, NULL), "truncation is 2");
    o.truncation = 1;
    o.size = -1;
    refused(idem_measure_distance(&o, NULL), "size is -1");
    o.size = 0;
    o.threads = -1;
    refused(idem_measure_distance(&o, NULL), "threads is -1");
    o.threads = 0;
    refused(idem_measure_distance(&o, NULL), "/nowhere");
}

/* ---- pairs of photographs ---- */

static void pairs_are_judged_as_the_program_does(void **state) {
    (void)state;
    tiny_need(dir);
    char a[512], b[512], *json;
    snprintf(a, sizeof a, "%s/samples/identities/1.png", IDEM_SOURCE_DIR);
    snprintf(b, sizeof b, "%s/samples/identities/2.png", IDEM_SOURCE_DIR);
    idem_measure_pair_options o;
    idem_measure_pair_options_default(&o);
    o.threads = 1;
    assert_int_equal(idem_measure_pair(&o, a, b, &json), 0);
    program_expect(RUN("$IDEM verify --json --threads 1 '%s' '%s'", a, b), 0);
    same_but_times(json, program_output);
    idem_measure_free(json);
    o.face_a = 7; /* of a photograph with one face the number does not matter */
    assert_int_equal(idem_measure_pair(&o, a, a, &json), 0);
    assert_non_null(strstr(json, "\"verdict\": \"same\""));
    idem_measure_free(json);
    o.face_a = 0;
    refused(idem_measure_pair(&o, a, "/nowhere.png", &json), "/nowhere.png");
    assert_null(json);
    char list[512];
    program_file(dir, "list", "1.png 1.png 1\n2.png 2.png 1\n1.png 2.png 0\n2.png 1.png 0\n3.png gone.png 0\n", false);
    snprintf(list, sizeof list, "%s/list", dir);
    snprintf(b, sizeof b, "%s/samples/identities", IDEM_SOURCE_DIR);
    listener l = {0};
    o.watch = watching(&l);
    assert_int_equal(idem_measure_pair_list(&o, list, b, &json), 0);
    assert_true(l.notes == 1 && l.done == l.all && l.all == 4);
    json_t *root = json_loads(json, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(root, "pairs")), 4);
    assert_int_equal(json_integer_value(json_object_get(root, "unreadable")), 1);
    json_decref(root);
    idem_measure_free(json);
    l = (listener){.stop_at = 1};
    assert_int_equal(idem_measure_pair_list(&o, list, b, &json), -1);
    assert_int_equal(idem_error_kind(), IDEM_ERROR_INTERRUPTED);
}

static void pairs_want_two_photographs(void **state) {
    (void)state;
    idem_measure_pair_options o = {0};
    refused(idem_measure_pair(&o, "a", "b", NULL), "idem_measure_pair_options_default");
    idem_measure_pair_options_default(&o);
    refused(idem_measure_pair(&o, "a", NULL, NULL), "b is NULL");
    refused(idem_measure_pair_list(&o, NULL, NULL, NULL), "list is NULL");
    refused(idem_measure_pair_list(&o, "/nowhere", NULL, NULL), "/nowhere");
    o.face_b = 2;
    refused(idem_measure_pair_list(&o, "x", NULL, NULL), "face_a and face_b differ");
    o.face_b = -3;
    refused(idem_measure_pair(&o, "a", "b", NULL), "face_b is -3");
}

/* ---- anonymity ---- */

static void anonymity_is_measured_as_the_program_does(void **state) {
    (void)state;
    tiny_need(dir);
    char before[512], after[512], *json;
    program_expect(
        RUN("mkdir -p $DIR/before $DIR/after && cd '%s/samples/identities' && for i in 1 2 3 4; do cp $i.png "
            "$DIR/before/p$((i %% 2))_$i.png; cp $((5 - i)).png $DIR/after/p$((i %% 2))_$i.png; done && cp "
            "1.png $DIR/before/p0_9.png && echo bad > $DIR/before/p1_8.png && cp 1.png $DIR/after/p1_8.png",
            IDEM_SOURCE_DIR),
        0);
    snprintf(before, sizeof before, "%s/before", dir);
    snprintf(after, sizeof after, "%s/after", dir);
    listener l = {0};
    idem_measure_anonymity_options o;
    idem_measure_anonymity_options_default(&o);
    assert_true(o.train_pairs == 2000 && o.seed == 1);
    o.watch = watching(&l);
    o.originals = before;
    o.anonymised = after;
    o.threads = 1;
    o.seed = 4;
    assert_int_equal(idem_measure_anonymity(&o, &json), 0);
    assert_true(l.notes == 1 && l.done == l.all && l.all == 5);
    program_expect(RUN("$IDEM measure-anonymity -q $DIR/before $DIR/after --threads 1 --seed 4 --json 2>/dev/null"), 1);
    same_but_times(json, program_output);
    json_t *root = json_loads(json, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(root, "pictures")), 4);
    assert_int_equal(json_integer_value(json_object_get(root, "unreadable")), 1);
    json_decref(root);
    idem_measure_free(json);
    l = (listener){.stop_at = 2};
    assert_int_equal(idem_measure_anonymity(&o, &json), -1);
    assert_int_equal(idem_error_kind(), IDEM_ERROR_INTERRUPTED);
    assert_null(json);
}

static void anonymity_wants_two_folders(void **state) {
    (void)state;
    idem_measure_anonymity_options o = {0};
    refused(idem_measure_anonymity(&o, NULL), "idem_measure_anonymity_options_default");
    idem_measure_anonymity_options_default(&o);
    refused(idem_measure_anonymity(&o, NULL), "originals is NULL");
    o.originals = "/nowhere";
    refused(idem_measure_anonymity(&o, NULL), "anonymised is NULL");
    o.anonymised = "/nowhere";
    o.train_originals = "a";
    refused(idem_measure_anonymity(&o, NULL), "go together");
    o.train_originals = NULL;
    o.train_pairs = 19;
    refused(idem_measure_anonymity(&o, NULL), "train_pairs is 19");
    o.train_pairs = 20;
    refused(idem_measure_anonymity(&o, NULL), "/nowhere");
    o.groups = "/nowhere.csv";
    refused(idem_measure_anonymity(&o, NULL), "/nowhere.csv");
}

/* ---- clips ---- */

/* Two clips as folders of pictures: the second is the first with another face in its last frame. */
static void clips_are_compared(void **state) {
    (void)state;
    tiny_need(dir);
    photograph_need_models();
    idem_options o;
    idem_options_default(&o);
    o.generator = NULL; /* nothing is painted */
    o.models = photograph_models();
    idem_context *c = idem_open(&o);
    if (!c)
        fail_msg("%s", idem_last_error());
    assert_int_equal(RUN("mkdir $DIR/clip $DIR/clip2"), 0);
    photograph_save(dir, "clip/0001.png", "attributes/a.png", 200);
    photograph_save(dir, "clip2/0003.png", "attributes/d.png", 200);
    assert_int_equal(RUN("cd $DIR/clip && cp 0001.png 0002.png && cp 0001.png 0003.png && cp 000[12].png ../clip2"), 0);
    char source[512], result[512];
    snprintf(source, sizeof source, "%s/clip", dir);
    snprintf(result, sizeof result, "%s/clip2", dir);
    idem_video_measure m = {.struct_size = sizeof m};
    assert_int_equal(idem_measure_video(c, source, source, NULL, NULL, &m), 0);
    assert_true(m.frames_source == 3 && m.frames == 3 && m.faces == 3 && m.missed == 3 && m.first_missed == 0);
    assert_true(m.stamps == 0 && m.same_size && m.outside == 0 && m.feature.left > 0.99);
    assert_int_equal(idem_measure_video(c, source, result, NULL, NULL, &m), 0);
    assert_true(m.missed == 2 && m.first_missed == 0 && m.feature.left < 0.9);
    snprintf(result, sizeof result, "%s/none", dir);
    assert_int_equal(idem_measure_video(c, source, result, NULL, NULL, &m), -1);
    m.struct_size = 3;
    assert_int_equal(idem_measure_video(c, source, source, NULL, NULL, &m), -1);
    idem_close(c);
    /* examples/video.c makes what the program does. */
    program_expect(RUN("cd $DIR && export IDEM_MODELS='%s' OMP_NUM_THREADS=1 && who='" IDEM_SOURCE_DIR
                       "/samples/identities/1.png' && ${IDEM%%/*}/examples/example_video \"$who\" clip new && "
                       "$IDEM video -q --face all --identity \"$who\" clip -o new2 && diff -r new new2 && "
                       "! cmp -s clip/0001.png new/0001.png",
                       photograph_models()),
                   0);
    program_expect(RUN("${IDEM%%/*}/examples/example_video"), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mappers_are_measured_as_the_program_does),
        cmocka_unit_test(what_cannot_be_measured_is_refused),
        cmocka_unit_test(distances_are_those_of_the_program),
        cmocka_unit_test(distances_want_two_sets),
        cmocka_unit_test(pairs_are_judged_as_the_program_does),
        cmocka_unit_test(pairs_want_two_photographs),
        cmocka_unit_test(anonymity_is_measured_as_the_program_does),
        cmocka_unit_test(anonymity_wants_two_folders),
        cmocka_unit_test(clips_are_compared),
    };
    return cmocka_run_group_tests(tests, set_up, tiny_leave);
}
