/* Generator training from outside and its parts: data in order, a run that was killed or interrupted ends as if it had
 * not been, what is saved loads. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/models.h"
#include "base/file.h"
#include "base/status.h"
#include "engine/ops.h"
#include "train/gan/data.h"
#include "train/gan/graph.h"
#include "train/gan/sampler.h"
#include "train/gan/start.h"
#include "model/model.h"
#include "nets/discriminator.h"
#include "nets/stylegan2.h"
#include "support/fill.h"
#include "support/greys.h"
#include "support/origin.h"
#include "support/xmp.h"
#include "support/pictures.h"
#include "support/program.h"

enum { PICTURES = GREYS, SIDE = 8 };

/* ---- data ---- */

/* Which picture a float picture is, by its left half; the right half is brighter, unless it is mirrored. */
static int identify(const float *x, bool *mirrored) {
    const float left = x[0], right = x[3 * (SIDE - 1)];
    *mirrored = left > right;
    return (int)lroundf((fminf(left, right) + 1) * 127.5f / 30);
}

static void every_picture_comes_once_an_epoch(void **state) {
    (void)state;
    char data[64], cache[64];
    snprintf(data, sizeof data, "%s/data", program_folder);
    snprintf(cache, sizeof cache, "%s/cache", program_folder);
    const idem_gan_data_options o = {.size = SIDE, .seed = 3, .held_out = 2, .mirror = true};
    idem_gan_data *d = idem_gan_data_open(data, cache, &o);
    if (!d)
        fail_msg("%s", idem_error());
    assert_int_equal(idem_gan_data_count(d), PICTURES - 2);
    assert_int_equal(idem_gan_data_held_out(d), 2);
    float x[10 * (PICTURES - 2)][SIDE * SIDE * 3], again[SIDE * SIDE * 3], apart[2][SIDE * SIDE * 3];
    bool mirrored, held[PICTURES] = {0};
    int turned = 0;
    idem_gan_data_look(d, true, 0, 2, apart[0]);
    for (int i = 0; i < 2; i++)
        held[identify(apart[i], &mirrored)] = true;
    idem_gan_data_take(d, 0, 10 * (PICTURES - 2), x[0]);
    for (int epoch = 0; epoch < 10; epoch++) {
        bool seen[PICTURES] = {0};
        for (int i = 0; i < PICTURES - 2; i++) {
            const int which = identify(x[epoch * (PICTURES - 2) + i], &mirrored);
            assert_false(seen[which] || held[which]);
            seen[which] = true;
            turned += mirrored;
        }
    }
    assert_true(turned > 10 && turned < 40);
    idem_gan_data_take(d, 23, 1, again); /* from anywhere */
    assert_memory_equal(again, x[23], sizeof again);
    idem_gan_data_free(d);
    d = idem_gan_data_open(data, cache, &o); /* from the cache */
    assert_non_null(d);
    idem_gan_data_take(d, 23, 1, again);
    assert_memory_equal(again, x[23], sizeof again);
    idem_gan_data_free(d);
    const idem_gan_data_options all = {.size = SIDE, .held_out = PICTURES};
    assert_null(idem_gan_data_open(data, cache, &all));
    assert_non_null(strstr(idem_error(), "7 pictures"));
}

/* ---- runs ---- */

#define TRAIN                                                                                                          \
    "$IDEM train-generator -d $DIR/data --size 16 --z 8 --w 8 --width 128 --width-max 8 --d-width 128 "                \
    "--d-width-max 8 --features 0 --batch 4 --pictures 96 --augment 0.3 --augment-pictures 500 --checkpoint-every 3 "  \
    "--log-every 5 "                                                                                                   \
    "--sample-every 40 --r1-every 4 --path-length 2 --path-every 3 --d-first 2 --ema 20 --threads 1 --seed 5 -o "

