/* Training through the public header: settings, what the watch is told, stopping from the caller's function and from
 * another thread, resuming, measuring; its files are those of the program. On the tiny ensemble. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "idem.h"
#include "support/pictures.h"
#include "support/program.h"
#include "support/tiny.h"

static const char *dir; /* NULL: models are missing, tests of training are skipped */

#define RUN(...) program_run(dir, __VA_ARGS__)

static void expect_error(const char *words, int kind) {
    if (!strstr(idem_last_error(), words))
        print_message("the message is: %s\n", idem_last_error());
    assert_non_null(strstr(idem_last_error(), words));
    assert_int_equal(idem_error_kind(), kind);
}

/* ---- settings ---- */

static void every_recipe_lists_its_settings(void **state) {
    (void)state;
    int recipes = 0;
    for (const char *name; (name = idem_recipe_name(recipes)); recipes++) {
        idem_settings *s = idem_settings_new(name);
        assert_non_null(s);
        const int n = idem_settings_count(s);
        assert_true(n > 5);
        for (int i = 0; i < n; i++) {
            char text[IDEM_SETTING_TEXT], again[IDEM_SETTING_TEXT];
            idem_setting_info info = {.struct_size = sizeof info};
            assert_int_equal(idem_settings_info(s, i, &info), 0);
            assert_true(strlen(info.name) && strlen(info.help) && strlen(info.preset));
            assert_int_equal(idem_settings_get(s, info.name, text), 0);
            assert_true(strtod(text, NULL) == strtod(info.preset, NULL));
            /* What get gives, set takes, and by number too. */
            assert_int_equal(idem_settings_set(s, info.name, text), 0);
            assert_int_equal(idem_settings_set_number(s, info.name, strtod(text, NULL)), 0);
            assert_int_equal(idem_settings_get(s, info.name, again), 0);
            assert_string_equal(text, again);
        }
        idem_setting_info info = {.struct_size = sizeof info};
        assert_int_equal(idem_settings_info(s, n, &info), -1);
        expect_error("there is no setting", IDEM_ERROR_INPUT);
        idem_settings_free(s);
    }
    assert_int_equal(recipes, 3);
    assert_null(idem_recipe_name(-1));
    assert_null(idem_settings_new("other"));
    expect_error("\"other\" is no recipe", IDEM_ERROR_INPUT);
}

static void settings_refuse_what_no_recipe_has(void **state) {
    (void)state;
    char text[IDEM_SETTING_TEXT];
    idem_settings *s = idem_settings_new("paper");
    assert_int_equal(idem_settings_set(s, "no-such", "1"), -1);
    expect_error("has no setting \"no-such\"", IDEM_ERROR_INPUT);
    assert_int_equal(idem_settings_set(s, "batch", "1"), -1);
    expect_error("batch: 1 is outside the accepted range, 2 to 4096", IDEM_ERROR_INPUT);
    assert_int_equal(idem_settings_set(s, "batch", "two"), -1);
    assert_int_equal(idem_settings_set_number(s, "batch", 2.5), -1);
    expect_error("batch: 2.5 is not a whole number", IDEM_ERROR_INPUT);
    assert_int_equal(idem_settings_set_number(s, "rate", NAN), -1);
    assert_int_equal(idem_settings_set_number(s, "seed", -1), -1);
    assert_int_equal(idem_settings_set_number(s, "seed", 1e300), -1);
    assert_int_equal(idem_settings_set_number(s, "mean-bias", 2), -1);
    assert_int_equal(idem_settings_get(s, "batch", text), 0);
    assert_string_equal(text, "6"); /* as it was */
    assert_int_equal(idem_settings_set(s, "seed", "18446744073709551615"), 0);
    assert_int_equal(idem_settings_get(s, "seed", text), 0);
    assert_string_equal(text, "18446744073709551615");
    assert_int_equal(idem_settings_set_number(s, "rate", 0.1), 0);
    assert_int_equal(idem_settings_get(s, "rate", text), 0);
    assert_string_equal(text, "0.1");
    assert_int_equal(idem_settings_count(NULL), -1);
    assert_int_equal(idem_settings_set(NULL, "batch", "2"), -1);
    assert_int_equal(idem_settings_get(s, NULL, text), -1);
    idem_setting_info info = {0};
    assert_int_equal(idem_settings_info(s, 0, &info), -1);
    expect_error("struct_size is 0", IDEM_ERROR_INPUT);
    idem_settings_free(s);
    idem_settings_free(NULL);
}

