/* Only for src/api: the common parts of measurements. */
#ifndef IDEM_API_MEASURING_H
#define IDEM_API_MEASURING_H

#include <jansson.h>

#include "api/structs.h"
#include "engine/threads.h"
#include "idem.h"
#include "measure/pairs.h"
#include "model/model.h"

typedef struct {
    const char *call; /* for messages */
    idem_measure_watch watch;
    volatile sig_atomic_t own_stop;
    idem_plan_options plan; /* .stop is never NULL */
    idem_team before;
} idem_measuring;

/* -1: an argument is wrong, or the machine cannot run idem. Success enters a team, which idem_measuring_end leaves. */
int idem_measuring_begin(idem_measuring *m, const char *call, const idem_measure_watch *watch, int threads);
/* Returns `status`. */
int idem_measuring_end(const idem_measuring *m, int status);

void idem_measuring_tell(idem_measuring *m, const char *what, uint64_t done, uint64_t all);
void idem_measuring_note(const idem_measuring *m, const char *line);
bool idem_measuring_stopped(const idem_measuring *m);
/* For sources, with the measuring as `user`. */
void idem_measuring_on_line(void *measuring, const char *line);
void idem_measuring_on_bad(void *measuring, const char *why); /* "passed over: ..." */

/* NULL with a message. identity_net NULL: found by its name. */
idem_model *idem_measuring_model(const char *generator, const char *mapper, const char *identity_net,
                                 const char *models);
/* Logs the files of folders that are not pictures. */
void idem_measuring_left_out(const idem_measuring *m, const idem_left_out *o);

/* The document as text, with reals of `digits` digits and "seed", malloc'ed; releases j. NULL also for j NULL. */
char *idem_measuring_text(json_t *j, int digits, const uint64_t *seed);
/* Passes the text to the caller, or frees it. */
void idem_measuring_give(char *text, char **json);

#endif