static void killed_runs_end_alike(void **state) {
    (void)state;
    assert_int_equal(program_run(program_folder, TRAIN "$DIR/whole"), 0);
    assert_true(program_says("sign rate"));
    /* Steered, and path lengths measured: neither as it was at the start. */
    assert_int_equal(
        program_run(program_folder,
                    "tail -1 $DIR/whole/metrics.jsonl | grep path_length | grep -v '\"path_length\": 0[,.}]0*[,}]' | "
                    "grep strength | grep -v '\"strength\": 0.3[,}]'"),
        0);
    /* killed at several moments, then finished */
    for (int i = 1; i <= 4; i++)
        program_run(program_folder, "timeout -s KILL 0.%d " TRAIN "$DIR/killed --resume --quiet", 2 * i);
    assert_int_equal(program_run(program_folder, TRAIN "$DIR/killed --resume"), 0);
    assert_int_equal(program_run(program_folder,
                                 "cmp $DIR/whole/checkpoint-0000000024.safetensors "
                                 "$DIR/killed/checkpoint-0000000024.safetensors && "
                                 "cmp $DIR/whole/metrics.jsonl $DIR/killed/metrics.jsonl && "
                                 "cmp $DIR/whole/generator.safetensors $DIR/killed/generator.safetensors && "
                                 "cmp $DIR/whole/samples/grid-0000000096.png $DIR/killed/samples/grid-0000000096.png"),
                     0);
    /* 24 iterations of 4 pictures: the last samples are of the generator in the file. */
    char *path = idem_path_join(program_folder, "whole/generator.safetensors");
    idem_model *model = idem_model_open(path);
    assert_non_null(model);
    origin_synthetic(program_folder, "whole/samples/grid-0000000096.png", XMP_GENERATED, idem_model_about(model)->hash,
                     NULL, "7", 5);
    origin_synthetic(program_folder, "whole/samples/strip-0000000096.png", XMP_GENERATED, idem_model_about(model)->hash,
                     NULL, "7", 5);
    idem_model_free(model);
    free(path);
    assert_int_equal(program_run(program_folder, TRAIN "$DIR/whole"), 1); /* never over another run */
    assert_true(program_says("exists already"));
}

static void ctrl_c_says_how_to_go_on(void **state) {
    (void)state;
    program_expect(program_interrupt(program_folder, "int/checkpoint-0000000003.safetensors",
                                     "exec " TRAIN "$DIR/int --pictures 4000000 --quiet 2>$DIR/said"),
                   130);
    program_expect(
        program_run(program_folder,
                    "n=$(ls $DIR/int/checkpoint-* | tail -n 1 | sed 's/.*-0*\\([0-9]*\\).safetensors/\\1/') "
                    "&& echo \"idem: interrupted: checkpoint at iteration $n saved in $DIR/int; continue with "
                    "--resume\" | cmp - $DIR/said"),
        0);
}

static void a_time_limit_is_a_checkpoint(void **state) {
    (void)state;
    program_expect(
        program_run(program_folder, TRAIN "$DIR/timed --pictures 4000000 --time-limit 00:00:01 --json 2>/dev/null"), 0);
    assert_true(program_says("\"finished\": false"));
    program_expect(program_run(program_folder,
                               "ls $DIR/timed/checkpoint-* | tail -n 1 | sed 's/.*-0*\\([0-9]*\\).safetensors/\\1/'"),
                   0);
    const int more = 4 * atoi(program_output) + 8;
    assert_true(more > 8);
    program_expect(program_run(program_folder, TRAIN "$DIR/timed --resume --pictures %d --json 2>/dev/null", more), 0);
    assert_true(program_says("\"finished\": true"));
    program_expect(program_run(program_folder, TRAIN "$DIR/at_once --pictures %d -q", more), 0);
    program_expect(
        program_run(program_folder, "cmp $DIR/timed/generator.safetensors $DIR/at_once/generator.safetensors"), 0);
}

