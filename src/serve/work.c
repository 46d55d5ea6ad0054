#define _GNU_SOURCE
#include "serve/work.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "serve/anonymise.h"
#include "serve/grid.h"
#include "serve/task.h"

/* ---- /faces ---- */

static json_t *numbers(const float *x, int n) {
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, isfinite(x[i]) ? json_real((double)x[i]) : json_null());
    return list;
}

static json_t *face_json(const idem_photograph *p, int i) {
    idem_face_info face = {.struct_size = sizeof face};
    if (idem_get_face(p, i, &face))
        return NULL;
    json_t *points = json_array(), *frame = json_array();
    for (int k = 0; k < 68 && face.has_points; k++)
        json_array_append_new(points, numbers(face.points[k], 2));
    for (int k = 0; k < 4; k++)
        json_array_append_new(frame, numbers(face.frame_part[k], 2));
    return json_pack("{s:o, s:o, s:f, s:o, s:o, s:f, s:b}", "box", numbers(face.box, 4), "box_part",
                     numbers(face.box_part, 4), "score", (double)face.score, "frame_part", frame, "points", points,
                     "outside", face.outside, "whole", face.whole);
}

static void work_faces(idem_context *context, idem_job *job, idem_form *form, idem_answer *answer) {
    idem_task t = {.context = context, .job = job, .form = form, .answer = answer};
    if (idem_task_begin(&t))
        return;
    if (idem_task_wants(&t, IDEM_PICTURE_ATTRIBUTES))
        return;
    idem_jobs_say(job, "looking for faces");
    idem_photograph *p = idem_task_read(&t, IDEM_PICTURE_ATTRIBUTES, IDEM_ALL_FACES, 0);
    idem_photograph_info info = {.struct_size = sizeof info};
    if (!p)
        return;
    json_t *list = json_array();
    int status = idem_get_photograph_info(p, &info);
    for (int i = 0; i < info.taken && !status; i++)
        status = json_array_append_new(list, face_json(p, info.first + i));
    if (status) {
        json_decref(list);
        idem_answer_library_error(answer, NULL);
    } else {
        idem_answer_json(answer, json_pack("{s:i, s:i, s:b, s:o}", "width", info.width, "height", info.height, "whole",
                                           info.whole, "faces", list));
    }
    idem_free_photograph(p);
}

/* ---- /compose ---- */

/* In the photograph, or as the generator paints it. */
static int write_composed(idem_task *t, idem_photograph *photograph, const uint8_t *rgb, unsigned char **bytes,
                          size_t *size) {
    const idem_writing writing = idem_task_writing(IDEM_ORIGIN_GENERATED);
    idem_photograph_info info = {.struct_size = sizeof info};
    if (photograph && idem_get_photograph_info(photograph, &info))
        return -1;
    if (!photograph || info.whole)
        return idem_encode_view(t->context, &(idem_view){rgb, t->size, t->size}, &writing, bytes, size);
    return idem_paste_face(t->context, photograph, info.first, rgb) ||
                   idem_encode_photograph(t->context, photograph, &writing, bytes, size)
               ? -1
               : 0;
}

static void compose(idem_task *t, idem_photograph **photograph) {
    if (idem_task_open_sets(t, t->refine != 0) ||
        idem_task_add_face(t, t->id, IDEM_PICTURE_IDENTITY, IDEM_LARGEST_FACE, NULL) ||
        idem_task_add_face(t, t->attr, IDEM_PICTURE_ATTRIBUTES, t->face - 1, t->keep_size ? photograph : NULL) ||
        idem_task_encode_sets(t))
        return;
    uint8_t *rgb = malloc((size_t)t->size * (size_t)t->size * 3);
    unsigned char *bytes = NULL;
    size_t size = 0;
    idem_jobs_say(t->job, "painting");
    if (!rgb)
        idem_answer_no_memory(t->answer);
    else if (idem_compose_faces(t->id, t->attr, &(idem_pairing){0, 0}, 1, t->refine, NULL, rgb) ||
             write_composed(t, *photograph, rgb, &bytes, &size))
        idem_answer_library_error(t->answer, NULL);
    else
        idem_answer_picture(t->answer, bytes, size);
    free(rgb);
}

