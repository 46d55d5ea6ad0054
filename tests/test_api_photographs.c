/* Photographs through include/idem.h: what is found, aligned and pasted is what the program does with the same files,
 * byte for byte; and what the functions refuse. */
#define _GNU_SOURCE
#include <dirent.h>
#include <math.h>
#include <omp.h>
#include <pthread.h>
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
#include "media/image.h"
#include "support/origin.h"
#include "support/photographs.h"
#include "support/pictures.h"
#include "support/program.h"
#include "support/tiny.h"
#include "support/xmp.h"

enum { SIDE = 64, WIDTH = 1280, HEIGHT = 480 };

static const char *dir; /* NULL: models are missing, tests are skipped */
static idem_context *context;
static idem_photograph *group; /* two faces, as it was read */
static uint8_t two_faces[WIDTH * HEIGHT * 3];

#define RUN(...) program_run(dir, __VA_ARGS__)
#define MODEL "-q --threads 1 -g $DIR/generator.safetensors -m $DIR/mapper.safetensors "

static char *in_dir(const char *name) {
    char *path = idem_path_join(dir, name);
    assert_non_null(path);
    return path;
}

static idem_photograph *read_photograph(const char *name) {
    char *path = in_dir(name);
    idem_photograph *p = idem_read_photograph(context, path);
    if (!p)
        print_message("%s\n", idem_last_error());
    assert_non_null(p);
    free(path);
    return p;
}

static int set_up(void **state) {
    (void)state;
    if (tiny_make(&dir))
        return -1;
    return 0;
}

static int tear_down(void **state) {
    idem_free_photograph(group);
    idem_close(context);
    return tiny_leave(state);
}

/* What every test begins with. */
static void need(void) {
    tiny_need(dir);
    photograph_need_models();
    if (group)
        return;
    char *generator = in_dir("generator.safetensors"), *mapper = in_dir("mapper.safetensors");
    idem_options o;
    idem_options_default(&o);
    o.generator = generator;
    o.mapper = mapper;
    o.batch = 1;
    o.threads = 1;
    context = idem_open(&o);
    assert_non_null(context);
    free(generator);
    free(mapper);
    photograph_save(dir, "who.png", "identities/1.png", 300);
    photograph_save_pair(dir, "group.png", (const char *const[]){"identities/2.png", "attributes/b.png"},
                         (const double[]){220, 320});
    group = read_photograph("group.png");
    assert_int_equal(
        RUN("cd $DIR && IDEM_MODELS='%s' $IDEM align -q --threads 1 -s %d -A group.png who.png -o cut --json",
            photograph_models(), SIDE),
        0);
}

static void assert_says(const char *text) {
    if (strstr(idem_last_error(), text))
        return;
    print_message("the message is: %s\nexpected in it: %s\n", idem_last_error(), text);
    fail();
}

static void assert_picture(const char *name, const uint8_t *rgb, int width, int height) {
    idem_image im;
    picture_load(&im, dir, name);
    assert_true(im.width == width && im.height == height);
    assert_memory_equal(im.rgb, rgb, (size_t)width * (size_t)height * 3);
    idem_image_free(&im);
}

static void assert_near(const json_t *pair, const float *at) {
    for (size_t k = 0; k < 2; k++)
        assert_true(fabs(json_number_value(json_array_get(pair, k)) - (double)at[k]) < 0.01);
}

