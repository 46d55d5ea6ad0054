/* Writing PyTorch checkpoints: a zip archive of stored entries, archive/data.pkl and one archive/data/N for each
 * tensor. The pickle uses the opcodes of protocol 2 that PyTorch writes. */
#define _GNU_SOURCE
#include "format/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zip.h>

#include "base/file.h"
#include "format/bytes.h"

static const char BESIDE[] = "latent_avg"; /* stored beside the dictionary of a StyleGAN2 generator, not in it */

/* ---- the pickle ---- */

static void put_le(FILE *f, uint64_t x, int bytes) {
    for (int i = 0; i < bytes; i++)
        fputc((int)(x >> (8 * i) & 255), f);
}

static void put_text(FILE *f, const char *s) {
    fputc('X', f);
    put_le(f, strlen(s), 4);
    fputs(s, f);
}

static void put_int(FILE *f, int64_t x) {
    if (x <= INT32_MAX) {
        fputc('J', f);
        put_le(f, (uint64_t)x, 4);
    } else {
        fputs("\x8a\x08", f); /* LONG1 of 8 bytes */
        put_le(f, (uint64_t)x, 8);
    }
}

static void put_empty_dict(FILE *f) {
    fputs("ccollections\nOrderedDict\n)R", f);
}

/* name: torch._utils._rebuild_tensor_v2(storage, 0, size, stride, False, OrderedDict()) */
static void put_tensor(FILE *f, const idem_weight *t, size_t number, idem_dtype dtype) {
    char key[24];
    snprintf(key, sizeof key, "%zu", number);
    put_text(f, t->name);
    fputs("ctorch._utils\n_rebuild_tensor_v2\n((", f);
    put_text(f, "storage");
    fputs(dtype == IDEM_DTYPE_F32   ? "ctorch\nFloatStorage\n"
          : dtype == IDEM_DTYPE_F16 ? "ctorch\nHalfStorage\n"
                                    : "ctorch\nBFloat16Storage\n",
          f);
    put_text(f, key);
    put_text(f, "cpu");
    put_int(f, idem_shape_count(&t->shape));
    fputs("tQ", f);
    put_int(f, 0);
    fputc('(', f);
    for (int i = 0; i < t->published.rank; i++)
        put_int(f, t->published.d[i]);
    fputs("t(", f);
    for (int i = 0; i < t->published.rank; i++) {
        int64_t stride = 1;
        for (int k = i + 1; k < t->published.rank; k++)
            stride *= t->published.d[k];
        put_int(f, stride);
    }
    fputs("t\x89", f);
    put_empty_dict(f);
    fputs("tR", f);
}

/* malloc'ed */
static char *make_pickle(const idem_weights *w, idem_dtype dtype, const char *wrapper, size_t *size) {
    char *text = NULL;
    FILE *f = open_memstream(&text, size);
    if (!f)
        return NULL;
    fputs("\x80\x02", f);
    if (wrapper) {
        fputs("}(", f);
        put_text(f, wrapper);
    }
    put_empty_dict(f);
    fputc('(', f);
    for (size_t i = 0; i < idem_weights_count(w); i++)
        if (!wrapper || strcmp(idem_weights_at(w, i)->name, BESIDE))
            put_tensor(f, idem_weights_at(w, i), i, dtype);
    fputc('u', f);
    for (size_t i = 0; wrapper && i < idem_weights_count(w); i++)
        if (!strcmp(idem_weights_at(w, i)->name, BESIDE))
            put_tensor(f, idem_weights_at(w, i), i, dtype);
    fputs(wrapper ? "u." : ".", f);
    return fclose(f) ? NULL : text;
}

/* ---- the archive ---- */

