/* Photographs as they are wanted through include/idem.h: read ahead, from memory, by face and size; cut out and put
 * back at any size without a generator; recognised; notes to the log. */
#define _GNU_SOURCE
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "idem.h"
#include "support/origin.h"
#include "support/photographs.h"
#include "support/pictures.h"
#include "support/program.h"
#include "support/tiny.h"
#include "support/xmp.h"

enum { WIDTH = 1280, HEIGHT = 480, SIDE = 200 };

static const char *dir; /* NULL: models are missing, tests are skipped */
static idem_context *bare;
static char notes[4096];

static void listen_to(void *user, int level, const char *line) {
    (void)user;
    assert_true(level == IDEM_LOG_LINE_NOTE || level == IDEM_LOG_LINE_WARNING);
    snprintf(notes + strlen(notes), sizeof notes - strlen(notes), "%s\n", line);
}

static char *in_dir(const char *name) {
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

static int set_up(void **state) {
    (void)state;
    return tiny_make(&dir);
}

static int tear_down(void **state) {
    idem_set_log(NULL, NULL);
    idem_close(bare);
    return tiny_leave(state);
}

/* What every test begins with: a context without a generator, and the photographs. */
static void need(void) {
    tiny_need(dir);
    photograph_need_models();
    notes[0] = 0;
    if (bare)
        return;
    photograph_save(dir, "who.png", "identities/1.png", 300);
    photograph_save_pair(dir, "group.png", (const char *const[]){"identities/2.png", "attributes/b.png"},
                         (const double[]){220, 320});
    picture_black(dir, "empty.png", 100, 80);
    idem_set_log(listen_to, NULL);
    idem_options o;
    idem_options_default(&o);
    o.threads = 1;
    o.pose = 1;
    bare = idem_open(&o);
    assert_non_null(bare);
}

static void assert_says(const char *text) {
    if (strstr(idem_last_error(), text))
        return;
    print_message("the message is: %s\nexpected in it: %s\n", idem_last_error(), text);
    fail();
}

static idem_reading reading_of(int input, int face, int size) {
    idem_reading r;
    idem_reading_default(&r);
    r.input = input;
    r.face = face;
    r.size = size;
    return r;
}

static idem_photograph *read_as(const char *name, int input, int face, int size) {
    const idem_reading r = reading_of(input, face, size);
    idem_photograph *p = idem_read_photograph_as(bare, in_dir(name), &r);
    if (!p)
        print_message("%s\n", idem_last_error());
    assert_non_null(p);
    return p;
}

static idem_photograph_info about(const idem_photograph *p) {
    idem_photograph_info info = {.struct_size = sizeof info};
    assert_int_equal(idem_get_photograph_info(p, &info), 0);
    return info;
}

static idem_face_info face_of(const idem_photograph *p, int face) {
    idem_face_info info = {.struct_size = sizeof info};
    assert_int_equal(idem_get_face(p, face, &info), 0);
    return info;
}

static void faces_are_those_that_are_wanted(void **state) {
    (void)state;
    need();
    static const struct {
        int face, first, taken;
    } cases[] = {{IDEM_ALL_FACES, 0, 2}, {IDEM_LARGEST_FACE, 0, 1}, {1, 1, 1}, {2, 2, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        idem_photograph *p = read_as("group.png", IDEM_INPUT_PHOTO, cases[i].face, 64);
        const idem_photograph_info info = about(p);
        assert_true(info.width == WIDTH && info.height == HEIGHT && info.faces == 2 && !info.whole);
        assert_true(info.taken == cases[i].taken);
        if (info.taken)
            assert_int_equal(info.first, cases[i].first);
        idem_free_photograph(p);
    }
    assert_non_null(strstr(notes, "group.png: has 2 faces; the largest is taken\n"));
    idem_photograph *p = read_as("empty.png", IDEM_INPUT_AUTO, IDEM_LARGEST_FACE, 64);
    assert_true(!about(p).faces && !about(p).taken);
    idem_free_photograph(p);
    /* With the head's pose, places that hold at any size, and no more of the frame outside than there is. */
    p = read_as("who.png", IDEM_INPUT_PHOTO, IDEM_ALL_FACES, 0);
    const idem_face_info face = face_of(p, 0);
    assert_true(fabsf(face.yaw) < 40 && fabsf(face.pitch) < 40 && fabsf(face.roll) < 40);
    assert_true(face.outside == 0 && face.has_points && !face.whole);
    for (int k = 0; k < 68; k++) {
        assert_true(fabsf(face.points[k][0] - 640 * face.points_part[k][0]) < 0.01f);
        assert_true(fabsf(face.points[k][1] - 480 * face.points_part[k][1]) < 0.01f);
    }
    assert_true(fabsf(face.box[2] - 640 * face.box_part[2]) < 0.01f);
    assert_true(fabsf(face.frame[2][1] - 480 * face.frame_part[2][1]) < 0.01f);
    idem_free_photograph(p);
}

static void aligned_pictures_are_taken_whole(void **state) {
    (void)state;
    need();
    static uint8_t seen[64 * 64 * 3], unseen[64 * 64 * 3];
    const idem_reading r = reading_of(IDEM_INPUT_AUTO, IDEM_LARGEST_FACE, 64);
    idem_photograph *p = idem_read_photograph_as(bare, "samples/identities/1.png", &r);
    assert_non_null(p);
    assert_true(about(p).whole && about(p).taken == 1);
    assert_true(face_of(p, 0).whole && face_of(p, 0).has_points && face_of(p, 0).outside == 0);
    assert_int_equal(idem_align_face_at(bare, p, 0, 64, seen), 0);
    idem_free_photograph(p);
    const idem_reading aligned = reading_of(IDEM_INPUT_ALIGNED, IDEM_LARGEST_FACE, 64);
    p = idem_read_photograph_as(bare, "samples/identities/1.png", &aligned);
    assert_non_null(p);
    assert_true(about(p).whole && !face_of(p, 0).has_points);
    assert_int_equal(idem_align_face_at(bare, p, 0, 64, unseen), 0);
    assert_memory_equal(seen, unseen, sizeof seen);
    /* Nobody knows where to put a face back, or what to recognise. */
    assert_int_equal(idem_paste_face_at(bare, p, 0, 64, seen), -1);
    assert_says("without looking for faces");
    float judge[IDEM_JUDGE_NUMBERS];
    assert_int_equal(idem_recognise(bare, p, 0, NULL, judge), -1);
    idem_free_photograph(p);
}

static void reading_ahead_and_memory_give_the_same(void **state) {
    (void)state;
    need();
    char group[512], who[512];
    snprintf(group, sizeof group, "%s", in_dir("group.png"));
    snprintf(who, sizeof who, "%s", in_dir("who.png"));
    const char *const paths[] = {group, "/nowhere/x.jpg", who};
    const idem_reading r = reading_of(IDEM_INPUT_PHOTO, IDEM_ALL_FACES, SIDE),
                       one = reading_of(IDEM_INPUT_PHOTO, 1, SIDE);
    idem_reader *reader = idem_open_reader(bare, paths, 3, &r);
    assert_non_null(reader);
    static uint8_t a[SIDE * SIDE * 3], b[SIDE * SIDE * 3];
    idem_photograph *p = idem_next_photograph_as(reader, &one);
    assert_non_null(p);
    assert_true(about(p).first == 1 && about(p).taken == 1);
    assert_int_equal(idem_align_face_at(bare, p, 1, SIDE, a), 0);
    idem_free_photograph(p);
    size_t size;
    unsigned char *bytes = origin_read(dir, "group.png", &size);
    p = idem_decode_photograph(bare, bytes, size, &r);
    assert_non_null(p);
    assert_int_equal(idem_align_face_at(bare, p, 1, SIDE, b), 0);
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(idem_drop_pixels(p), 0); /* they stay: there is no file */
    assert_int_equal(idem_align_face_at(bare, p, 1, SIDE, b), 0);
    idem_free_photograph(p);
    free(bytes);
    assert_null(idem_next_photograph(reader));
    assert_says("/nowhere/x.jpg");
    assert_int_equal(idem_error_kind(), IDEM_ERROR_INPUT);
    p = idem_next_photograph(reader);
    assert_non_null(p);
    assert_true(about(p).width == 640);
    idem_free_photograph(p);
    assert_null(idem_next_photograph(reader));
    assert_says("all 3 pictures were read");
    idem_close_reader(reader);
    idem_close_reader(NULL);
    /* A cancelled context reads no further. */
    reader = idem_open_reader(bare, paths, 1, &r);
    idem_cancel(bare);
    assert_null(idem_next_photograph(reader));
    assert_int_equal(idem_error_kind(), IDEM_ERROR_INTERRUPTED);
    idem_resume(bare);
    idem_close_reader(reader);
}

/* Read ahead it is as transparent as read alone; and what was decoded small is not written as if it were the file. */
static void what_is_written_is_the_whole_photograph(void **state) {
    (void)state;
    need();
    idem_image im = photograph("identities/1.png", 640, 480, 320, 240, 300, 0, NULL);
    im.rgba = malloc((size_t)im.width * (size_t)im.height * 4);
    for (int i = 0; i < im.width * im.height; i++) {
        memcpy(im.rgba + 4 * i, im.rgb + 3 * i, 3);
        im.rgba[4 * i + 3] = i % im.width < 40 ? 0 : 255;
        if (i % im.width < 40)
            memset(im.rgb + 3 * i, 255, 3);
    }
    char path[512];
    snprintf(path, sizeof path, "%s", in_dir("clear.png"));
    assert_int_equal(idem_image_save_png(&im, path, NULL), 0);
    idem_image_free(&im);
    const char *const paths[] = {path};
    idem_reader *reader = idem_open_reader(bare, paths, 1, NULL);
    idem_photograph *ahead = idem_next_photograph(reader), *alone = idem_read_photograph(bare, path);
    assert_true(ahead && alone);
    unsigned char *a, *b;
    size_t n_a, n_b;
    assert_int_equal(idem_encode_photograph(bare, ahead, NULL, &a, &n_a), 0);
    assert_int_equal(idem_encode_photograph(bare, alone, NULL, &b, &n_b), 0);
    assert_true(n_a == n_b && !memcmp(a, b, n_a) && a[25] == 6); /* RGB and alpha */
    idem_free_bytes(a);
    idem_free_bytes(b);
    idem_free_photograph(ahead);
    idem_free_photograph(alone);
    idem_close_reader(reader);

    idem_writing w;
    idem_writing_default(&w);
    static uint8_t grey[2000 * 2000 * 3];
    memset(grey, 100, sizeof grey);
    snprintf(path, sizeof path, "%s", in_dir("wide.jpg"));
    assert_int_equal(idem_write_view(NULL, path, &(idem_view){grey, 2000, 2000}, &w), 0);
    idem_photograph *small = read_as("wide.jpg", IDEM_INPUT_PHOTO, IDEM_LARGEST_FACE, 64);
    assert_int_equal(about(small).width, 2000);
    assert_int_equal(idem_write_photograph(bare, in_dir("x.png"), small), -1);
    assert_says("decoded at less than its size");
    assert_int_equal(idem_copy_pixels(small, grey), -1);
    idem_free_photograph(small);
}

static void faces_go_back_where_they_were(void **state) {
    (void)state;
    need();
    static uint8_t face[SIDE * SIDE * 3], before[WIDTH * HEIGHT * 3], after[WIDTH * HEIGHT * 3];
    idem_photograph *p = read_as("group.png", IDEM_INPUT_PHOTO, IDEM_ALL_FACES, 0);
    assert_int_equal(idem_copy_pixels(p, before), 0);
    assert_int_equal(idem_align_face_at(bare, p, 0, SIDE, face), 0);
    for (size_t i = 0; i < sizeof face; i++)
        face[i] = (uint8_t)(255 - face[i]);
    /* Its pixels dropped, the file is read again. */
    assert_int_equal(idem_drop_pixels(p), 0);
    assert_int_equal(idem_copy_pixels(p, after), -1);
    assert_says("pixels were dropped");
    assert_int_equal(idem_align_face_at(bare, p, 0, SIDE, after), -1);
    assert_int_equal(idem_paste_face_at(bare, p, 0, SIDE, face), 0);
    assert_int_equal(idem_copy_pixels(p, after), 0);
    const idem_face_info first = face_of(p, 0), second = face_of(p, 1);
    const int nose[2] = {(int)first.points[30][0], (int)first.points[30][1]},
              other[2] = {(int)second.points[30][0], (int)second.points[30][1]};
    assert_memory_not_equal(before + (nose[1] * WIDTH + nose[0]) * 3, after + (nose[1] * WIDTH + nose[0]) * 3, 3);
    assert_memory_equal(before + (other[1] * WIDTH + other[0]) * 3, after + (other[1] * WIDTH + other[0]) * 3, 3);
    assert_memory_equal(before, after, 3 * WIDTH);
    idem_free_photograph(p);
}

static void photographs_are_written_in_every_format(void **state) {
    (void)state;
    need();
    idem_options o;
    idem_options_default(&o);
    char generator[512];
    snprintf(generator, sizeof generator, "%s", in_dir("generator.safetensors"));
    o.generator = generator;
    o.generator_only = 1;
    idem_context *c = idem_open(&o);
    assert_non_null(c);
    idem_photograph *p = read_as("who.png", IDEM_INPUT_PHOTO, IDEM_ALL_FACES, 0);
    static uint8_t face[SIDE * SIDE * 3];
    static const char *const names[] = {"w.png", "w.jpg", "w.webp"};
    for (int pasted = 0; pasted < 2; pasted++) {
        for (int i = 0; i < 3; i++) {
            idem_writing w;
            idem_writing_default(&w);
            w.origin = IDEM_ORIGIN_GENERATED; /* what it shows counts */
            assert_int_equal(idem_write_photograph_as(c, in_dir(names[i]), p, &w), 0);
            assert_int_equal(idem_is_synthetic(in_dir(names[i])), pasted);
            unsigned char *bytes, *file;
            size_t size, file_size;
            w.format = i + 1;
            assert_int_equal(idem_encode_photograph(c, p, &w, &bytes, &size), 0);
            file = origin_read(dir, names[i], &file_size);
            assert_int_equal(size, file_size);
            assert_memory_equal(bytes, file, size);
            idem_free_bytes(bytes);
            free(file);
        }
        assert_int_equal(origin_file(dir, "w.png", pasted ? XMP_COMPOSITE : NULL), pasted ? 3 : 1);
        assert_int_equal(idem_align_face_at(c, p, 0, SIDE, face), 0);
        assert_int_equal(idem_paste_face_at(c, p, 0, SIDE, face), 0);
    }
    idem_free_photograph(p);
    idem_close(c);
}

static double cosine(const float *a, const float *b, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static void recognisers_see_photographs(void **state) {
    (void)state;
    need();
    const int dim = idem_feature_dim(bare);
    assert_true(dim > 0);
    float *feature[3], judge[3][IDEM_JUDGE_NUMBERS];
    idem_photograph *group = read_as("group.png", IDEM_INPUT_PHOTO, IDEM_ALL_FACES, 0);
    photograph_save(dir, "again.png", "identities/2.png", 260);
    idem_photograph *again = read_as("again.png", IDEM_INPUT_PHOTO, IDEM_ALL_FACES, 0);
    for (int i = 0; i < 3; i++) {
        feature[i] = malloc((size_t)dim * sizeof(float));
        assert_int_equal(idem_recognise(bare, i < 2 ? group : again, i < 2 ? i : 0, feature[i], judge[i]), 0);
        assert_true(fabs(cosine(feature[i], feature[i], dim) - 1) < 1e-4);
        assert_true(fabs(cosine(judge[i], judge[i], IDEM_JUDGE_NUMBERS) - 1) < 1e-4);
    }
    /* The second of the group, who is smaller, is the person of the other photograph. */
    assert_true(cosine(feature[1], feature[2], dim) > cosine(feature[0], feature[2], dim) + 0.2);
    assert_true(cosine(judge[1], judge[2], IDEM_JUDGE_NUMBERS) > cosine(judge[0], judge[2], IDEM_JUDGE_NUMBERS) + 0.02);
    assert_int_equal(idem_recognise(bare, group, 2, feature[0], NULL), -1);
    assert_int_equal(idem_recognise(bare, group, 0, NULL, NULL), -1);
    for (int i = 0; i < 3; i++)
        free(feature[i]);
    idem_free_photograph(group);
    idem_free_photograph(again);
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    need();
    static uint8_t rgb[SIDE * SIDE * 3];
    idem_reading r = reading_of(7, 0, 64);
    assert_null(idem_read_photograph_as(bare, in_dir("who.png"), &r));
    assert_says("input 7");
    r = reading_of(IDEM_INPUT_AUTO, -2, 64);
    assert_null(idem_read_photograph_as(bare, in_dir("who.png"), &r));
    r = reading_of(IDEM_INPUT_AUTO, 0, 64);
    r.struct_size = 1;
    assert_null(idem_open_reader(bare, (const char *const[]){"x"}, 1, &r));
    assert_says("idem_reading_default");
    assert_null(idem_open_reader(bare, (const char *const[]){NULL}, 1, NULL));
    assert_null(idem_open_reader(bare, (const char *const[]){"x"}, 0, NULL));
    assert_null(idem_open_reader(NULL, (const char *const[]){"x"}, 1, NULL));
    assert_null(idem_next_photograph(NULL));
    assert_null(idem_next_photograph_as(NULL, NULL));
    assert_null(idem_decode_photograph(bare, NULL, 3, NULL));
    assert_null(idem_decode_photograph(bare, (const unsigned char *)"text, no picture", 16, NULL));
    assert_int_equal(idem_drop_pixels(NULL), -1);
    idem_photograph *p = read_as("who.png", IDEM_INPUT_PHOTO, IDEM_LARGEST_FACE, 64);
    assert_int_equal(idem_align_face_at(bare, p, 0, 0, rgb), -1);
    assert_says("side is 0");
    assert_int_equal(idem_align_face_at(bare, p, 1, 64, rgb), -1);
    assert_int_equal(idem_paste_face_at(bare, p, 0, 20000, rgb), -1);
    assert_int_equal(idem_align_face(bare, p, 0, rgb), -1);
    assert_says("no generator");
    /* Programs from before the structs grew. */
    struct {
        size_t struct_size;
        int width, height, faces;
    } old = {.struct_size = sizeof old};
    assert_int_equal(idem_get_photograph_info(p, (idem_photograph_info *)(void *)&old), 0);
    assert_true(old.width == 640 && old.faces == 1);
    idem_free_photograph(p);
}

/* examples/faces.c cuts out what the program does. */
static void the_example_does_the_same(void **state) {
    (void)state;
    need();
    program_expect(program_run(dir,
                               "cd $DIR && export IDEM_MODELS='%s' OMP_NUM_THREADS=1 && echo text >text.png && "
                               "example=${IDEM%%/*}/examples/example_faces && $example f who.png text.png group.png && "
                               "$IDEM align -q --threads 1 -s 256 -A who.png group.png -o theirs && cmp f1.png "
                               "theirs/who.png && cmp f2.png theirs/group.png && cmp f3.png theirs/group-2.png && "
                               "[ ! -e f4.png ]",
                               photograph_models()),
                   0);
    assert_true(program_says("passed over: text.png") && program_says("1 and 2: ") && program_says("2 and 3: "));
    assert_int_equal(program_run(dir, "${IDEM%%/*}/examples/example_faces"), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(faces_are_those_that_are_wanted),
                                       cmocka_unit_test(aligned_pictures_are_taken_whole),
                                       cmocka_unit_test(reading_ahead_and_memory_give_the_same),
                                       cmocka_unit_test(faces_go_back_where_they_were),
                                       cmocka_unit_test(what_is_written_is_the_whole_photograph),
                                       cmocka_unit_test(photographs_are_written_in_every_format),
                                       cmocka_unit_test(recognisers_see_photographs),
                                       cmocka_unit_test(the_example_does_the_same),
                                       cmocka_unit_test(wrong_arguments_are_refused)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
