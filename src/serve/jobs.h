/* The queue before the one context that works. */
#ifndef IDEM_SERVE_JOBS_H
#define IDEM_SERVE_JOBS_H

#include "idem.h"

enum { IDEM_JOBS_WAITING = 32, IDEM_JOB_NAME = 40 }; /* most that wait; bytes of a name */

typedef struct idem_jobs idem_jobs;

/* Lives as long as its request does. */
typedef struct idem_job {
    char name[IDEM_JOB_NAME]; /* chosen by who asks; "": none */
    idem_jobs *jobs;
    struct idem_job *next;
    const char *doing; /* a constant text */
    int done, of;      /* pictures of what it is doing; of 0: not known */
    int cancelled, entered;
} idem_job;

typedef struct {
    int before;        /* jobs before it; 0: it is the one at work */
    const char *doing; /* constant */
    int done, of;
} idem_job_state;

/* NULL: out of memory. The context's progress and cancelling are the queue's from now on. */
idem_jobs *idem_jobs_new(idem_context *context);
void idem_jobs_free(idem_jobs *jobs);

/* Waits for the job's turn. The context, to work with until idem_jobs_leave; NULL: cancelled, or *full: too many
 * wait. */
idem_context *idem_jobs_enter(idem_jobs *jobs, idem_job *job, int *full);
void idem_jobs_leave(idem_job *job);
void idem_jobs_say(idem_job *job, const char *doing);

/* From any thread while the job lives. */
void idem_jobs_cancel(idem_jobs *jobs, idem_job *job);
/* All, and every later one: the server ends. */
void idem_jobs_end(idem_jobs *jobs);

/* The state of the job of that name, -1 when there is none. length: of the queue, the one at work included; may be
 * NULL. */
int idem_jobs_look(idem_jobs *jobs, const char *name, idem_job_state *state, int *length);

#endif
