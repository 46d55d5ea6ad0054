/* Pictures whose codes are known, in a generator's training from outside: codes are found once and gone on with, a run
 * that was stopped ends as if it had not been, the generator learns to paint these pictures from these codes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/models.h"
#include "base/status.h"
#include "format/weights.h"
#include "measure/features.h"
#include "model/msssim.h"
#include "model/pipe.h"
#include "support/pictures.h"
#include "support/program.h"
#include "support/tiny.h"
#include "train/gan/data.h"
#include "train/gan/heads.h"
#include "engine/ops.h"

enum { SIDE = 64, W = 64, CODES = 5, BATCH = 3, PICTURE = SIDE * SIDE * 3 };

static const char *dir; /* NULL: models are missing, tests are skipped */

#define RUN(...) program_run(dir, __VA_ARGS__)
#define TRAIN                                                                                                          \
    "$IDEM train-generator -d $DIR/data --size 64 --z 64 --w 64 --mapping-layers 8 --width 512 --width-max 32 "        \
    "--d-width 128 "                                                                                                   \
    "--d-width-max 8 --features 0 --batch 4 --distance-every 0 --augment-target 0 --log-every 1 --checkpoint-every 3 " \
    "--rebuild 20 --rebuild-batch 3 --rebuild-steps 1 --no-noise --threads 1 --seed 5 --start "                        \
    "$DIR/generator.safetensors -q "
#define WITHOUT "$IDEM train-generator -q -d $DIR/data -o $DIR/nowhere --size 64 --features 0 "
#define KNOWN "--mapper $DIR/mapper.safetensors "

/* Five drawn faces. */
static int set_up(void **state) {
    (void)state;
    if (tiny_make(&dir))
        return -1;
    return dir && RUN("mkdir $DIR/data && cd '%s/samples' && cp identities/1.png identities/2.png attributes/a.png "
                      "attributes/b.png attributes/c.png $DIR/data",
                      IDEM_SOURCE_DIR)
               ? -1
               : 0;
}

/* NaN: the line has none. */
static double number(const char *run, int iteration, const char *name) {
    char path[160], line[4096], key[64];
    double found = NAN;
    snprintf(path, sizeof path, "%s/%s/metrics.jsonl", dir, run);
    snprintf(key, sizeof key, "\"iteration\": %d,", iteration);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        if (strstr(line, key)) {
            snprintf(key, sizeof key, "\"%s\": ", name);
            const char *at = strstr(line, key);
            found = at ? strtod(at + strlen(key), NULL) : NAN;
            break;
        }
    fclose(f);
    return found;
}

static void a_stopped_run_ends_alike(void **state) {
    (void)state;
    tiny_need(dir);
    program_expect(RUN(TRAIN KNOWN "-o $DIR/whole --pictures 24"), 0);
    /* Two and a half codes were found; the file is gone on with, and the run from an earlier checkpoint, without the
     * mapper. */
    program_expect(
        RUN("mkdir $DIR/stopped && cp $DIR/whole/pictures.codes $DIR/all.codes && head -c $((144 + 5 * 64 * 10 "
            "* 2)) $DIR/all.codes > $DIR/stopped/pictures.codes && " TRAIN KNOWN
            "-o $DIR/stopped --pictures 24 && cmp $DIR/all.codes $DIR/stopped/pictures.codes"),
        0);
    program_expect(
        RUN("rm $DIR/stopped/checkpoint-0000000006.safetensors && " TRAIN
            "-o $DIR/stopped --pictures 24 --resume && for f in checkpoint-0000000006.safetensors metrics.jsonl; "
            "do cmp $DIR/whole/$f $DIR/stopped/$f || exit 9; done"),
        0);
}

