#include "format/onnx_weights.h"

#include <string.h>

#include "format/bytes.h"

static int add(idem_weights *w, const idem_onnx_tensor *t, const char *what) {
    if (!t->count)
        return idem_weights_note_empty(w, t->name, &t->shape);
    idem_weight *copy = idem_weights_add_from(w, what, t->name, t->shape);
    if (!copy)
        return -1;
    if (t->f)
        memcpy(copy->data, t->f, t->count * sizeof *t->f);
    for (size_t i = 0; t->i && i < t->count; i++)
        copy->data[i] = (float)t->i[i];
    copy->dtype = t->f ? IDEM_DTYPE_F32 : IDEM_DTYPE_I64;
    return 0;
}

idem_weights *idem_onnx_weights(const idem_onnx *m, const char *what) {
    idem_weights *w = idem_weights_new();
    int status = w ? 0 : -1;
    for (size_t i = 0; !status && i < m->n_tensors; i++)
        status = add(w, &m->tensors[i], what);
    if (!status)
        return w;
    idem_weights_free(w);
    return NULL;
}
