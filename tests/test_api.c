/* The public library through include/idem.h: every function, what it refuses, and that results depend on nothing but
 * inputs. Models are the tiny ensemble; the program `idem sample` is the witness of idem_sample. */
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "format/weights.h"
#include "idem.h"
#include "media/image.h"
#include "support/origin.h"
#include "support/program.h"
#include "support/tiny.h"
#include "support/xmp.h"

enum { BATCH = 3, N = 5, SIDE = 64, BYTES = SIDE * SIDE * 3 }; /* N is no multiple of BATCH */

static const char *dir; /* NULL: models are missing, all but one test are skipped */
static char generator[128], mapper[128];
static idem_context *shared; /* one context for all tests that do not care: opening takes time */
static idem_info info;
static uint8_t *faces; /* 2 N pictures */

static idem_options tiny_options(void) {
    idem_options o;
    idem_options_default(&o);
    o.generator = generator;
    o.mapper = mapper;
    o.batch = BATCH;
    return o;
}

static int set_up(void **state) {
    (void)state;
    if (tiny_make(&dir))
        return -1;
    if (!dir)
        return 0;
    snprintf(generator, sizeof generator, "%s/generator.safetensors", dir);
    snprintf(mapper, sizeof mapper, "%s/mapper.safetensors", dir);
    idem_options o = tiny_options();
    shared = idem_open(&o);
    info.struct_size = sizeof info;
    faces = malloc(2 * N * BYTES);
    if (!shared || idem_get_info(shared, &info) || idem_sample(shared, 3, 1, 2 * N, NULL, faces)) {
        fprintf(stderr, "%s\n", idem_last_error());
        return -1;
    }
    return 0;
}

static int tear_down(void **state) {
    idem_close(shared);
    free(faces);
    return tiny_leave(state);
}

static void assert_says(const char *text) {
    if (strstr(idem_last_error(), text))
        return;
    print_message("the message is: %s\nexpected in it: %s\n", idem_last_error(), text);
    fail();
}

static char *in_dir(const char *name) {
    char *path = idem_path_join(dir, name);
    assert_non_null(path);
    return path;
}

/* ---- opening ---- */

static void options_are_zero_by_default_and_never_overrun(void **state) {
    (void)state;
    assert_string_equal(idem_version(), "0.1.0");
    struct {
        idem_options options;
        char guard[16];
    } s;
    memset(&s, 0x5a, sizeof s);
    idem_options_default(&s.options);
    assert_int_equal(s.options.struct_size, sizeof s.options);
    assert_null(s.options.generator);
    assert_null(s.options.mapper);
    assert_null(s.options.models);
    assert_int_equal(s.options.threads, 0);
    assert_int_equal(s.options.batch, 0);
    /* A program of another version brings its own size. */
    memset(&s, 0x5a, sizeof s);
    idem_options_init(&s.options, sizeof s.options - sizeof(int));
    assert_int_equal(((const char *)&s)[sizeof s.options - sizeof(int) - 1], 0);
    assert_int_equal(((const char *)&s)[sizeof s.options - sizeof(int)], 0x5a);
    idem_options_init(NULL, sizeof s.options);
}

static void refuse(idem_options o, const char *text) {
    assert_null(idem_open(&o));
    assert_says(text);
}

static void open_refuses_wrong_options(void **state) {
    (void)state;
    assert_null(idem_open(NULL));
    assert_says("options is NULL");
    idem_options o;
    idem_options_default(&o);
    refuse((idem_options){.struct_size = sizeof o, .mapper = "mapper.pt"}, "no generator for the mapper");
    o.generator = "/nowhere/generator.pt";
    refuse(o, "/nowhere/generator.pt");
    for (int i = 0; i < 2; i++) {
        o.batch = i ? 257 : -1;
        refuse(o, "batch is");
    }
    o.batch = 0;
    for (int i = 0; i < 2; i++) {
        o.threads = i ? 5000 : -1;
        refuse(o, "threads is");
    }
    o.threads = 0;
    o.struct_size = 0;
    refuse(o, "call idem_options_default first");
    o.struct_size = sizeof o + 8;
    refuse(o, "link a newer one");
}

