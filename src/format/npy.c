/* NumPy's .npy: "\x93NUMPY", version, header length, a Python dictionary of three entries as text, then the values. */
#include "format/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "format/bytes.h"
#include "format/npy_rows.h"

static const struct {
    const char *descr;
    idem_dtype dtype;
} TYPES[] = {
    {"<f4", IDEM_DTYPE_F32}, {"<f2", IDEM_DTYPE_F16}, {"<f8", IDEM_DTYPE_F64}, {"<i8", IDEM_DTYPE_I64},
    {"<i4", IDEM_DTYPE_I32}, {"<i2", IDEM_DTYPE_I16}, {"|i1", IDEM_DTYPE_I8},  {"<u8", IDEM_DTYPE_U64},
    {"<u4", IDEM_DTYPE_U32}, {"<u2", IDEM_DTYPE_U16}, {"|u1", IDEM_DTYPE_U8},  {"|b1", IDEM_DTYPE_BOOL},
};

typedef struct {
    const unsigned char *p, *end;
} cursor;

static void blanks(cursor *c) {
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\n'))
        c->p++;
}

/* Consumes the character and blanks before it. */
static bool take(cursor *c, char x) {
    blanks(c);
    if (c->p == c->end || *c->p != (unsigned char)x)
        return false;
    c->p++;
    return true;
}

/* 'text' into out[16]. */
static bool take_string(cursor *c, char out[16]) {
    if (!take(c, '\''))
        return false;
    size_t n = 0;
    while (c->p < c->end && *c->p != '\'' && n < 15)
        out[n++] = (char)*c->p++;
    out[n] = 0;
    return take(c, '\'');
}

static bool take_word(cursor *c, const char *word) {
    blanks(c);
    size_t n = strlen(word);
    if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n))
        return false;
    c->p += n;
    return true;
}

static bool take_number(cursor *c, int64_t *x) {
    blanks(c);
    const unsigned char *start = c->p;
    *x = 0;
    for (; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++)
        if (__builtin_mul_overflow(*x, 10, x) || __builtin_add_overflow(*x, *c->p - '0', x))
            return false;
    return c->p > start;
}

/* (), (3,), (3, 4) */
static int take_shape(cursor *c, idem_shape *s, const char *what) {
    s->rank = 0;
    if (!take(c, '('))
        return idem_fail("%s: damaged .npy header: no shape", what);
    while (!take(c, ')')) {
        int64_t x;
        if (!take_number(c, &x))
            return idem_fail("%s: damaged .npy header: dimension %d of the shape is not a number", what, s->rank);
        if (s->rank == IDEM_MAX_RANK)
            return idem_fail("%s: an array of rank above %d", what, IDEM_MAX_RANK);
        s->d[s->rank++] = x;
        if (!take(c, ',') && (c->p == c->end || *c->p != ')'))
            return idem_fail("%s: damaged .npy header: the shape does not end", what);
    }
    return 0;
}

static int read_header(cursor c, const char *what, idem_shape *shape, idem_dtype *dtype) {
    char key[16], descr[16] = "";
    bool shaped = false, ordered = false;
    if (!take(&c, '{'))
        return idem_fail("%s: damaged .npy header: no dictionary", what);
    while (!take(&c, '}')) {
        if (!take_string(&c, key) || !take(&c, ':'))
            return idem_fail("%s: damaged .npy header: expected 'name': value", what);
        if (!strcmp(key, "descr")) {
            if (!take_string(&c, descr))
                return idem_fail("%s: is an array of records; expected plain numbers", what);
        } else if (!strcmp(key, "fortran_order")) {
            if (take_word(&c, "True"))
                return idem_fail("%s: stored in Fortran order; save it with numpy.ascontiguousarray", what);
            if (!take_word(&c, "False"))
                return idem_fail("%s: damaged .npy header: fortran_order is neither True nor False", what);
            ordered = true;
        } else if (!strcmp(key, "shape")) {
            if (take_shape(&c, shape, what))
                return -1;
            shaped = true;
        } else {
            return idem_fail("%s: damaged .npy header: unknown entry '%s'", what, key);
        }
        if (!take(&c, ',') && (blanks(&c), c.p == c.end || *c.p != '}'))
            return idem_fail("%s: damaged .npy header: it does not end", what);
    }
    if (!shaped || !ordered || !*descr)
        return idem_fail("%s: damaged .npy header: expected descr, fortran_order and shape", what);
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        if (!strcmp(descr, TYPES[i].descr)) {
            *dtype = TYPES[i].dtype;
            return 0;
        }
    return idem_fail("%s: element type '%s' is not supported; expected little-endian floats or integers ('<f4')", what,
                     descr);
}