/* The distance of the features of pictures x and y [3, S, S] in [0, 1], by plain loops over MobileNetV2's values. */
static double unlike(const float *x, const float *y) {
    enum { LAYERS = 4 };
    idem_graph *g = idem_graph_new();
    idem_weights *network = NULL;
    idem_node *of[2], *features[2][LAYERS], *targets[2 * LAYERS];
    assert_int_equal(idem_features_load_mobilenet(&network, NULL), 0);
    for (int k = 0; k < 2; k++) {
        of[k] = idem_input(g, "x", IDEM_SHAPE(1, 3, SIDE, SIDE));
        assert_int_equal(idem_gan_features_mobilenet(network, of[k], features[k]), 0);
        for (int i = 0; i < LAYERS; i++)
            targets[k * LAYERS + i] = features[k][i];
    }
    idem_plan *p = idem_plan_new(targets, 2 * LAYERS, NULL);
    assert_non_null(p);
    for (int i = 0; i < PICTURE; i++) {
        of[0]->leaf[i] = x[i] * 2 - 1;
        of[1]->leaf[i] = y[i] * 2 - 1;
    }
    assert_int_equal(idem_plan_run(p), 0);
    double sum = 0;
    for (int i = 0; i < LAYERS; i++) {
        const int64_t channels = features[0][i]->shape.d[1],
                      places = features[0][i]->shape.d[2] * features[0][i]->shape.d[3];
        float *v[2];
        for (int k = 0; k < 2; k++) {
            assert_non_null(v[k] = malloc((size_t)(channels * places) * sizeof **v));
            idem_plan_read(p, features[k][i], v[k]);
        }
        for (int64_t at = 0; at < places; at++) {
            double length[2] = {1e-6, 1e-6};
            for (int64_t c = 0; c < channels; c++)
                for (int k = 0; k < 2; k++)
                    length[k] += (double)v[k][c * places + at] * (double)v[k][c * places + at];
            for (int64_t c = 0; c < channels; c++) {
                const double d =
                    (double)v[0][c * places + at] / sqrt(length[0]) - (double)v[1][c * places + at] / sqrt(length[1]);
                sum += d * d / (double)places / LAYERS;
            }
        }
        free(v[0]);
        free(v[1]);
    }
    idem_plan_free(p);
    idem_graph_free(g);
    idem_weights_free(network);
    return sum;
}

/* Codes of a checkpoint, or of pictures.codes, [5, width]; the caller frees them. */
static float *codes_of(const char *file, size_t *width) {
    float *ws;
    if (strstr(file, ".codes")) {
        unsigned char *bytes;
        size_t size;
        assert_int_equal(idem_file_read(tiny_path(dir, file), 1 << 20, &bytes, &size), 0);
        *width = (size - 144) / (CODES * sizeof *ws);
        assert_int_equal(size, 144 + CODES * *width * sizeof *ws);
        assert_non_null(ws = malloc(size));
        memcpy(ws, bytes + 144, CODES * *width * sizeof *ws);
        free(bytes);
        return ws;
    }
    idem_weights *w;
    assert_int_equal(idem_weights_load(&w, tiny_path(dir, file)), 0);
    const idem_weight *t = idem_weights_find(w, "known.ws");
    assert_true(t && t->shape.rank == 3 && t->shape.d[0] == CODES);
    *width = (size_t)idem_shape_count(&t->shape) / CODES;
    assert_non_null(ws = malloc(CODES * *width * sizeof *ws));
    memcpy(ws, t->data, CODES * *width * sizeof *ws);
    idem_weights_free(w);
    return ws;
}