/* The readable pictures are trained on, the others named, at the start and by a run that goes on from the cache. */
static void unreadable_pictures_are_left_out(void **state) {
    (void)state;
#define SHORT                                                                                                          \
    "$IDEM train-generator --size 16 --z 8 --w 8 --width 128 --width-max 8 --d-width 128 --d-width-max 8 --batch 4 "   \
    "--features 0 --path-length 0 --threads 1 -q -o "
    assert_int_equal(program_run(program_folder,
                                 "cd $DIR && mkdir mixed && cp data/*.png data/inner/*.png mixed && echo text > "
                                 "mixed/3x.png && : > mixed/z.jpg"),
                     0);
    assert_int_equal(program_run(program_folder, "cd $DIR && " SHORT "left -d mixed --pictures 4"), 1);
    assert_true(program_says("idem: passed over: mixed/3x.png: ") && program_says("idem: passed over: mixed/z.jpg: "));
    assert_true(program_says("idem: 2 pictures of mixed could not be read; the generator is trained on the others\n"));
    assert_int_equal(program_lines(), 3);
    assert_int_equal(program_run(program_folder, "cd $DIR && " SHORT "left -d mixed --pictures 8 --resume"), 1);
    assert_true(program_says("idem: passed over: mixed/3x.png: ") && program_says("idem: passed over: mixed/z.jpg: "));
    assert_int_equal(program_lines(), 3);
    assert_int_equal(program_run(program_folder, "test -s $DIR/left/generator.safetensors"), 0);
    char data[64], cache[64];
    snprintf(data, sizeof data, "%s/mixed", program_folder);
    snprintf(cache, sizeof cache, "%s/mixed.cache", program_folder);
    const idem_gan_data_options o = {.size = SIDE, .seed = 3, .held_out = 2};
    for (int again = 0; again < 2; again++) {
        idem_gan_data *d = idem_gan_data_open(data, cache, &o);
        assert_non_null(d);
        assert_int_equal(idem_gan_data_bad(d), 2);
        assert_int_equal(idem_gan_data_count(d), PICTURES - 2);
        for (int i = 0; i < PICTURES; i++) { /* each is the file it says it is */
            float x[SIDE * SIDE * 3];
            bool mirrored;
            const bool apart = i < 2;
            idem_gan_data_look(d, apart, (size_t)(apart ? i : i - 2), 1, x);
            assert_int_equal(identify(x, &mirrored), atoi(idem_gan_data_name(d, apart, (size_t)(apart ? i : i - 2))));
        }
        idem_gan_data_free(d);
    }
    const idem_gan_data_options most = {.size = SIDE, .held_out = PICTURES - 1};
    assert_null(idem_gan_data_open(data, cache, &most));
    assert_non_null(strstr(idem_error(), "7 readable pictures"));
}

/* LLVM's OpenMP library, which the thread sanitizer needs, maps a file of its own and dies if that may not grow. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define LLVM_OPENMP
#endif
#endif

/* A write that may not grow fails as on a full disk. */
static void a_full_disk_keeps_the_last_checkpoint(void **state) {
    (void)state;
#ifdef LLVM_OPENMP
    print_message("skip: LLVM's OpenMP library\n");
    skip();
#endif
    assert_int_equal(program_run(program_folder,
                                 "cd $DIR && " SHORT "full -d data --pictures 8 && rm -r full/events && "
                                 "cp -r full full-before && trap '' XFSZ && ulimit -f 20 && " SHORT
                                 "full -d data --pictures 16 --checkpoint-every 1 --resume"),
                     1);
    assert_true(program_says("idem: full/checkpoint-0000000003.safetensors: cannot write: File too large; nothing was "
                             "changed"));
    assert_int_equal(program_lines(), 1);
    assert_int_equal(program_run(program_folder,
                                 "cd $DIR && for f in full-before/*.safetensors; do cmp $f full/${f#*/} || exit 9; "
                                 "done && ls -A full | grep -c part"),
                     1);
    assert_int_equal(program_run(program_folder, "cd $DIR && " SHORT "full -d data --pictures 16 --resume"), 0);
    assert_int_equal(
        program_run(program_folder, "cd $DIR && trap '' XFSZ && ulimit -f 1 && " SHORT "new -d data --pictures 8"), 1);
    assert_true(program_says("new/checkpoint-0000000000.safetensors: cannot write: File too large"));
}

