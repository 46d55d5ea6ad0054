/* Networks against independent implementations: every folder of tests/fixtures, and what the fixtures do not show. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/log.h"
#include "engine/op.h"
#include "engine/ops.h"
#include "nets/inception3.h"
#include "nets/mlp.h"
#include "nets/norm_conv.h"
#include "nets/onnx_graph.h"
#include "nets/stylegan2.h"
#include "support/fill.h"
#include "support/fixture.h"

#define FIXTURES IDEM_SOURCE_DIR "/tests/fixtures/"

static const char *models_folder(void) {
    const char *models = getenv("IDEM_MODELS");
    return models ? models : IDEM_SOURCE_DIR "/models/cache";
}

/* ---- fixtures ---- */

static void run_folder(void **state) {
    char dir[256];
    bool missing = false;
    snprintf(dir, sizeof dir, FIXTURES "%s", (const char *)*state);
    const int status = fixture_run(dir, models_folder(), 0, stdout, &missing);
    if (missing) {
        printf("skip: %s\n", idem_error());
        skip();
    }
    if (status < 0)
        printf("%s: %s\n", dir, idem_error());
    assert_int_equal(status, 0);
}

/* Copies a fixture's files to a new folder under /tmp, with one text in fixture.json replaced. */
static void copy_fixture(char to[64], const char *from, const char *old, const char *new) {
    char **names;
    size_t count;
    strcpy(to, "/tmp/idem-fixture-XXXXXX");
    assert_non_null(mkdtemp(to));
    assert_int_equal(idem_dir_list(from, NULL, &names, &count), 0);
    for (size_t i = 0; i < count; i++) {
        unsigned char *bytes;
        size_t size;
        char *source = idem_path_join(from, names[i]), *target = idem_path_join(to, names[i]);
        assert_int_equal(idem_file_read(source, 1 << 24, &bytes, &size), 0);
        char *at = strcmp(names[i], "fixture.json") == 0 ? strstr((char *)bytes, old) : NULL;
        if (at) {
            idem_writer w;
            assert_int_equal(idem_writer_open(&w, target), 0);
            fprintf(w.stream, "%.*s%s%s", (int)(at - (char *)bytes), (char *)bytes, new, at + strlen(old));
            assert_int_equal(idem_writer_commit(&w), 0);
        } else {
            assert_int_equal(idem_file_write(target, bytes, size), 0);
        }
        free(bytes);
        free(source);
        free(target);
    }
    idem_names_free(names, count);
}

static void remove_folder(const char *dir) {
    char **names;
    size_t count;
    assert_int_equal(idem_dir_list(dir, NULL, &names, &count), 0);
    for (size_t i = 0; i < count; i++) {
        char *path = idem_path_join(dir, names[i]);
        unlink(path);
        free(path);
    }
    idem_names_free(names, count);
    rmdir(dir);
}

/* A checker that cannot fail proves nothing: every kind of fault must be seen. */
static void faults_are_caught(void **state) {
    (void)state;
    const struct {
        const char *old, *new,
            *file; /* a text replaced; or a file written: an expected output nobody makes, or a wrong one */
        int status;
    } faults[] = {
        {"\"salt\": \"\"", "\"salt\": \"\"", NULL, 0},
        {"\"salt\": \"\"", "\"salt\": \"x\"", NULL, 1},
        {"{\n\"name\": \"style.1.weight\"",
         "{\"name\": \"extra\", \"shape\": [2], \"a\": 1, \"b\": 0}, {\n\"name\": \"style.1.weight\"", NULL, 1},
        {"\"stylegan2\"", "\"stylegan9\"", NULL, -1},
        {"convs.3.conv.weight", "convs.3.conv.wait", NULL, -1},
        {"", "", "grad_nothing.npy", 1},
        {"", "", "w.npy", 1},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char dir[64];
        FILE *out = fopen("/dev/null", "w");
        copy_fixture(dir, FIXTURES "stylegan2-tiny-64", faults[i].old, faults[i].new);
        if (faults[i].file) {
            char *path = idem_path_join(dir, faults[i].file);
            float zeros[128] = {0};
            assert_int_equal(idem_npy_save(path, &IDEM_SHAPE(2, 64), zeros), 0);
            free(path);
        }
        if (fixture_run(dir, "", 1, out, NULL) != faults[i].status)
            fail_msg("fault %zu was judged otherwise than %d", i, faults[i].status);
        fclose(out);
        remove_folder(dir);
    }
}

