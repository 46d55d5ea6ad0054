/* The queue of jobs for the one context. */
#ifndef IDEM_SERVE_JOBS_H
#define IDEM_SERVE_JOBS_H

#include "idem.h"

enum { IDEM_JOBS_WAITING = 32, IDEM_JOB_NAME = 40 }; /* most waiting jobs; bytes of a name */

typedef struct idem_jobs idem_jobs;

/* Lives as long as its request does. */
typedef struct idem_job {
    char name[IDEM_JOB_NAME]; /* chosen by the client; "": none */
    idem_jobs *jobs;
    struct idem_job *next;
    const char *doing; /* a constant text */
    int done, of;      /* pictures of the current work; of 0: unknown */
    int cancelled, entered;
} idem_job;

typedef struct {
    int before;        /* jobs before it; 0: it is running */
    const char *doing; /* constant */
    int done, of;
} idem_job_state;

/* NULL: out of memory. The queue takes over the context's progress and cancelling. */
idem_jobs *idem_jobs_new(idem_context *context);
void idem_jobs_free(idem_jobs *jobs);

/* Waits for the job's turn. Returns the context, for use until idem_jobs_leave; NULL: cancelled, or *full: too many
 * jobs wait. */
idem_context *idem_jobs_enter(idem_jobs *jobs, idem_job *job, int *full);
void idem_jobs_leave(idem_job *job);
void idem_jobs_say(idem_job *job, const char *doing);

/* From any thread while the job lives. */
void idem_jobs_cancel(idem_jobs *jobs, idem_job *job);
/* Cancels all jobs and every later one, as the server ends. */
void idem_jobs_end(idem_jobs *jobs);

/* The state of the job of that name; -1 if there is none. length: of the queue including the running job; may be NULL.
 */
int idem_jobs_look(idem_jobs *jobs, const char *name, idem_job_state *state, int *length);

#endif
