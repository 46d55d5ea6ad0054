#define _POSIX_C_SOURCE 200809L
#include "base/models.h"
#include "model/model_recogniser.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char DEFAULT_NET[] = "fr_feature.onnx", DEFAULT_PREPROCESS[] = "fr_feature";

int idem_recogniser_choose(idem_recogniser_choice *c, const char *path, const char *preprocess) {
    idem_recogniser_choice_free(c);
    c->path = strdup(path);
    c->preprocess = preprocess ? strdup(preprocess) : NULL;
    return c->path && (c->preprocess || !preprocess) ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for a file name");
}

void idem_recogniser_choice_free(idem_recogniser_choice *c) {
    free(c->path);
    free(c->preprocess);
    c->path = c->preprocess = NULL;
}

static bool is_default(const idem_recogniser_info *r) {
    return !strcmp(r->file, DEFAULT_NET) && !strcmp(r->preprocess, DEFAULT_PREPROCESS);
}

/* Hash "" means the default, which mappers do not name. */
static int check(const idem_recogniser_choice *c, const idem_recogniser *open) {
    const idem_recogniser_info *r = idem_recogniser_about(open);
    if (!c->wanted ||
        (c->hash[0] ? !strcmp(c->hash, r->hash) && !strcmp(c->wanted_preprocess, r->preprocess) : is_default(r)))
        return 0;
    return idem_fail("the mapper was trained with the recogniser %s (hash %s, preprocessing %s), not with %s (hash %s, "
                     "preprocessing %s): name its own",
                     c->net, c->hash[0] ? c->hash : "any", c->wanted_preprocess, r->file, r->hash, r->preprocess);
}

static void copy(char *to, size_t capacity, const char *text) {
    snprintf(to, capacity, "%s", text ? text : "");
}

int idem_recogniser_want(idem_recogniser_choice *c, const idem_weights *trained, const idem_recogniser *open) {
    idem_recogniser_choice next = *c;
    const char *hash = idem_weights_meta(trained, "identity.hash");
    next.wanted = true;
    copy(next.hash, sizeof next.hash, hash);
    copy(next.net, sizeof next.net, hash ? idem_weights_meta(trained, "identity.net") : DEFAULT_NET);
    copy(next.wanted_preprocess, sizeof next.wanted_preprocess,
         hash ? idem_weights_meta(trained, "identity.preprocess") : DEFAULT_PREPROCESS);
    if (strchr(next.net, '/')) /* a mapper may be untrusted: it can only name a file of the folder */
        return idem_fail("the mapper's metadata \"identity.net\" is \"%s\", expected a name without folders", next.net);
    if (open && check(&next, open))
        return -1;
    *c = next;
    return 0;
}

idem_recogniser *idem_recogniser_find(const idem_recogniser_choice *c, const char *models) {
    char found[PATH_MAX];
    const char *path = c->path, *preprocess = c->preprocess ? c->preprocess
                                              : c->wanted   ? c->wanted_preprocess
                                              : c->path     ? NULL
                                                            : DEFAULT_PREPROCESS;
    if (!path) {
        const bool other = c->wanted && c->hash[0];
        path = found;
        if (idem_models_find(found, sizeof found, models, other ? c->net : DEFAULT_NET))
            return other ? idem_fail_null("the mapper was trained with the recogniser %s (hash %s), which is not in "
                                          "the folder of the downloaded networks: name its file "
                                          "(options.identity_net)",
                                          c->net, c->hash)
                         : NULL;
    }
    idem_recogniser *r = idem_recogniser_open(path, preprocess);
    if (r && check(c, r)) {
        idem_recogniser_free(r);
        return NULL;
    }
    return r;
}

int idem_recogniser_store(const idem_recogniser *open, idem_weights *trained) {
    const idem_recogniser_info *r = idem_recogniser_about(open);
    if (is_default(r))
        return 0;
    return idem_weights_set_meta(trained, "identity.net", r->file) ||
                   idem_weights_set_meta(trained, "identity.hash", r->hash) ||
                   idem_weights_set_meta(trained, "identity.preprocess", r->preprocess)
               ? -1
               : 0;
}