int idem_npy_parse(const unsigned char *bytes, size_t size, const char *what, idem_shape *shape, float **data) {
    if (size < 12 || memcmp(bytes, "\x93NUMPY", 6))
        return idem_fail("%s: not a NumPy array: it looks like %s", what, idem_looks_like(bytes, size));
    int version = bytes[6];
    if (version < 1 || version > 3)
        return idem_fail("%s: .npy version %d, expected 1 to 3", what, version);
    size_t start = version == 1 ? 10 : 12, length = version == 1 ? idem_le16(bytes + 8) : idem_le32(bytes + 8);
    if (length > size - start)
        return idem_fail("%s: truncated: the .npy header claims %zu bytes, %zu follow", what, length, size - start);
    idem_shape s = IDEM_SCALAR;
    idem_dtype dtype = IDEM_DTYPE_F32;
    if (read_header((cursor){bytes + start, bytes + start + length}, what, &s, &dtype))
        return -1;
    size_t rest = size - start - length, need;
    char text[64];
    int64_t count;
    if (!idem_shape_elements(&s, &count) || __builtin_mul_overflow((size_t)count, idem_dtype_size(dtype), &need) ||
        need > rest)
        return idem_fail("%s: truncated: shape %s of %s does not fit in %zu bytes", what, idem_shape_text(&s, text),
                         idem_dtype_name(dtype), rest);
    if (count == 0)
        return idem_fail("%s: an array without elements: shape %s", what, idem_shape_text(&s, text));
    if (need != rest)
        return idem_fail("%s: shape %s of %s takes %zu bytes, found %zu", what, idem_shape_text(&s, text),
                         idem_dtype_name(dtype), need, rest);
    float *x = malloc((size_t)count * sizeof *x);
    if (!x)
        return idem_fail_as(IDEM_MEMORY, "%s: out of memory for %lld values", what, (long long)count);
    idem_dtype_read(x, bytes + start + length, dtype, (size_t)count);
    *shape = s;
    *data = x;
    return 0;
}

int idem_npy_load(const char *path, idem_shape *shape, float **data) {
    unsigned char *bytes;
    size_t size;
    if (idem_file_read(path, (size_t)8 << 30, &bytes, &size))
        return -1;
    int status = idem_npy_parse(bytes, size, path, shape, data);
    free(bytes);
    return status;
}

/* ---- writing ---- */

enum { HEADER_MAX = 256, ROWS_HEADER = 128 }; /* the second fits any number of rows */

/* Bytes of the header: padded so that the values begin at a multiple of 64, and to at least `least`. */
static size_t make_header(char header[HEADER_MAX], const idem_shape *shape, size_t least) {
    char dims[IDEM_MAX_RANK * 21 + 1] = "";
    size_t n = 0;
    for (int i = 0; i < shape->rank; i++)
        n += (size_t)snprintf(dims + n, sizeof dims - n,
                              shape->rank == 1 ? "%lld,"
                              : i              ? ", %lld"
                                               : "%lld",
                              (long long)shape->d[i]);
    int used =
        snprintf(header + 10, HEADER_MAX - 10, "{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }", dims);
    size_t total = (10 + (size_t)used + 1 + 63) / 64 * 64;
    total = total < least ? least : total;
    memset(header + 10 + used, ' ', total - 10 - (size_t)used);
    header[total - 1] = '\n';
    memcpy(header, "\x93NUMPY\x01", 7);
    header[7] = 0;
    header[8] = (char)(total - 10);
    header[9] = (char)((total - 10) >> 8);
    return total;
}

/* Errors stay in the stream until commit. */
static void write_values(FILE *stream, const float *data, size_t count) {
    unsigned char raw[16384];
    for (size_t at = 0; !ferror(stream) && at < count; at += sizeof raw / 4) {
        size_t piece = count - at < sizeof raw / 4 ? count - at : sizeof raw / 4;
        idem_dtype_write(raw, data + at, IDEM_DTYPE_F32, piece);
        fwrite(raw, 4, piece, stream);
    }
}

int idem_npy_save(const char *path, const idem_shape *shape, const float *data) {
    char header[HEADER_MAX];
    size_t total = make_header(header, shape, 0);
    idem_writer out;
    if (idem_writer_open(&out, path))
        return -1;
    fwrite(header, 1, total, out.stream);
    write_values(out.stream, data, (size_t)idem_shape_count(shape));
    return idem_writer_commit(&out);
}

int idem_npy_rows_open(idem_npy_rows *r, const char *path, size_t width) {
    static const char blank[ROWS_HEADER] = {0};
    *r = (idem_npy_rows){.width = width};
    if (idem_writer_open(&r->out, path))
        return -1;
    fwrite(blank, 1, sizeof blank, r->out.stream);
    return 0;
}

void idem_npy_rows_add(idem_npy_rows *r, const float *rows, size_t n) {
    write_values(r->out.stream, rows, n * r->width);
    r->rows += n;
}

int idem_npy_rows_commit(idem_npy_rows *r) {
    char header[HEADER_MAX];
    size_t total = make_header(header, &IDEM_SHAPE((int64_t)r->rows, (int64_t)r->width), ROWS_HEADER);
    if (!ferror(r->out.stream) && fseek(r->out.stream, 0, SEEK_SET) == 0)
        fwrite(header, 1, total, r->out.stream);
    return idem_writer_commit(&r->out);
}