static void open_refuses_wrong_files(void **state) {
    (void)state;
    tiny_need(dir);
    idem_options o = tiny_options();
    o.generator = "tests/test_api.c";
    refuse(o, "tests/test_api.c");
    o = tiny_options();
    o.generator = mapper;
    assert_null(idem_open(&o));
    o = tiny_options();
    o.mapper = "/nowhere/mapper.safetensors";
    refuse(o, "/nowhere/mapper.safetensors");
    o.mapper = generator;
    refuse(o, "not a mapper");
    o = tiny_options();
    o.models = dir;
    refuse(o, "idem model fetch");
    /* A mapper that says it was trained for another generator. */
    idem_weights *w;
    char *path = in_dir("foreign.safetensors");
    assert_int_equal(idem_weights_load(&w, mapper), 0);
    assert_int_equal(idem_weights_set_meta(w, "generator", "0123456789abcdef"), 0);
    assert_int_equal(idem_weights_save(w, path, IDEM_DTYPE_F32), 0);
    idem_weights_free(w);
    o = tiny_options();
    o.mapper = path;
    refuse(o, "0123456789abcdef");
    free(path);
    idem_close(NULL);
}

static void info_tells_sizes(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(info.size, SIDE);
    assert_int_equal(info.identity_dim, 512);
    assert_int_equal(info.attribute_dim, 16);
    assert_int_equal(info.w_dim, 64);
    idem_info wrong = {.struct_size = 4};
    assert_int_equal(idem_get_info(shared, &wrong), -1);
    assert_says("struct_size is 4");
    assert_int_equal(idem_get_info(shared, NULL), -1);
    assert_int_equal(idem_get_info(NULL, &wrong), -1);
}

/* ---- arguments ---- */

static void every_call_refuses_null_and_no_pictures(void **state) {
    (void)state;
    tiny_need(dir);
    idem_context *c = shared;
    static float code[512 * 2], w[512];
    uint8_t *x = faces, out[BYTES];
    for (int k = 0; k < 3; k++) {
        idem_context *context = k == 0 ? NULL : c;
        int n = k == 1 ? 0 : k == 2 ? -1 : 1;
        const char *text = k ? "expected 1 or more" : "context is NULL";
        assert_int_equal(idem_encode_identity(context, x, n, code), -1);
        assert_says(text);
        assert_int_equal(idem_encode_attributes(context, x, n, code), -1);
        assert_says(text);
        assert_int_equal(idem_map(context, code, code, n, w), -1);
        assert_says(text);
        assert_int_equal(idem_generate(context, w, n, out), -1);
        assert_says(text);
        assert_int_equal(idem_compose(context, x, x, n, out), -1);
        assert_says(text);
        assert_int_equal(idem_sample(context, 1, 1, n, w, out), -1);
        assert_says(text);
    }
    const char *text = "an argument is NULL";
    assert_int_equal(idem_encode_identity(c, NULL, 1, code), -1);
    assert_says(text);
    assert_int_equal(idem_encode_identity(c, x, 1, NULL), -1);
    assert_int_equal(idem_encode_attributes(c, NULL, 1, code), -1);
    assert_int_equal(idem_encode_attributes(c, x, 1, NULL), -1);
    assert_int_equal(idem_map(c, NULL, code, 1, w), -1);
    assert_int_equal(idem_map(c, code, NULL, 1, w), -1);
    assert_int_equal(idem_map(c, code, code, 1, NULL), -1);
    assert_int_equal(idem_generate(c, NULL, 1, out), -1);
    assert_int_equal(idem_generate(c, w, 1, NULL), -1);
    assert_int_equal(idem_compose(c, NULL, x, 1, out), -1);
    assert_int_equal(idem_compose(c, x, NULL, 1, out), -1);
    assert_int_equal(idem_compose(c, x, x, 1, NULL), -1);
    assert_int_equal(idem_sample(c, 1, 1, 1, NULL, NULL), -1);
    assert_says(text);
    assert_int_equal(idem_read_picture(c, NULL, out), -1);
    assert_int_equal(idem_read_picture(c, "x.png", NULL), -1);
    assert_int_equal(idem_read_picture(NULL, "x.png", out), -1);
    assert_int_equal(idem_write_picture(c, NULL, x), -1);
    assert_int_equal(idem_write_picture(c, "x.png", NULL), -1);
    assert_int_equal(idem_write_picture(NULL, "x.png", x), -1);
    static const float wrong[] = {-0.1f, 1.1f, NAN};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(idem_sample(c, 1, wrong[i], 1, w, out), -1);
        assert_says("expected 0 to 1");
    }
}