/* Takes ownership of the malloc'ed data in every case. */
static int add_entry(zip_t *z, const char *name, void *data, size_t size, const char *path) {
    zip_source_t *source = data ? zip_source_buffer(z, data, size, 1) : NULL;
    if (!source) {
        free(data);
        return idem_fail_as(IDEM_MEMORY, "%s: out of memory for '%s': %zu bytes", path, name, size);
    }
    zip_int64_t at = zip_file_add(z, name, source, 0);
    if (at < 0) {
        zip_source_free(source);
        return idem_fail("%s: cannot add '%s': %s", path, name, zip_strerror(z));
    }
    /* Stored, without a date: the same weights give the same bytes. */
    if (zip_set_file_compression(z, (zip_uint64_t)at, ZIP_CM_STORE, 0) ||
        zip_file_set_dostime(z, (zip_uint64_t)at, 0, 0x21, 0))
        return idem_fail("%s: cannot add '%s': %s", path, name, zip_strerror(z));
    return 0;
}

static int add_tensor(zip_t *z, const idem_weight *t, size_t number, idem_dtype dtype, const char *path) {
    char name[48];
    snprintf(name, sizeof name, "archive/data/%zu", number);
    size_t count = (size_t)idem_shape_count(&t->shape), size = count * idem_dtype_size(dtype);
    float *values = malloc(count * sizeof *values);
    unsigned char *bytes = malloc(size);
    if (values && bytes) {
        idem_weight_read(t, values);
        idem_dtype_write(bytes, values, dtype, count);
    }
    bool good = values && !(bytes && idem_dtype_check(values, dtype, count, t->name, path));
    free(values);
    if (good)
        return add_entry(z, name, bytes, size, path);
    free(bytes);
    return values ? -1 : idem_fail_as(IDEM_MEMORY, "%s: out of memory for tensor %s", path, t->name);
}

static int add_all(zip_t *z, const idem_weights *w, idem_dtype dtype, const char *wrapper, const char *path) {
    size_t size = 0;
    char *pickle = make_pickle(w, dtype, wrapper, &size);
    if (add_entry(z, "archive/data.pkl", pickle, size, path))
        return -1;
    for (size_t i = 0; i < idem_weights_count(w); i++)
        if (add_tensor(z, idem_weights_at(w, i), i, dtype, path))
            return -1;
    return add_entry(z, "archive/version", strdup("3\n"), 2, path);
}

/* Writes the archive, closed by libzip, to a file. */
static int copy_out(zip_source_t *archive, const char *path) {
    enum { CHUNK = 1 << 16 };
    idem_writer w;
    if (idem_writer_open(&w, path))
        return -1;
    char *chunk = malloc(CHUNK);
    zip_int64_t n = chunk && zip_source_open(archive) == 0 ? 1 : -1;
    while (n > 0 && (n = zip_source_read(archive, chunk, CHUNK)) > 0)
        fwrite(chunk, 1, (size_t)n, w.stream); /* errors stay in the stream until commit */
    free(chunk);
    if (n == 0)
        return idem_writer_commit(&w);
    idem_writer_abort(&w);
    return idem_fail_as(IDEM_MEMORY, "%s: out of memory for the archive", path);
}

int idem_torch_save(const idem_weights *w, const char *path, idem_dtype dtype, const char *wrapper) {
    if (dtype != IDEM_DTYPE_F32 && dtype != IDEM_DTYPE_F16 && dtype != IDEM_DTYPE_BF16)
        return idem_fail("%s: weights are saved as float32, float16 or bfloat16, not %s", path, idem_dtype_name(dtype));
    zip_source_t *archive = zip_source_buffer_create(NULL, 0, 0, NULL);
    zip_t *z = archive ? zip_open_from_source(archive, ZIP_TRUNCATE, NULL) : NULL;
    if (!z) {
        zip_source_free(archive);
        return idem_fail_as(IDEM_MEMORY, "%s: out of memory for the archive", path);
    }
    zip_source_keep(archive);
    int status = add_all(z, w, dtype, wrapper, path);
    if (!status && zip_close(z))
        status = idem_fail("%s: cannot pack the tensors: %s", path, zip_strerror(z));
    if (status)
        zip_discard(z);
    else
        status = copy_out(archive, path);
    zip_source_free(archive);
    return status;
}
