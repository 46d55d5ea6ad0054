/* Training data: folders in the published layout, whole and damaged, and pictures drawn on the fly. Picture i of a test
 * folder says i in its first pixel, its code says i in row 0. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "data/data.h"
#include "data/data_folder.h"
#include "media/image.h"
#include "support/tiny.h"

enum {
    SIZE = 8,
    SAID_BYTES = 16384,
    W = 4,
    LAYERS = 4,
    COUNT = 23,
    BATCH = 3,
    PAIRS = 4,
    TRAINING = COUNT - 2 * PAIRS
};

static char dir[4096];

/* "DIR/images/00000/00012.png" */
static const char *place(const char *root, const char *kind, int i, const char *suffix) {
    static char path[5000];
    snprintf(path, sizeof path, "%s/%s/%05d/%05d%s", root, kind, i / 1000 * 1000, i, suffix);
    return path;
}

static void make_folder_of(const char *path) {
    char folder[5000];
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = 0;
    assert_int_equal(idem_dir_make(folder), 0);
}

static void write_picture(const char *path, int i, int size) {
    idem_image im;
    assert_int_equal(idem_image_new(&im, size, size), 0);
    im.rgb[0] = (uint8_t)(i & 255);
    im.rgb[1] = (uint8_t)(i >> 8);
    make_folder_of(path);
    assert_int_equal(idem_image_save_png(&im, path, NULL), 0);
    idem_image_free(&im);
}

static void write_code(const char *path, int i, int width) {
    float ws[LAYERS * 2 * W];
    for (int k = 0; k < LAYERS * width; k++)
        ws[k] = k < width ? (float)i : -1;
    make_folder_of(path);
    assert_int_equal(idem_npy_save(path, &IDEM_SHAPE(LAYERS, width), ws), 0);
}

static void write_item(const char *root, int i) {
    write_picture(place(root, "images", i, ".png"), i, SIZE);
    write_code(place(root, "ws", i, ".npy"), i, W);
}

/* DIR/NAME, or DIR/NAME/dataset_8, with items 0 .. 11 and 1000 .. 1010, and files that are not pictures. */
static const char *make_data(const char *name, bool nested) {
    static char base[4500], root[4600];
    snprintf(base, sizeof base, "%s/%s", dir, name);
    snprintf(root, sizeof root, "%s%s", base, nested ? "/dataset_8" : "");
    for (int k = 0; k < COUNT; k++)
        write_item(root, k < 12 ? k : 1000 + k - 12);
    char text[5000];
    snprintf(text, sizeof text, "%s/images/00000/notes.txt", root);
    assert_int_equal(idem_file_write(text, "x", 1), 0);
    snprintf(text, sizeof text, "%s/sample.json", root);
    assert_int_equal(idem_file_write(text, "{}", 2), 0);
    return base;
}

static idem_data_reader *open_reader(const char *path, uint64_t seed) {
    idem_data_reader *r = idem_data_reader_new(path, SIZE, W, seed, BATCH, PAIRS);
    if (!r)
        print_message("%s\n", idem_error());
    assert_non_null(r);
    return r;
}

static int item_of(const float *picture) {
    return (int)lrintf(picture[0] * 255) + 256 * (int)lrintf(picture[1] * 255);
}

/* Items first .. first + n - 1 of the picture stream. */
static void take(idem_data_reader *r, uint64_t first, int n, int *items) {
    static float x[BATCH * SIZE * SIZE * 3];
    for (int i = 0; i < n; i += BATCH) {
        int count = n - i < BATCH ? n - i : BATCH;
        assert_int_equal(idem_data_reader_take(r, first + (uint64_t)i, (size_t)count, x), 0);
        for (int k = 0; k < count; k++)
            items[i + k] = item_of(x + (size_t)k * SIZE * SIZE * 3);
    }
}

static bool contains(const int *items, int n, int wanted) {
    for (int i = 0; i < n; i++)
        if (items[i] == wanted)
            return true;
    return false;
}

static void held_out_of(idem_data_reader *r, int items[2 * PAIRS]) {
    static float x[PAIRS * SIZE * SIZE * 3];
    for (int side = 0; side < 2; side++) {
        assert_int_equal(idem_data_reader_held_out(r, side, 0, PAIRS, x), 0);
        for (int k = 0; k < PAIRS; k++)
            items[side * PAIRS + k] = item_of(x + (size_t)k * SIZE * SIZE * 3);
    }
}

/* ---- folders ---- */

