/* What an interrupted run leaves behind to go on from: its secret, persons, surrogates and what was done. Biometric
 * data: the file is readable by its owner alone. */
#ifndef IDEM_COMPOSE_ANONYMISE_STATE_H
#define IDEM_COMPOSE_ANONYMISE_STATE_H

#include <jansson.h>

#include "compose/anonymise.h"

#define IDEM_ANONYMISE_STATE ".idem-anonymise-state"

/* options: a text of what must be the same when a run goes on. done: the report's pictures so far. a NULL: persons and
 * surrogates are kept elsewhere (project.h). */
int idem_anonymise_state_save(const char *path, idem_anonymiser *a, const uint8_t secret[IDEM_SECRET],
                              const char *options, const json_t *done);

typedef struct idem_anonymise_state idem_anonymise_state;
/* NULL with a message: it cannot be read, or belongs to other options. */
idem_anonymise_state *idem_anonymise_state_read(const char *path, const char *options, uint8_t secret[IDEM_SECRET]);
/* Persons and surrogates into the anonymiser that was made with its secret (NULL: they are not in it); *done for the
 * caller to release. */
int idem_anonymise_state_take(const idem_anonymise_state *s, idem_anonymiser *a, json_t **done);
void idem_anonymise_state_free(idem_anonymise_state *s); /* NULL is allowed */

#endif
