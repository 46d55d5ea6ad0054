/* The public library's photographs over face/. */
#include <stdlib.h>
#include <string.h>

#include "api/context.h"
#include "base/models.h"
#include "base/status.h"
#include "engine/threads.h"
#include "face/align.h"
#include "face/paste.h"
#include "model/origin.h"

enum { PATH_SIZE = 4096 };

struct idem_photograph {
    idem_image image;
    idem_found *faces;
    int n;
    bool pasted; /* it shows a painted face */
};

static const float (*points_of(const idem_photograph *p, int face))[2] {
    return (const float(*)[2])p->faces[face].points;
}

/* ---- life ---- */

static idem_finder *finder_of(idem_context *c) {
    char detect[PATH_SIZE], landmark[PATH_SIZE];
    if (c->finder)
        return c->finder;
    if (idem_models_find(detect, sizeof detect, c->models, "fr_detect.onnx") ||
        idem_models_find(landmark, sizeof landmark, c->models, "fr_landmark.onnx"))
        return NULL;
    return c->finder = idem_finder_new(&(idem_finder_files){detect, landmark, NULL},
                                       &(idem_plan_options){.threads = c->threads});
}

/* Takes the image over. */
static idem_photograph *find_faces(idem_context *c, idem_image *image) {
    idem_photograph *p = calloc(1, sizeof *p);
    const idem_team before = idem_team_enter(c->threads); /* graphs are built for a number too */
    idem_finder *finder = finder_of(c);
    const int n = p && finder ? idem_finder_run(finder, image, NULL, &p->faces) : -1;
    idem_team_leave(&before);
    if (!p || !finder) {
        free(p);
        idem_image_free(image);
        return finder ? idem_fail_null_as(IDEM_MEMORY, "out of memory for a photograph") : NULL;
    }
    p->image = *image;
    p->n = n;
    if (p->n >= 0)
        return p;
    idem_free_photograph(p);
    return NULL;
}

idem_photograph *idem_read_photograph(idem_context *c, const char *path) {
    idem_image image;
    if (idem_context_check("idem_read_photograph", c, path, 1) || idem_image_load_transparent(&image, path))
        return NULL;
    return find_faces(c, &image);
}

idem_photograph *idem_copy_photograph(idem_context *c, const uint8_t *rgb, int width, int height) {
    idem_image image;
    if (idem_context_check("idem_copy_photograph", c, rgb, 1) || idem_image_new(&image, width, height))
        return NULL;
    memcpy(image.rgb, rgb, (size_t)width * (size_t)height * 3);
    return find_faces(c, &image);
}

void idem_free_photograph(idem_photograph *p) {
    if (!p)
        return;
    idem_image_free(&p->image);
    free(p->faces);
    free(p);
}

/* ---- looking ---- */

int idem_get_photograph_info(const idem_photograph *p, idem_photograph_info *info) {
    if (!p || !info)
        return idem_fail("idem_get_photograph_info: an argument is NULL");
    if (info->struct_size != sizeof *info)
        return idem_fail(
            "idem_get_photograph_info: struct_size is %zu, expected %zu; set it to sizeof(idem_photograph_info)",
            info->struct_size, sizeof *info);
    info->width = p->image.width;
    info->height = p->image.height;
    info->faces = p->n;
    return 0;
}

static int check_face(const char *call, const idem_photograph *p, int face) {
    if (face >= 0 && face < p->n)
        return 0;
    return idem_fail("%s: face %d was asked for, but the photograph has %d, numbered from 0", call, face, p->n);
}

static int frame_of(const idem_photograph *p, int face, idem_crop *frame) {
    return idem_align_frame(frame, points_of(p, face), p->image.width, p->image.height);
}

static void to_pixels(float (*out)[2], const float (*in)[2], int n, const idem_image *image) {
    for (int i = 0; i < n; i++) {
        out[i][0] = in[i][0] * (float)image->width;
        out[i][1] = in[i][1] * (float)image->height;
    }
}

