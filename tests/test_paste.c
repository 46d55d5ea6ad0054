/* Faces put back into photographs: what pasting changes, and compose on photographs from outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "face/align.h"
#include "face/paste.h"
#include "support/photographs.h"
#include "support/pictures.h"
#include "support/program.h"
#include "support/tiny.h"

#define RUN(...) program_run(program_folder, __VA_ARGS__)

#define COMPOSE "$IDEM compose -q --threads 1 -g $DIR/generator.safetensors -m $DIR/mapper.safetensors "

/* The tiny ensemble, once. */
static void tiny(void) {
    char *mapper = idem_path_join(program_folder, "mapper.safetensors");
    if (!idem_path_exists(mapper))
        assert_int_equal(tiny_write(program_folder), 0);
    free(mapper);
}

static void pasting_changes_the_face_and_nothing_else(void **state) {
    (void)state;
    photograph_need_models();
    enum { W = 600, H = 500 };
    idem_crop place, frame;
    idem_image photo = photograph("identities/3.png", W, H, 280, 260, 300, 8, &place), face, same;
    idem_finder *f = photograph_finder(false);
    idem_found *found;
    assert_int_equal(idem_finder_run(f, &photo, NULL, &found), 1);
    idem_finder_free(f);
    const float(*points)[2] = (const float(*)[2])found->points;
    assert_int_equal(idem_align_frame(&frame, points, W, H), 0);
    assert_int_equal(idem_align_picture(&face, &photo, &frame, 256), 0);
    uint8_t *before = malloc((size_t)W * H * 3);
    assert_non_null(before);
    memcpy(before, photo.rgb, (size_t)W * H * 3);
    /* Its own face: next to nothing changes. */
    assert_int_equal(idem_paste(&photo, &face, &frame, points), 0);
    double sum = 0;
    for (int i = 0; i < W * H * 3; i++)
        sum += abs(photo.rgb[i] - before[i]) / (double)(W * H * 3);
    assert_true(sum < 0.5);
    /* A flat face takes the mean colour of the old one, in the middle and not outside the frame. */
    memcpy(photo.rgb, before, (size_t)W * H * 3);
    assert_int_equal(idem_image_new(&same, 256, 256), 0);
    assert_int_equal(idem_paste(&photo, &same, &frame, points), 0);
    idem_crop back;
    assert_int_equal(idem_crop_invert(&back, &frame), 0);
    int changed = 0;
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            float at[1][2] = {{(x + 0.5f) / W, (y + 0.5f) / H}};
            size_t k = 3 * ((size_t)y * W + (size_t)x);
            bool differs = memcmp(photo.rgb + k, before + k, 3) != 0;
            idem_crop_points(at, (const float(*)[2])at, 1, &back);
            if (at[0][0] < 0 || at[0][0] > 1 || at[0][1] < 0 || at[0][1] > 1)
                assert_false(differs);
            changed += differs;
        }
    assert_true(changed > 300 * 300 / 5 && changed < 300 * 300);
    assert_int_equal(idem_paste(&photo, &photo, &frame, points), -1); /* not a square */
    free(before);
    free(found);
    idem_image_free(&same);
    idem_image_free(&face);
    idem_image_free(&photo);
}

static void compose_takes_photographs(void **state) {
    (void)state;
    photograph_need_models();
    tiny();
    photograph_save(program_folder, "who.png", "identities/1.png", 300);
    photograph_save(program_folder, "how.png", "attributes/a.png", 280);
    assert_int_equal(RUN("export IDEM_MODELS='%s'; " COMPOSE
                         "-i $DIR/who.png -a $DIR/how.png -o $DIR/small.png && " COMPOSE
                         "-i $DIR/who.png -a $DIR/how.png --keep-size -o $DIR/whole.png",
                         photograph_models()),
                     0);
    static const char *const names[2] = {"small.png", "whole.png"};
    static const int widths[2] = {64, 640};
    for (int i = 0; i < 2; i++) {
        idem_image im;
        char *path = idem_path_join(program_folder, names[i]), text[16];
        assert_int_equal(idem_image_load(&im, path), 0);
        assert_int_equal(im.width, widths[i]);
        assert_int_equal(idem_png_text(path, "synthetic", text, sizeof text), 0);
        idem_image_free(&im);
        free(path);
    }
    /* As align and then compose give it. */
    assert_int_equal(RUN("cd $DIR && export IDEM_MODELS='%s'; $IDEM align -q --threads 1 --size 64 who.png how.png -o "
                         "cut && " COMPOSE "-i cut/who.png -a cut/how.png -o again.png && cmp small.png again.png",
                         photograph_models()),
                     0);
    assert_int_equal(
        RUN("IDEM_MODELS='%s' " COMPOSE "--face 2 -i $DIR/who.png -a $DIR/how.png -o $DIR/x.png", photograph_models()),
        1);
    assert_true(program_says("has 1 face, --face 2 was asked for"));
}