static void without_a_mapper_the_rest_works(void **state) {
    (void)state;
    tiny_need(dir);
    idem_options o = tiny_options();
    /* the tiny one leaves the place of the face to its mapper */
    o.generator = "tests/fixtures/generator-64.safetensors";
    o.mapper = NULL;
    idem_context *c = idem_open(&o);
    assert_non_null(c);
    idem_info about = {.struct_size = sizeof about};
    assert_int_equal(idem_get_info(c, &about), 0);
    assert_int_equal(about.attribute_dim, 0);
    assert_int_equal(about.w_dim, 256);
    float w[256], code[512];
    uint8_t first[BYTES], out[BYTES];
    assert_int_equal(idem_sample(c, 3, 1, 1, w, first), 0);
    assert_int_equal(idem_generate(c, w, 1, out), 0);
    assert_memory_equal(out, first, BYTES);
    assert_int_equal(idem_encode_identity(c, faces, 1, code), 0);
    assert_int_equal(idem_encode_attributes(c, faces, 1, code), -1);
    assert_says("no mapper is loaded");
    assert_int_equal(idem_map(c, code, code, 1, w), -1);
    assert_says("no mapper is loaded");
    assert_int_equal(idem_compose(c, faces, faces, 1, out), -1);
    assert_says("no mapper is loaded");
    idem_close(c);
}

/* ---- results ---- */

static void identity_codes_are_unit_vectors(void **state) {
    (void)state;
    tiny_need(dir);
    static float code[N][512];
    assert_int_equal(idem_encode_identity(shared, faces, N, &code[0][0]), 0);
    for (int i = 0; i < N; i++) {
        double square = 0;
        for (int k = 0; k < 512; k++)
            square += (double)code[i][k] * code[i][k];
        assert_true(fabs(square - 1) < 1e-5);
    }
    assert_memory_not_equal(code[0], code[1], sizeof code[0]);
}

static void compose_is_encode_map_generate(void **state) {
    (void)state;
    tiny_need(dir);
    const uint8_t *id = faces, *attr = faces + N * BYTES;
    float *id_code = malloc(N * 512 * sizeof(float)), attr_code[N][16], w[N][64];
    uint8_t *parts = malloc(N * BYTES), *whole = malloc(N * BYTES);
    assert_int_equal(idem_encode_identity(shared, id, N, id_code), 0);
    assert_int_equal(idem_encode_attributes(shared, attr, N, &attr_code[0][0]), 0);
    assert_int_equal(idem_map(shared, id_code, &attr_code[0][0], N, &w[0][0]), 0);
    assert_int_equal(idem_generate(shared, &w[0][0], N, parts), 0);
    assert_int_equal(idem_compose(shared, id, attr, N, whole), 0);
    assert_memory_equal(parts, whole, N * BYTES);
    /* Both inputs matter. */
    assert_int_equal(idem_compose(shared, id, attr + BYTES, 1, parts), 0);
    assert_memory_not_equal(parts, whole, BYTES);
    assert_int_equal(idem_compose(shared, id + BYTES, attr, 1, parts), 0);
    assert_memory_not_equal(parts, whole, BYTES);
    free(id_code);
    free(parts);
    free(whole);
}

static void results_do_not_depend_on_how_many_there_are(void **state) {
    (void)state;
    tiny_need(dir);
    const uint8_t *id = faces, *attr = faces + N * BYTES;
    static float codes[N][512], one[512];
    float attributes[N][16], few[16];
    uint8_t *all = malloc(N * BYTES), single[BYTES];
    assert_int_equal(idem_compose(shared, id, attr, N, all), 0);
    assert_int_equal(idem_encode_identity(shared, id, N, &codes[0][0]), 0);
    assert_int_equal(idem_encode_attributes(shared, attr, N, &attributes[0][0]), 0);
    for (int i = 0; i < N; i++) {
        assert_int_equal(idem_compose(shared, id + i * BYTES, attr + i * BYTES, 1, single), 0);
        assert_memory_equal(single, all + i * BYTES, BYTES);
        assert_int_equal(idem_encode_identity(shared, id + i * BYTES, 1, one), 0);
        assert_memory_equal(one, codes[i], sizeof one);
        assert_int_equal(idem_encode_attributes(shared, attr + i * BYTES, 1, few), 0);
        assert_memory_equal(few, attributes[i], sizeof few);
    }
    free(all);
}