/* The number that is logged, by other means: of the iteration's three pictures some are the same. */
static void the_loss_is_that_of_painted_pictures(void **state) {
    (void)state;
    tiny_need(dir);
    char network[4096];
    const double weight = idem_models_find(network, sizeof network, NULL, "mobilenet_v2.shard1.min.js") ? 0 : 0.5;
    program_expect(RUN(TRAIN KNOWN "-o $DIR/still --pictures 4 --rate 0 --rebuild-edges 2 %s",
                       weight > 0 ? "--rebuild-features 0.5 --features-shift 0" : ""),
                   0);
    size_t width;
    float *ws = codes_of("still/pictures.codes", &width);
    char *cache = idem_path_join(dir, "other.cache");
    const idem_gan_data_options of_data = {.size = SIDE, .seed = 5};
    idem_gan_data *d = idem_gan_data_open(tiny_path(dir, "data"), cache, &of_data);
    idem_model *m = idem_model_open(tiny_path(dir, "still/checkpoint-0000000001.safetensors"));
    assert_true(d && m);
    const size_t numbers = (size_t)(idem_model_about(m)->layers * idem_model_about(m)->w_dim);
    assert_int_equal(width, numbers);
    float *y = malloc(CODES * PICTURE * sizeof *y), *x = malloc(CODES * PICTURE * sizeof *x);
    assert_true(y && x);
    idem_pipe *p = idem_pipe_new(m, IDEM_PIPE_LAYERS, 1, 1, NULL);
    assert_non_null(p);
    assert_int_equal(idem_pipe_run(p, CODES, (const float *const[]){ws}, (float *const[]){y, NULL}), 0);
    idem_gan_data_look(d, false, 0, CODES, x);
    double loss[CODES], least = INFINITY;
    for (int i = 0; i < CODES; i++) {
        idem_graph *g = idem_graph_new();
        idem_node *of[2];
        loss[i] = 0;
        for (int k = 0; k < 2; k++)
            of[k] = idem_input(g, "x", IDEM_SHAPE(1, 3, SIDE, SIDE));
        idem_node *lack = idem_one_minus_msssim(of[0], of[1]);
        idem_plan *plan = idem_plan_new(&lack, 1, NULL);
        assert_non_null(plan);
        for (int k = 0; k < PICTURE; k++) {
            const float seen = x[i * PICTURE + k] * 0.5f + 0.5f;
            of[0]->leaf[k] = y[i * PICTURE + k];
            of[1]->leaf[k] = seen;
            loss[i] += fabs((double)y[i * PICTURE + k] - (double)seen) / PICTURE;
        }
        assert_int_equal(idem_plan_run(plan), 0);
        loss[i] += (double)idem_plan_scalar(plan, lack);
        for (int at = 0; at < PICTURE; at++) { /* [SIDE, SIDE, 3]; the last of a row or a column has no neighbour */
            const int next[2] = {at / 3 % SIDE < SIDE - 1 ? at + 3 : at, at / 3 / SIDE < SIDE - 1 ? at + 3 * SIDE : at};
            for (int k = 0; k < 2; k++)
                loss[i] += 2 *
                           fabs((double)of[0]->leaf[at] - (double)of[1]->leaf[at] - (double)of[0]->leaf[next[k]] +
                                (double)of[1]->leaf[next[k]]) /
                           (3 * SIDE * (SIDE - 1));
        }
        if (weight > 0)
            loss[i] += weight * unlike(of[0]->leaf, of[1]->leaf);
        idem_plan_free(plan);
        idem_graph_free(g);
    }
    if (weight > 0) { /* moved, they are others */
        program_expect(
            RUN(TRAIN KNOWN "-o $DIR/shifted --pictures 4 --rate 0 --rebuild-edges 2 --rebuild-features 0.5"), 0);
        const double moved = number("shifted", 1, "rebuilt") - number("still", 1, "rebuilt");
        assert_true(moved != 0 && fabs(moved) < 0.2);
    }
    /* G's pass of the first iteration takes items 3 to 5 of the stream: the last two of an epoch, the first of the
     * next. */
    const double got = number("still", 1, "rebuilt");
    for (int a = 0; a < CODES; a++)
        for (int b = a + 1; b < CODES; b++)
            for (int c = 0; c < CODES; c++)
                least = fmin(least, fabs((loss[a] + loss[b] + loss[c]) / BATCH - got));
    assert_true(got > 0.05 && least < 1e-5);
    idem_pipe_free(p);
    idem_model_free(m);
    idem_gan_data_free(d);
    free(cache);
    free(ws);
    free(x);
    free(y);
}