/* ---- a mapper's training ---- */

typedef struct {
    int started, evaluated, notes, lines;
    int64_t last, all, first; /* iterations */
    int64_t stop_at;          /* the watch says stop behind this one; 0: never */
    int64_t set_at;           /* another thread does; 0: never */
    double loss, id_kept, seconds_left;
    char rate[IDEM_SETTING_TEXT];
    volatile sig_atomic_t stop;
} heard;

static void *set_stop(void *user) {
    ((heard *)user)->stop = 1;
    return NULL;
}

static int on_progress(void *user, const idem_train_progress *p) {
    heard *h = user;
    assert_int_equal(p->struct_size, sizeof *p);
    if (p->phase != IDEM_TRAIN_LEARNING)
        return 0;
    assert_true(p->done == h->last + 1 && p->iteration == p->done);
    h->last = p->done;
    h->all = p->all;
    h->seconds_left = p->seconds_left;
    for (int i = 0; i < p->figures; i++)
        if (!strcmp(p->figure[i].name, "loss"))
            h->loss = p->figure[i].value;
    if (h->set_at == p->done) {
        pthread_t other;
        assert_int_equal(pthread_create(&other, NULL, set_stop, h), 0);
        assert_int_equal(pthread_join(other, NULL), 0);
    }
    return h->stop_at == p->done;
}

static void on_started(void *user, const idem_train_start *s) {
    heard *h = user;
    h->started++;
    h->first = h->last = s->done;
    assert_true(s->activation_mb > 0 && s->state_mb > 0 && s->threads == 1);
    assert_int_equal(s->resumed, s->done > 0);
    assert_int_equal(idem_settings_get(s->settings, "rate", h->rate), 0);
}

static void on_evaluated(void *user, const idem_train_evaluation *e) {
    heard *h = user;
    h->evaluated++;
    for (int i = 0; i < e->figures; i++)
        if (!strcmp(e->figure[i].name, "cos_id_out"))
            h->id_kept = e->figure[i].value;
}

static void on_note(void *user, int kind, const char *text) {
    assert_true(kind == IDEM_TRAIN_NOTE && *text);
    ((heard *)user)->notes++;
}

static void on_line(void *user, const char *json) {
    assert_true(json[0] == '{' && json[strlen(json) - 1] == '}');
    ((heard *)user)->lines++;
}

static idem_train_watch watch_of(heard *h) {
    idem_train_watch w;
    idem_train_watch_default(&w);
    w.user = h;
    w.stop = &h->stop;
    w.progress = on_progress;
    w.started = on_started;
    w.evaluated = on_evaluated;
    w.note = on_note;
    w.line = on_line;
    return w;
}

static idem_settings *tiny_settings(void) {
    static const char *const set[][2] = {
        {"batch", "2"},      {"eval-pairs", "2"}, {"log-every", "1"}, {"eval-every", "4"}, {"checkpoint-every", "4"},
        {"iterations", "5"}, {"rate", "0.001"},   {"seed", "4"}};
    idem_settings *s = idem_settings_new("paper");
    assert_non_null(s);
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        assert_int_equal(idem_settings_set(s, set[i][0], set[i][1]), 0);
    return s;
}

static char run_path[4096], generator[4096], mapper[4096];

static idem_train_mapper_options tiny_options(const char *run, const idem_settings *s, const idem_train_watch *w) {
    idem_train_mapper_options o;
    snprintf(generator, sizeof generator, "%s/generator.safetensors", dir);
    snprintf(mapper, sizeof mapper, "%s/mapper.safetensors", dir);
    snprintf(run_path, sizeof run_path, "%s/%s", dir, run);
    idem_train_mapper_options_default(&o);
    o.generator = generator;
    o.mapper = mapper;
    o.run = run_path;
    o.settings = s;
    o.watch = w;
    o.threads = 1;
    return o;
}

