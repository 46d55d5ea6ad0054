/* The public library's photographs (include/idem/faces.h) over compose/photograph.h. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "api/pictures.h"
#include "base/status.h"
#include "face/align.h"
#include "media/marked.h"

enum { SIDE_MAX = 16384 };

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

/* ---- reading with options ---- */

_Static_assert((int)IDEM_ALL_FACES == (int)IDEM_FACE_ALL && (int)IDEM_LARGEST_FACE == (int)IDEM_FACE_LARGEST,
               "which faces in faces.h and photograph.h");

void idem_reading_init(idem_reading *reading, size_t struct_size) {
    const idem_reading usual = {.struct_size = struct_size, .input = IDEM_INPUT_PHOTO, .face = IDEM_ALL_FACES};
    if (!reading || struct_size < sizeof reading->struct_size)
        return;
    memset(reading, 0, struct_size);
    memcpy(reading, &usual, struct_size < sizeof usual ? struct_size : sizeof usual);
}

static int take_reading(idem_look *look, const char *call, const idem_context *c, const idem_reading *r) {
    static const idem_look_input inputs[] = {IDEM_LOOK_PHOTO, IDEM_LOOK_AUTO, IDEM_LOOK_ALIGNED, IDEM_LOOK_PIXELS};
    *look = all_faces;
    if (!r)
        return 0;
    if (r->struct_size != sizeof *r)
        return idem_fail("%s: reading has %zu bytes, expected %zu; call idem_reading_default first", call,
                         r->struct_size, sizeof *r);
    if (r->input < 0 || r->input > IDEM_INPUT_PIXELS || r->face < IDEM_ALL_FACES || r->face == INT_MAX || r->size < 0 ||
        r->size > SIDE_MAX)
        return idem_fail("%s: reading has input %d, face %d and size %d, expected 0 to %d, from %d on and 0 to %d",
                         call, r->input, r->face, r->size, IDEM_INPUT_PIXELS, IDEM_ALL_FACES, SIDE_MAX);
    *look = (idem_look){.input = inputs[r->input], .face = r->face, .size = r->size, .hint = r->hint};
    return idem_context_check(call, c, true, 1);
}

idem_photograph *idem_read_photograph_as(idem_context *c, const char *path, const idem_reading *reading) {
    static const char call[] = "idem_read_photograph_as";
    idem_look look;
    if (idem_context_check(call, c, path, 1) || take_reading(&look, call, c, reading))
        return NULL;
    return idem_photograph_read(c->studio, path, &look);
}

idem_photograph *idem_decode_photograph(idem_context *c, const unsigned char *bytes, size_t size,
                                        const idem_reading *reading) {
    static const char call[] = "idem_decode_photograph";
    idem_look look;
    idem_image image;
    if (idem_context_check(call, c, bytes, 1) || take_reading(&look, call, c, reading) ||
        idem_image_parse_transparent(&image, bytes, size, "the picture in memory"))
        return NULL;
    idem_photograph *p = idem_photograph_of(&image, NULL);
    if (p)
        p->marked = idem_image_bytes_say_synthetic(bytes, size);
    if (p && idem_photograph_look(p, c->studio, &look)) {
        idem_photograph_free(p);
        return NULL;
    }
    return p;
}

struct idem_reader {
    idem_context *context;
    const char *const *paths;
    int n, next;
    idem_look look;
    idem_ahead *ahead;
};

idem_reader *idem_open_reader(idem_context *c, const char *const *paths, int n, const idem_reading *reading) {
    static const char call[] = "idem_open_reader";
    idem_look look;
    if (idem_context_check(call, c, paths, n) || take_reading(&look, call, c, reading))
        return NULL;
    for (int i = 0; i < n; i++)
        if (!paths[i])
            return idem_fail_null("%s: path %d is NULL", call, i);
    idem_reader *r = calloc(1, sizeof *r);
    if (!r)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for reading pictures");
    *r = (idem_reader){.context = c, .paths = paths, .n = n, .look = look};
    if ((r->ahead = idem_photograph_ahead(paths, (size_t)n, &look)))
        return r;
    free(r);
    return NULL;
}

static idem_photograph *next(idem_reader *r, const char *call, const idem_look *look) {
    if (r->next >= r->n)
        return idem_fail_null("%s: all %d pictures were read", call, r->n);
    if (idem_studio_stopped(r->context->studio))
        return idem_fail_null_as(IDEM_INTERRUPTED, "interrupted");
    return idem_photograph_next(r->context->studio, r->ahead, r->paths[r->next++], look);
}