static void out_may_be_an_input(void **state) {
    (void)state;
    tiny_need(dir);
    uint8_t *want = malloc(N * BYTES), *copy = malloc(N * BYTES);
    assert_int_equal(idem_compose(shared, faces, faces + N * BYTES, N, want), 0);
    memcpy(copy, faces, N * BYTES);
    assert_int_equal(idem_compose(shared, copy, faces + N * BYTES, N, copy), 0);
    assert_memory_equal(copy, want, N * BYTES);
    memcpy(copy, faces + N * BYTES, N * BYTES);
    assert_int_equal(idem_compose(shared, faces, copy, N, copy), 0);
    assert_memory_equal(copy, want, N * BYTES);
    free(want);
    free(copy);
}

static void another_context_gives_the_same_bytes(void **state) {
    (void)state;
    tiny_need(dir);
    uint8_t *first = malloc(N * BYTES), *second = malloc(N * BYTES);
    assert_int_equal(idem_compose(shared, faces, faces + N * BYTES, N, first), 0);
    idem_options o = tiny_options();
    idem_context *c = idem_open(&o);
    assert_non_null(c);
    assert_int_equal(idem_compose(c, faces, faces + N * BYTES, N, second), 0);
    assert_memory_equal(first, second, N * BYTES);
    idem_close(c);
    free(first);
    free(second);
}

static void samples_depend_on_the_seed_alone(void **state) {
    (void)state;
    tiny_need(dir);
    static float w[N][64], w2[N][64];
    uint8_t *a = malloc(N * BYTES), *b = malloc(N * BYTES);
    assert_int_equal(idem_sample(shared, 8, 0.7f, N, &w[0][0], a), 0);
    assert_int_equal(idem_generate(shared, &w[0][0], N, b), 0);
    assert_memory_equal(a, b, N * BYTES);
    assert_int_equal(idem_sample(shared, 8, 0.7f, N, &w2[0][0], NULL), 0); /* codes alone take the short way */
    assert_memory_equal(w, w2, sizeof w);
    assert_int_equal(idem_sample(shared, 8, 0.7f, 2, &w2[0][0], b), 0);
    assert_memory_equal(w, w2, sizeof *w * 2);
    assert_memory_equal(a, b, 2 * BYTES);
    assert_int_equal(idem_sample(shared, 9, 0.7f, 1, NULL, b), 0);
    assert_memory_not_equal(a, b, BYTES);
    assert_int_equal(idem_sample(shared, 8, 0.5f, 1, NULL, b), 0);
    assert_memory_not_equal(a, b, BYTES);
    assert_int_equal(idem_sample(shared, 8, 0, 2, &w2[0][0], b), 0); /* the mean */
    assert_memory_equal(w2[0], w2[1], sizeof w2[0]);
    assert_memory_equal(b, b + BYTES, BYTES);
    free(a);
    free(b);
}

static void samples_are_those_of_the_program(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(
        program_run(dir, "$IDEM sample -q -g '%s' -n 2 --seed 8 --truncation 0.7 -o $DIR/sampled", generator), 0);
    uint8_t *mine = malloc(2 * BYTES), theirs[BYTES];
    assert_int_equal(idem_sample(shared, 8, 0.7f, 2, NULL, mine), 0);
    for (int i = 0; i < 2; i++) {
        char *path =
            in_dir(i ? "sampled/dataset_64/images/00000/00001.png" : "sampled/dataset_64/images/00000/00000.png");
        assert_int_equal(idem_read_picture(shared, path, theirs), 0);
        for (int k = 0; k < BYTES; k++) /* another batch may round another way */
            assert_true(abs(mine[i * BYTES + k] - theirs[k]) <= 1);
        free(path);
    }
    free(mine);
}

/* ---- files ---- */