/* ---- binding ---- */

static void bindings_are_summed_up(void **state) {
    (void)state;
    idem_weights *w = idem_weights_new();
    idem_weights_add(w, "net.a.weight", IDEM_SHAPE(1, 4, 2, 3, 3))->data[0] = 5;
    idem_weights_add(w, "net.b", IDEM_SHAPE(7));
    idem_graph *g = idem_graph_new();
    idem_binder b = idem_binder_make(g, w, "net.", true);
    idem_node *a = idem_bind(&b, IDEM_SHAPE(4, 2, 3, 3), "%s.weight", "a");
    assert_true(a && a->leaf[0] == 5);
    assert_ptr_equal(idem_bind(&b, IDEM_SHAPE(4, 2, 3, 3), "a.weight"), a); /* one node for one tensor */
    assert_int_equal(idem_binder_finish(&b, "thing", "b"), 0);
    idem_bind(&b, IDEM_SHAPE(8), "b");
    idem_bind(&b, IDEM_SHAPE(3), "c.%d", 5);
    assert_int_equal(idem_binder_finish(&b, "thing", NULL), -1);
    assert_non_null(strstr(idem_error(), "net.b is [7], expected [8]"));
    assert_non_null(strstr(idem_error(), "net.c.5 is missing"));
    idem_graph_free(g);
    idem_weights_free(w);
}

/* What binding does to a tensor's shape stays out of the files written afterwards. */
static void bound_tensors_are_written_as_published(void **state) {
    (void)state;
    char path[] = "/tmp/idem-bound-XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    idem_weights *w = idem_weights_new(), *again;
    const idem_shape shape = IDEM_SHAPE(1, 4, 2, 3, 3);
    idem_weight *t = idem_weights_add(w, "weight", shape);
    float rowmajor[72], back[72];
    for (int i = 0; i < 72; i++)
        t->data[i] = rowmajor[i] = (float)i;
    idem_graph *g = idem_graph_new();
    idem_binder b = idem_binder_make(g, w, "", false);
    assert_non_null(idem_bind(&b, IDEM_SHAPE(4, 2, 3, 3), "weight"));
    assert_true(t->channels_last);
    assert_int_equal(idem_weights_save(w, path, IDEM_DTYPE_F32), 0);
    assert_int_equal(idem_weights_load(&again, path), 0);
    const idem_weight *read = idem_weights_find(again, "weight");
    assert_true(read && idem_shape_equal(&read->shape, &shape));
    idem_weight_read(read, back);
    assert_memory_equal(back, rowmajor, sizeof back);
    unlink(path);
    idem_graph_free(g);
    idem_weights_free(again);
    idem_weights_free(w);
}

static void note(void *user, idem_log_level level, const char *line) {
    if (level == IDEM_LOG_WARNING)
        snprintf(user, 256, "%s", line);
}

static void unused_tensors_are_named(void **state) {
    (void)state;
    char line[256] = "";
    idem_weights *w = idem_weights_new();
    idem_weights_add(w, "e.fc.weight", IDEM_SHAPE(2));
    idem_weights_add(w, "e.left.over", IDEM_SHAPE(2));
    idem_weights_add(w, "other", IDEM_SHAPE(2));
    idem_binder b = idem_binder_make(NULL, w, "e.", false);
    idem_log_set_sink(note, line);
    assert_int_equal(idem_binder_finish(&b, "thing", "aux.*|fc.*"), 0);
    idem_log_set_sink(NULL, NULL);
    assert_non_null(strstr(line, "e.left.over"));
    assert_null(strstr(line, "fc.weight"));
    assert_null(strstr(line, "other"));
    idem_weights_free(w);
}

/* ---- StyleGAN2 ---- */

static void fill_all(idem_weights *w) {
    for (size_t i = 0; i < idem_weights_count(w); i++) {
        idem_weight *t = idem_weights_at(w, i);
        fixture_fill(t->data, (size_t)idem_shape_count(&t->shape), "", t->name, 1.7, 0);
    }
}