/* Whole, as the program does it; stopped by the caller's function, by another thread, and resumed in between: the same
 * bytes. */
static void a_mapper_is_that_of_the_program(void **state) {
    (void)state;
    tiny_need(dir);
    heard whole = {0}, parts = {.stop_at = 1};
    idem_train_result r = {.struct_size = sizeof r};
    idem_settings *s = tiny_settings();
    idem_train_watch w = watch_of(&whole);
    idem_train_mapper_options o = tiny_options("whole", s, &w);
    assert_int_equal(idem_train_mapper(&o, &r), 0);
    assert_true(whole.started == 1 && whole.first == 0 && whole.last == 5 && whole.all == 5);
    assert_int_equal(whole.evaluated, 3); /* 0, 4, 5 */
    assert_int_equal(whole.lines, 5 + 3);
    assert_true(isfinite(whole.loss) && isfinite(whole.id_kept) && whole.seconds_left == 0);
    assert_true(r.iteration == 5 && r.iterations == 5 && r.seconds >= r.stepping && r.stepping > 0 && r.peak_mb > 0);
    program_expect(RUN("$IDEM train -q -g $DIR/generator.safetensors -m $DIR/mapper.safetensors --threads 1 "
                       "--batch 2 --eval-pairs 2 --log-every 1 --eval-every 4 --checkpoint-every 4 --iterations 5 "
                       "--rate 0.001 --seed 4 -o $DIR/program"),
                   0);
    w = watch_of(&parts);
    o = tiny_options("parts", s, &w);
    o.resume = 1;
    assert_int_equal(idem_train_mapper(&o, &r), -1);
    expect_error("interrupted: checkpoint at iteration 1 saved", IDEM_ERROR_INTERRUPTED);
    assert_int_equal(r.iteration, 1);
    assert_int_equal(parts.stop, 1);
    parts = (heard){.set_at = 3};
    idem_settings *rest = idem_settings_new("paper"); /* nothing set: all is as the run has it */
    o.settings = rest;
    assert_int_equal(idem_train_mapper(&o, &r), -1);
    expect_error("interrupted: checkpoint at iteration 3 saved", IDEM_ERROR_INTERRUPTED);
    assert_string_equal(parts.rate, "0.001");
    parts = (heard){0};
    assert_int_equal(idem_train_mapper(&o, &r), 0);
    assert_true(parts.first == 3 && parts.last == 5 && r.iterations == 2);
    program_expect(RUN("cd $DIR && for r in program parts; do for f in checkpoint-0000000005.safetensors "
                       "mapper.safetensors metrics.jsonl samples/grid-0000000005.png; do cmp whole/$f $r/$f || "
                       "exit 3; done; test -s $r/training.png || exit 4; done"),
                   0);
    /* A setting that may not change is refused when it was set. */
    assert_int_equal(idem_settings_set(rest, "rate", "0.5"), 0);
    assert_int_equal(idem_train_mapper(&o, NULL), -1);
    expect_error("settings.rate is 0.5 but the run has 0.001", IDEM_ERROR_INPUT);
    program_expect(RUN("$IDEM train -g $DIR/generator.safetensors --threads 1 --resume --rate 0.5 -o $DIR/parts"), 1);
    assert_true(program_says("idem: --rate is 0.5 but the run has 0.001"));
    o.resume = 0;
    assert_int_equal(idem_train_mapper(&o, NULL), -1);
    expect_error("continue that run with options.resume", IDEM_ERROR_INPUT);
    program_expect(RUN("$IDEM train -g $DIR/generator.safetensors -o $DIR/parts"), 1);
    assert_true(program_says("continue that run with --resume\n"));
    char png[4200];
    snprintf(png, sizeof png, "%s/curves.png", dir);
    assert_int_equal(idem_draw_training(run_path, png), 0);
    assert_int_equal(access(png, R_OK), 0);
    assert_int_equal(idem_draw_training(dir, png), -1);
    assert_int_equal(idem_draw_training(NULL, png), -1);
    idem_settings_free(rest);
    idem_settings_free(s);
}

