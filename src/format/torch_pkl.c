/* Plain pickles: the output of pickle.dump for modules and tensors, the format of NVIDIA's StyleGAN2-ADA files. They
 * hold G, D, G_ema and the augmentation; if G_ema, the generator for use, exists, only it is read. */
#include "format/torch_private.h"

#include <string.h>

#include "format/bytes.h"

static int fill(idem_torch_loader *l) {
    for (size_t i = 0; i < l->n_views; i++) {
        const idem_torch_view *v = &l->views[i];
        if (!v->tensor->storage->data)
            return idem_fail("%s: the values of tensor %.200s are missing", l->what, v->weight->name);
        idem_torch_gather(v->weight->data, v->tensor->storage->data, v->tensor);
    }
    return 0;
}

static int read_all(idem_torch_loader *l, idem_arena *arena, const unsigned char *bytes, size_t size) {
    static const char WANTED[] = "G_ema";
    idem_pickle p;
    if (idem_pickle_read(arena, &p, bytes, size, l->what))
        return -1;
    idem_pickle_items one;
    idem_pickle_value root = p.root;
    for (size_t i = 0; root.kind == IDEM_PICKLE_DICT && i + 1 < root.items->count; i += 2) {
        idem_pickle_value *key = &root.items->item[i];
        if (key->kind == IDEM_PICKLE_STRING && key->length == strlen(WANTED) && !memcmp(key->s, WANTED, key->length) &&
            key[1].kind == IDEM_PICKLE_DICT) {
            one = (idem_pickle_items){.count = 2, .item = key};
            root.items = &one;
        }
    }
    if (idem_torch_walk(l, &root))
        return -1;
    if (!l->n_views)
        return idem_fail("%s: a Python pickle without tensors", l->what);
    return fill(l);
}

int idem_torch_read_pkl(idem_torch_loader *l, const unsigned char *bytes, size_t size) {
    idem_arena *arena = idem_arena_new();
    int status = arena ? read_all(l, arena, bytes, size) : -1;
    idem_arena_free(arena);
    return status;
}