static void add_modulated(idem_weights *w, const char *path, int in, int out, int kernel, int w_dim) {
    const char *parts[] = {"%s.conv.weight", "%s.conv.modulation.weight", "%s.conv.modulation.bias"};
    const idem_shape shapes[] = {IDEM_SHAPE(1, out, in, kernel, kernel), IDEM_SHAPE(in, w_dim), IDEM_SHAPE(in)};
    for (int i = 0; i < 3; i++) {
        char name[64];
        snprintf(name, sizeof name, parts[i], path);
        assert_non_null(idem_weights_add(w, name, shapes[i]));
    }
}

/* 8 pixels, w of 6, widths that all differ; no mapping and no stored noise. */
static idem_weights *small_generator(void) {
    static const char *const path[] = {"conv1", "convs.0", "convs.1"};
    const int width[] = {5, 7, 3, 4};
    idem_weights *w = idem_weights_new();
    idem_weights_add(w, "input.input", IDEM_SHAPE(1, 5, 4, 4));
    for (int i = 0; i < 3; i++) {
        char name[64];
        add_modulated(w, path[i], width[i], width[i + 1], 3, 6);
        snprintf(name, sizeof name, "%s.noise.weight", path[i]);
        idem_weights_add(w, name, IDEM_SHAPE(1));
        snprintf(name, sizeof name, "%s.activate.bias", path[i]);
        idem_weights_add(w, name, IDEM_SHAPE(width[i + 1]));
    }
    add_modulated(w, "to_rgb1", 7, 3, 1, 6);
    idem_weights_add(w, "to_rgb1.bias", IDEM_SHAPE(1, 3, 1, 1));
    add_modulated(w, "to_rgbs.0", 4, 3, 1, 6);
    idem_weights_add(w, "to_rgbs.0.bias", IDEM_SHAPE(1, 3, 1, 1));
    fill_all(w);
    return w;
}

/* One w for all layers equals that w in every row; truncation moves only the first layers; noise given replaces noise
 * stored. */
static void synthesis_takes_one_w_or_many(void **state) {
    (void)state;
    idem_weights *w = small_generator();
    idem_stylegan2 s;
    assert_int_equal(idem_stylegan2_open(&s, w, NULL), 0);
    assert_int_equal(s.size, 8);
    assert_int_equal(s.n_ws, 4);
    assert_int_equal(s.w_dim, 6);
    assert_int_equal(s.mapping_layers, 0);
    idem_graph *g = idem_graph_new();
    idem_binder b = idem_binder_make(g, w, s.prefix, false);
    idem_node *code = idem_input(g, "w", IDEM_SHAPE(2, 6)), *mean = idem_input(g, "mean", IDEM_SHAPE(6));
    idem_node *rows = idem_input(g, "ws", IDEM_SHAPE(2, 4, 6)), *noise[3], *target[4];
    fixture_fill(code->leaf, 12, "", "w", 1, 0);
    fixture_fill(mean->leaf, 6, "", "mean", 1, 0);
    for (int n = 0; n < 2; n++)
        for (int l = 0; l < 4; l++)
            for (int d = 0; d < 6; d++) {
                const float full = code->leaf[n * 6 + d];
                rows->leaf[(n * 4 + l) * 6 + d] = l < 3 ? mean->leaf[d] + 0.6f * (full - mean->leaf[d]) : full;
            }
    for (int i = 0; i < 3; i++)
        noise[i] = idem_input(g, "noise", IDEM_SHAPE(1, 1, idem_stylegan2_noise_side(i), idem_stylegan2_noise_side(i)));
    target[0] = idem_stylegan2_synthesis(&b, &s, rows, NULL);
    target[1] = idem_stylegan2_synthesis(&b, &s, idem_stylegan2_truncate(&s, code, mean, 0.6f, 3), NULL);
    target[2] = idem_stylegan2_synthesis(&b, &s, idem_stylegan2_truncate(&s, code, mean, 0.6f, -1), NULL);
    target[3] = idem_stylegan2_synthesis(&b, &s, rows, noise); /* all zero */
    assert_int_equal(idem_stylegan2_finish(&b, &s), 0);
    idem_plan *p = idem_plan_new(target, 4, NULL);
    assert_non_null(p);
    assert_int_equal(idem_plan_run(p), 0);
    double difference[4] = {0};
    for (int k = 1; k < 4; k++)
        for (int i = 0; i < 2 * 3 * 64; i++)
            difference[k] += fabs((double)idem_plan_value(p, target[k])[i] - idem_plan_value(p, target[0])[i]);
    assert_true(difference[1] < 1e-3);
    assert_true(difference[2] > 1);
    assert_true(difference[3] > 1);
    idem_plan_free(p);
    idem_graph_free(g);
    idem_weights_free(w);
}

