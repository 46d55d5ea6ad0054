#define _GNU_SOURCE
#include "serve/task.h"

#include <stdio.h>

enum { STEPS_MOST = 64, FACE_MOST = 1000, REFINE_MOST = 200 };

static const char *const inputs[] = {"auto", "photo", "aligned"};
static const int input_kinds[] = {IDEM_INPUT_AUTO, IDEM_INPUT_PHOTO, IDEM_INPUT_ALIGNED};

int idem_task_begin(idem_task *t) {
    static const char *const spaces[] = {"w", "z"};
    idem_form *f = t->form;
    int input;
    idem_info info = {.struct_size = sizeof info};
    if (idem_get_info(t->context, &info))
        return idem_answer_library_error(t->answer, NULL), -1;
    t->size = info.size;
    if (idem_form_choice(f, IDEM_FIELD_INPUT, inputs, 3, &input) ||
        idem_form_choice(f, IDEM_FIELD_SPACE, spaces, 2, &t->space) ||
        idem_form_number(f, IDEM_FIELD_FACE, 1, FACE_MOST, 1, &t->face) ||
        idem_form_number(f, IDEM_FIELD_KEEP_SIZE, 0, 1, 0, &t->keep_size) ||
        idem_form_number(f, IDEM_FIELD_STEPS, 2, STEPS_MOST, 9, &t->steps) ||
        idem_form_number(f, IDEM_FIELD_REFINE, IDEM_REFINE_AS_MARKED, REFINE_MOST, IDEM_REFINE_AS_MARKED, &t->refine))
        return idem_answer_form_error(t->answer, f), -1;
    t->input = input_kinds[input];
    return 0;
}

int idem_task_wants(idem_task *t, int picture) {
    if (!idem_form_wants(t->form, picture))
        return 0;
    idem_answer_form_error(t->answer, t->form);
    return -1;
}

idem_photograph *idem_task_read(idem_task *t, int picture, int face, int size) {
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
        idem_answer_library_error(t->answer, field);
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

int idem_task_add_face(idem_task *t, idem_faces *faces, int picture, int face, idem_photograph **keep) {
    idem_jobs_say(t->job, "looking for faces");
    idem_photograph *p = idem_task_read(t, picture, face, keep ? 0 : t->size);
    int status = p ? 0 : -1;
    if (p && idem_add_faces(faces, p)) {
        idem_answer_library_error(t->answer, idem_form_picture_name(picture));
        status = -1;
    }
    if (keep && !status)
        *keep = p;
    else
        idem_free_photograph(p);
    return status;
}

int idem_task_open_sets(idem_task *t, int keep_pictures) {
    t->id = idem_new_faces(t->context, IDEM_CODE_OF_IDENTITY, keep_pictures);
    t->attr = idem_new_faces(t->context, IDEM_CODE_OF_ATTRIBUTES, keep_pictures);
    return t->id && t->attr ? 0 : (idem_answer_library_error(t->answer, NULL), -1);
}

int idem_task_encode_sets(idem_task *t) {
    idem_jobs_say(t->job, "encoding");
    return idem_encode_faces(t->id) || idem_encode_faces(t->attr) ? (idem_answer_library_error(t->answer, NULL), -1)
                                                                  : 0;
}

void idem_task_end(idem_task *t) {
    idem_free_faces(t->id);
    idem_free_faces(t->attr);
}

idem_writing idem_task_writing(int origin) {
    idem_writing w;
    idem_writing_default(&w);
    w.format = IDEM_FORMAT_AS_PNG;
    w.origin = origin;
    w.nothing_random = 1;
    return w;
}