static void changes_on_resume(void **state) {
    (void)state;
    assert_int_equal(program_run(program_folder,
                                 "$IDEM train-generator -d $DIR/data -o $DIR/whole --resume --pictures 120 --rate "
                                 "0.001 --batch 6"),
                     0);
    assert_true(program_says("--rate was 0.0025, is now 0.001"));
    assert_int_equal(program_run(program_folder,
                                 "grep -q '\"kind\": \"change\".*\"batch\": 6' $DIR/whole/metrics.jsonl && "
                                 "tail -1 $DIR/whole/metrics.jsonl | grep -q '\"pictures\": 120'"),
                     0);
    assert_int_equal(program_run(program_folder, "$IDEM train-generator -d $DIR/data -o $DIR/whole --resume --size 32"),
                     1);
    assert_true(program_says("--size is 32 but the run has 16"));
}

/* A run resumed before its last distance measures it again, alike. */
static void distances_are_measured(void **state) {
    (void)state;
    char path[4096];
    if (idem_models_find(path, sizeof path, NULL, "mobilenet_v2.shard1.min.js")) {
        print_message("skip: %s\n", idem_error());
        skip();
    }
#define MEASURE TRAIN "$DIR/measured --distance-every 40 --distance-pictures 6 "
    assert_int_equal(program_run(program_folder, MEASURE), 0);
    assert_true(program_says("Frechet distance after 96 pictures: "));
    assert_true(program_says("(n = 6), two halves of the data: "));
    assert_true(program_says("by MobileNetV2 of nsfwjs"));
    assert_int_equal(program_run(program_folder,
                                 "test $(grep -c '\"frechet_mobilenetv2\": [0-9]' $DIR/measured/metrics.jsonl) = 3 && "
                                 "cp $DIR/measured/metrics.jsonl $DIR/once.jsonl && "
                                 "rm $DIR/measured/checkpoint-0000000024.safetensors"),
                     0);
    assert_int_equal(program_run(program_folder, MEASURE "--resume"), 0); /* by the features that are kept */
    assert_int_equal(program_run(program_folder, "cmp $DIR/once.jsonl $DIR/measured/metrics.jsonl"), 0);
    assert_int_equal(program_run(program_folder, "IDEM_MODELS=$DIR " MEASURE "--resume --pictures 120"), 1);
    assert_true(program_says("or do without distances: --distance-every 0"));
}

/* A resumed run does not know the mean code of its last samples: distances, which truncate nothing, must not depend on
 * it. */
static void without_truncation_the_mean_has_no_effect(void **state) {
    (void)state;
    enum { N = 5, NUMBERS = N * 16 * 16 * 3 };
    float z[N * 8], before[NUMBERS], after[NUMBERS];
    idem_weights *w = NULL;
    char *path = idem_path_join(program_folder, "killed/checkpoint-0000000024.safetensors");
    assert_int_equal(idem_weights_load(&w, path), 0);
    free(path);
    idem_gan_sampler *s = idem_gan_sampler_new(w, NULL);
    assert_non_null(s);
    for (int i = 0; i < N * 8; i++)
        z[i] = (float)sin(i);
    assert_int_equal(idem_gan_sampler_run(s, N, z, 1, before), 0);
    assert_non_null(idem_gan_sampler_mean(s));
    assert_int_equal(idem_gan_sampler_run(s, N, z, 1, after), 0);
    assert_memory_equal(before, after, sizeof after);
    assert_int_equal(idem_gan_sampler_run(s, N, z, 0.5f, after), 0);
    assert_int_not_equal(memcmp(before, after, sizeof after), 0);
    idem_gan_sampler_free(s);
    idem_weights_free(w);
}

static void two_sets_of_pictures_are_compared(void **state) {
    (void)state;
    char path[4096];
    if (idem_models_find(path, sizeof path, NULL, "mobilenet_v2.shard1.min.js")) {
        print_message("skip: %s\n", idem_error());
        skip();
    }
    assert_int_equal(program_run(program_folder, "$IDEM distance $DIR/data $DIR/data --at 16 -n 6"), 0);
    assert_true(program_says("Frechet distance 0.000, by 1280 features of MobileNetV2 of nsfwjs 4.3.0, at 16 px"));
    assert_true(program_says("n = 6 pictures of"));
    assert_true(program_says("n = 3 each"));
    assert_true(program_says("fewer pictures than features"));
    assert_int_equal(
        program_run(program_folder, "$IDEM distance $DIR/whole/generator.safetensors $DIR/data -n 5 --json --quiet"),
        0);
    assert_true(program_says("\"size\": 16"));
    assert_true(program_says("\"truncation\": 1.0"));
    assert_int_equal(program_run(program_folder, "$IDEM distance $DIR/data/inner $DIR/data"), 1);
    assert_true(program_says("3 pictures, expected at least 4"));
    assert_int_equal(program_run(program_folder, "cd $DIR && $IDEM distance mixed data --at 16 --quiet"), 1);
    assert_true(program_says("idem: passed over: mixed/3x.png: ") && program_says("n = 7 pictures of mixed"));
    assert_true(program_says("idem: 2 of the pictures could not be read; the others are measured"));
}