static void faces_are_those_of_align(void **state) {
    (void)state;
    need();
    assert_int_equal(RUN("cd $DIR && IDEM_MODELS='%s' $IDEM align -q --threads 1 -s %d -A group.png -o cut --json",
                         photograph_models(), SIDE),
                     0);
    json_t *root = json_loads(program_output, 0, NULL);
    json_t *faces = json_object_get(json_array_get(json_object_get(root, "photographs"), 0), "faces");
    idem_photograph_info about = {.struct_size = sizeof about};
    assert_int_equal(idem_get_photograph_info(group, &about), 0);
    assert_true(about.width == WIDTH && about.height == HEIGHT && about.faces == 2);
    assert_int_equal(json_array_size(faces), 2);
    for (int i = 0; i < 2; i++) {
        static uint8_t rgb[SIDE * SIDE * 3];
        idem_face_info info = {.struct_size = sizeof info};
        const json_t *face = json_array_get(faces, (size_t)i);
        assert_int_equal(idem_get_face(group, i, &info), 0);
        for (size_t k = 0; k < 4; k++) {
            double box = json_number_value(json_array_get(json_object_get(face, "box"), k));
            assert_true(fabs(box - (double)info.box[k]) < 0.01);
            assert_near(json_array_get(json_object_get(face, "frame"), k), info.frame[k]);
        }
        for (size_t k = 0; k < 68; k++)
            assert_near(json_array_get(json_object_get(face, "points"), k), info.points[k]);
        assert_true(info.score > 0.6f && info.score <= 1);
        assert_int_equal(idem_align_face(context, group, i, rgb), 0);
        assert_picture(i ? "cut/group-2.png" : "cut/group.png", rgb, SIDE, SIDE);
    }
    json_decref(root);
}

/* But for the seed: the program knows that there was none. */
static void assert_same_origin(const char *path, const char *name, const char *source) {
    static const char *const keys[] = {"Software", "synthetic", "generator", "mapper"};
    char *other = in_dir(name), a[256], b[256];
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        assert_int_equal(idem_png_text(path, keys[i], a, sizeof a), 0);
        assert_int_equal(idem_png_text(other, keys[i], b, sizeof b), 0);
        assert_string_equal(a, b);
    }
    origin_file(dir, name, source);
    origin_file(dir, strrchr(path, '/') + 1, source);
    free(other);
}

static void composing_is_that_of_the_program(void **state) {
    (void)state;
    need();
    static uint8_t who[SIDE * SIDE * 3], pixels[WIDTH * HEIGHT * 3];
    assert_int_equal(RUN("cd $DIR && export IDEM_MODELS='%s' && $IDEM compose --refine 0 " MODEL
                         "-k --face all -i who.png -a group.png -o all.png && $IDEM compose --refine 0 " MODEL
                         "-k --face 2 -i who.png -a group.png -o second.png",
                         photograph_models()),
                     0);
    idem_photograph *person = read_photograph("who.png");
    assert_int_equal(idem_align_face(context, person, 0, who), 0);
    idem_free_photograph(person);
    static const int faces[2] = {IDEM_ALL_FACES, 1};
    static const char *const files[2] = {"all.png", "second.png"};
    for (int i = 0; i < 2; i++) {
        idem_photograph *p = read_photograph("group.png");
        assert_int_equal(idem_compose_photograph(context, who, p, faces[i]), 0);
        assert_int_equal(idem_copy_pixels(p, pixels), 0);
        assert_picture(files[i], pixels, WIDTH, HEIGHT);
        char *path = in_dir("written.png");
        assert_int_equal(idem_write_photograph(context, path, p), 0);
        assert_same_origin(path, files[i], XMP_COMPOSITE);
        free(path);
        idem_free_photograph(p);
    }
    /* The same in steps. */
    idem_photograph *p = read_photograph("group.png");
    static uint8_t how[SIDE * SIDE * 3];
    assert_int_equal(idem_align_face(context, p, 1, how), 0);
    assert_int_equal(idem_compose(context, who, how, 1, how), 0);
    assert_int_equal(idem_paste_face(context, p, 1, how), 0);
    assert_int_equal(idem_copy_pixels(p, pixels), 0);
    assert_picture("second.png", pixels, WIDTH, HEIGHT);
    idem_free_photograph(p);
}

