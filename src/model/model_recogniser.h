/* Only for src/model: the recogniser of a model's E_id: the chosen one, else the one its mapper was trained with, else
 * fr_feature. Metadata "identity.net" (name of the file without folder), "identity.hash" and "identity.preprocess"; a
 * mapper without them needs fr_feature. */
#ifndef IDEM_MODEL_MODEL_RECOGNISER_H
#define IDEM_MODEL_MODEL_RECOGNISER_H

#include "face/recogniser.h"

typedef struct {
    char *path, *preprocess; /* chosen; NULL: none */
    /* the recogniser that the mapper was trained with */
    bool wanted;
    char net[256], hash[17], wanted_preprocess[32];
} idem_recogniser_choice;

int idem_recogniser_choose(idem_recogniser_choice *c, const char *path, const char *preprocess);
/* Reads a mapper's metadata. open: the recogniser in use, or NULL; -1 if it is another. */
int idem_recogniser_want(idem_recogniser_choice *c, const idem_weights *trained, const idem_recogniser *open);
/* models: as in idem_models_find. NULL with a message that names the missing network. */
idem_recogniser *idem_recogniser_find(const idem_recogniser_choice *c, const char *models);
int idem_recogniser_store(const idem_recogniser *r, idem_weights *trained);
void idem_recogniser_choice_free(idem_recogniser_choice *c);

#endif
