/* The common parts of the interface's works: a form's settings, its pictures and their faces. Functions that return -1
 * or NULL put the error into task->answer. */
#ifndef IDEM_SERVE_TASK_H
#define IDEM_SERVE_TASK_H

#include "serve/answer.h"
#include "serve/jobs.h"

typedef struct {
    idem_context *context;
    idem_job *job;
    idem_form *form;
    idem_answer *answer;
    int input; /* IDEM_INPUT_... */
    int face, refine, keep_size, steps, space;
    int size; /* of the generator's pictures */
    idem_faces *id, *attr;
} idem_task;

/* Reads the settings shared by several works. */
int idem_task_begin(idem_task *task);
void idem_task_end(idem_task *task);

/* -1 if the picture was not sent. */
int idem_task_wants(idem_task *task, int picture);
/* A sent picture with the requested face; the caller frees it. size: as in idem_reading. */
idem_photograph *idem_task_read(idem_task *task, int picture, int face, int size);

/* The sets of the identities and the attributes. keep_pictures: as in idem_new_faces. */
int idem_task_open_sets(idem_task *task, int keep_pictures);
/* Adds the face of a picture to a set. *keep: gets the photograph, freed by the caller; keep may be NULL. */
int idem_task_add_face(idem_task *task, idem_faces *faces, int picture, int face, idem_photograph **keep);
int idem_task_encode_sets(idem_task *task);

/* PNG, with its origin (IDEM_ORIGIN_...) and no seed. */
idem_writing idem_task_writing(int origin);

#endif