static void pictures_are_written_and_read_back(void **state) {
    (void)state;
    tiny_need(dir);
    char *path = in_dir("face.png"), text[64];
    uint8_t back[BYTES];
    assert_int_equal(idem_write_picture(shared, path, faces), 0);
    assert_int_equal(idem_read_picture(shared, path, back), 0);
    assert_memory_equal(back, faces, BYTES);
    assert_int_equal(idem_png_text(path, "synthetic", text, sizeof text), 0);
    assert_string_equal(text, "true");
    assert_int_equal(idem_png_text(path, "generator", text, sizeof text), 0);
    assert_int_equal(strlen(text), 16);
    origin_file(dir, "face.png", XMP_GENERATED);
    assert_int_equal(idem_png_text(path, "seed", text, sizeof text), -1); /* nobody said by which it came about */
    /* Other sizes are fitted. */
    idem_image wide;
    assert_int_equal(idem_image_new(&wide, 2 * SIDE, SIDE), 0);
    memset(wide.rgb, 200, 2 * BYTES);
    assert_int_equal(idem_image_save_png(&wide, path, NULL), 0);
    idem_image_free(&wide);
    assert_int_equal(idem_read_picture(shared, path, back), 0);
    for (int i = 0; i < BYTES; i++)
        assert_int_equal(back[i], 200);
    free(path);
}

static void pictures_that_cannot_be_read_or_written_are_refused(void **state) {
    (void)state;
    tiny_need(dir);
    uint8_t out[BYTES];
    assert_int_equal(idem_read_picture(shared, "/nowhere/x.png", out), -1);
    assert_says("/nowhere/x.png");
    assert_int_equal(idem_read_picture(shared, "tests/test_api.c", out), -1);
    assert_says("expected a PNG, JPEG, WebP, HEIC or AVIF");
    assert_int_equal(idem_read_picture(shared, dir, out), -1);
    assert_says("is a folder");
    assert_int_equal(idem_write_picture(shared, "/nowhere/x.png", faces), -1);
    assert_says("/nowhere/x.png");
    assert_int_equal(idem_write_picture(shared, dir, faces), -1);
    assert_says("is a folder");
}

/* ---- threads ---- */

typedef struct {
    uint8_t out[BYTES];
    int status;
    bool message_was_empty, own_message;
} worker;

static void *work(void *argument) {
    worker *w = argument;
    w->message_was_empty = !*idem_last_error();
    idem_options o = tiny_options();
    o.threads = 1;
    idem_context *c = idem_open(&o);
    w->status = -1;
    for (int i = 0; c && i < 3; i++)
        w->status = idem_compose(c, faces, faces + N * BYTES, 1, w->out);
    w->own_message = idem_compose(c, NULL, NULL, 1, NULL) && strstr(idem_last_error(), "idem_compose");
    idem_close(c);
    return NULL;
}

static void contexts_serve_threads_at_the_same_time(void **state) {
    (void)state;
    tiny_need(dir);
    enum { THREADS = 3 };
    static worker workers[THREADS];
    pthread_t threads[THREADS];
    assert_int_equal(idem_read_picture(shared, "/nowhere/mine.png", workers[0].out), -1);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_says("/nowhere/mine.png"); /* others' failures are not ours */
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(workers[i].status, 0);
        assert_true(workers[i].message_was_empty && workers[i].own_message);
        assert_memory_equal(workers[i].out, workers[0].out, BYTES);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_zero_by_default_and_never_overrun),
        cmocka_unit_test(open_refuses_wrong_options),
        cmocka_unit_test(open_refuses_wrong_files),
        cmocka_unit_test(info_tells_sizes),
        cmocka_unit_test(every_call_refuses_null_and_no_pictures),
        cmocka_unit_test(without_a_mapper_the_rest_works),
        cmocka_unit_test(identity_codes_are_unit_vectors),
        cmocka_unit_test(compose_is_encode_map_generate),
        cmocka_unit_test(results_do_not_depend_on_how_many_there_are),
        cmocka_unit_test(out_may_be_an_input),
        cmocka_unit_test(another_context_gives_the_same_bytes),
        cmocka_unit_test(samples_depend_on_the_seed_alone),
        cmocka_unit_test(samples_are_those_of_the_program),
        cmocka_unit_test(pictures_are_written_and_read_back),
        cmocka_unit_test(pictures_that_cannot_be_read_or_written_are_refused),
        cmocka_unit_test(contexts_serve_threads_at_the_same_time),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