static void generators_that_cannot_be_used_are_refused(void **state) {
    (void)state;
    idem_stylegan2 s;
    idem_weights *w = idem_weights_new();
    assert_int_equal(idem_stylegan2_open(&s, w, NULL), -1);
    assert_non_null(strstr(idem_error(), "input.input"));
    idem_weights_free(w);
    w = small_generator();
    assert_int_equal(idem_stylegan2_open(&s, w, NULL), 0);
    idem_graph *g = idem_graph_new();
    idem_binder b = idem_binder_make(g, w, s.prefix, false);
    assert_null(idem_stylegan2_mapping(&b, &s, idem_input(g, "z", IDEM_SHAPE(1, 6))));
    assert_null(idem_stylegan2_synthesis(&b, &s, idem_input(g, "w", IDEM_SHAPE(1, 3, 6)), NULL));
    assert_non_null(strstr(idem_error(), "[1, 3, 6], expected [N, 4, 6] or [N, 6]"));
    idem_graph_free(g);
    idem_weights_free(w);
}

/* ---- M and D_W ---- */

static double deviation(const idem_weight *w, double *most) {
    const size_t n = (size_t)idem_shape_count(&w->shape);
    double sum = 0;
    *most = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)w->data[i] * w->data[i];
        *most = fabs((double)w->data[i]) > *most ? fabs((double)w->data[i]) : *most;
    }
    return sqrt(sum / (double)n);
}

static void fresh_mapper_and_critic(void **state) {
    (void)state;
    float mean[512];
    double most;
    size_t count = 0;
    fixture_fill(mean, 512, "", "mean", 1, 0);
    idem_weights *w = idem_weights_new();
    idem_rng rng = idem_rng_make(1, "mapper");
    assert_int_equal(idem_mapper_init(w, 2560, 512, mean, &rng), 0);
    for (size_t i = 0; i < idem_weights_count(w); i++)
        count += (size_t)idem_shape_count(&idem_weights_at(w, i)->shape);
    assert_int_equal(count, 8130560); /* as published */
    assert_int_equal(idem_critic_init(w, 512, &rng), 0);
    count = 0;
    for (size_t i = 8; i < idem_weights_count(w); i++)
        count += (size_t)idem_shape_count(&idem_weights_at(w, i)->shape);
    assert_int_equal(count, 172545);
    const double limit = sqrt(6.0 / (2560 + 2048));
    assert_true(fabs(deviation(idem_weights_find(w, "mapper.0.weight"), &most) - limit / sqrt(3)) < 1e-4);
    assert_true(most <= limit && most > 0.999 * limit);
    assert_true(fabs(deviation(idem_weights_find(w, "mapper.2.weight"), &most) - sqrt(2 / 1.04 / 1024)) < 3e-4);
    assert_true(fabs(deviation(idem_weights_find(w, "critic.0.weight"), &most) - sqrt(2 / 1.04 / 512)) < 5e-4);
    assert_memory_equal(idem_weights_find(w, "mapper.3.bias")->data, mean, sizeof mean);
    assert_int_equal(idem_mapper_init(w, 2560, 512, mean, &rng), -1); /* exists */
    idem_weights_free(w);
}

/* ---- InceptionV3 ---- */

static void any_line(void *user, idem_log_level level, const char *line) {
    (void)level;
    snprintf(user, 256, "%s", line);
}