static void an_epoch_shows_every_picture_once_but_the_held_out(void **state) {
    (void)state;
    const char *layouts[] = {"flat", "nested"};
    for (int nested = 0; nested < 2; nested++) {
        idem_data_reader *r = open_reader(make_data(layouts[nested], nested), 1);
        assert_int_equal(idem_data_reader_count(r), TRAINING);
        int seen[COUNT], second[TRAINING];
        take(r, 0, TRAINING, seen);
        take(r, TRAINING, TRAINING, second);
        held_out_of(r, seen + TRAINING);
        for (int i = 0; i < COUNT; i++) {
            assert_false(contains(seen, i, seen[i]));
            assert_true((seen[i] >= 0 && seen[i] < 12) || (seen[i] >= 1000 && seen[i] < 1011));
        }
        for (int i = 0; i < TRAINING; i++)
            assert_true(contains(seen, TRAINING, second[i]));
        assert_true(memcmp(seen, second, sizeof second) != 0); /* each epoch has its own order */
        float x[SIZE * SIZE * 3];
        assert_int_equal(idem_data_reader_held_out(r, 0, PAIRS, 1, x), -1);
        idem_data_reader_free(r);
    }
}

static void the_order_follows_from_seed_and_cursor(void **state) {
    (void)state;
    const char *path = make_data("order", false);
    idem_data_reader *r = open_reader(path, 7), *same = open_reader(path, 7), *other = open_reader(path, 8);
    int a[3 * TRAINING], b[3 * TRAINING], c[TRAINING], h[2][2 * PAIRS];
    take(r, 0, 3 * TRAINING, a);
    take(same, 0, 3 * TRAINING, b);
    assert_memory_equal(a, b, sizeof a);
    take(other, 0, TRAINING, c);
    assert_true(memcmp(a, c, sizeof c) != 0);
    for (int from = 3 * TRAINING - 3; from >= 0; from -= 4) { /* jumps, backwards too */
        take(same, (uint64_t)from, 3, b);
        assert_memory_equal(a + from, b, 3 * sizeof *a);
    }
    held_out_of(r, h[0]);
    held_out_of(same, h[1]); /* whatever was drawn before */
    assert_memory_equal(h[0], h[1], sizeof h[0]);
    idem_data_reader_free(other);
    idem_data_reader_free(same);
    idem_data_reader_free(r);
}

static void codes_are_row_0_of_training_items(void **state) {
    (void)state;
    idem_data_reader *r = open_reader(make_data("codes", false), 3);
    int pictures[TRAINING], codes[TRAINING];
    float w[TRAINING * W], again[W];
    take(r, 0, TRAINING, pictures);
    assert_int_equal(idem_data_reader_codes(r, 0, TRAINING, w), 0);
    for (int i = 0; i < TRAINING; i++) {
        codes[i] = (int)w[i * W];
        for (int k = 1; k < W; k++)
            assert_true(w[i * W + k] == w[i * W]);
        assert_true(contains(pictures, TRAINING, codes[i]) && !contains(codes, i, codes[i]));
    }
    assert_true(memcmp(pictures, codes, sizeof codes) != 0); /* a stream of its own */
    assert_int_equal(idem_data_reader_codes(r, 5, 1, again), 0);
    assert_memory_equal(again, w + 5 * W, sizeof again);
    idem_data_reader_free(r);
}

static void refused(const char *path, int held_out, const char *why) {
    assert_null(idem_data_reader_new(path, SIZE, W, 1, BATCH, held_out));
    if (!strstr(idem_error(), why))
        print_message("%s\n", idem_error());
    assert_non_null(strstr(idem_error(), why));
}

static void too_few_pictures_are_refused(void **state) {
    (void)state;
    char path[4500];
    snprintf(path, sizeof path, "%s/nowhere", dir);
    refused(path, PAIRS, "idem sample");
    snprintf(path, sizeof path, "%s/one/images", dir);
    assert_int_equal(idem_dir_make(path), 0);
    *strrchr(path, '/') = 0;
    refused(path, PAIRS, "holds 0 pictures");
    write_item(path, 0);
    refused(path, PAIRS, "holds 1 pictures");
    for (int i = 1; i < 2 * PAIRS + BATCH - 1; i++)
        write_item(path, i);
    refused(path, PAIRS, "settings.eval-pairs");
    write_item(path, 2 * PAIRS + BATCH - 1);
    idem_data_reader *r = open_reader(path, 1);
    assert_int_equal(idem_data_reader_count(r), BATCH);
    idem_data_reader_free(r);
}

static void keep_line(void *user, idem_log_level level, const char *line) {
    assert_int_equal(level, IDEM_LOG_WARNING);
    char *said = user;
    snprintf(said + strlen(said), SAID_BYTES - strlen(said), "%s\n", line);
}