idem_photograph *idem_next_photograph(idem_reader *r) {
    static const char call[] = "idem_next_photograph";
    return r ? next(r, call, &r->look) : idem_fail_null("%s: the reader is NULL", call);
}

idem_photograph *idem_next_photograph_as(idem_reader *r, const idem_reading *reading) {
    static const char call[] = "idem_next_photograph_as";
    idem_look look;
    if (!r)
        return idem_fail_null("%s: the reader is NULL", call);
    return take_reading(&look, call, r->context, reading) ? NULL : next(r, call, &look);
}

void idem_close_reader(idem_reader *r) {
    if (!r)
        return;
    idem_ahead_free(r->ahead);
    free(r);
}

int idem_drop_pixels(idem_photograph *p) {
    if (!p)
        return idem_fail("idem_drop_pixels: an argument is NULL");
    idem_photograph_drop(p);
    return 0;
}

/* ---- looking ---- */

/* In programs compiled before the later fields existed. */
typedef struct {
    size_t struct_size;
    int width, height, faces;
} earlier_photograph_info;
typedef struct {
    size_t struct_size;
    float box[4], score, points[68][2], frame[4][2];
} earlier_face_info;

int idem_get_photograph_info(const idem_photograph *p, idem_photograph_info *info) {
    if (!p || !info)
        return idem_fail("idem_get_photograph_info: an argument is NULL");
    const size_t bytes = info->struct_size;
    if (bytes != sizeof *info && bytes != sizeof(earlier_photograph_info))
        return idem_fail(
            "idem_get_photograph_info: struct_size is %zu, expected %zu; set it to sizeof(idem_photograph_info)", bytes,
            sizeof *info);
    info->width = p->photo.width;
    info->height = p->photo.height;
    info->faces = p->photo.n;
    if (bytes < sizeof *info)
        return 0;
    info->first = p->first;
    info->taken = p->taken;
    info->whole = p->whole;
    return 0;
}

static int check_face(const char *call, const idem_photograph *p, int face) {
    if (face >= 0 && face < p->photo.n)
        return 0;
    return idem_fail("%s: face %d was asked for, but the photograph has %d faces, numbered from 0", call, face,
                     p->photo.n);
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
    if (info->struct_size != sizeof *info && info->struct_size != sizeof(earlier_face_info))
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
    if (info->struct_size < sizeof *info)
        return 0;
    info->yaw = f->yaw;
    info->pitch = f->pitch;
    info->roll = f->roll;
    info->outside = idem_photograph_outside(p, face);
    info->whole = p->whole && face == p->first;
    info->has_points = !p->unseen;
    memcpy(info->box_part, box, sizeof info->box_part);
    memcpy(info->points_part, f->points, sizeof info->points_part);
    memcpy(info->frame_part, at, sizeof info->frame_part);
    return 0;
}

/* All of them. */
static int need_pixels(const char *call, const idem_photograph *p) {
    if (!p->photo.image.rgb)
        return idem_fail("%s: the photograph's pixels were dropped", call);
    return p->photo.image.width == p->photo.width
               ? 0
               : idem_fail("%s: the photograph was decoded at less than its size, as idem_reading.size asked for",
                           call);
}

int idem_copy_pixels(const idem_photograph *p, uint8_t *rgb) {
    if (!p || !rgb)
        return idem_fail("idem_copy_pixels: an argument is NULL");
    if (need_pixels("idem_copy_pixels", p))
        return -1;
    memcpy(rgb, p->photo.image.rgb, (size_t)p->photo.image.width * (size_t)p->photo.image.height * 3);
    return 0;
}

/* ---- changing ---- */

static int align(const char *call, idem_context *c, const idem_photograph *p, int face, int side, uint8_t *rgb) {
    idem_image picture;
    if (check_face(call, p, face) || idem_photograph_cut(p, c->studio, face, side, &picture))
        return -1;
    memcpy(rgb, picture.rgb, (size_t)side * (size_t)side * 3);
    idem_image_free(&picture);
    return 0;
}

static int check_side(const char *call, int side) {
    return side >= 1 && side <= SIDE_MAX ? 0 : idem_fail("%s: side is %d, expected 1 to %d", call, side, SIDE_MAX);
}