/* Fresh tensors are those of the published network, and the auxiliary classifier of a file stands aside. */
static void fresh_inception3(void **state) {
    (void)state;
    idem_weights *w = idem_weights_new();
    idem_rng rng = idem_rng_make(1, "inception");
    assert_int_equal(idem_inception3_width(w, "E_attr."), 0);
    assert_int_equal(idem_inception3_init(w, "E_attr.", &rng), 0);
    assert_int_equal(idem_inception3_width(w, "E_attr."), 2048);
    int64_t convolutions = 0;
    for (size_t i = 0; i < idem_weights_count(w); i++)
        if (idem_weights_at(w, i)->shape.rank == 4)
            convolutions += idem_shape_count(&idem_weights_at(w, i)->shape);
    assert_int_equal(convolutions,
                     21751136); /* published: 21,785,568 parameters without the classifiers, 34,432 in norms */
    assert_int_equal(idem_weights_count(w), 94 * 5);
    assert_int_equal(idem_inception3_init(w, "E_attr.", &rng), -1); /* exists */
    double most;
    assert_true(fabs(deviation(idem_weights_find(w, "E_attr.Mixed_6b.branch7x7_2.conv.weight"), &most) -
                     sqrt(2.0 / (128 * 7))) < 1e-3);
    idem_weights_add(w, "E_attr.AuxLogits.fc.weight", IDEM_SHAPE(1000, 768));
    idem_graph *g = idem_graph_new();
    idem_binder b = idem_binder_make(g, w, "E_attr.", false);
    idem_node *x = idem_input(g, "x", IDEM_SHAPE(1, 3, 75, 75));
    assert_non_null(idem_inception3(&b, x, IDEM_FIXED_STATS, NULL));
    char line[256] = "";
    idem_log_set_sink(any_line, line);
    assert_int_equal(idem_inception3_finish(&b), 0);
    idem_log_set_sink(NULL, NULL);
    assert_string_equal(line, "InceptionV3: the auxiliary classifier (AuxLogits) of the file is not used");
    assert_null(idem_inception3(&b, idem_input(g, "x", IDEM_SHAPE(1, 3, 74, 75)), IDEM_FIXED_STATS, NULL));
    assert_non_null(strstr(idem_error(), "sides of at least 75"));
    idem_graph_free(g);
    idem_weights_free(w);
}

/* ---- ONNX ---- */

/* The file's batch is 1: two pictures at once give what each gives alone, for every output. */
static void onnx_batch_is_free(void **state) {
    (void)state;
    const struct {
        const char *file;
        int64_t c, h, w;
    } nets[] = {
        {"fr_detect", 3, 240, 320}, {"fr_pose", 3, 224, 224}, {"fr_landmark", 1, 64, 64}, {"fr_feature", 3, 112, 112}};
    for (size_t k = 0; k < sizeof nets / sizeof *nets; k++) {
        char path[512];
        idem_onnx *m;
        snprintf(path, sizeof path, "%s/%s.onnx", models_folder(), nets[k].file);
        if (!idem_path_exists(path)) {
            printf("skip: %s is not there\n", path);
            skip();
        }
        assert_int_equal(idem_onnx_load(&m, path), 0);
        idem_graph *g = idem_graph_new();
        idem_node *two = idem_input(g, "two", IDEM_SHAPE(2, nets[k].c, nets[k].h, nets[k].w)), *target[8];
        const size_t count = (size_t)(nets[k].c * nets[k].h * nets[k].w);
        fixture_fill(two->leaf, 2 * count, "", "pictures", 1, 0);
        const char *names[4];
        const int n = (int)m->n_outputs;
        assert_in_range(n, 1, 3);
        for (int i = 0; i < n; i++)
            names[i] = m->outputs[i].name;
        idem_node *one = idem_input(g, "one", IDEM_SHAPE(1, nets[k].c, nets[k].h, nets[k].w));
        memcpy(one->leaf, two->leaf + count, count * sizeof(float)); /* the second */
        assert_int_equal(idem_onnx_build_many(g, m, two, names, n, target), 0);
        assert_int_equal(idem_onnx_build_many(g, m, one, names, n, target + n), 0);
        idem_plan *p = idem_plan_new(target, 2 * n, NULL);
        assert_non_null(p);
        assert_int_equal(idem_plan_run(p), 0);
        for (int i = 0; i < n; i++) {
            const int64_t size = idem_shape_count(&target[n + i]->shape);
            assert_int_equal(target[i]->shape.d[0], 2);
            assert_int_equal(idem_shape_count(&target[i]->shape), 2 * size);
            const float *both = idem_plan_value(p, target[i]), *alone = idem_plan_value(p, target[n + i]);
            double worst = 0, scale = 0;
            for (int64_t e = 0; e < size; e++) {
                worst = fmax(worst, fabs((double)both[size + e] - alone[e]));
                scale = fmax(scale, fabs((double)alone[e]));
            }
            assert_true(worst <= 1e-4 * scale);
        }
        idem_plan_free(p);
        idem_graph_free(g);
        idem_onnx_free(m);
    }
}