static void it_learns_to_paint_them(void **state) {
    (void)state;
    tiny_need(dir);
    program_expect(RUN(TRAIN KNOWN "-o $DIR/long --pictures 160 --d-first 1"), 0);
    double first = 0, last = 0;
    for (int i = 0; i < 5; i++) {
        first += number("long", 2 + i, "rebuilt") / 5;
        last += number("long", 40 - i, "rebuilt") / 5;
    }
    assert_true(last < 0.8 * first);
    /* Alone first, from the same weights and by the same pictures: the first losses are equal. */
    program_expect(RUN(TRAIN KNOWN "-o $DIR/alone --pictures 24 --rebuild-first 5"), 0);
    program_expect(RUN(TRAIN KNOWN "-o $DIR/beside --pictures 4"), 0);
    assert_float_equal(number("alone", 1, "rebuilt"), number("beside", 1, "rebuilt"), 1e-5);
    assert_true(isnan(number("alone", 5, "d_loss")) && number("alone", 6, "d_loss") > 0);
}

static double deviation(const float *ws, size_t width, size_t j) {
    double mean = 0, square = 0;
    for (size_t i = 0; i < CODES; i++)
        mean += (double)ws[i * width + j] / CODES;
    for (size_t i = 0; i < CODES; i++)
        square += ((double)ws[i * width + j] - mean) * ((double)ws[i * width + j] - mean) / CODES;
    return sqrt(square);
}

static idem_weight *tensor(idem_weights *w, const char *prefix, const char *rest) {
    char name[64];
    snprintf(name, sizeof name, "%s%s", prefix, rest);
    idem_weight *t = idem_weights_find(w, name);
    assert_non_null(t);
    return t;
}

/* The last layer of both mapping networks of a checkpoint has, before its leaky ReLU, the mean of the codes of the same
 * checkpoint, each the mean of its rows. Its inputs have the mean 4 (train/gan/mapping.c). */
static void assert_mapping_of_codes(const char *name) {
    char path[160];
    idem_weights *w;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(idem_weights_load(&w, path), 0);
    const idem_weight *ws = idem_weights_find(w, "known.ws");
    assert_non_null(ws);
    const int64_t layers = ws->shape.d[1], width = ws->shape.d[2];
    for (int of = 0; of < 2; of++) {
        const idem_weight *weight = tensor(w, of ? "g_ema." : "g.", "style.8.weight"),
                          *bias = tensor(w, of ? "g_ema." : "g.", "style.8.bias");
        const double rate = 0.01 / sqrt((double)width);
        for (int64_t k = 0; k < width; k++) {
            double wanted = 0, made = 0.01 * (double)bias->data[k];
            for (int64_t i = 0; i < CODES; i++) {
                double code = 0;
                for (int64_t l = 0; l < layers; l++)
                    code += (double)ws->data[(i * layers + l) * width + k] / (double)layers;
                wanted += code / sqrt(2) * (code < 0 ? 5 : 1) / CODES;
            }
            for (int64_t j = 0; j < width; j++)
                made += 4 * rate * (double)weight->data[k * width + j];
            assert_float_equal(made, wanted, 1e-3);
        }
    }
    idem_weights_free(w);
}

/* One iteration with the generator held still. Each of the code's numbers moves by rate times its deviation times its
 * gradient over the root of the mean square of the batch's gradients, so the squares of the moves of a batch, in that
 * unit, have the sum BATCH; and 10 iterations paint the pictures better. */
