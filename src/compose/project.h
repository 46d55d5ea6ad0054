/* A project: what makes one person the same new face tomorrow. A file, readable by its owner alone, holds a secret, and
 * for each person a centroid (persons.h) and the surrogate; it is encrypted with a passphrase. The surrogates of new
 * persons follow from HMAC-SHA256 of the secret over the person's number, so without the file nothing leads from a new
 * face to the person, and no other project has the same faces.
 *
 * File: the magic, salt, cost of the key derivation (Argon2id), then a stream of XChaCha20-Poly1305 (libsodium's
 * secretstream) whose additional data is all that stands before it. */
#ifndef IDEM_COMPOSE_PROJECT_H
#define IDEM_COMPOSE_PROJECT_H

#include "compose/anonymise.h"

/* What is encrypted. Rows as persons.h and surrogate.h have them. */
typedef struct {
    uint8_t secret[IDEM_SECRET];
    char generator[17]; /* whose faces the surrogates are: idem_model_info.hash */
    uint32_t persons, person_width, surrogate_width;
    float *person_rows, *surrogate_rows; /* [persons, width] */
} idem_project;
void idem_project_free(idem_project *p); /* clears the secret too */

/* The file with this passphrase (n bytes, from 1). -1: it is none, damaged, or the passphrase is wrong, which cannot be
 * told apart from damage. */
int idem_project_read(idem_project *p, const char *path, const void *passphrase, size_t n);
/* Aside, then renamed; mode 0600. */
int idem_project_write(const idem_project *p, const char *path, const void *passphrase, size_t n);

/* What was decrypted. Sizes are held against the bytes, numbers must be finite. */
int idem_project_parse(idem_project *p, const uint8_t *bytes, size_t size, const char *what);

/* A new one, with a secret of the system's, for this generator. */
int idem_project_make(idem_project *p, const char *generator);
/* From the anonymiser, which was made with its secret; and into a new one. -1: it belongs to another generator. */
int idem_project_keep(idem_project *p, idem_anonymiser *a);
int idem_project_take(const idem_project *p, idem_anonymiser *a);

#endif