/* Folded into a convolution's weights, a norm copies them; a frozen one with few results must read them in place. */
static void norms_of_few_results_copy_no_weights(void **state) {
    (void)state;
    idem_weights *w = idem_weights_new();
    idem_rng rng = idem_rng_make(1, "norm");
    assert_int_equal(idem_norm_conv_init(w, "", "conv", "norm", IDEM_SHAPE(32, 32, 3, 3), &rng), 0);
    for (size_t i = 1; i < 5; i++) /* positive: one is a variance */
        fixture_fill(idem_weights_at(w, i)->data, 32, "", idem_weights_at(w, i)->name, 0.4, 1);
    for (int side = 2; side <= 8; side *= 4) {
        idem_graph *g = idem_graph_new();
        idem_node *x = idem_input(g, "x", IDEM_SHAPE(1, 32, side, side)), *y[2];
        fixture_fill(x->leaf, (size_t)(32 * side * side), "", "x", 1, 0);
        for (int trainable = 0; trainable < 2; trainable++) {
            idem_binder b = idem_binder_make(g, w, "", trainable);
            const idem_norm_conv_kind k = {.binder = &b, .stats = IDEM_FIXED_STATS, .eps = 1e-5f};
            y[trainable] = idem_norm_conv(&k, x, "conv", "norm", (idem_norm_conv_shape){32, 3, 3, 1, false});
            assert_non_null(y[trainable]);
        }
        assert_string_equal(y[0]->op->name, side == 2 ? "bn_apply" : "conv");
        assert_string_equal(y[1]->op->name, "conv");
        idem_plan *p = idem_plan_new(y, 2, NULL);
        assert_non_null(p);
        assert_int_equal(idem_plan_run(p), 0);
        for (int i = 0; i < 32 * side * side; i++)
            assert_true(fabsf(idem_plan_value(p, y[0])[i] - idem_plan_value(p, y[1])[i]) < 1e-4f);
        idem_plan_free(p);
        idem_graph_free(g);
    }
    idem_weights_free(w);
}

#define FOLDER(name)                                                                                                   \
    { "fixture " name, run_folder, NULL, NULL, name }

int main(void) {
    const struct CMUnitTest tests[] = {
        FOLDER("stylegan2-tiny-64"),
        FOLDER("stylegan2-ada-tiny-64"),
        FOLDER("onnx"),
        FOLDER("judge"),
        FOLDER("torchvision-resnet18"),
        FOLDER("resnet18-train"),
        FOLDER("torchvision-inception-v3"),
        FOLDER("inception3-fixed"),
        FOLDER("inception3-train"),
        FOLDER("fid-inception-v3"),
        FOLDER("losses"),
        cmocka_unit_test(faults_are_caught),
        cmocka_unit_test(bindings_are_summed_up),
        cmocka_unit_test(bound_tensors_are_written_as_published),
        cmocka_unit_test(unused_tensors_are_named),
        cmocka_unit_test(synthesis_takes_one_w_or_many),
        cmocka_unit_test(generators_that_cannot_be_used_are_refused),
        cmocka_unit_test(fresh_mapper_and_critic),
        cmocka_unit_test(fresh_inception3),
        cmocka_unit_test(onnx_batch_is_free),
        cmocka_unit_test(norms_of_few_results_copy_no_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
