/* safetensors: 8 bytes header length, JSON header {"name": {"dtype", "shape", "data_offsets"}, ..., "__metadata__"},
 * then the values, each tensor at its offsets after the header. */
#include "format/weights.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/file.h"
#include "format/bytes.h"

static const struct {
    const char *name;
    idem_dtype dtype;
} TYPES[] = {
    {"F32", IDEM_DTYPE_F32},   {"F16", IDEM_DTYPE_F16}, {"BF16", IDEM_DTYPE_BF16}, {"F64", IDEM_DTYPE_F64},
    {"I64", IDEM_DTYPE_I64},   {"I32", IDEM_DTYPE_I32}, {"I16", IDEM_DTYPE_I16},   {"I8", IDEM_DTYPE_I8},
    {"U64", IDEM_DTYPE_U64},   {"U32", IDEM_DTYPE_U32}, {"U16", IDEM_DTYPE_U16},   {"U8", IDEM_DTYPE_U8},
    {"BOOL", IDEM_DTYPE_BOOL},
};

typedef struct {
    const char *name;
    idem_shape shape;
    idem_dtype dtype;
    uint64_t begin, end;
} entry;

static int by_begin(const void *a, const void *b) {
    const entry *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

static int read_entry(entry *e, const char *name, const json_t *j, const char *what) {
    const json_t *shape = json_object_get(j, "shape"), *offsets = json_object_get(j, "data_offsets");
    const char *type = json_string_value(json_object_get(j, "dtype"));
    if (!type || !json_is_array(shape) || json_array_size(offsets) != 2)
        return idem_fail("%s: tensor %.200s: damaged header, expected dtype, shape and two data_offsets", what, name);
    size_t k = 0;
    while (k < sizeof TYPES / sizeof *TYPES && strcmp(TYPES[k].name, type))
        k++;
    if (k == sizeof TYPES / sizeof *TYPES)
        return idem_fail(
            "%s: tensor %.200s: element type %.20s is not read, expected one of F32, F16, BF16, F64, I8 to "
            "I64, U8 to U64, BOOL",
            what, name, type);
    *e = (entry){.name = name, .dtype = TYPES[k].dtype};
    if (json_array_size(shape) > IDEM_MAX_RANK)
        return idem_fail("%s: tensor %.200s: rank %zu, expected at most %d", what, name, json_array_size(shape),
                         IDEM_MAX_RANK);
    e->shape.rank = (int)json_array_size(shape);
    for (int i = 0; i < e->shape.rank; i++) {
        const json_t *d = json_array_get(shape, (size_t)i);
        if (!json_is_integer(d) || json_integer_value(d) < 0)
            return idem_fail("%s: tensor %.200s: dimension %d is not a whole number from 0 up", what, name, i);
        e->shape.d[i] = json_integer_value(d);
    }
    for (size_t i = 0; i < 2; i++) {
        const json_t *o = json_array_get(offsets, i);
        if (!json_is_integer(o) || json_integer_value(o) < 0)
            return idem_fail("%s: tensor %.200s: a data offset is not a whole number from 0 up", what, name);
        *(i ? &e->end : &e->begin) = (uint64_t)json_integer_value(o);
    }
    char text[64];
    int64_t count;
    uint64_t bytes;
    if (!idem_shape_elements(&e->shape, &count) ||
        __builtin_mul_overflow((uint64_t)count, idem_dtype_size(e->dtype), &bytes))
        return idem_fail("%s: tensor %.200s: shape %s is impossibly large", what, name,
                         idem_shape_text(&e->shape, text));
    if (e->end < e->begin || e->end - e->begin != bytes)
        return idem_fail("%s: tensor %.200s: shape %s of %s takes %llu bytes, but its offsets are %llu to %llu", what,
                         name, idem_shape_text(&e->shape, text), idem_dtype_name(e->dtype), (unsigned long long)bytes,
                         (unsigned long long)e->begin, (unsigned long long)e->end);
    return 0;
}

/* The tensors must cover the bytes after the header exactly: a rule of the format, and the best check for damage. */
static int fill(idem_weights *w, entry *e, size_t n, const unsigned char *data, size_t size, const char *what) {
    qsort(e, n, sizeof *e, by_begin);
    uint64_t at = 0;
    for (size_t i = 0; i < n; at = e[i++].end) {
        if (e[i].begin != at)
            return idem_fail("%s: tensor %.200s begins at byte %llu of the data, expected %llu: tensors may neither "
                             "overlap nor leave gaps",
                             what, e[i].name, (unsigned long long)e[i].begin, (unsigned long long)at);
        if (e[i].end > size)
            return idem_fail("%s: tensor %.200s ends at byte %llu of the data, but there are %zu: the file is "
                             "truncated; get it again",
                             what, e[i].name, (unsigned long long)e[i].end, size);
    }
    if (at != size)
        return idem_fail("%s: %llu bytes of tensors, but %zu bytes of data: the file is damaged; get it again", what,
                         (unsigned long long)at, size);
    for (size_t i = 0; i < n; i++) {
        if (e[i].begin == e[i].end) {
            if (idem_weights_note_empty(w, e[i].name, &e[i].shape))
                return -1;
            continue;
        }
        idem_weight *t = idem_weights_add_from(w, what, e[i].name, e[i].shape);
        if (!t)
            return -1;
        t->dtype = e[i].dtype;
        idem_dtype_read(t->data, data + e[i].begin, t->dtype, (size_t)idem_shape_count(&t->shape));
    }
    return 0;
}

static int read_header(idem_weights *w, json_t *header, const unsigned char *data, size_t size, const char *what) {
    entry *e = calloc(json_object_size(header) + 1, sizeof *e);
    if (!e)
        return idem_fail_as(IDEM_MEMORY, "%s: out of memory for %zu tensors", what, json_object_size(header));
    size_t n = 0;
    int status = 0;
    const char *name;
    json_t *value;
    json_object_foreach(header, name, value) {
        if (strcmp(name, "__metadata__")) {
            status = read_entry(&e[n++], name, value, what);
        } else {
            const char *key;
            json_t *text;
            json_object_foreach(value, key, text) {
                if (!json_is_string(text))
                    status = idem_fail("%s: __metadata__ %.200s is not a string", what, key);
                else
                    status = idem_weights_set_meta(w, key, json_string_value(text));
                if (status)
                    break;
            }
        }
        if (status)
            break;
    }
    if (!status)
        status = fill(w, e, n, data, size, what);
    free(e);
    return status;
}

int idem_safetensors_parse(idem_weights **out, const unsigned char *bytes, size_t size, const char *what) {
    if (size < 9)
        return idem_fail("%s: %zu bytes: too short for safetensors", what, size);
    uint64_t length = idem_le64(bytes);
    if (length > size - 8)
        return idem_fail("%s: the header claims %llu bytes, but %zu follow: truncated, or not safetensors; get the "
                         "file again",
                         what, (unsigned long long)length, size - 8);
    const unsigned char *text = bytes + 8, *data = text + length;
    if (idem_json_check(text, (size_t)length, what))
        return -1;
    json_error_t error;
    json_t *header = json_loadb((const char *)text, (size_t)length, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(header)) {
        json_decref(header);
        return idem_fail("%s: the safetensors header is not a JSON object: %s", what, header ? "" : error.text);
    }
    idem_weights *w = idem_weights_new();
    int status = w ? read_header(w, header, data, size - 8 - (size_t)length, what) : -1;
    json_decref(header);
    if (status)
        idem_weights_free(w);
    else
        *out = w;
    return status;
}

static const char *type_name(idem_dtype t) {
    size_t k = 0;
    while (TYPES[k].dtype != t)
        k++;
    return TYPES[k].name;
}

/* The header as text, padded with blanks so that the data begins at a multiple of 8; malloc'ed. */
static char *header_text(const idem_weights *w, idem_dtype dtype, size_t *length) {
    json_t *header = json_object(), *meta = json_object();
    const char *key, *value;
    bool good = header && meta;
    for (size_t i = 0; good && !idem_weights_meta_at(w, i, &key, &value); i++)
        good = !json_object_set_new(meta, key, json_string(value));
    if (good && json_object_size(meta))
        good = !json_object_set(header, "__metadata__", meta);
    json_decref(meta);
    uint64_t at = 0;
    for (size_t i = 0; good && i < idem_weights_count(w); i++) {
        const idem_weight *t = idem_weights_at(w, i);
        json_t *shape = json_array();
        for (int k = 0; k < t->published.rank; k++)
            json_array_append_new(shape, json_integer(t->published.d[k]));
        uint64_t end = at + (uint64_t)idem_shape_count(&t->shape) * idem_dtype_size(dtype);
        good = !json_object_set_new(header, t->name,
                                    json_pack("{s:s, s:o, s:[I, I]}", "dtype", type_name(dtype), "shape", shape,
                                              "data_offsets", (json_int_t)at, (json_int_t)end));
        at = end;
    }
    char *text = good ? json_dumps(header, JSON_COMPACT) : NULL;
    json_decref(header);
    if (!text)
        return idem_fail_null("a name or a metadata string is not UTF-8 text, or out of memory");
    size_t n = strlen(text), padded = (n + 7) / 8 * 8;
    char *grown = realloc(text, padded + 1);
    if (!grown) {
        free(text);
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a header of %zu bytes", padded);
    }
    memset(grown + n, ' ', padded - n);
    *length = padded;
    return grown;
}

static int write_tensor(FILE *f, const idem_weight *t, idem_dtype dtype, const char *path) {
    enum { PIECE = 4096 };
    unsigned char raw[PIECE * 4];
    size_t count = (size_t)idem_shape_count(&t->shape);
    float *copy = NULL;
    if (t->channels_last) {
        copy = malloc(count * sizeof *copy);
        if (!copy)
            return idem_fail_as(IDEM_MEMORY, "%s: out of memory for %zu values", path, count);
        idem_weight_read(t, copy);
    }
    const float *x = copy ? copy : t->data;
    int status = 0;
    for (size_t at = 0; !status && at < count; at += PIECE) {
        size_t n = count - at < PIECE ? count - at : PIECE;
        status = idem_dtype_check(x + at, dtype, n, t->name, path);
        idem_dtype_write(raw, x + at, dtype, n);
        size_t bytes = n * idem_dtype_size(dtype);
        if (!status)
            fwrite(raw, 1, bytes, f); /* errors stay in the stream until commit */
    }
    free(copy);
    return status;
}

int idem_weights_save(const idem_weights *w, const char *path, idem_dtype dtype) {
    if (dtype != IDEM_DTYPE_F32 && dtype != IDEM_DTYPE_F16 && dtype != IDEM_DTYPE_BF16)
        return idem_fail("%s: weights are saved as float32, float16 or bfloat16, not %s", path, idem_dtype_name(dtype));
    size_t length = 0;
    char *header = header_text(w, dtype, &length);
    if (!header)
        return -1;
    idem_writer out;
    if (idem_writer_open(&out, path)) {
        free(header);
        return -1;
    }
    unsigned char prefix[8];
    idem_le_put(prefix, length, 8);
    int status = 0;
    fwrite(prefix, 1, 8, out.stream);
    fwrite(header, 1, length, out.stream);
    for (size_t i = 0; !status && !ferror(out.stream) && i < idem_weights_count(w); i++)
        status = write_tensor(out.stream, idem_weights_at(w, i), dtype, path);
    free(header);
    if (!status)
        return idem_writer_commit(&out);
    idem_writer_abort(&out);
    return status;
}
