/* The parts that the works of the interface have in common: a form's settings, its pictures and their faces. Functions
 * that return -1 or NULL have put the reason into task->answer. */
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

/* Reads the settings that several works share. */
int idem_task_begin(idem_task *task);
void idem_task_end(idem_task *task);

/* Whether the picture was sent. */
int idem_task_wants(idem_task *task, int picture);
/* A picture that was sent, with the face that is wanted of it, for the caller to free. size: as in idem_reading. */
idem_photograph *idem_task_read(idem_task *task, int picture, int face, int size);

/* The sets of the identities and the attributes. */
int idem_task_open_sets(idem_task *task);
/* The face of a picture into a set. *keep: the photograph, for the caller to free; NULL: it is freed. */
int idem_task_add_face(idem_task *task, idem_faces *faces, int picture, int face, idem_photograph **keep);
int idem_task_encode_sets(idem_task *task);

/* PNG, with its origin (IDEM_ORIGIN_...) and no seed. */
idem_writing idem_task_writing(int origin);

#endif