/* With options.refine, and by default in the program: these photographs have no mark. */
static void refining_is_that_of_the_program(void **state) {
    (void)state;
    need();
    static uint8_t who[SIDE * SIDE * 3], pixels[WIDTH * HEIGHT * 3];
    assert_int_equal(RUN("cd $DIR && export IDEM_MODELS='%s' && $IDEM compose " MODEL
                         "-k --face all -i who.png -a group.png -o refined.png",
                         photograph_models()),
                     0);
    char *generator = in_dir("generator.safetensors"), *mapper = in_dir("mapper.safetensors");
    idem_options o;
    idem_options_default(&o);
    o.generator = generator;
    o.mapper = mapper;
    o.batch = 4;
    o.threads = 1;
    o.refine = 1001;
    assert_null(idem_open(&o));
    o.refine = 25;
    idem_context *c = idem_open(&o);
    assert_non_null(c);
    free(generator);
    free(mapper);
    idem_photograph *person = read_photograph("who.png"), *p = read_photograph("group.png");
    assert_int_equal(idem_align_face(c, person, 0, who), 0);
    assert_int_equal(idem_compose_photograph(c, who, p, IDEM_ALL_FACES), 0);
    assert_int_equal(idem_copy_pixels(p, pixels), 0);
    assert_picture("refined.png", pixels, WIDTH, HEIGHT);
    idem_free_photograph(person);
    idem_free_photograph(p);
    idem_close(c);
}

static void memory_is_as_good_as_a_file(void **state) {
    (void)state;
    need();
    static uint8_t pixels[WIDTH * HEIGHT * 3], back[WIDTH * HEIGHT * 3];
    assert_int_equal(idem_copy_pixels(group, pixels), 0);
    idem_photograph *p = idem_copy_photograph(context, pixels, WIDTH, HEIGHT);
    assert_non_null(p);
    idem_face_info want = {.struct_size = sizeof want}, got = {.struct_size = sizeof got};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(idem_get_face(group, i, &want), 0);
        assert_int_equal(idem_get_face(p, i, &got), 0);
        assert_memory_equal(&want, &got, sizeof want);
    }
    /* Untouched it is no synthetic picture, and what is written does not say so. */
    char *path = in_dir("untouched.png"), text[32];
    assert_int_equal(idem_write_photograph(context, path, p), 0);
    assert_int_equal(idem_png_text(path, "synthetic", text, sizeof text), -1);
    assert_int_equal(origin_file(dir, "untouched.png", NULL), 1);
    assert_picture("untouched.png", pixels, WIDTH, HEIGHT);
    free(path);
    idem_free_photograph(p);
    /* A part without a face: no error, but nothing to align. */
    memset(back, 128, sizeof back);
    p = idem_copy_photograph(context, back, 200, 100);
    assert_non_null(p);
    idem_photograph_info about = {.struct_size = sizeof about};
    assert_int_equal(idem_get_photograph_info(p, &about), 0);
    assert_true(about.width == 200 && about.height == 100 && about.faces == 0);
    assert_int_equal(idem_align_face(context, p, 0, back), -1);
    assert_says("the photograph has 0 faces, numbered from 0");
    assert_int_equal(idem_compose_photograph(context, pixels, p, IDEM_ALL_FACES), -1);
    assert_says("shows no face");
    idem_free_photograph(p);
    idem_free_photograph(NULL);
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    need();
    static uint8_t rgb[SIDE * SIDE * 3];
    idem_face_info info = {.struct_size = sizeof info - 4};
    idem_photograph_info about = {.struct_size = 1};
    assert_null(idem_read_photograph(context, "/nowhere/x.jpg"));
    assert_says("/nowhere/x.jpg");
    assert_null(idem_read_photograph(NULL, "x.jpg"));
    assert_says("context is NULL");
    assert_null(idem_copy_photograph(context, NULL, 2, 2));
    assert_says("an argument is NULL");
    assert_null(idem_copy_photograph(context, rgb, 0, 10));
    assert_null(idem_copy_photograph(context, rgb, -3, 10));
    assert_says("sides must be positive");
    assert_int_equal(idem_get_face(group, 0, &info), -1);
    assert_says("struct_size");
    info.struct_size = sizeof info;
    assert_int_equal(idem_get_face(group, 2, &info), -1);
    assert_says("face 2 was asked for, but the photograph has 2");
    assert_int_equal(idem_get_face(group, -1, &info), -1);
    assert_int_equal(idem_get_face(NULL, 0, &info), -1);
    assert_int_equal(idem_get_photograph_info(group, &about), -1);
    assert_says("struct_size");
    assert_int_equal(idem_get_photograph_info(group, NULL), -1);
    assert_int_equal(idem_align_face(context, group, 2, rgb), -1);
    assert_int_equal(idem_paste_face(context, group, 5, rgb), -1);
    assert_int_equal(idem_paste_face(context, group, 0, NULL), -1);
    assert_int_equal(idem_compose_photograph(context, rgb, group, 2), -1);
    assert_int_equal(idem_compose_photograph(context, NULL, group, 0), -1);
    assert_int_equal(idem_copy_pixels(group, NULL), -1);
    assert_int_equal(idem_write_photograph(context, "/nowhere/x.png", group), -1);
    assert_says("/nowhere/x.png");
}