static void assert_same_numbers(const idem_weights *a, const char *name, const idem_weights *b, const char *other) {
    const idem_weight *x = idem_weights_find(a, name), *y = idem_weights_find(b, other);
    assert_non_null(x);
    assert_non_null(y);
    const size_t count = (size_t)idem_shape_count(&x->shape);
    assert_int_equal(idem_shape_count(&y->shape), count);
    float *read = malloc(count * sizeof *read);
    idem_weight_read(y, read);
    assert_memory_equal(x->data, read, count * sizeof *read);
    free(read);
}

/* What D says of pictures of this side, halved until they are 16 px as its own blur would. */
static void judged(float logits[4], idem_weights *w, int side, bool halved) {
    static const float blur[4] = {0.125f, 0.375f, 0.375f, 0.125f};
    idem_graph *g = idem_graph_new();
    idem_node *x = idem_input(g, "x", IDEM_SHAPE(4, 3, side, side)), *y = x;
    fixture_fill(x->leaf, (size_t)idem_shape_count(&x->shape), "", "judged", 1, 0);
    while (halved && y->shape.d[2] > 16)
        y = idem_filter(y, blur, 4, 1, 2, (int[4]){1, 1, 1, 1});
    idem_binder b = idem_binder_make(g, w, "d.", false);
    idem_node *out = idem_discriminator(&b, y, 1);
    assert_int_equal(idem_discriminator_finish(&b), 0);
    idem_plan *p = idem_plan_new(&out, 1, NULL);
    assert_non_null(p);
    assert_int_equal(idem_plan_run(p), 0);
    memcpy(logits, idem_plan_value(p, out), 4 * sizeof *logits);
    idem_plan_free(p);
    idem_graph_free(g);
}

/* A discriminator says of larger pictures what it said of the small ones. */
static void grows_and_says_the_same(const char *path, idem_gan_recipe r) {
    for (r.size = 32; r.size <= 64; r.size *= 2) {
        idem_weights *w = idem_weights_new(), *from;
        assert_int_equal(idem_gan_init(w, &r), 0);
        assert_int_equal(idem_gan_start_from(w, path), 0);
        assert_int_equal(idem_weights_load(&from, path), 0);
        float larger[4], small[4];
        judged(larger, w, (int)r.size, false);
        judged(small, from, (int)r.size, true);
        for (int i = 0; i < 4; i++)
            assert_true(fabsf(larger[i] - small[i]) <= 1e-4f);
        assert_true(fabsf(small[0] - small[1]) > 1e-3f);
        idem_weights_free(w);
        idem_weights_free(from);
    }
}

/* A checkpoint gives the average of G, and D, whose new blocks hand the smaller picture on. */
static void starts_from_both_networks(idem_gan_recipe *r) {
    char path[64];
    snprintf(path, sizeof path, "%s/whole/checkpoint-0000000028.safetensors", program_folder);
    r->d_width = r->width;
    r->d_width_max = r->width_max;
    idem_weights *w = idem_weights_new(), *fresh = idem_weights_new(), *from;
    assert_int_equal(idem_gan_init(w, r), 0);
    assert_int_equal(idem_gan_init(fresh, r), 0);
    assert_int_equal(idem_weights_load(&from, path), 0);
    assert_int_equal(idem_gan_start_from(w, path), 0);
    assert_same_numbers(w, "g.convs.0.conv.weight", from, "g_ema.convs.0.conv.weight");
    assert_same_numbers(w, "d.convs.2.conv1.0.weight", from, "d.convs.1.conv1.0.weight");
    assert_same_numbers(w, "d.final_linear.0.weight", from, "d.final_linear.0.weight");
    const idem_weight *wide[2] = {idem_weights_find(w, "d.convs.1.conv1.0.weight"),
                                  idem_weights_find(fresh, "d.convs.1.conv1.0.weight")};
    const size_t carried = 6 * 8 * 9; /* the rows behind them are random */
    assert_memory_equal(wide[0]->data + carried, wide[1]->data + carried, 2 * 8 * 9 * sizeof(float));
    grows_and_says_the_same(path, *r);
    idem_weights_free(w);
    idem_weights_free(fresh);
    idem_weights_free(from);
}