static void every_face_is_put_back(void **state) {
    (void)state;
    photograph_need_models();
    tiny();
    photograph_save(program_folder, "one.png", "attributes/a.png", 280);
    photograph_save_pair(program_folder, "two.png", (const char *const[]){"identities/2.png", "attributes/b.png"},
                         (const double[]){220, 320});
    assert_int_equal(RUN("cd $DIR && export IDEM_MODELS='%s'; " COMPOSE
                         "-k --face all -i one.png -a two.png -o all.png && " COMPOSE
                         "-k --face 1 -i one.png -a two.png -o first.png && " COMPOSE
                         "-k --face 2 -i one.png -a two.png -o second.png && " COMPOSE
                         "-k --face all -i one.png -a two.png -o again.png && cmp all.png again.png",
                         photograph_models()),
                     0);
    /* Each half is that of the picture in which only its face was put back. */
    idem_image photo, all, part[2];
    picture_load(&photo, program_folder, "two.png");
    picture_load(&all, program_folder, "all.png");
    picture_load(&part[0], program_folder, "second.png"); /* the smaller face is the left one */
    picture_load(&part[1], program_folder, "first.png");
    assert_true(all.width == photo.width && all.height == photo.height);
    size_t half = 3 * (size_t)all.width / 2;
    for (size_t i = 0; i < 2 * (size_t)all.height; i++) {
        assert_memory_equal(all.rgb + i * half, part[i % 2].rgb + i * half, half);
        assert_memory_equal(photo.rgb + i * half, part[1 - i % 2].rgb + i * half, half);
    }
    assert_true(memcmp(all.rgb, part[0].rgb, 2 * half * (size_t)all.height) != 0);
    idem_image_free(&photo);
    idem_image_free(&all);
    idem_image_free(&part[0]);
    idem_image_free(&part[1]);
    /* In a folder, with pictures that show another number of faces; one at a time and many at once give the same. */
    assert_int_equal(RUN("cd $DIR && export IDEM_MODELS='%s'; mkdir how && cp one.png two.png how && " COMPOSE
                         "-k --face all --json -i one.png -a how -o many && " COMPOSE
                         "-k --face all --batch 1 -i one.png -a how -o single",
                         photograph_models()),
                     0);
    assert_true(program_says("\"faces\": 3") && program_says("\"pictures\": 2"));
    assert_int_equal(RUN("cd $DIR && cmp single/one--two.png all.png && ls many"), 0);
    assert_string_equal(program_output, "grid.png\none--one.png\none--two.png\n");
}

/* The identity is the largest face of its photograph, whichever face is asked for. */
static void face_is_of_the_attribute_photograph(void **state) {
    (void)state;
    photograph_need_models();
    tiny();
    photograph_save_pair(program_folder, "group.png", (const char *const[]){"identities/2.png", "attributes/b.png"},
                         (const double[]){220, 320});
    assert_int_equal(
        RUN("cd $DIR && export IDEM_MODELS='%s'; $IDEM align -q --threads 1 --size 64 -A group.png -o apart && " COMPOSE
            "-i apart/group.png -a apart/group-2.png -o want.png && " COMPOSE
            "--face 2 -i group.png -a group.png -o got.png && cmp want.png got.png",
            photograph_models()),
        0);
    assert_int_equal(
        RUN("cd $DIR && export IDEM_MODELS='%s'; " COMPOSE
            "--face 2 -i apart/group.png -a group.png -o got.png && cmp want.png got.png && $IDEM interpolate "
            "-q --threads 1 -g generator.safetensors -m mapper.safetensors --steps 2 --face 2 -i group.png "
            "apart/group-2.png -a group.png -o way && cmp want.png way/000.png",
            photograph_models()),
        0);
}

static void faces_that_cannot_be_chosen(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"compose -i a.png --face some", "neither largest, all nor a number"},
        {"compose -i a.png --face 0", "neither largest, all nor a number"},
        {"compose -i a.png --face all", "wants --keep-size"},
        {"compose -i a.png --face all --keep-size --input aligned", "which --input aligned forbids"},
        {"interpolate -i a.png b.png --face all", "neither largest nor a number"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(RUN("$IDEM %s -a c.png -o x.png", rows[i][0]), 2);
        assert_true(program_says(rows[i][1]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pasting_changes_the_face_and_nothing_else),
        cmocka_unit_test(compose_takes_photographs),
        cmocka_unit_test(every_face_is_put_back),
        cmocka_unit_test(face_is_of_the_attribute_photograph),
        cmocka_unit_test(faces_that_cannot_be_chosen),
    };
    return cmocka_run_group_tests(tests, program_enter, program_leave);
}
