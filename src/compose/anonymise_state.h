/* The state of an interrupted run, for resuming: its secret, persons, surrogates and finished files. Biometric data:
 * only its owner can read the file. Also the state that a rank gives to the others. */
#ifndef IDEM_COMPOSE_ANONYMISE_STATE_H
#define IDEM_COMPOSE_ANONYMISE_STATE_H

#include <jansson.h>

#include "compose/anonymise.h"

#define IDEM_ANONYMISE_STATE ".idem-anonymise-state"

/* options: a text of the options that must stay the same. done: the report's entries so far. a NULL: persons and
 * surrogates are stored elsewhere (project.h). */
int idem_anonymise_state_save(const char *path, idem_anonymiser *a, const uint8_t secret[IDEM_SECRET],
                              const char *options, const json_t *done);

typedef struct idem_anonymise_state idem_anonymise_state;
/* NULL with a message: unreadable, or of other options. */
idem_anonymise_state *idem_anonymise_state_read(const char *path, const char *options, uint8_t secret[IDEM_SECRET]);
/* Moves persons and surrogates into the anonymiser that was made with its secret (NULL: they are not stored); the
 * caller releases *done. */
int idem_anonymise_state_take(const idem_anonymise_state *s, idem_anonymiser *a, json_t **done);
void idem_anonymise_state_free(idem_anonymise_state *s); /* NULL is allowed */

/* Persons, surrogates and drawn candidates become those of rank `from`. */
int idem_anonymise_state_give(idem_rank_table *t, int from, idem_anonymiser *a);

#endif