static void the_result_is_a_generator(void **state) {
    (void)state;
    char path[64];
    snprintf(path, sizeof path, "%s/whole/generator.safetensors", program_folder);
    idem_weights *w;
    idem_stylegan2 s;
    assert_int_equal(idem_weights_load(&w, path), 0);
    assert_int_equal(idem_stylegan2_open(&s, w, NULL), 0);
    assert_int_equal(s.size, 16);
    assert_non_null(idem_stylegan2_mean_w(&s, w));
    assert_string_equal(idem_weights_meta(w, "pictures_shown"), "120");
    char name[160];
    snprintf(name, sizeof name, "%sconvs.0.conv.weight", s.prefix);
    assert_int_equal(idem_weights_find(w, name)->shape.rank, 5);
    idem_weights_free(w);
    /* A larger one that starts from it is the same where it was, and silent above. */
    idem_gan_recipe r;
    idem_gan_defaults(&r);
    r.features = 0;
    r.size = 32;
    r.z_dim = r.w_dim = 8;
    r.width = 128;
    r.width_max = 8;
    w = idem_weights_new();
    assert_int_equal(idem_gan_init(w, &r), 0);
    assert_int_equal(idem_gan_start_from(w, path), 0);
    const idem_weight *new_rgb = idem_weights_find(w, "g.to_rgbs.2.conv.weight");
    for (int64_t i = 0; i < idem_shape_count(&new_rgb->shape); i++)
        assert_true(new_rgb->data[i] == 0);
    assert_true(idem_weights_find(w, "g.to_rgbs.1.conv.weight")->data[0] != 0);
    idem_weights_free(w);
    starts_from_both_networks(&r);
}

/* Also the strengths that a start brings, and they do not come back. */
static void no_noise_is_none(void **state) {
    (void)state;
    for (int quiet = 0; quiet < 2; quiet++) {
        char path[64];
        assert_int_equal(program_run(program_folder,
                                     TRAIN "$DIR/quiet%d --start $DIR/whole/checkpoint-0000000028.safetensors "
                                           "--pictures 16 --checkpoint-every 4 %s",
                                     quiet, quiet ? "--no-noise" : ""),
                         0);
        snprintf(path, sizeof path, "%s/quiet%d/checkpoint-0000000004.safetensors", program_folder, quiet);
        idem_weights *w;
        assert_int_equal(idem_weights_load(&w, path), 0);
        const char *const names[] = {"g.conv1.noise.weight", "g.convs.3.noise.weight", "g_ema.convs.3.noise.weight"};
        for (int i = 0; i < 3; i++)
            assert_true((idem_weights_find(w, names[i])->data[0] == 0) == quiet);
        idem_weights_free(w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_picture_comes_once_an_epoch),
        cmocka_unit_test(killed_runs_end_alike),
        cmocka_unit_test(ctrl_c_says_how_to_go_on),
        cmocka_unit_test(a_time_limit_is_a_checkpoint),
        cmocka_unit_test(unreadable_pictures_are_left_out),
        cmocka_unit_test(a_full_disk_keeps_the_last_checkpoint),
        cmocka_unit_test(changes_on_resume),
        cmocka_unit_test(distances_are_measured),
        cmocka_unit_test(without_truncation_the_mean_has_no_effect),
        cmocka_unit_test(two_sets_of_pictures_are_compared),
        cmocka_unit_test(the_result_is_a_generator),
        cmocka_unit_test(no_noise_is_none),
    };
    return cmocka_run_group_tests(tests, greys_enter, program_leave);
}