static void measuring_writes_nothing(void **state) {
    (void)state;
    tiny_need(dir);
    heard h = {0};
    idem_train_result r = {.struct_size = sizeof r};
    idem_settings *s = tiny_settings();
    const idem_train_watch w = watch_of(&h);
    idem_train_mapper_options o = tiny_options("measured", s, &w);
    o.measure = 1;
    assert_int_equal(idem_train_mapper(&o, &r), 0);
    assert_true(r.iterations == 12 && r.stepping > 0 && r.activation_mb > 0 && r.state_mb > 0);
    assert_true(access(run_path, F_OK) && h.started == 1 && h.lines == 0);
    idem_settings_free(s);
}

static void what_is_missing_is_named(void **state) {
    (void)state;
    idem_train_mapper_options o;
    assert_int_equal(idem_train_mapper(NULL, NULL), -1);
    memset(&o, 0, sizeof o);
    assert_int_equal(idem_train_mapper(&o, NULL), -1);
    expect_error("idem_train_mapper_options_default", IDEM_ERROR_INPUT);
    idem_train_mapper_options_default(&o);
    assert_int_equal(idem_train_mapper(&o, NULL), -1);
    expect_error("no generator", IDEM_ERROR_INPUT);
    o.generator = "absent.safetensors";
    assert_int_equal(idem_train_mapper(&o, NULL), -1);
    expect_error("no folder", IDEM_ERROR_INPUT);
    o.run = "absent-run";
    idem_settings *s = idem_settings_new("generator");
    o.settings = s;
    assert_int_equal(idem_train_mapper(&o, NULL), -1);
    expect_error("the settings are of the recipe \"generator\", expected \"paper\"", IDEM_ERROR_INPUT);
    o.settings = NULL;
    idem_train_result r = {.struct_size = 1};
    assert_int_equal(idem_train_mapper(&o, &r), -1);
    expect_error("struct_size of the result is 1", IDEM_ERROR_INPUT);
    idem_train_watch w = {0};
    o.watch = &w;
    assert_int_equal(idem_train_mapper(&o, NULL), -1);
    expect_error("idem_train_watch_default", IDEM_ERROR_INPUT);
    o.watch = NULL;
    assert_int_equal(idem_train_mapper(&o, NULL), -1);
    expect_error("absent.safetensors", IDEM_ERROR_INPUT);
    idem_train_summary_options u;
    idem_train_summary_options_default(&u);
    u.generator = "absent.safetensors";
    assert_int_equal(idem_train_summary(&u, NULL), -1);
    expect_error("options.data", IDEM_ERROR_INPUT);
    idem_train_generator_options g;
    idem_train_generator_options_default(&g);
    g.run = "absent-run";
    assert_int_equal(idem_train_generator(&g, NULL), -1);
    expect_error("options.data", IDEM_ERROR_INPUT);
    assert_int_not_equal(access("absent-run", F_OK), 0);
    idem_settings_free(s);
}

/* ---- the others ---- */

static void a_summary_is_that_of_the_program(void **state) {
    (void)state;
    tiny_need(dir);
    idem_settings *s = idem_settings_new("summary");
    assert_int_equal(idem_settings_set(s, "batch", "2") | idem_settings_set(s, "iterations", "2") |
                         idem_settings_set(s, "crop", "64") | idem_settings_set_number(s, "log-every", 1),
                     0);
    heard h = {0};
    idem_train_watch w = watch_of(&h);
    char path[4096];
    snprintf(path, sizeof path, "%s/generator.safetensors", dir);
    snprintf(run_path, sizeof run_path, "%s/summary", dir);
    idem_train_summary_options o;
    idem_train_summary_options_default(&o);
    o.generator = path;
    o.data = "samples/identities";
    o.run = run_path;
    o.threads = 1;
    o.settings = s;
    o.watch = &w;
    idem_train_result r = {.struct_size = sizeof r};
    assert_int_equal(idem_train_summary(&o, &r), 0);
    assert_true(h.started == 1 && h.last == 2 && h.lines == 2 && r.iterations == 2 && isfinite(h.loss));
    program_expect(RUN("$IDEM train --recipe summary -q -g $DIR/generator.safetensors -d samples/identities "
                       "--threads 1 --batch 2 --iterations 2 --crop 64 --log-every 1 -o $DIR/program-summary && "
                       "cd $DIR && for f in checkpoint-0000000002.safetensors mapper.safetensors metrics.jsonl; do "
                       "cmp summary/$f program-summary/$f || exit 3; done"),
                   0);
    idem_settings_free(s);
}

