#include "train/mapper/photographs.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/status.h"

static const char DIGEST[] = "run.photographs";

static int mix(const idem_run_photographs *p, idem_data *data, idem_weights *trained, const char *expected) {
    idem_photographs_options options = p->options;
    options.expected = expected;
    char *cache = idem_path_join(p->run, "photographs.cache");
    idem_photographs *opened = cache ? idem_photographs_open(p->dir, cache, &options) : NULL;
    free(cache);
    if (!opened)
        return -1;
    idem_data_mix(data, opened, p->share);
    return idem_weights_set_meta(trained, DIGEST, idem_photographs_digest(opened));
}

int idem_run_photographs_open(const idem_run_photographs *p, idem_data *data, idem_weights *trained,
                              int64_t iteration) {
    const char *before = iteration ? idem_weights_meta(trained, DIGEST) : NULL;
    if (!p->dir)
        return p->share > 0 || before ? idem_fail("the run sees photographs (settings.photograph-share=%g): name their "
                                                  "folder with options.photographs",
                                                  p->share)
                                      : 0;
    if (!p->run)
        return idem_fail("photographs need a folder of the run for their cache");
    if (iteration && !before)
        return idem_fail(
            "%s: the run was started without photographs: leave options.photographs out to continue that run, "
            "or start another in a new folder",
            p->dir);
    return mix(p, data, trained, before);
}
