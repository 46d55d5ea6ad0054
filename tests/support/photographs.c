#define _GNU_SOURCE
#include "support/photographs.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/status.h"
#include "face/warp.h"
#include "support/tiny.h"

enum { WIDTH = 640, HEIGHT = 480 };

const char *photograph_models(void) {
    static char path[4096];
    const char *stated = getenv("IDEM_MODELS");
    if (!stated || !*stated)
        stated = "models/cache";
    if (!realpath(stated, path))
        snprintf(path, sizeof path, "%s", stated);
    return path;
}

void photograph_need_models(void) {
    char detect[4200];
    snprintf(detect, sizeof detect, "%s/fr_detect.onnx", photograph_models());
    if (tiny_has_models() && idem_path_exists(detect))
        return;
    print_message("skip: no fr_detect.onnx in %s; scripts/setup fetches it\n", photograph_models());
    skip();
}

idem_image photograph(const char *face, int width, int height, double cx, double cy, double side, double turn,
                      idem_crop *place) {
    char path[4200];
    idem_image small, photo;
    snprintf(path, sizeof path, "samples/%s", face);
    assert_int_equal(idem_image_load(&small, path), 0);
    double c = side * cos(turn * 3.14159265358979 / 180), s = side * sin(turn * 3.14159265358979 / 180);
    idem_crop at = {{(float)(c / width), (float)(-s / width), (float)((cx - (c - s) / 2) / width), (float)(s / height),
                     (float)(c / height), (float)((cy - (s + c) / 2) / height)}},
              back;
    assert_int_equal(idem_crop_invert(&back, &at), 0);
    float *x = malloc((size_t)width * (size_t)height * 3 * sizeof *x);
    assert_non_null(x);
    assert_int_equal(idem_warp(x, height, width, &small, &back, IDEM_WARP_EDGE), 0);
    assert_int_equal(idem_image_from_float(&photo, x, width, height, 0, 255), 0);
    free(x);
    idem_image_free(&small);
    if (place)
        *place = at;
    return photo;
}

static void save(const char *dir, const char *name, idem_image *photo) {
    char *path = idem_path_join(dir, name);
    assert_int_equal(idem_image_save_png(photo, path, NULL), 0);
    free(path);
    idem_image_free(photo);
}

void photograph_save(const char *dir, const char *name, const char *face, double side) {
    idem_image photo = photograph(face, WIDTH, HEIGHT, 300, 250, side, 4, NULL);
    save(dir, name, &photo);
}

void photograph_save_pair(const char *dir, const char *name, const char *const faces[2], const double sides[2]) {
    idem_image both;
    assert_int_equal(idem_image_new(&both, 2 * WIDTH, HEIGHT), 0);
    for (int i = 0; i < 2; i++) {
        idem_image one = photograph(faces[i], WIDTH, HEIGHT, 300, 250, sides[i], 4, NULL);
        for (size_t y = 0; y < HEIGHT; y++)
            memcpy(both.rgb + 3 * (y * 2 * WIDTH + (size_t)i * WIDTH), one.rgb + 3 * y * WIDTH, 3 * (size_t)WIDTH);
        idem_image_free(&one);
    }
    save(dir, name, &both);
}

idem_finder *photograph_finder(bool pose) {
    char detect[4200], landmark[4200], angles[4200];
    snprintf(detect, sizeof detect, "%s/fr_detect.onnx", photograph_models());
    snprintf(landmark, sizeof landmark, "%s/fr_landmark.onnx", photograph_models());
    snprintf(angles, sizeof angles, "%s/fr_pose.onnx", photograph_models());
    idem_finder *f = idem_finder_new(&(idem_finder_files){detect, landmark, pose ? angles : NULL}, NULL);
    if (!f)
        print_message("%s\n", idem_error());
    assert_non_null(f);
    return f;
}
