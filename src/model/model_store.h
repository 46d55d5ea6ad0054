/* Models that several users of one process share: opening the same files again costs nothing but a look at them. A
 * shared model is not changed by anybody; graphs on it are built one at a time (model.h), and run as they like. */
#ifndef IDEM_MODEL_MODEL_STORE_H
#define IDEM_MODEL_MODEL_STORE_H

#include "model/model.h"

typedef struct {
    const char *generator;
    const char *mapper;                             /* NULL: none */
    const char *models;                             /* folder of the fetched networks, as base/models.h takes it */
    const char *identity_net, *identity_preprocess; /* idem_model_choose_recogniser; NULL: the mapper's */
    bool generator_only;                            /* without the frozen nets */
    int threads;                                    /* that load it: a mean or a frame that is not stored is computed */
} idem_model_wish;

/* The model of these files, loaded unless it is there: it is the same if the wish is and the files have the device,
 * inode, size and time of change that they had. NULL with a message. Other threads that want a model wait while one is
 * loaded. */
idem_model *idem_model_borrow(const idem_model_wish *wish);
/* The last user's frees it. NULL is allowed. */
void idem_model_give_back(idem_model *m);

#endif
