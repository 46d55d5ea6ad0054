#define _GNU_SOURCE
#include "serve/work.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/terms.h"

enum { STEPS_MOST = 64, FACE_MOST = 1000, REFINE_MOST = 200 };

/* ---- answers ---- */

void idem_answer_json(idem_answer *answer, void *json) {
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(json);
    if (!text)
        *answer = (idem_answer){.status = MHD_HTTP_INTERNAL_SERVER_ERROR, .type = "application/json"};
    else
        *answer = (idem_answer){MHD_HTTP_OK, "application/json", text, strlen(text)};
}

void idem_answer_error(idem_answer *answer, int status, const char *kind, const char *message) {
    idem_answer_json(answer, json_pack("{s:{s:s, s:s+}}", "error", "kind", kind, "message", message, ""));
    answer->status = status;
}

/* The library's last message. field: the form's field whose picture was worked on; NULL: no single picture's. */
static void library_failed_at(idem_answer *answer, const char *field) {
    static const struct {
        int kind, status;
        const char *name;
    } kinds[] = {
        {IDEM_ERROR_INPUT, MHD_HTTP_UNPROCESSABLE_CONTENT, "input"},
        {IDEM_ERROR_MISSING, MHD_HTTP_SERVICE_UNAVAILABLE, "missing"},
        {IDEM_ERROR_MEMORY, MHD_HTTP_SERVICE_UNAVAILABLE, "memory"},
        {IDEM_ERROR_INTERRUPTED, MHD_HTTP_SERVICE_UNAVAILABLE, "interrupted"},
        {IDEM_ERROR_INTERNAL, MHD_HTTP_INTERNAL_SERVER_ERROR, "internal"},
    };
    const size_t last = sizeof kinds / sizeof *kinds - 1;
    const int kind = idem_error_kind();
    size_t i = 0;
    while (i < last && kinds[i].kind != kind)
        i++;
    char *message = idem_serve_terms(idem_last_error(), field);
    idem_answer_error(answer, kinds[i].status, kinds[i].name, message ? message : idem_last_error());
    free(message);
}

static void library_failed(idem_answer *answer) {
    library_failed_at(answer, NULL);
}

static void bad_form(idem_answer *answer, const idem_form *form) {
    idem_answer_error(answer, MHD_HTTP_BAD_REQUEST, "request", form->error);
}

static void picture_answer(idem_answer *answer, unsigned char *bytes, size_t size) {
    char *copy = malloc(size); /* the server frees with free() */
    if (copy) {
        memcpy(copy, bytes, size);
        *answer = (idem_answer){MHD_HTTP_OK, "image/png", copy, size};
    } else {
        idem_answer_error(answer, MHD_HTTP_SERVICE_UNAVAILABLE, "memory", "memory is short");
    }
    idem_free_bytes(bytes);
}

static idem_writing as_png(int origin) {
    idem_writing w;
    idem_writing_default(&w);
    w.format = IDEM_FORMAT_AS_PNG;
    w.origin = origin;
    w.nothing_random = 1;
    return w;
}

/* ---- reading ---- */

static const char *const inputs[] = {"auto", "photo", "aligned"};
static const int input_kinds[] = {IDEM_INPUT_AUTO, IDEM_INPUT_PHOTO, IDEM_INPUT_ALIGNED};

typedef struct {
    idem_context *context;
    idem_job *job;
    idem_form *form;
    idem_answer *answer;
    int input, face, refine, keep_size, steps, space, size;
    idem_faces *id, *attr;
} task;

static int settings(task *t) {
    static const char *const spaces[] = {"w", "z"};
    idem_form *f = t->form;
    int input;
    idem_info info = {.struct_size = sizeof info};
    if (idem_get_info(t->context, &info))
        return library_failed(t->answer), -1;
    t->size = info.size;
    if (idem_form_choice(f, IDEM_SETTING_INPUT, inputs, 3, &input) ||
        idem_form_choice(f, IDEM_SETTING_SPACE, spaces, 2, &t->space) ||
        idem_form_number(f, IDEM_SETTING_FACE, 1, FACE_MOST, 1, &t->face) ||
        idem_form_number(f, IDEM_SETTING_KEEP_SIZE, 0, 1, 0, &t->keep_size) ||
        idem_form_number(f, IDEM_SETTING_STEPS, 2, STEPS_MOST, 9, &t->steps) ||
        idem_form_number(f, IDEM_SETTING_REFINE, IDEM_REFINE_AS_MARKED, REFINE_MOST, IDEM_REFINE_AS_MARKED, &t->refine))
        return bad_form(t->answer, f), -1;
    t->input = input_kinds[input];
    return 0;
}