static int count_tasks(void) {
    DIR *tasks = opendir("/proc/self/task");
    int n = 0;
    while (tasks && readdir(tasks))
        n++;
    if (tasks)
        closedir(tasks);
    return n;
}

/* Threads that came while a face was cut out and pasted back, and whether OpenMP's settings are others now. */
static void *cut_and_paste(void *result) {
    static uint8_t rgb[SIDE * SIDE * 3];
    int *more = result;
    idem_photograph *copy = idem_copy_photograph(context, two_faces, WIDTH, HEIGHT);
    const int before = count_tasks(), threads = omp_get_max_threads();
    if (copy && !idem_align_face(context, copy, 0, rgb) && !idem_paste_face(context, copy, 0, rgb))
        *more = count_tasks() - before + (omp_get_max_threads() != threads);
    idem_free_photograph(copy);
    return NULL;
}

/* A context for one thread takes one, on a thread of the caller's that has called nothing before. */
static void options_hold_on_every_thread(void **state) {
    (void)state;
    need();
    if (omp_get_num_procs() < 2)
        skip();
    pthread_t thread;
    int more = -1;
    assert_int_equal(idem_copy_pixels(group, two_faces), 0);
    assert_int_equal(pthread_create(&thread, NULL, cut_and_paste, &more), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(more, 0);
}

static void the_example_does_the_same(void **state) {
    (void)state;
    need();
    assert_int_equal(RUN("cd $DIR && export IDEM_MODELS='%s' OMP_NUM_THREADS=1 && example=${IDEM%%/*}/examples/"
                         "example_photograph && $example generator.safetensors mapper.safetensors who.png group.png "
                         "example.png && $IDEM compose --refine 0 " MODEL
                         "-k --face all -i who.png -a group.png -o all.png",
                         photograph_models()),
                     0);
    idem_image im;
    picture_load(&im, dir, "example.png");
    idem_image want;
    picture_load(&want, dir, "all.png");
    assert_true(im.width == want.width && im.height == want.height);
    for (int i = 0; i < im.width * im.height * 3; i++) /* it takes all cores, which may round another way */
        assert_true(abs(im.rgb[i] - want.rgb[i]) <= 1);
    idem_image_free(&im);
    idem_image_free(&want);
    assert_int_equal(RUN("${IDEM%%/*}/examples/example_photograph"), 2);
    assert_int_equal(RUN("cd $DIR && ${IDEM%%/*}/examples/example_photograph generator.safetensors mapper.safetensors "
                         "absent.png group.png x.png"),
                     1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faces_are_those_of_align),     cmocka_unit_test(composing_is_that_of_the_program),
        cmocka_unit_test(memory_is_as_good_as_a_file),  cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(the_example_does_the_same),    cmocka_unit_test(refining_is_that_of_the_program),
        cmocka_unit_test(options_hold_on_every_thread),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