int idem_get_face(const idem_photograph *p, int face, idem_face_info *info) {
    static const float corners[4][2] = {{0, 0}, {0, 1}, {1, 1}, {1, 0}};
    if (!p || !info)
        return idem_fail("idem_get_face: an argument is NULL");
    if (info->struct_size != sizeof *info)
        return idem_fail("idem_get_face: struct_size is %zu, expected %zu; set it to sizeof(idem_face_info)",
                         info->struct_size, sizeof *info);
    idem_crop frame;
    if (check_face("idem_get_face", p, face) || frame_of(p, face, &frame))
        return -1;
    const idem_found *f = &p->faces[face];
    const float box[2][2] = {{f->box.x0, f->box.y0}, {f->box.x1, f->box.y1}};
    float at[4][2], pixels[2][2];
    to_pixels(pixels, box, 2, &p->image);
    memcpy(info->box, pixels, sizeof info->box);
    info->score = f->score;
    to_pixels(info->points, points_of(p, face), IDEM_POINTS, &p->image);
    idem_crop_points(at, corners, 4, &frame);
    to_pixels(info->frame, (const float(*)[2])at, 4, &p->image);
    return 0;
}

int idem_copy_pixels(const idem_photograph *p, uint8_t *rgb) {
    if (!p || !rgb)
        return idem_fail("idem_copy_pixels: an argument is NULL");
    memcpy(rgb, p->image.rgb, (size_t)p->image.width * (size_t)p->image.height * 3);
    return 0;
}

/* ---- changing ---- */

int idem_align_face(idem_context *c, const idem_photograph *p, int face, uint8_t *rgb) {
    idem_crop frame;
    idem_image picture;
    if (idem_context_check("idem_align_face", c, p && rgb, 1) || check_face("idem_align_face", p, face) ||
        frame_of(p, face, &frame))
        return -1;
    const idem_team before = idem_team_enter(c->threads);
    const int status = idem_align_picture(&picture, &p->image, &frame, idem_model_about(c->model)->size);
    idem_team_leave(&before);
    if (status)
        return -1;
    memcpy(rgb, picture.rgb, (size_t)picture.width * (size_t)picture.height * 3);
    idem_image_free(&picture);
    return 0;
}

int idem_paste_face(idem_context *c, idem_photograph *p, int face, const uint8_t *rgb) {
    idem_crop frame;
    if (idem_context_check("idem_paste_face", c, p && rgb, 1) || check_face("idem_paste_face", p, face) ||
        frame_of(p, face, &frame))
        return -1;
    int size = idem_model_about(c->model)->size;
    idem_image picture = {.width = size, .height = size, .rgb = (uint8_t *)rgb};
    const idem_team before = idem_team_enter(c->threads);
    const int status = idem_paste(&p->image, &picture, &frame, points_of(p, face));
    idem_team_leave(&before);
    p->pasted |= !status;
    return status;
}

int idem_compose_photograph(idem_context *c, const uint8_t *identity_rgb, idem_photograph *p, int face) {
    static const char call[] = "idem_compose_photograph";
    if (idem_context_check(call, c, identity_rgb && p, 1))
        return -1;
    if (face == IDEM_ALL_FACES && !p->n)
        return idem_fail("%s: the photograph shows no face", call);
    if (face != IDEM_ALL_FACES && check_face(call, p, face))
        return -1;
    int first = face == IDEM_ALL_FACES ? 0 : face, n = face == IDEM_ALL_FACES ? p->n : 1;
    size_t side = (size_t)idem_model_about(c->model)->size, bytes = side * side * 3;
    uint8_t *pictures = malloc(2 * (size_t)n * bytes);
    if (!pictures)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pictures", n);
    uint8_t *who = pictures + (size_t)n * bytes;
    int status = 0;
    /* All are cut out before any is pasted: faces may overlap. */
    for (int i = 0; i < n && !status; i++) {
        memcpy(who + (size_t)i * bytes, identity_rgb, bytes);
        status = idem_align_face(c, p, first + i, pictures + (size_t)i * bytes);
    }
    if (!status)
        status = idem_compose(c, who, pictures, n, pictures);
    for (int i = 0; i < n && !status; i++)
        status = idem_paste_face(c, p, first + i, pictures + (size_t)i * bytes);
    free(pictures);
    return status;
}

int idem_write_photograph(idem_context *c, const char *path, const idem_photograph *p) {
    if (idem_context_check("idem_write_photograph", c, path && p, 1))
        return -1;
    idem_origin origin;
    idem_origin_of(&origin, IDEM_SOURCE_COMPOSITE, c->model, NULL);
    return idem_image_save_png(&p->image, path, p->pasted ? &origin.marks : &idem_marks_no_source);
}
