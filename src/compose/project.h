/* A project keeps the same new face per person over several runs. A file, readable only by its owner, contains a
 * secret, and for each person a centroid (persons.h) and the surrogate; it is encrypted with a passphrase. The
 * surrogates of new persons are derived from HMAC-SHA256 of the person's number, keyed by the secret, so without the
 * file nothing leads from a new face to the person, and no other project has the same faces.
 *
 * File: the magic, salt, cost of the key derivation (Argon2id), then a stream of XChaCha20-Poly1305 (libsodium's
 * secretstream) whose additional data are all bytes before it. */
#ifndef IDEM_COMPOSE_PROJECT_H
#define IDEM_COMPOSE_PROJECT_H

#include "compose/anonymise.h"

/* The encrypted part. Rows as in persons.h and surrogate.h. */
typedef struct {
    uint8_t secret[IDEM_SECRET];
    char generator[17]; /* hash of the surrogates' generator: idem_model_info.hash */
    uint32_t persons, person_width, surrogate_width;
    float *person_rows, *surrogate_rows; /* [persons, width] */
} idem_project;
void idem_project_free(idem_project *p); /* also clears the secret */

/* Reads the file with this passphrase (n bytes, n >= 1). -1: no project, damaged, or a wrong passphrase, which cannot
 * be distinguished from damage. */
int idem_project_read(idem_project *p, const char *path, const void *passphrase, size_t n);
/* Written aside, then renamed; mode 0600. */
int idem_project_write(const idem_project *p, const char *path, const void *passphrase, size_t n);

/* Parses the decrypted part. Sizes are checked against the bytes, numbers must be finite. */
int idem_project_parse(idem_project *p, const uint8_t *bytes, size_t size, const char *what);

/* A new project, with a random secret, for this generator. */
int idem_project_make(idem_project *p, const char *generator);
/* Copies from the anonymiser made with its secret; and into a new one. -1: of another generator. */
int idem_project_keep(idem_project *p, idem_anonymiser *a);
int idem_project_take(const idem_project *p, idem_anonymiser *a);

#endif
