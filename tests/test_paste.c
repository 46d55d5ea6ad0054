/* Faces put back into photographs: what pasting changes, and compose on photographs from outside. */
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
#include "face/align.h"
#include "base/rng.h"
#include "face/grain.h"
#include "face/lab.h"
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

enum { W = 600, H = 500, SIDE = 256, BYTES = W * H * 3 };

/* A photograph of one face, and all that pasting wants of it. */
typedef struct {
    idem_image photo, face; /* face: as aligned */
    uint8_t *before;
    idem_crop frame, back;
    idem_found *found;
    const float (*points)[2];
} scene;

static scene open_scene(void) {
    idem_crop place;
    scene s = {.photo = photograph("identities/3.png", W, H, 280, 260, 300, 8, &place)};
    idem_finder *f = photograph_finder(false);
    assert_int_equal(idem_finder_run(f, &s.photo, NULL, &s.found), 1);
    idem_finder_free(f);
    s.points = (const float(*)[2])s.found->points;
    assert_int_equal(idem_align_frame(&s.frame, s.points, W, H), 0);
    assert_int_equal(idem_crop_invert(&s.back, &s.frame), 0);
    assert_int_equal(idem_align_picture(&s.face, &s.photo, &s.frame, SIDE), 0);
    assert_non_null(s.before = malloc(BYTES));
    memcpy(s.before, s.photo.rgb, BYTES);
    return s;
}

static void close_scene(scene *s) {
    free(s->before);
    free(s->found);
    idem_image_free(&s->face);
    idem_image_free(&s->photo);
}

static uint8_t mask_of(const idem_pasted *p, int x, int y) {
    x -= p->x;
    y -= p->y;
    return x >= 0 && y >= 0 && x < p->width && y < p->height ? p->mask[y * p->width + x] : 0;
}

/* Mean difference from the photograph as it was, where the mask is whole. */
static double change_of(const scene *s, const idem_pasted *p) {
    double sum = 0;
    int n = 0;
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            for (size_t c = 0; c < 3 && mask_of(p, x, y) == 255; c++, n++) {
                const size_t at = 3 * ((size_t)y * W + (size_t)x) + c;
                sum += abs(s->photo.rgb[at] - s->before[at]);
            }
    assert_true(n > 3 * W * H / 30);
    return sum / n;
}

static void paste(scene *s, const idem_image *face, idem_pasted *about) {
    idem_paste_fit fit;
    memcpy(s->photo.rgb, s->before, BYTES);
    assert_int_equal(idem_paste_match(&fit, &s->photo, face, &s->frame, s->points), 0);
    assert_int_equal(idem_paste_with(&s->photo, face, &s->frame, s->points, &fit, about), 0);
}

static void pasting_changes_the_face_and_nothing_else(void **state) {
    (void)state;
    photograph_need_models();
    scene s = open_scene();
    idem_pasted about;
    idem_image same;
    /* Its own face: next to nothing changes. */
    paste(&s, &s.face, &about);
    assert_true(change_of(&s, &about) < 3);
    idem_pasted_free(&about);
    /* Black: it takes the mean colour of the old one, in the mask alone; that lies in the frame, around the face. */
    assert_int_equal(idem_image_new(&same, SIDE, SIDE), 0);
    paste(&s, &same, &about);
    assert_true(change_of(&s, &about) > 3);
    int whole = 0;
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            float at[1][2] = {{(x + 0.5f) / W, (y + 0.5f) / H}};
            const size_t k = 3 * ((size_t)y * W + (size_t)x);
            idem_crop_points(at, (const float(*)[2])at, 1, &s.back);
            const uint8_t m = mask_of(&about, x, y);
            if (m == 0)
                assert_memory_equal(s.photo.rgb + k, s.before + k, 3);
            if (at[0][0] < 0 || at[0][0] > 1 || at[0][1] < 0 || at[0][1] > 1)
                assert_int_equal(m, 0);
            whole += m == 255;
        }
    assert_true(whole > 300 * 300 / 10 && whole < 300 * 300 / 2);
    for (int i = 17; i < 68; i++) /* of brows, nose, eyes and mouth nothing is left */
        assert_true(mask_of(&about, (int)(s.points[i][0] * W), (int)(s.points[i][1] * H)) > 245);
    idem_pasted_free(&about);
    assert_int_equal(idem_paste(&s.photo, &s.photo, &s.frame, s.points), -1); /* not a square */
    idem_image_free(&same);
    close_scene(&s);
}