static void says(const char *said, const char *text) {
    if (!strstr(said, text))
        print_message("\"%s\" is not in:\n%s", text, said);
    assert_non_null(strstr(said, text));
}

/* Item 5 is bad: its file is named once, and others come instead. */
static void left_out(const char *path, bool codes, const char *why) {
    static char said[SAID_BYTES];
    *said = 0;
    idem_log_set_sink(keep_line, said);
    idem_data_reader *r = open_reader(path, 2);
    int items[3 * TRAINING];
    float w[3 * TRAINING * W];
    if (codes)
        assert_int_equal(idem_data_reader_codes(r, 0, 3 * TRAINING, w), 0);
    else
        take(r, 0, 3 * TRAINING, items);
    for (int i = 0; i < 3 * TRAINING; i++)
        assert_int_not_equal(codes ? (int)w[i * W] : items[i], 5);
    float x[SIZE * SIZE * 3];
    assert_int_equal(idem_data_reader_take(r, 0, 1, x), 0); /* whoever decodes has no more to tell */
    idem_data_reader_free(r);
    idem_log_set_sink(NULL, NULL);
    says(said, why);
    says(said, "00005.");
    if (strchr(said, '\n')[1])
        fail_msg("more than one line: %s", said);
}

static void bad_files_are_named(void **state) {
    (void)state;
    char root[4500];
    snprintf(root, sizeof root, "%s", make_data("bad", false));
    const char *picture = place(root, "images", 5, ".png");
    write_picture(picture, 5, 2 * SIZE);
    left_out(root, false, "16x16, expected 8x8");
    picture = place(root, "images", 5, ".png");
    assert_int_equal(idem_file_write(picture, "no picture", 10), 0);
    left_out(root, false, "00005.png");
    assert_int_equal(idem_file_write(picture, "", 0), 0);
    left_out(root, false, "00005.png");
    for (int k = 0; k < COUNT; k++) /* the last straw */
        assert_int_equal(idem_file_write(place(root, "images", k < 12 ? k : 1000 + k - 12, ".png"), "", 0), 0);
    idem_data_reader *r = open_reader(root, 2);
    float x[SIZE * SIZE * 3];
    assert_int_equal(idem_data_reader_take(r, 0, 1, x), -1);
    assert_int_equal(idem_data_reader_held_out(r, 0, 0, 1, x), -1);
    idem_data_reader_free(r);
}

static void bad_codes_are_named(void **state) {
    (void)state;
    char root[4500];
    /* With seed 2 item 5 must be one that trains, or its code is never asked for. */
    snprintf(root, sizeof root, "%s", make_data("bad-codes", false));
    idem_data_reader *r = open_reader(root, 2);
    int items[TRAINING];
    take(r, 0, TRAINING, items);
    idem_data_reader_free(r);
    assert_true(contains(items, TRAINING, 5));
    const char *code = place(root, "ws", 5, ".npy");
    write_code(code, 5, 2 * W);
    left_out(root, true, "expected [layers, 4]");
    code = place(root, "ws", 5, ".npy");
    assert_int_equal(idem_file_write(code, "\x93NUMPY", 6), 0);
    left_out(root, true, "00005.npy");
}

static void halves_of_pairs_are_named_and_left_out(void **state) {
    (void)state;
    static char said[SAID_BYTES];
    char root[4500], text[5000];
    snprintf(root, sizeof root, "%s", make_data("halves", false));
    idem_log_set_sink(keep_line, said);
    idem_data_reader_free(open_reader(root, 2));
    assert_string_equal(said, "");
    assert_int_equal(remove(place(root, "images", 5, ".png")), 0);
    assert_int_equal(remove(place(root, "ws", 7, ".npy")), 0);
    assert_int_equal(remove(place(root, "images", 1010, ".png")), 0);
    write_picture(place(root, "images", 20, "-1.png"), 20, SIZE); /* lists are in order of stems, not of names */
    write_picture(place(root, "images", 20, ".png"), 20, SIZE);
    write_code(place(root, "ws", 20, ".npy"), 20, W);
    idem_data_reader *r = open_reader(root, 2);
    assert_int_equal(idem_data_reader_count(r), TRAINING - 2);
    int items[TRAINING - 2];
    float w[(TRAINING - 2) * W];
    take(r, 0, TRAINING - 2, items);
    assert_false(contains(items, TRAINING - 2, 5) || contains(items, TRAINING - 2, 7));
    assert_int_equal(idem_data_reader_codes(r, 0, TRAINING - 2, w), 0);
    idem_data_reader_free(r);
    says(said, "halves/ws/00000/00005.npy: its picture is missing: images/00000/00005.png\n");
    says(said, "halves/images/00000/00007.png: its code is missing: ws/00000/00007.npy\n");
    says(said, "halves/images/00000/00020-1.png: its code is missing: ws/00000/00020-1.npy\n");
    says(said, "halves/ws/01000/01010.npy: its picture is missing: ");
    says(said, "halves: 4 files are skipped because their picture or code is missing; 21 pictures have their code\n");
    /* A whole folder of pictures: not all are named. */
    snprintf(text, sizeof text, "rm -r '%s/images/01000'", root);
    assert_int_equal(system(text), 0);
    *said = 0;
    assert_null(idem_data_reader_new(root, SIZE, W, 2, BATCH, PAIRS * 3));
    says(said, "halves/ws/01000/01000.npy: its picture is missing");
    says(said, "halves: 14 files are skipped");
    assert_null(strstr(said, "01010.npy"));
    idem_log_set_sink(NULL, NULL);
}