static void codes_move(void **state) {
    (void)state;
    tiny_need(dir);
    program_expect(
        RUN(TRAIN KNOWN "-o $DIR/moved --seed 7 --pictures 4 --rate 0 --rebuild-first 1000 --rebuild-rate 0.05"), 0);
    size_t width[2];
    float *before = codes_of("moved/pictures.codes", &width[0]),
          *after = codes_of("moved/checkpoint-0000000001.safetensors", &width[1]);
    assert_true(width[0] == width[1] && width[0] > 0);
    size_t moved = 0;
    for (size_t i = 0; i < CODES; i++)
        moved += memcmp(before + i * width[0], after + i * width[0], width[0] * sizeof *before) != 0;
    assert_int_equal(moved, BATCH);
    for (size_t j = 0; j < width[0]; j++) {
        double sum = 0;
        for (size_t i = 0; i < CODES; i++) {
            const double by = (double)after[i * width[0] + j] - (double)before[i * width[0] + j];
            sum += by * by;
        }
        const double unit = 0.05 * deviation(before, width[0], j);
        assert_float_equal(sum / (unit * unit), BATCH, 0.02);
    }
    free(before);
    free(after);
    program_expect(RUN(TRAIN "-o $DIR/moved --seed 7 --resume --pictures 60"), 0);
    double first = 0, last = 0;
    for (int i = 0; i < 5; i++) {
        first += number("moved", 1 + i, "rebuilt") / 5;
        last += number("moved", 15 - i, "rebuilt") / 5;
    }
    assert_true(last < 0.9 * first);
    /* Moved codes are of the checkpoint. With the generator in training, and beyond these iterations. */
    program_expect(RUN(TRAIN KNOWN
                       "-o $DIR/moving --pictures 28 --rebuild-first 6 --rebuild-rate 0.05 --rebuild-mapping "
                       "--sample-every 8 && cp -r "
                       "$DIR/moving $DIR/again && cd $DIR/again && rm checkpoint-0000000007.safetensors && " TRAIN
                       "-o $DIR/again --resume --pictures 28 && cmp metrics.jsonl ../moving/metrics.jsonl && cmp "
                       "checkpoint-0000000007.safetensors ../moving/checkpoint-0000000007.safetensors"),
                   0);
    assert_mapping_of_codes("moving/checkpoint-0000000006.safetensors");
}

/* The mapping network that follows the codes does not learn: at checkpoint 3, between two grids that set it, it is as
 * at checkpoint 6, after the second; one that learns is not. */
static void a_mapping_that_follows_does_not_learn(void **state) {
    (void)state;
    tiny_need(dir);
    for (int learns = 0; learns < 2; learns++) {
        const char *run = learns ? "learning" : "held";
        program_expect(
            RUN(TRAIN KNOWN "-o $DIR/%s --pictures 24 --sample-every 100 %s", run, learns ? "" : "--rebuild-mapping"),
            0);
        char path[2][96];
        idem_weights *w[2];
        for (int k = 0; k < 2; k++) {
            snprintf(path[k], sizeof path[k], "%s/checkpoint-%010d.safetensors", run, 3 + 3 * k);
            assert_int_equal(idem_weights_load(&w[k], tiny_path(dir, path[k])), 0);
        }
        const idem_weight *a = idem_weights_find(w[0], "g.style.1.weight"),
                          *b = idem_weights_find(w[1], "g.style.1.weight");
        assert_true(a && b);
        const size_t size = (size_t)idem_shape_count(&a->shape) * sizeof *a->data;
        assert_int_equal(memcmp(a->data, b->data, size) != 0, learns);
        idem_weights_free(w[0]);
        idem_weights_free(w[1]);
    }
}

/* Without steps a code is the mapper's answer: one row for all layers, of each picture another. */
static void codes_need_no_steps(void **state) {
    (void)state;
    tiny_need(dir);
    program_expect(RUN(TRAIN KNOWN "--rebuild-steps 0 -o $DIR/plain --pictures 4"), 0);
    size_t width;
    float *ws = codes_of("plain/pictures.codes", &width);
    for (size_t i = 0; i < CODES; i++) {
        const float *code = ws + i * width;
        for (size_t j = W; j < width; j++)
            assert_true(isfinite(code[j]) && code[j] == code[j % W]);
        assert_true(!i || memcmp(code, code - width, width * sizeof *code));
    }
    free(ws);
}