int idem_align_face(idem_context *c, const idem_photograph *p, int face, uint8_t *rgb) {
    static const char call[] = "idem_align_face";
    if (idem_context_check(call, c, p && rgb, 1) || idem_studio_need(c->studio, false))
        return -1;
    return align(call, c, p, face, idem_studio_about(c->studio)->size, rgb);
}

int idem_align_face_at(idem_context *c, const idem_photograph *p, int face, int side, uint8_t *rgb) {
    static const char call[] = "idem_align_face_at";
    return idem_context_check(call, c, p && rgb, 1) || check_side(call, side) ? -1 : align(call, c, p, face, side, rgb);
}

static int paste(const char *call, idem_context *c, idem_photograph *p, int face, int side, const uint8_t *rgb) {
    const idem_image picture = {.width = side, .height = side, .rgb = (uint8_t *)rgb};
    return check_face(call, p, face) ? -1 : idem_photograph_paste(p, c->studio, face, &picture);
}

int idem_paste_face(idem_context *c, idem_photograph *p, int face, const uint8_t *rgb) {
    static const char call[] = "idem_paste_face";
    if (idem_context_check(call, c, p && rgb, 1) || idem_studio_need(c->studio, false))
        return -1;
    return paste(call, c, p, face, idem_studio_about(c->studio)->size, rgb);
}

int idem_paste_face_at(idem_context *c, idem_photograph *p, int face, int side, const uint8_t *rgb) {
    static const char call[] = "idem_paste_face_at";
    return idem_context_check(call, c, p && rgb, 1) || check_side(call, side) ? -1 : paste(call, c, p, face, side, rgb);
}

int idem_feature_dim(idem_context *c) {
    return idem_context_check("idem_feature_dim", c, true, 1) ? -1 : idem_studio_feature_dim(c->studio);
}

int idem_recognise(idem_context *c, const idem_photograph *p, int face, float *feature, float *judge) {
    static const char call[] = "idem_recognise";
    if (idem_context_check(call, c, p && (feature || judge), 1) || check_face(call, p, face))
        return -1;
    if (p->unseen || !p->photo.image.rgb)
        return idem_fail("%s: the photograph %s", call,
                         p->unseen ? "was read without detection: the position of its face is unknown"
                                   : "no longer has its pixels");
    return idem_studio_embed(c->studio, &p->photo.image, (const float(*)[2])p->photo.faces[face].points, feature,
                             judge);
}

int idem_compose_photograph(idem_context *c, const uint8_t *identity_rgb, idem_photograph *p, int face) {
    static const char call[] = "idem_compose_photograph";
    if (idem_context_check(call, c, identity_rgb && p, 1) || idem_studio_need(c->studio, !c->refine))
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
    /* All are cut out before the first is pasted: faces may overlap. */
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

/* The picture's contents determine its origin, not the option. */
static int open_marks(idem_made *made, const char *call, const idem_context *c, const idem_photograph *p,
                      const idem_writing *writing) {
    idem_writing w;
    idem_writing_default(&w);
    if (writing && writing->struct_size == sizeof w)
        w = *writing;
    else if (writing)
        return idem_marks_open(made, call, c, writing);
    w.origin = p->pasted ? IDEM_ORIGIN_COMPOSITE : IDEM_ORIGIN_UNSAID;
    return idem_marks_open(made, call, c, &w);
}

int idem_write_photograph(idem_context *c, const char *path, const idem_photograph *p) {
    static const char call[] = "idem_write_photograph";
    idem_made made;
    if (idem_context_check(call, c, path && p, 1) || need_pixels(call, p) || open_marks(&made, call, c, p, NULL))
        return -1;
    return idem_image_save_png(&p->photo.image, path, made.marks);
}

int idem_write_photograph_as(idem_context *c, const char *path, const idem_photograph *p, const idem_writing *writing) {
    static const char call[] = "idem_write_photograph_as";
    idem_made made;
    if (idem_context_check(call, c, path && p, 1) || need_pixels(call, p) || open_marks(&made, call, c, p, writing))
        return -1;
    return idem_image_to_file(&p->photo.image, path, &made);
}

int idem_encode_photograph(idem_context *c, const idem_photograph *p, const idem_writing *writing,
                           unsigned char **bytes, size_t *size) {
    static const char call[] = "idem_encode_photograph";
    idem_made made;
    if (idem_context_check(call, c, p && bytes && size, 1) || need_pixels(call, p) ||
        open_marks(&made, call, c, p, writing))
        return -1;
    return idem_image_to_bytes(&p->photo.image, &made, bytes, size);
}