static int count_shown(void *user, const idem_train_progress *p) {
    heard *h = user;
    if (p->phase == IDEM_TRAIN_READING)
        h->notes++;
    if (p->phase == IDEM_TRAIN_LEARNING)
        h->last = p->done;
    return 0;
}

static void a_generator_is_that_of_the_program(void **state) {
    (void)state;
    tiny_need(dir);
    static const char *const set[][2] = {{"size", "16"},     {"pictures", "8"}, {"batch", "4"},         {"width", "64"},
                                         {"width-max", "8"}, {"d-width", "64"}, {"d-width-max", "8"},   {"z", "8"},
                                         {"w", "8"},         {"features", "0"}, {"mapping-layers", "1"}};
    idem_settings *s = idem_settings_new("generator");
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        assert_int_equal(idem_settings_set(s, set[i][0], set[i][1]), 0);
    heard h = {0};
    idem_train_watch w;
    idem_train_watch_default(&w);
    w.user = &h;
    w.progress = count_shown;
    snprintf(run_path, sizeof run_path, "%s/made", dir);
    idem_train_generator_options o;
    idem_train_generator_options_default(&o);
    o.data = "samples/identities";
    o.run = run_path;
    o.threads = 1;
    o.settings = s;
    o.watch = &w;
    idem_train_result r = {.struct_size = sizeof r};
    assert_int_equal(idem_train_generator(&o, &r), 0);
    assert_true(h.last == 8 && h.notes > 0 && r.iterations == 2 && r.iteration == 2);
    program_expect(RUN("$IDEM train-generator -q -d samples/identities --threads 1 --size 16 --pictures 8 --batch 4 "
                       "--width 64 --width-max 8 --d-width 64 --d-width-max 8 --z 8 --w 8 --features 0 "
                       "--mapping-layers 1 -o $DIR/program-made && cd $DIR && for f in "
                       "checkpoint-0000000002.safetensors generator.safetensors metrics.jsonl; do cmp made/$f "
                       "program-made/$f || exit 3; done"),
                   0);
    idem_settings_free(s);
}

static void the_example_trains_and_goes_on(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(tiny_write_framed(tiny_path(dir, "generator.safetensors"), tiny_path(dir, "framed.safetensors")),
                     0);
    program_expect(RUN("${IDEM%%/*}/examples/example_train --settings | grep -q '^weight-id  *1 '"), 0);
    program_expect(RUN("${IDEM%%/*}/examples/example_train"), 2);
    program_expect(RUN("export OMP_NUM_THREADS=1; train() { ${IDEM%%/*}/examples/example_train "
                       "$DIR/framed.safetensors $DIR/example batch=2 eval-pairs=2 mean-bias \"$@\"; } && "
                       "train iterations=1 | grep -q '^iteration 1: id_kept' && train iterations=2 | "
                       "grep -q '^iteration 2: id_kept' && ls $DIR/example/checkpoint-0000000002.safetensors"),
                   0);
    program_expect(RUN("${IDEM%%/*}/examples/example_train $DIR/generator.safetensors $DIR/other batch=1"), 1);
    assert_true(program_says("batch: 1 is outside"));
}

static int make(void **state) {
    (void)state;
    return tiny_make(&dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_recipe_lists_its_settings),    cmocka_unit_test(settings_refuse_what_no_recipe_has),
        cmocka_unit_test(what_is_missing_is_named),           cmocka_unit_test(a_mapper_is_that_of_the_program),
        cmocka_unit_test(measuring_writes_nothing),           cmocka_unit_test(a_summary_is_that_of_the_program),
        cmocka_unit_test(a_generator_is_that_of_the_program), cmocka_unit_test(the_example_trains_and_goes_on),
    };
    return cmocka_run_group_tests(tests, make, tiny_leave);
}