static void work_compose(idem_context *context, idem_job *job, idem_form *form, idem_answer *answer) {
    idem_task t = {.context = context, .job = job, .form = form, .answer = answer};
    idem_photograph *photograph = NULL;
    if (idem_task_begin(&t))
        return;
    if (idem_task_wants(&t, IDEM_PICTURE_IDENTITY) || idem_task_wants(&t, IDEM_PICTURE_ATTRIBUTES))
        return;
    compose(&t, &photograph);
    idem_free_photograph(photograph);
    idem_task_end(&t);
}

/* ---- /interpolate ---- */

/* All frames side by side, as `idem interpolate` writes them. */
static void write_strip(idem_task *t, const uint8_t *frames) {
    const idem_writing writing = idem_task_writing(IDEM_ORIGIN_GENERATED);
    const size_t row = 3 * (size_t)t->size, whole = row * (size_t)t->steps;
    uint8_t *strip = malloc(whole * (size_t)t->size);
    unsigned char *bytes = NULL;
    size_t size = 0;
    if (!strip) {
        idem_answer_no_memory(t->answer);
        return;
    }
    for (int i = 0; i < t->steps; i++)
        for (int y = 0; y < t->size; y++)
            memcpy(strip + (size_t)y * whole + (size_t)i * row,
                   frames + ((size_t)i * (size_t)t->size + (size_t)y) * row, row);
    if (idem_encode_view(t->context, &(idem_view){strip, t->size * t->steps, t->size}, &writing, &bytes, &size))
        idem_answer_library_error(t->answer, NULL);
    else
        idem_answer_picture(t->answer, bytes, size);
    free(strip);
}

static void interpolate(idem_task *t) {
    if (idem_task_open_sets(t, t->refine != 0) ||
        idem_task_add_face(t, t->id, IDEM_PICTURE_IDENTITY, IDEM_LARGEST_FACE, NULL) ||
        idem_task_add_face(t, t->id, IDEM_PICTURE_IDENTITY + 1, IDEM_LARGEST_FACE, NULL) ||
        idem_task_add_face(t, t->attr, IDEM_PICTURE_ATTRIBUTES, t->face - 1, NULL) || idem_task_encode_sets(t))
        return;
    uint8_t *frames = malloc((size_t)t->size * (size_t)t->size * 3 * (size_t)t->steps);
    idem_jobs_say(t->job, "painting");
    if (!frames)
        idem_answer_no_memory(t->answer);
    else if (idem_interpolate(t->id, t->attr, t->space ? IDEM_SPACE_Z : IDEM_SPACE_W, t->steps, t->refine, frames))
        idem_answer_library_error(t->answer, NULL);
    else
        write_strip(t, frames);
    free(frames);
}

static void work_interpolate(idem_context *context, idem_job *job, idem_form *form, idem_answer *answer) {
    idem_task t = {.context = context, .job = job, .form = form, .answer = answer};
    if (idem_task_begin(&t))
        return;
    if (idem_task_wants(&t, IDEM_PICTURE_IDENTITY) || idem_task_wants(&t, IDEM_PICTURE_IDENTITY + 1) ||
        idem_task_wants(&t, IDEM_PICTURE_ATTRIBUTES))
        return;
    interpolate(&t);
    idem_task_end(&t);
}

idem_work *idem_work_find(const char *path) {
    static const struct {
        const char *path;
        idem_work *work;
    } works[] = {{"/compose", work_compose},
                 {"/interpolate", work_interpolate},
                 {"/grid", idem_work_grid},
                 {"/anonymise", idem_work_anonymise},
                 {"/faces", work_faces}};
    for (size_t i = 0; i < sizeof works / sizeof *works; i++)
        if (!strcmp(works[i].path, path))
            return works[i].work;
    return NULL;
}