static void what_cannot_be_is_refused(void **state) {
    (void)state;
    tiny_need(dir);
    program_expect(RUN(TRAIN "-o $DIR/none --pictures 4"), 1);
    assert_true(program_says("--rebuild is 20, but no codes of the pictures are in ") &&
                program_says("/none (pictures.codes)"));
    program_expect(RUN(TRAIN "-o $DIR/none --pictures 4 --mapper $DIR/data/1.png"), 1);
    assert_true(program_says("1.png: looks like a PNG picture"));
    assert_int_equal(RUN("test ! -e $DIR/none"), 0);
    program_expect(RUN("mkdir $DIR/half && head -c 8000 $DIR/all.codes >$DIR/half/pictures.codes && " TRAIN
                       "-o $DIR/half --pictures 4"),
                   1);
    assert_true(program_says("pictures.codes: has the codes of ") &&
                program_says(" of 5 pictures; set --mapper to the one that makes the others"));
    program_expect(RUN(TRAIN KNOWN "-o $DIR/whole --resume --pictures 28 --rebuild-steps 2"), 1);
    assert_true(program_says("--rebuild-steps is 2 but the run has 1"));
    program_expect(
        RUN("mkdir $DIR/other && cp $DIR/all.codes $DIR/other/pictures.codes && rm $DIR/data/1.png && " TRAIN KNOWN
            "-o $DIR/other --pictures 4"),
        1);
    assert_true(program_says("delete the file, and they are computed again"));
    /* As many codes, of other pictures or in another order, and no mapper that could tell. */
    program_expect(RUN("cp '%s/samples/attributes/d.png' $DIR/data/1.png && rm -r $DIR/other && mkdir $DIR/other && cp "
                       "$DIR/all.codes "
                       "$DIR/other/pictures.codes && " TRAIN "-o $DIR/other --pictures 4",
                       IDEM_SOURCE_DIR),
                   1);
    assert_true(program_says("these codes are not of these pictures in this order"));
    program_expect(
        RUN("$IDEM train-generator -q -d $DIR/data -o $DIR/nowhere --size 64 --features 0 --rebuild 1 " KNOWN), 1);
    assert_true(program_says("mapper.safetensors without --start, the generator that it belongs to"));
    program_expect(RUN(WITHOUT KNOWN), 1);
    assert_true(program_says("mapper.safetensors, but --rebuild is 0"));
    program_expect(RUN(WITHOUT "--rebuild 1 --rebuild-first 3 --rebuild-mapping --z 32 --w 64"), 1);
    assert_true(program_says("--z is 32 and --w 64: with --rebuild-mapping z must be at least as large as w"));
    program_expect(RUN(WITHOUT "--rebuild-mapping"), 1);
    assert_true(program_says("--rebuild-mapping is 1, but has no effect without --rebuild, which is 0"));
    program_expect(RUN(WITHOUT "--rebuild-first 3"), 1);
    assert_true(program_says("--rebuild-first is 3, but has no effect without --rebuild, which is 0"));
    program_expect(RUN(WITHOUT "--rebuild-features 0.1"), 1);
    assert_true(program_says("--rebuild-features is 0.1, but has no effect without --rebuild, which is 0"));
    program_expect(RUN(TRAIN KNOWN "-o $DIR/nowhere --rebuild-rate 0.1"), 1);
    assert_true(program_says("--rebuild-rate is 0.1, but has no effect without --rebuild-first, which is 0"));
    program_expect(RUN(WITHOUT "--features-shift 3"), 1);
    assert_true(program_says("--features-shift is 3, but has no effect without --features, which is 0"));
    assert_int_equal(RUN("test ! -e $DIR/nowhere"), 0);
    program_expect(RUN(TRAIN KNOWN "-o $DIR/many --pictures 4 --rebuild-batch 4"), 1);
    assert_true(program_says("--rebuild-batch is 4, expected fewer than the batch of 4"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stopped_run_ends_alike),
        cmocka_unit_test(the_loss_is_that_of_painted_pictures),
        cmocka_unit_test(it_learns_to_paint_them),
        cmocka_unit_test(codes_move),
        cmocka_unit_test(a_mapping_that_follows_does_not_learn),
        cmocka_unit_test(codes_need_no_steps),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tiny_leave);
}
