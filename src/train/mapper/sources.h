/* The pictures of a mapper's run: drawn on the fly or of a folder, and photographs among them. A resumed run must get
 * the same, and all ranks. */
#ifndef IDEM_TRAIN_MAPPER_SOURCES_H
#define IDEM_TRAIN_MAPPER_SOURCES_H

#include "data/data.h"
#include "train/mapper/recipe.h"
#include "train/run.h"

typedef struct {
    const char *data;        /* folder in the published layout; NULL: pairs are drawn on the fly */
    const char *photographs; /* folder tree of photographs or aligned faces, by the recipe's share; NULL: none */
    const char *models;      /* the folder of the networks that find their faces; NULL: as in base/models.h */
    void (*progress)(void *user, size_t done, size_t count); /* during the search for faces; may be NULL */
    void (*bad)(void *user, const char *why); /* a picture without a face, or an unreadable one; may be NULL */
} idem_mapper_sources;

/* Only for src/train/mapper. This rank's part; user: the run's. Rank 0 looks for faces and stores them in the run's
 * folder, where the others find them. The digests of both sets are metadata of the run's tensors. */
idem_data *idem_mapper_sources_open(const idem_mapper_sources *s, idem_run *run, idem_model *m, const idem_recipe *r,
                                    const idem_plan_options *options);

#endif