/* A face under another light comes back in the light of the photograph. */
static void colours_are_those_of_the_photograph(void **state) {
    (void)state;
    photograph_need_models();
    scene s = open_scene();
    idem_pasted about;
    for (int i = 0; i < SIDE * SIDE * 3; i++)
        s.face.rgb[i] = (uint8_t)(s.face.rgb[i] * (i % 3 == 2 ? 0.45 : 0.7));
    paste(&s, &s.face, &about);
    assert_true(change_of(&s, &about) < 6);
    idem_pasted_free(&about);
    /* A fit is plain numbers: with another one it is as dark as it came. */
    idem_paste_fit fit;
    memcpy(s.photo.rgb, s.before, BYTES);
    assert_int_equal(idem_paste_match(&fit, &s.photo, &s.face, &s.frame, s.points), 0);
    for (int c = 0; c < 3; c++) {
        fit.gain[c] = 1;
        fit.shift[c] = 0;
    }
    assert_int_equal(idem_paste_with(&s.photo, &s.face, &s.frame, s.points, &fit, &about), 0);
    assert_true(change_of(&s, &about) > 10);
    idem_pasted_free(&about);
    close_scene(&s);
}

static void lab_is_the_standard_one(void **state) {
    (void)state;
    /* White, black, and the primaries as the literature has them. */
    const uint8_t rgb[5][3] = {{255, 255, 255}, {0, 0, 0}, {255, 0, 0}, {0, 255, 0}, {0, 0, 255}};
    const float lab[5][3] = {
        {100, 0, 0}, {0, 0, 0}, {53.24f, 80.09f, 67.20f}, {87.73f, -86.18f, 83.18f}, {32.30f, 79.19f, -107.86f}};
    float got[5][3];
    uint8_t back[3], all[3];
    idem_lab_from_rgb(&got[0][0], &rgb[0][0], 5);
    for (int i = 0; i < 15; i++)
        assert_true(fabsf((&got[0][0])[i] - (&lab[0][0])[i]) < 0.05f);
    for (int i = 0; i < 256 * 3; i++) {
        all[0] = (uint8_t)i;
        all[1] = (uint8_t)(i * 7);
        all[2] = (uint8_t)(i * 31);
        idem_lab_from_rgb(got[0], all, 1);
        idem_lab_to_rgb(back, got[0], 1);
        assert_memory_equal(back, all, 3);
    }
}

/* Landmarks on an ellipse for the jaw and a straight line of brows. */
static void make_points(float points[68][2]) {
    for (int i = 0; i < 68; i++) {
        points[i][0] = 0.5f;
        points[i][1] = 0.6f;
    }
    for (int i = 0; i < 17; i++) {
        points[i][0] = 0.5f - 0.25f * cosf((float)i * 3.14159f / 16);
        points[i][1] = 0.5f + 0.35f * sinf((float)i * 3.14159f / 16);
    }
    for (int i = 17; i < 27; i++) {
        points[i][0] = 0.3f + 0.4f * (float)(i - 17) / 9;
        points[i][1] = 0.42f;
    }
}

static void the_line_runs_where_pictures_agree(void **state) {
    (void)state;
    enum { G = 128, UP = 3 * IDEM_SEAM_RAYS / 4 };
    static float cost[G * G];
    float points[68][2], radius[IDEM_SEAM_RAYS];
    idem_seam_band band;
    make_points(points);
    assert_int_equal(idem_seam_band_of(&band, (const float(*)[2])points, 0.04), 0);
    memset(cost, 0, sizeof cost);
    assert_int_equal(idem_seam_find(radius, &band, cost, G), 0);
    for (int i = 0; i < IDEM_SEAM_RAYS; i++) {
        assert_true(band.least[i] < band.usual[i] && band.usual[i] <= band.most[i] + 1e-9);
        assert_true(fabs((double)radius[i] - band.usual[i]) < 0.05);
    }
    const double usual = (double)radius[UP];
    assert_true(idem_seam_inside(radius, band.centre, band.centre[0], band.centre[1] - usual + 0.01) > 0);
    assert_true(idem_seam_inside(radius, band.centre, band.centre[0], band.centre[1] - usual - 0.01) < 0);
    /* A fringe down to a little above the brows: the line passes below it. */
    const int edge = (int)(0.36 * G);
    for (int i = 0; i < G * G; i++)
        cost[i] = i / G < edge;
    assert_int_equal(idem_seam_find(radius, &band, cost, G), 0);
    assert_true(band.centre[1] - (double)radius[UP] > (edge - 1.0) / G);
    assert_true(usual > (double)radius[UP]);
    points[30][0] = NAN;
    assert_int_equal(idem_seam_band_of(&band, (const float(*)[2])points, 0.04), -1);
    memset(points, 0, sizeof points);
    assert_int_equal(idem_seam_band_of(&band, (const float(*)[2])points, 0.04), -1);
}

