/* Models shared by several users of one process: opening the same files again only checks them. Nobody changes a shared
 * model; graphs on it are built one at a time (model.h) and run in parallel. */
#ifndef IDEM_MODEL_MODEL_STORE_H
#define IDEM_MODEL_MODEL_STORE_H

#include "model/model.h"

typedef struct {
    const char *generator;
    const char *mapper;                             /* NULL: none */
    const char *models;                             /* folder of the fetched networks, as in base/models.h */
    const char *identity_net, *identity_preprocess; /* idem_model_choose_recogniser; NULL: the mapper's */
    bool generator_only;                            /* without the frozen nets */
    int threads; /* thread count of loading: a mean or a frame that is not stored is computed */
} idem_model_wish;

/* The model of these files, loaded unless already loaded: it is the same if the wish and idem_bf16() are equal and the
 * files have the same device, inode, size and time of change. NULL with a message. Other threads that borrow wait while
 * a model is loaded. */
idem_model *idem_model_borrow(const idem_model_wish *wish);
/* The last user frees it. NULL is allowed. */
void idem_model_give_back(idem_model *m);

#endif