/* A picture that was sent, with the face that is wanted of it; NULL when t->answer says why not. */
static idem_photograph *read_picture(task *t, int picture, int face, int size) {
    idem_form_picture *p = &t->form->pictures[picture];
    const char *field = idem_form_picture_name(picture);
    idem_photograph_info info = {.struct_size = sizeof info};
    idem_reading r;
    idem_reading_default(&r);
    r.input = t->input;
    r.face = face;
    r.size = size;
    idem_photograph *photograph = idem_decode_photograph(t->context, p->bytes, p->size, &r);
    if (!photograph || idem_get_photograph_info(photograph, &info)) {
        library_failed_at(t->answer, field);
    } else if (info.taken || face == IDEM_ALL_FACES) {
        return photograph;
    } else {
        char message[120];
        if (info.faces)
            snprintf(message, sizeof message, "%s: has %d face%s, face %d was asked for", field, info.faces,
                     info.faces == 1 ? "" : "s", face + 1);
        else
            snprintf(message, sizeof message, "%s: no face was found", field);
        idem_answer_error(t->answer, MHD_HTTP_UNPROCESSABLE_CONTENT, "input", message);
    }
    idem_free_photograph(photograph);
    return NULL;
}

/* The face of a picture into a set. *keep: the photograph, to be freed by the caller; NULL: it is freed. */
static int add_face(task *t, idem_faces *faces, int picture, int face, idem_photograph **keep) {
    idem_jobs_say(t->job, "looking for faces");
    idem_photograph *p = read_picture(t, picture, face, keep ? 0 : t->size);
    int status = p ? 0 : -1;
    if (p && idem_add_faces(faces, p)) {
        library_failed_at(t->answer, idem_form_picture_name(picture));
        status = -1;
    }
    if (keep && !status)
        *keep = p;
    else
        idem_free_photograph(p);
    return status;
}

static int open_sets(task *t) {
    t->id = idem_new_faces(t->context, IDEM_CODE_OF_IDENTITY, t->refine != 0);
    t->attr = idem_new_faces(t->context, IDEM_CODE_OF_ATTRIBUTES, t->refine != 0);
    return t->id && t->attr ? 0 : (library_failed(t->answer), -1);
}

static int encode_sets(task *t) {
    idem_jobs_say(t->job, "encoding");
    return idem_encode_faces(t->id) || idem_encode_faces(t->attr) ? (library_failed(t->answer), -1) : 0;
}

static void end(task *t) {
    idem_free_faces(t->id);
    idem_free_faces(t->attr);
}

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
    task t = {.context = context, .job = job, .form = form, .answer = answer};
    if (settings(&t))
        return;
    if (idem_form_wants(form, IDEM_PICTURE_ATTRIBUTES)) {
        bad_form(answer, form);
        return;
    }
    idem_jobs_say(job, "looking for faces");
    idem_photograph *p = read_picture(&t, IDEM_PICTURE_ATTRIBUTES, IDEM_ALL_FACES, 0);
    idem_photograph_info info = {.struct_size = sizeof info};
    if (!p)
        return;
    json_t *list = json_array();
    int status = idem_get_photograph_info(p, &info);
    for (int i = 0; i < info.taken && !status; i++)
        status = json_array_append_new(list, face_json(p, info.first + i));
    if (status) {
        json_decref(list);
        library_failed(answer);
    } else {
        idem_answer_json(answer, json_pack("{s:i, s:i, s:b, s:o}", "width", info.width, "height", info.height, "whole",
                                           info.whole, "faces", list));
    }
    idem_free_photograph(p);
}

/* ---- /compose ---- */