static double roughness(const idem_image *im, int x0, int y0, int side) {
    double sum = 0;
    for (int y = y0; y < y0 + side; y++)
        for (int x = x0; x < x0 + side; x++) {
            const uint8_t *at = im->rgb + 3 * ((size_t)y * (size_t)im->width + (size_t)x);
            const double d = at[0] - (at[-3] + at[3]) / 2.0;
            sum += d * d;
        }
    return sqrt(sum / side / side);
}

static void enlarged_faces_get_the_grain_of_the_photograph(void **state) {
    (void)state;
    photograph_need_models();
    scene s = open_scene();
    idem_image small;
    idem_pasted about;
    idem_rng rng = idem_rng_make(3, "noise");
    assert_int_equal(idem_image_resize(&small, &s.face, 64, 64), 0);
    for (int i = 0; i < W * H; i++) {
        float noise;
        idem_rng_fill_normal(&rng, &noise, 1);
        for (int c = 0; c < 3; c++)
            s.before[3 * i + c] = (uint8_t)fminf(fmaxf(s.before[3 * i + c] + 6 * noise, 0), 255);
    }
    paste(&s, &small, &about);
    /* On the cheeks. */
    idem_image noisy = s.photo;
    noisy.rgb = s.before;
    const int x = (int)(s.points[2][0] * W + s.points[31][0] * W) / 2, y = (int)(s.points[31][1] * H);
    assert_int_equal(mask_of(&about, x, y), 255);
    const double ratio = roughness(&s.photo, x - 12, y - 12, 24) / roughness(&noisy, x - 12, y - 12, 24);
    assert_true(ratio > 0.75 && ratio < 1.25);
    idem_pasted_free(&about);
    idem_image_free(&small);
    close_scene(&s);
    /* What lacks nothing gets none. */
    float flat[64 * 64], rough[64 * 64];
    idem_grain grain;
    idem_rng_fill_normal(&rng, rough, 64 * 64);
    for (int i = 0; i < 64 * 64; i++) {
        flat[i] = 100;
        rough[i] = 100 + 4 * rough[i];
    }
    assert_int_equal(idem_grain_match(&grain, flat, rough, 64, 64, 2), 0);
    assert_true(grain.deviation[0] < 0.1 && grain.deviation[1] < 0.1);
    idem_grain_free(&grain);
    assert_int_equal(idem_grain_match(&grain, rough, flat, 64, 64, 2), 0);
    assert_true(grain.deviation[0] > 2.5 && grain.deviation[0] < 4.5);
    idem_grain_free(&grain);
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
    /* A face of 280 pixels, painted at 64. */
    program_expect(RUN("IDEM_MODELS='%s' $IDEM compose --threads 1 -g $DIR/generator.safetensors -m "
                       "$DIR/mapper.safetensors --refine 0 -i $DIR/who.png -a $DIR/how.png -k -o $DIR/whole.png",
                       photograph_models()),
                   0);
    assert_true(program_says("how.png: face 1 is pasted at 4.") && program_says("times its painted size"));
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
        {"compose -i a.png --face all", "needs --keep-size"},
        {"compose -i a.png --face all --keep-size --input aligned", "which --input aligned excludes"},
        {"interpolate -i a.png b.png --face all", "neither largest nor a number"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(RUN("$IDEM %s -a c.png -o x.png", rows[i][0]), 2);
        assert_true(program_says(rows[i][1]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pasting_changes_the_face_and_nothing_else),
        cmocka_unit_test(colours_are_those_of_the_photograph),
        cmocka_unit_test(lab_is_the_standard_one),
        cmocka_unit_test(the_line_runs_where_pictures_agree),
        cmocka_unit_test(enlarged_faces_get_the_grain_of_the_photograph),
        cmocka_unit_test(compose_takes_photographs),
        cmocka_unit_test(every_face_is_put_back),
        cmocka_unit_test(face_is_of_the_attribute_photograph),
        cmocka_unit_test(faces_that_cannot_be_chosen),
    };
    return cmocka_run_group_tests(tests, program_enter, program_leave);
}