static void digests_tell_lists_apart(void **state) {
    (void)state;
    char root[4500], digest[4][65];
    snprintf(root, sizeof root, "%s", make_data("digest", false));
    char stray[5000]; /* not a folder, among the folders: passed over */
    snprintf(stray, sizeof stray, "%s/images/stray.txt", root);
    assert_int_equal(idem_file_write(stray, "x", 1), 0);
    for (int i = 0; i < 4; i++) {
        idem_data_reader *r = open_reader(root, 2);
        idem_data_reader_digest(r, digest[i]);
        idem_data_reader_free(r);
        if (i == 1) { /* the pair of another number */
            char from[5000];
            snprintf(from, sizeof from, "%s", place(root, "images", 3, ".png"));
            assert_int_equal(rename(from, place(root, "images", 30, ".png")), 0);
            snprintf(from, sizeof from, "%s", place(root, "ws", 3, ".npy"));
            assert_int_equal(rename(from, place(root, "ws", 30, ".npy")), 0);
        }
        if (i == 2) /* of another size */
            write_code(place(root, "ws", 4, ".npy"), 4, 2 * W);
    }
    assert_string_equal(digest[0], digest[1]);
    assert_string_not_equal(digest[1], digest[2]);
    assert_string_not_equal(digest[2], digest[3]);
}

/* ---- on the fly ---- */

static idem_data *open_flying(idem_model *m, int batch, uint64_t seed) {
    idem_data *d = idem_data_on_the_fly(m, batch, 0.9, seed, &(idem_plan_options){.threads = 1});
    assert_non_null(d);
    return d;
}

/* x: two pictures, kept; y: room for two. */
static void mirroring_follows_from_seed_and_place(const idem_data *d, const float *x, float *y, int size) {
    size_t picture = (size_t)size * (size_t)size * 3;
    memcpy(y, x, 2 * picture * sizeof *x);
    idem_data_mirror(d, 0, 0, y);
    assert_memory_equal(x, y, 2 * picture * sizeof *x);
    idem_data_mirror(d, 0, 1, y);
    for (size_t row = 0; row < 2 * (size_t)size; row++)
        for (size_t column = 0; column < (size_t)size; column++)
            assert_memory_equal(x + (row * (size_t)size + column) * 3,
                                y + (row * (size_t)size + (size_t)size - 1 - column) * 3, 3 * sizeof *x);
    int mirrored = 0, again = 0;
    for (uint64_t first = 0; first < 200; first += 2)
        for (int round = 0; round < 2; round++) {
            memcpy(y, x, 2 * picture * sizeof *x);
            idem_data_mirror(d, first, 0.25, y);
            int n =
                (memcmp(x, y, picture * sizeof *x) != 0) + (memcmp(x + picture, y + picture, picture * sizeof *x) != 0);
            *(round ? &again : &mirrored) += n;
        }
    assert_int_equal(mirrored, again);
    assert_in_range(mirrored, 30, 70); /* of 200 at 1/4: within 3 deviations of 50, and a little */
}

