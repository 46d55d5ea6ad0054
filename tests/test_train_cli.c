/* idem sample and idem train from outside: files, exit codes, interruption, a full disk. On the tiny ensemble where
 * possible. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/file.h"
#include "format/weights.h"
#include "model/pipe.h"
#include "media/image.h"
#include "support/origin.h"
#include "support/xmp.h"
#include "support/program.h"
#include "support/tiny.h"

enum { ROWS = 10 /* of ws at 64 px */ };

static const char *dir; /* holds the tiny ensemble */
static bool has_models;

#define RUN(...) program_run(dir, __VA_ARGS__)

/* Options that every training of the tiny ensemble shares. */
#define TINY                                                                                                           \
    "-g $DIR/generator.safetensors -m $DIR/mapper.safetensors --threads 1 --batch 2 --eval-pairs 2 --log-every 1 "

/* One line "idem: ...": what a failure looks like. */
static void expect_one_line(const char *text) {
    assert_true(program_says(text));
    assert_int_equal(strncmp(program_output, "idem: ", 6), 0);
    assert_ptr_equal(strchr(program_output, '\n'), program_output + strlen(program_output) - 1);
}

/* The JSON document that the last run printed. */
static json_t *document(void) {
    const char *start = strchr(program_output, '{');
    json_t *root = start ? json_loads(start, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
    if (!root)
        print_message("the program said:\n%s\n", program_output);
    assert_non_null(root);
    return root;
}

static double number(const json_t *root, const char *key) {
    const json_t *v = json_object_get(root, key);
    if (!json_is_number(v))
        print_message("no number \"%s\" in:\n%s\n", key, program_output);
    assert_true(json_is_number(v));
    return json_number_value(v);
}

static const char *in_dir(const char *name) {
    return tiny_path(dir, name);
}

static bool exists(const char *name) {
    return idem_path_exists(in_dir(name));
}

static void expect_same(const char *a, const char *b) {
    unsigned char *x, *y;
    size_t n, m;
    assert_int_equal(idem_file_read(in_dir(a), SIZE_MAX, &x, &n), 0);
    assert_int_equal(idem_file_read(in_dir(b), SIZE_MAX, &y, &m), 0);
    assert_int_equal(n, m);
    assert_memory_equal(x, y, n);
    free(x);
    free(y);
}

static bool skipped(void) {
    if (!has_models)
        skip();
    return !has_models;
}

/* ---- sample ---- */

/* ws of item i of a sampled folder; free it. */
static float *ws_of(const char *folder, int i, int *width) {
    char name[200];
    idem_shape shape;
    float *ws;
    snprintf(name, sizeof name, "%s/dataset_64/ws/00000/%05d.npy", folder, i);
    assert_int_equal(idem_npy_load(in_dir(name), &shape, &ws), 0);
    assert_int_equal(shape.rank, 2);
    assert_int_equal(shape.d[0], ROWS);
    *width = (int)shape.d[1];
    return ws;
}

static void expect_text(const char *png, const char *key, const char *value) {
    char text[64];
    assert_int_equal(idem_png_text(png, key, text, sizeof text), 0);
    assert_string_equal(text, value);
}

static void sample_writes_the_published_layout(void **state) {
    (void)state;
    program_expect(
        RUN("$IDEM sample -g $DIR/generator.safetensors -o $DIR/s -n 3 -b 2 --seed 7 -t 0.9 --threads 1 --json "
            "--quiet --sheet $DIR/sheet.png"),
        0);
    json_t *said = document();
    assert_int_equal(number(said, "count"), 3);
    assert_int_equal(number(said, "made"), 3);
    json_decref(said);
    assert_true(exists("sheet.png"));
    idem_model *m = idem_model_open(in_dir("generator.safetensors"));
    assert_non_null(m);
    idem_pipe *p = idem_pipe_new(m, IDEM_PIPE_LAYERS, 1, 1, &(idem_plan_options){.threads = 1});
    assert_non_null(p);
    float *y = malloc(idem_pipe_out_size(p, 0) * sizeof *y);
    for (int i = 0; i < 3; i++) {
        char name[200], index[8];
        snprintf(name, sizeof name, "s/dataset_64/images/00000/%05d.png", i);
        snprintf(index, sizeof index, "%d", i);
        const char *png = in_dir(name);
        expect_text(png, "Software", "idem");
        expect_text(png, "seed", "7");
        expect_text(png, "index", index);
        expect_text(png, "truncation", "0.9");
        expect_text(png, "synthetic", "true");
        expect_text(png, "generator", idem_model_about(m)->hash);
        idem_image im;
        assert_int_equal(idem_image_load(&im, png), 0);
        assert_true(im.width == 64 && im.height == 64);
        int width;
        float *ws = ws_of("s", i, &width);
        assert_int_equal(width, idem_model_about(m)->w_dim);
        /* The code is that of the picture. */
        assert_int_equal(idem_pipe_run(p, 1, (const float *const[]){ws}, (float *const[]){y}), 0);
        for (int k = 0; k < 64 * 64 * 3; k++)
            assert_true(fabsf(fminf(fmaxf(y[k], 0), 1) * 255 - (float)im.rgb[k]) < 0.51f);
        for (int k = 0; k < ROWS * width; k++)
            assert_true(ws[k] == ws[k % width]);
        free(ws);
        idem_image_free(&im);
    }
    free(y);
    idem_pipe_free(p);
    idem_model_free(m);
    /* float32, C order */
    unsigned char *npy;
    size_t size;
    assert_int_equal(idem_file_read(in_dir("s/dataset_64/ws/00000/00002.npy"), 1 << 20, &npy, &size), 0);
    assert_non_null(memmem(npy, size, "'<f4'", 5));
    assert_non_null(memmem(npy, size, "'fortran_order': False", 22));
    free(npy);
}

static void sample_repeats_only_what_is_missing(void **state) {
    (void)state;
    program_expect(
        RUN("cp -r $DIR/s $DIR/s2; rm $DIR/s2/dataset_64/images/00000/00001.png $DIR/s2/dataset_64/ws/00000/00002.npy"),
        0);
    program_expect(
        RUN("$IDEM sample -g $DIR/generator.safetensors -o $DIR/s2 -n 3 -b 2 --seed 7 -t 0.9 --threads 1 --json -q"),
        0);
    json_t *said = document();
    assert_int_equal(number(said, "made"), 2);
    json_decref(said);
    program_expect(RUN("diff -r $DIR/s $DIR/s2"), 0);
    program_expect(
        RUN("$IDEM sample -g $DIR/generator.safetensors -o $DIR/s2 -n 3 --seed 7 -t 0.9 --threads 1 --json -q"), 0);
    said = document();
    assert_int_equal(number(said, "made"), 0);
    json_decref(said);
    /* A folder holds one sample, not a mixture. */
    program_expect(RUN("$IDEM sample -g $DIR/generator.safetensors -o $DIR/s2 -n 3 --seed 8 -t 0.9 -q"), 1);
    assert_true(program_says("other options"));
    program_expect(RUN("diff -r $DIR/s $DIR/s2"), 0);
}

static void sample_survives_ctrl_c(void **state) {
    (void)state;
    program_expect(
        program_interrupt(dir, "long/dataset_64/images/00000/00002.png",
                          "exec $IDEM sample -g $DIR/generator.safetensors -o $DIR/long -n 900000 -b 2 --seed 7 "
                          "-t 0.9 --threads 1 -q 2>/dev/null"),
        130);
    program_expect(
        RUN("for f in $DIR/long/dataset_64/images/*/*.png; do w=${f%%.png}.npy; test -e $DIR/long/dataset_64/ws/"
            "00000/${w##*/} || exit 3; done; ls -a $DIR/long/dataset_64/*/00000 | grep part; test $? = 1"),
        0);
    program_expect(RUN("cd $DIR/long/dataset_64 && for i in 0 1 2; do cmp images/00000/0000$i.png "
                       "$DIR/s/dataset_64/images/00000/0000$i.png || exit 3; done"),
                   0);
}

static void sample_truncates_up_to_the_cutoff(void **state) {
    (void)state;
    int n;
    program_expect(RUN("for o in '0.5 -1 all' '0.5 4 four' '1 -1 none'; do set -- $o; $IDEM sample -g "
                       "$DIR/generator.safetensors -n "
                       "1 -t $1 --cutoff $2 -o $DIR/$3 --threads 1 -q || exit 3; done"),
                   0);
    float *all = ws_of("all", 0, &n), *four = ws_of("four", 0, &n), *none = ws_of("none", 0, &n);
    double apart = 0;
    for (int l = 0; l < ROWS; l++)
        for (int k = 0; k < n; k++) {
            assert_true(fabsf(four[l * n + k] - (l < 4 ? all : none)[k]) < 1e-5f);
            apart += fabs((double)all[k] - none[k]);
        }
    assert_true(apart > 1e-3);
    free(all);
    free(four);
    free(none);
    program_expect(RUN("$IDEM sample -g $DIR/generator.safetensors -o $DIR/x --cutoff -2"), 2);
    program_expect(RUN("$IDEM sample -g $DIR/generator.safetensors -o $DIR/x -n 0"), 2);
    program_expect(RUN("$IDEM sample -o $DIR/x -n 1"), 2);
    program_expect(RUN("$IDEM sample -g $DIR/nowhere.safetensors -o $DIR/x -n 1 -q"), 1);
    expect_one_line("nowhere.safetensors");
    assert_false(exists("x"));
}

/* ---- train ---- */

static void train_makes_its_files(void **state) {
    (void)state;
    if (skipped())
        return;
    program_expect(RUN("$IDEM train -g tests/fixtures/generator-64.safetensors -o $DIR/embedded --batch 2 --iterations "
                       "2 --eval-pairs 2 "
                       "--threads 1 --mean-bias --json -q"),
                   0);
    json_t *said = document();
    assert_int_equal(number(said, "iterations"), 2);
    assert_int_equal(number(said, "iteration"), 2);
    assert_true(number(said, "seconds") > 0 && number(said, "pictures_per_second") > 0);
    assert_true(number(said, "peak_rss_mb") > 50 && number(said, "peak_rss_mb") < 4000);
    const json_t *train = json_object_get(said, "train");
    assert_true(isfinite(number(train, "id_kept")) && isfinite(number(train, "attr_leak")));
    json_decref(said);
    static const char *const files[] = {"checkpoint-0000000002.safetensors",
                                        "mapper-start.safetensors",
                                        "mapper.safetensors",
                                        "metrics.jsonl",
                                        "training.png",
                                        "samples/grid-0000000000.png",
                                        "samples/grid-0000000002.png"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char name[200];
        snprintf(name, sizeof name, "embedded/%s", files[i]);
        if (!exists(name))
            print_message("%s is missing\n", name);
        assert_true(exists(name));
    }
    origin_synthetic(dir, "embedded/samples/grid-0000000002.png", XMP_COMPOSITE, NULL, NULL, "1", 4);
    program_expect(RUN("grep -q newscodes/digitalsourcetype/" XMP_COMPOSITE " $DIR/embedded/events/*"), 0);
    assert_int_equal(origin_file(dir, "embedded/training.png", NULL), 1); /* a chart shows no faces */
    program_expect(RUN("ls $DIR/embedded/events"), 0);
    assert_true(program_says("events.out.tfevents."));
    program_expect(RUN("rm -r $DIR/embedded"), 0);
}

/* Line i of the training kind in a run's metrics.jsonl. */
static json_t *line_of(const char *run, int i) {
    program_expect(RUN("grep '\"kind\": \"train\"' $DIR/%s/metrics.jsonl | sed -n %dp", run, i + 1), 0);
    return document();
}

static void what_surrounds_the_face_is_learned_of_different_faces(void **state) {
    (void)state;
    if (skipped())
        return;
    enum { ITERATIONS = 40, FEW = 8 };
    program_expect(RUN("$IDEM train " TINY "-o $DIR/around --iterations 2 --cross-every 2 --log-every 1 -q "
                       "--weight-surround 2"),
                   0);
    json_t *cross = line_of("around", 0), *same = line_of("around", 1);
    assert_null(json_object_get(cross, "l_rec"));
    assert_null(json_object_get(same, "l_surround"));
    assert_true(number(cross, "l_surround") > 0.001 && number(cross, "l_surround") < 1);
    assert_float_equal(number(cross, "loss"),
                       number(cross, "l_id") + 0.001 * number(cross, "l_landmark") + 2 * number(cross, "l_surround"),
                       1e-6);
    json_decref(cross);
    json_decref(same);
    program_expect(RUN("$IDEM train " TINY "-o $DIR/alone --iterations %d --cross-every 1 --log-every 1 -q --rate 1e-3 "
                       "--weight-surround 1 --weight-id 0 --weight-landmark 0 --weight-adversarial 0",
                       ITERATIONS),
                   0);
    double first = 0, last = 0;
    for (int i = 0; i < FEW; i++) {
        json_t *early = line_of("alone", i), *late = line_of("alone", ITERATIONS - 1 - i);
        first += number(early, "l_surround");
        last += number(late, "l_surround");
        json_decref(early);
        json_decref(late);
    }
    print_message("outside the face: %.4f, then %.4f\n", first / FEW, last / FEW);
    assert_true(last < 0.9 * first);
}

static void ctrl_c_leaves_a_checkpoint_that_resumes(void **state) {
    (void)state;
    if (skipped())
        return;
    program_expect(program_interrupt(dir, "int/checkpoint-0000000001.safetensors",
                                     "exec $IDEM train " TINY
                                     "-o $DIR/int --iterations 1000000 --checkpoint-every 1 -q 2>$DIR/said"),
                   130);
    program_expect(RUN("n=$(ls $DIR/int/checkpoint-* | tail -n 1 | sed 's/.*-0*\\([0-9]*\\).safetensors/\\1/') && echo "
                       "\"idem: interrupted: checkpoint at iteration $n saved in $DIR/int; continue with --resume\" | "
                       "cmp - $DIR/said"),
                   0);
    program_expect(RUN("grep -c '\"kind\": \"train\"' $DIR/int/metrics.jsonl"), 0);
    int done = atoi(program_output);
    assert_true(done >= 1 && done < 1000000);
    program_expect(RUN("$IDEM train " TINY "-o $DIR/int --resume --iterations %d --json -q", done + 2), 0);
    json_t *said = document();
    assert_true(number(said, "iterations") <= 3 && number(said, "iterations") >= 2);
    assert_int_equal(number(said, "iteration"), done + 2);
    json_decref(said);
    program_expect(
        RUN("grep '\"kind\": \"train\"' $DIR/int/metrics.jsonl | sed 's/.*\"iteration\": \\([0-9]*\\).*/\\1/' | "
            "tr '\\n' ' '"),
        0);
    const char *at = program_output;
    for (int i = 1; i <= done + 2; i++) /* each line once */
        assert_int_equal(strtol(at, (char **)&at, 10), i);
}

static void a_time_limit_is_a_checkpoint(void **state) {
    (void)state;
    if (skipped())
        return;
    program_expect(RUN("$IDEM train " TINY "-o $DIR/timed --iterations 1000000 --time-limit 0:00:01 --json"), 0);
    assert_true(program_says("\"finished\": false"));
    assert_true(program_says("the time limit is reached: checkpoint at iteration "));
    assert_true(program_says("/timed; continue with --resume"));
    program_expect(RUN("ls $DIR/timed/checkpoint-* | tail -n 1 | sed 's/.*-0*\\([0-9]*\\).safetensors/\\1/'"), 0);
    const int done = atoi(program_output);
    assert_true(done >= 1);
    program_expect(RUN("$IDEM train " TINY "-o $DIR/timed --resume --iterations %d --json -q", done + 1), 0);
    assert_true(program_says("\"finished\": true"));
}

static void dry_run_writes_nothing(void **state) {
    (void)state;
    if (skipped())
        return;
    program_expect(
        RUN("$IDEM train " TINY "--dry-run --json -q --iterations 1000 --cross-every 1 --adversarial-every 2"), 0);
    json_t *said = document();
    static const char *const keys[] = {"plan_mb", "state_mb", "seconds_per_iteration", "pictures_per_second", "hours"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_true(number(said, keys[i]) > 0);
    assert_int_equal(number(said, "iterations"), 1000);
    assert_true(fabs(number(said, "hours") * 3.6 / number(said, "seconds_per_iteration") - 1) < 1e-6);
    json_decref(said);
    program_expect(RUN("$IDEM train " TINY "-o $DIR/dry --dry-run -q --cross-every 1 --adversarial-every 1"), 0);
    assert_true(program_says("per second"));
    assert_false(exists("dry"));
}

static void wrong_options_exit_2(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "--batch 1",    "--batch two",          "--rate -1", "--recipe other", "--ema 1",
        "--iterations", "--truncation nothing", "surplus",   "--gamma=",       "--seed -3"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        program_expect(RUN("$IDEM train " TINY "-o $DIR/wrong %s", wrong[i]), 2);
    program_expect(RUN("$IDEM train -o $DIR/wrong"), 2);
    assert_true(program_says("--generator"));
    program_expect(RUN("$IDEM train " TINY), 2);
    assert_true(program_says("--output is missing"));
    program_expect(RUN("$IDEM train " TINY "-o $DIR/wrong --attr-start x"), 2);
    assert_false(exists("wrong"));
}

static void a_wrong_mapper_is_one_line(void **state) {
    (void)state;
    const char *train = "$IDEM train -g $DIR/generator.safetensors -o $DIR/wrong -q";
    program_expect(RUN("%s -m $DIR/nowhere.safetensors", train), 1);
    expect_one_line("nowhere.safetensors");
    program_expect(RUN("%s -m README.md", train), 1);
    expect_one_line("README.md");
    program_expect(RUN("%s -m $DIR/generator.safetensors", train), 1);
    expect_one_line("not a mapper");
    idem_weights *w;
    assert_int_equal(idem_weights_load(&w, in_dir("mapper.safetensors")), 0);
    assert_int_equal(idem_weights_set_meta(w, "generator", "0123456789abcdef"), 0);
    assert_int_equal(idem_weights_save(w, in_dir("foreign.safetensors"), IDEM_DTYPE_F32), 0);
    idem_weights_free(w);
    program_expect(RUN("%s -m $DIR/foreign.safetensors", train), 1);
    expect_one_line("0123456789abcdef");
    assert_false(exists("wrong"));
}

static void a_full_disk_leaves_the_checkpoint_before(void **state) {
    (void)state;
    if (skipped())
        return;
    const char *train = "$IDEM train " TINY "--checkpoint-every 2 --eval-every 100 -q";
    /* Ends at 2 as well: the evaluation there is part of what a checkpoint says. */
    program_expect(RUN("%s -o $DIR/whole --iterations 2 && %s -o $DIR/whole --resume --iterations 6", train, train), 0);
    program_expect(RUN("%s -o $DIR/full --iterations 2", train), 0);
    program_expect(RUN("cp $DIR/full/checkpoint-0000000002.safetensors $DIR/before && "
                       "stat -c %%s $DIR/before"),
                   0);
    /* Files may grow to half a checkpoint: writing one fails as on a full disk, everything else works. */
    long blocks = atol(program_output) / 2 / 512;
    program_expect(RUN("trap '' XFSZ; ulimit -f %ld; %s -o $DIR/full --resume --iterations 6", blocks, train), 1);
    expect_one_line("checkpoint-0000000004.safetensors");
    expect_same("before", "full/checkpoint-0000000002.safetensors");
    program_expect(RUN("ls -a $DIR/full | grep -c checkpoint"), 0);
    assert_int_equal(atoi(program_output), 2); /* of iterations 0 and 2, and nothing half written */
    program_expect(RUN("%s -o $DIR/full --resume --iterations 6", train), 0);
    expect_same("whole/checkpoint-0000000006.safetensors", "full/checkpoint-0000000006.safetensors");
}

static void a_changed_rate_does_not_resume(void **state) {
    (void)state;
    if (skipped())
        return;
    program_expect(RUN("$IDEM train " TINY "-o $DIR/whole --resume --rate 0.01 -q"), 1);
    expect_one_line("--rate is 0.01");
    program_expect(RUN("$IDEM train -g tests/fixtures/generator-64.safetensors -o $DIR/whole --resume -q"), 1);
    expect_one_line("name its generator");
    program_expect(RUN("$IDEM train " TINY "-o $DIR/whole -q"), 1);
    expect_one_line("--resume");
    program_expect(RUN("$IDEM train " TINY "-o $DIR/whole --resume -q --threads 2"), 1);
    expect_one_line("--threads");
}

static int set_up(void **state) {
    (void)state;
    has_models = tiny_has_models();
    dir = tiny_folder();
    if (!dir)
        return -1;
    return tiny_write(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sample_writes_the_published_layout),
        cmocka_unit_test(sample_repeats_only_what_is_missing),
        cmocka_unit_test(sample_survives_ctrl_c),
        cmocka_unit_test(sample_truncates_up_to_the_cutoff),
        cmocka_unit_test(train_makes_its_files),
        cmocka_unit_test(what_surrounds_the_face_is_learned_of_different_faces),
        cmocka_unit_test(ctrl_c_leaves_a_checkpoint_that_resumes),
        cmocka_unit_test(a_time_limit_is_a_checkpoint),
        cmocka_unit_test(dry_run_writes_nothing),
        cmocka_unit_test(wrong_options_exit_2),
        cmocka_unit_test(a_wrong_mapper_is_one_line),
        cmocka_unit_test(a_full_disk_leaves_the_checkpoint_before),
        cmocka_unit_test(a_changed_rate_does_not_resume),
    };
    return cmocka_run_group_tests(tests, set_up, tiny_leave);
}
