/* The public library's photographs (include/idem/faces.h) over compose/photograph.h. */
#include <stdlib.h>
#include <string.h>

#include "api/context.h"
#include "base/status.h"
#include "face/align.h"
#include "model/origin.h"

static const idem_look all_faces = {.input = IDEM_LOOK_PHOTO, .face = IDEM_FACE_ALL};

/* ---- life ---- */

idem_photograph *idem_read_photograph(idem_context *c, const char *path) {
    return idem_context_check("idem_read_photograph", c, path, 1) ? NULL
                                                                  : idem_photograph_read(c->studio, path, &all_faces);
}

idem_photograph *idem_copy_photograph(idem_context *c, const uint8_t *rgb, int width, int height) {
    idem_image image;
    if (idem_context_check("idem_copy_photograph", c, rgb, 1) || idem_image_new(&image, width, height))
        return NULL;
    memcpy(image.rgb, rgb, (size_t)width * (size_t)height * 3);
    idem_photograph *p = idem_photograph_of(&image, NULL);
    if (p && idem_photograph_look(p, c->studio, &all_faces)) {
        idem_photograph_free(p);
        return NULL;
    }
    return p;
}

void idem_free_photograph(idem_photograph *p) {
    idem_photograph_free(p);
}

/* ---- looking ---- */

int idem_get_photograph_info(const idem_photograph *p, idem_photograph_info *info) {
    if (!p || !info)
        return idem_fail("idem_get_photograph_info: an argument is NULL");
    if (info->struct_size != sizeof *info)
        return idem_fail(
            "idem_get_photograph_info: struct_size is %zu, expected %zu; set it to sizeof(idem_photograph_info)",
            info->struct_size, sizeof *info);
    info->width = p->photo.width;
    info->height = p->photo.height;
    info->faces = p->photo.n;
    return 0;
}

static int check_face(const char *call, const idem_photograph *p, int face) {
    if (face >= 0 && face < p->photo.n)
        return 0;
    return idem_fail("%s: face %d was asked for, but the photograph has %d, numbered from 0", call, face, p->photo.n);
}

static void to_pixels(float (*out)[2], const float (*in)[2], int n, const idem_photograph *p) {
    for (int i = 0; i < n; i++) {
        out[i][0] = in[i][0] * (float)p->photo.width;
        out[i][1] = in[i][1] * (float)p->photo.height;
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
    if (check_face("idem_get_face", p, face) || idem_photograph_frame(p, face, &frame))
        return -1;
    const idem_found *f = &p->photo.faces[face];
    const float box[2][2] = {{f->box.x0, f->box.y0}, {f->box.x1, f->box.y1}};
    float at[4][2], pixels[2][2];
    to_pixels(pixels, box, 2, p);
    memcpy(info->box, pixels, sizeof info->box);
    info->score = f->score;
    to_pixels(info->points, (const float(*)[2])f->points, IDEM_POINTS, p);
    idem_crop_points(at, corners, 4, &frame);
    to_pixels(info->frame, (const float(*)[2])at, 4, p);
    return 0;
}

int idem_copy_pixels(const idem_photograph *p, uint8_t *rgb) {
    if (!p || !rgb)
        return idem_fail("idem_copy_pixels: an argument is NULL");
    memcpy(rgb, p->photo.image.rgb, (size_t)p->photo.image.width * (size_t)p->photo.image.height * 3);
    return 0;
}

/* ---- changing ---- */

int idem_align_face(idem_context *c, const idem_photograph *p, int face, uint8_t *rgb) {
    idem_image picture;
    if (idem_context_check("idem_align_face", c, p && rgb, 1) || idem_studio_need(c->studio, false) ||
        check_face("idem_align_face", p, face) ||
        idem_photograph_cut(p, c->studio, face, idem_studio_about(c->studio)->size, &picture))
        return -1;
    memcpy(rgb, picture.rgb, (size_t)picture.width * (size_t)picture.height * 3);
    idem_image_free(&picture);
    return 0;
}

int idem_paste_face(idem_context *c, idem_photograph *p, int face, const uint8_t *rgb) {
    if (idem_context_check("idem_paste_face", c, p && rgb, 1) || idem_studio_need(c->studio, false) ||
        check_face("idem_paste_face", p, face))
        return -1;
    const int size = idem_studio_about(c->studio)->size;
    const idem_image picture = {.width = size, .height = size, .rgb = (uint8_t *)rgb};
    return idem_photograph_paste(p, c->studio, face, &picture);
}

int idem_compose_photograph(idem_context *c, const uint8_t *identity_rgb, idem_photograph *p, int face) {
    static const char call[] = "idem_compose_photograph";
    if (idem_context_check(call, c, identity_rgb && p, 1) || idem_studio_need(c->studio, true))
        return -1;
    const bool all = face == IDEM_ALL_FACES;
    if (all && !p->photo.n)
        return idem_fail("%s: the photograph shows no face", call);
    if (!all && check_face(call, p, face))
        return -1;
    const int first = all ? 0 : face, n = all ? p->photo.n : 1;
    const size_t side = (size_t)idem_studio_about(c->studio)->size, bytes = side * side * 3;
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
    if (!p->pasted)
        return idem_image_save_png(&p->photo.image, path, &idem_marks_no_source);
    idem_origin origin;
    idem_origin_of(&origin, IDEM_SOURCE_COMPOSITE, idem_studio_model(c->studio), NULL);
    return idem_image_save_png(&p->photo.image, path, &origin.marks);
}