static void pictures_on_the_fly_follow_from_seed_and_cursor(void **state) {
    (void)state;
    char path[5000];
    snprintf(path, sizeof path, "%s/generator.safetensors", dir);
    idem_model *m = idem_model_open(path);
    assert_non_null(m);
    size_t picture = (size_t)idem_model_about(m)->size * (size_t)idem_model_about(m)->size * 3,
           width = (size_t)idem_model_about(m)->w_dim;
    float *x = malloc(12 * picture * sizeof *x), *held_out = malloc(8 * picture * sizeof *x),
          *w = malloc(8 * width * sizeof *w);
    assert_true(x && held_out && w);
    idem_data *d = open_flying(m, 2, 5), *wide = open_flying(m, 4, 5), *other = open_flying(m, 2, 6);
    assert_int_equal(idem_data_count(d), 0);
    assert_int_equal(idem_data_held_out(d, 0, 2, held_out, held_out + 2 * picture), 0);
    assert_int_equal(idem_data_draw(d, true, x, x + 2 * picture), 0);
    for (size_t i = 0; i < 4 * picture; i++) /* as a PNG would hold them */
        assert_true(x[i] >= 0 && x[i] <= 1 && fabsf(x[i] * 255 - rintf(x[i] * 255)) < 1e-4f);
    assert_int_equal(idem_data_tell(d).pictures, 4);
    /* The same four as one batch; a last bit may differ before rounding. */
    assert_int_equal(idem_data_draw(wide, false, x + 4 * picture, x + 8 * picture), 0);
    assert_memory_equal(x + 4 * picture, x + 8 * picture, 4 * picture * sizeof *x);
    for (size_t i = 0; i < 4 * picture; i++)
        assert_true(fabsf(x[i] - x[4 * picture + i]) < 1.5f / 255);
    /* Back, and elsewhere. */
    idem_data_seek(d, (idem_data_cursor){.pictures = 2});
    assert_int_equal(idem_data_draw(d, false, x + 4 * picture, x + 6 * picture), 0);
    assert_memory_equal(x + 2 * picture, x + 4 * picture, 2 * picture * sizeof *x);
    assert_int_equal(idem_data_draw(other, false, x + 4 * picture, x + 6 * picture), 0);
    assert_true(memcmp(x, x + 4 * picture, 2 * picture * sizeof *x) != 0);
    mirroring_follows_from_seed_and_place(d, x, x + 4 * picture, idem_model_about(m)->size);
    /* Held-out pictures do not depend on what was drawn, and are none of the training pictures. */
    assert_int_equal(idem_data_held_out(d, 0, 2, held_out + 4 * picture, held_out + 6 * picture), 0);
    assert_memory_equal(held_out, held_out + 4 * picture, 4 * picture * sizeof *x);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 4; k++)
            assert_true(memcmp(held_out + (size_t)i * picture, x + (size_t)k * picture, picture * sizeof *x) != 0);
    /* Codes have a cursor of their own. */
    assert_int_equal(idem_data_codes(d, w), 0);
    assert_int_equal(idem_data_codes(d, w + 2 * width), 0);
    assert_int_equal(idem_data_tell(d).codes, 4);
    assert_int_equal(idem_data_tell(d).pictures, 4);
    idem_data_seek(d, (idem_data_cursor){.codes = 2});
    assert_int_equal(idem_data_codes(d, w + 4 * width), 0);
    assert_memory_equal(w + 2 * width, w + 4 * width, 2 * width * sizeof *w);
    assert_true(memcmp(w, w + 2 * width, 2 * width * sizeof *w) != 0);
    idem_data_free(other);
    idem_data_free(wide);
    idem_data_free(d);
    free(w);
    free(held_out);
    free(x);
    idem_model_free(m);
}

static void quantising_is_what_a_png_does(void **state) {
    (void)state;
    float x[] = {-0.5f, 1.5f, NAN, 0.5f, 1.0f / 255, 0.9f / 255, 0.4f / 255};
    const float want[] = {0, 1, 0, 128.0f / 255, 1.0f / 255, 1.0f / 255, 0};
    idem_image_quantise(x, 7);
    for (int i = 0; i < 7; i++)
        assert_true(x[i] == want[i]);
}

static int set_up(void **state) {
    (void)state;
    const char *folder = tiny_folder();
    if (!folder)
        return -1;
    snprintf(dir, sizeof dir, "%s", folder);
    return tiny_write(dir);
}

static int tear_down(void **state) {
    (void)state;
    tiny_remove(dir);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_epoch_shows_every_picture_once_but_the_held_out),
        cmocka_unit_test(the_order_follows_from_seed_and_cursor),
        cmocka_unit_test(codes_are_row_0_of_training_items),
        cmocka_unit_test(too_few_pictures_are_refused),
        cmocka_unit_test(bad_files_are_named),
        cmocka_unit_test(bad_codes_are_named),
        cmocka_unit_test(halves_of_pairs_are_named_and_left_out),
        cmocka_unit_test(digests_tell_lists_apart),
        cmocka_unit_test(pictures_on_the_fly_follow_from_seed_and_cursor),
        cmocka_unit_test(quantising_is_what_a_png_does),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