/* In the photograph, or as the generator paints it. */
static int write_composed(task *t, idem_photograph *photograph, const uint8_t *rgb, unsigned char **bytes,
                          size_t *size) {
    const idem_writing writing = as_png(IDEM_ORIGIN_GENERATED);
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

static void compose(task *t, idem_photograph **photograph) {
    if (open_sets(t) || add_face(t, t->id, IDEM_PICTURE_IDENTITY, IDEM_LARGEST_FACE, NULL) ||
        add_face(t, t->attr, IDEM_PICTURE_ATTRIBUTES, t->face - 1, t->keep_size ? photograph : NULL) || encode_sets(t))
        return;
    uint8_t *rgb = malloc((size_t)t->size * (size_t)t->size * 3);
    unsigned char *bytes = NULL;
    size_t size = 0;
    idem_jobs_say(t->job, "painting");
    if (!rgb)
        idem_answer_error(t->answer, MHD_HTTP_SERVICE_UNAVAILABLE, "memory", "memory is short");
    else if (idem_compose_faces(t->id, t->attr, &(idem_pairing){0, 0}, 1, t->refine, NULL, rgb) ||
             write_composed(t, *photograph, rgb, &bytes, &size))
        library_failed(t->answer);
    else
        picture_answer(t->answer, bytes, size);
    free(rgb);
}

static void work_compose(idem_context *context, idem_job *job, idem_form *form, idem_answer *answer) {
    task t = {.context = context, .job = job, .form = form, .answer = answer};
    idem_photograph *photograph = NULL;
    if (settings(&t))
        return;
    if (idem_form_wants(form, IDEM_PICTURE_IDENTITY) || idem_form_wants(form, IDEM_PICTURE_ATTRIBUTES)) {
        bad_form(answer, form);
        return;
    }
    compose(&t, &photograph);
    idem_free_photograph(photograph);
    end(&t);
}

/* ---- /interpolate ---- */

/* All frames side by side, as `idem interpolate` writes them. */
static void write_strip(task *t, const uint8_t *frames) {
    const idem_writing writing = as_png(IDEM_ORIGIN_GENERATED);
    const size_t row = 3 * (size_t)t->size, whole = row * (size_t)t->steps;
    uint8_t *strip = malloc(whole * (size_t)t->size);
    unsigned char *bytes = NULL;
    size_t size = 0;
    if (!strip) {
        idem_answer_error(t->answer, MHD_HTTP_SERVICE_UNAVAILABLE, "memory", "memory is short");
        return;
    }
    for (int i = 0; i < t->steps; i++)
        for (int y = 0; y < t->size; y++)
            memcpy(strip + (size_t)y * whole + (size_t)i * row,
                   frames + ((size_t)i * (size_t)t->size + (size_t)y) * row, row);
    if (idem_encode_view(t->context, &(idem_view){strip, t->size * t->steps, t->size}, &writing, &bytes, &size))
        library_failed(t->answer);
    else
        picture_answer(t->answer, bytes, size);
    free(strip);
}

static void interpolate(task *t) {
    if (open_sets(t) || add_face(t, t->id, IDEM_PICTURE_IDENTITY, IDEM_LARGEST_FACE, NULL) ||
        add_face(t, t->id, IDEM_PICTURE_IDENTITY2, IDEM_LARGEST_FACE, NULL) ||
        add_face(t, t->attr, IDEM_PICTURE_ATTRIBUTES, t->face - 1, NULL) || encode_sets(t))
        return;
    uint8_t *frames = malloc((size_t)t->size * (size_t)t->size * 3 * (size_t)t->steps);
    idem_jobs_say(t->job, "painting");
    if (!frames)
        idem_answer_error(t->answer, MHD_HTTP_SERVICE_UNAVAILABLE, "memory", "memory is short");
    else if (idem_interpolate(t->id, t->attr, t->space ? IDEM_SPACE_Z : IDEM_SPACE_W, t->steps, t->refine, frames))
        library_failed(t->answer);
    else
        write_strip(t, frames);
    free(frames);
}

static void work_interpolate(idem_context *context, idem_job *job, idem_form *form, idem_answer *answer) {
    task t = {.context = context, .job = job, .form = form, .answer = answer};
    if (settings(&t))
        return;
    if (idem_form_wants(form, IDEM_PICTURE_IDENTITY) || idem_form_wants(form, IDEM_PICTURE_IDENTITY2) ||
        idem_form_wants(form, IDEM_PICTURE_ATTRIBUTES)) {
        bad_form(answer, form);
        return;
    }
    interpolate(&t);
    end(&t);
}

idem_work *idem_work_find(const char *path) {
    return !strcmp(path, "/compose")       ? work_compose
           : !strcmp(path, "/faces")       ? work_faces
           : !strcmp(path, "/interpolate") ? work_interpolate
                                           : NULL;
}
