#define _GNU_SOURCE
#include "support/hostile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <zip.h>

#include "base/status.h"
#include "format/registry.h"
#include "train/mapper/state.h"
#include "media/codec.h"
#include "nets/onnx_graph.h"
#include "support/format.h"
#include "support/tiny.h"

#define CHECKPOINT_NAME "checkpoint-0000000001.safetensors"

/* ---- one attempt, whatever the format ---- */

const char HOSTILE_MODULE[] = "!function(){x.exports={a:[1],weightsManifest:[{paths:[\"g]1\"],weights:[{name:\"a/b\","
                              "shape:[3],dtype:\"float32\",quantization:{min:-.5,scale:2.5e-1,dtype:\"uint8\"}}]}]}}";
const char HOSTILE_SHARD[] = "x.exports=\"AAEK\",{}";
const char HOSTILE_MANIFEST[] = "[{\"weights\":[{\"name\":\"a\",\"shape\":[2,3],\"dtype\":\"float32\","
                                "\"quantization\":{\"dtype\":\"uint8\",\"scale\":0.5,\"min\":-1.25}},"
                                "{\"name\":\"b\",\"shape\":[1],\"dtype\":\"float32\"}],\"paths\":[\"m.bin\"]}]";

/* FNV-1a of every value that was loaded: a sanitizer sees memory that is not there. */
static void mix(uint64_t *digest, const void *bytes, size_t n) {
    for (size_t i = 0; i < n; i++)
        *digest = (*digest ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
}

static void mix_weights(uint64_t *digest, const idem_weights *w) {
    for (size_t i = 0; i < idem_weights_count(w); i++) {
        const idem_weight *t = idem_weights_at(w, i);
        mix(digest, t->name, strlen(t->name));
        mix(digest, t->data, (size_t)idem_shape_count(&t->shape) * sizeof *t->data);
    }
    const char *key, *value;
    for (size_t i = 0; idem_weights_meta_at(w, i, &key, &value) == 0; i++) {
        mix(digest, key, strlen(key));
        mix(digest, value, strlen(value));
    }
}

static void mix_onnx(uint64_t *digest, const idem_onnx *m) {
    for (size_t i = 0; i < m->n_tensors; i++) {
        const idem_onnx_tensor *t = &m->tensors[i];
        mix(digest, t->f ? (const void *)t->f : t->i, t->count * (t->f ? sizeof *t->f : sizeof *t->i));
    }
    for (size_t i = 0; i < m->n_nodes; i++)
        mix(digest, m->nodes[i].op_type, strlen(m->nodes[i].op_type));
}

/* The graph of a model whose input is small; a refusal to build is as good as a graph. */
static int build_graph(const idem_onnx *m) {
    idem_shape shape = {.rank = m->n_inputs ? m->inputs[0].rank : -1};
    int64_t count = 1;
    for (int i = 0; i < shape.rank; i++) {
        shape.d[i] = m->inputs[0].d[i] > 0 && i > 0 ? m->inputs[0].d[i] : 2;
        count = shape.d[i] > (1 << 16) / count ? 1 << 20 : count * shape.d[i];
    }
    if (shape.rank < 0 || count > 1 << 16)
        return idem_fail("x: the input is large");
    idem_graph *g = idem_graph_new();
    int status = idem_onnx_build(g, m, idem_input(g, "x", shape), NULL) ? 0 : idem_fail_more("x: %s", idem_error());
    idem_graph_free(g);
    return status;
}

/* A folder for checkpoints, there until this process ends. */
static char run_folder[64];

static void drop_run_folder(void) {
    tiny_remove(run_folder);
}

static const char *a_run(void) {
    if (!*run_folder) {
        snprintf(run_folder, sizeof run_folder, "%s", tiny_folder());
        atexit(drop_run_folder);
    }
    return run_folder;
}

blob hostile_checkpoint(void) {
    const idem_mapper_state state = {.run = {.threads = 2, .iteration = 1}, .evaluated = -1, .generator = "hash"};
    idem_recipe recipe;
    idem_recipe_defaults(&recipe);
    idem_weights *w = format_load("in-bare.pt");
    assert_int_equal(idem_run_form_save(&idem_mapper_form, a_run(), &state, &recipe, w), 0);
    idem_weights_free(w);
    char path[100];
    snprintf(path, sizeof path, "%s/" CHECKPOINT_NAME, run_folder);
    return blob_read(path);
}

static int load_checkpoint(idem_weights **w, const unsigned char *bytes, size_t size) {
    char path[100];
    snprintf(path, sizeof path, "%s/" CHECKPOINT_NAME, a_run());
    FILE *f = fopen(path, "wb");
    bool written = f && fwrite(bytes, 1, size, f) == size;
    if (!f || fclose(f) || !written)
        return idem_fail("cannot write %s", path);
    idem_mapper_saved saved;
    return idem_mapper_state_load(run_folder, w, &saved, NULL) == 1 ? 0 : -1;
}

hostile_outcome hostile_try(int format, const unsigned char *bytes, size_t size) {
    static const unsigned char BIN[10] = {1, 2, 3, 4, 5, 6};
    hostile_outcome o = {.digest = 0xcbf29ce484222325u};
    unsigned char *copy = malloc(size ? size : 1);
    if (!copy)
        return (hostile_outcome){.problem = "no memory for the copy"};
    if (size)
        memcpy(copy, bytes, size);
    idem_weights *w = NULL;
    idem_onnx *m = NULL;
    idem_image im = {0};
    idem_arena *a = idem_arena_new();
    idem_registry r = {0};
    idem_shape shape;
    float *x = NULL;
    int status = -1;
    idem_error_clear();
    switch (format) {
    case TORCH:
        status = idem_torch_parse(&w, copy, size, "x");
        break;
    case SAFETENSORS:
        status = idem_safetensors_parse(&w, copy, size, "x");
        break;
    case NPY:
        if ((status = idem_npy_parse(copy, size, "x", &shape, &x)) == 0)
            mix(&o.digest, x, (size_t)idem_shape_count(&shape) * sizeof *x);
        break;
    case ONNX:
    case ONNX_GRAPH:
        if ((status = idem_onnx_parse(&m, copy, size, "x")) == 0)
            mix_onnx(&o.digest, m);
        if (!status && format == ONNX_GRAPH)
            status = build_graph(m);
        break;
    case MANIFEST:
        status = idem_manifest_parse(&w, copy, size, BIN, sizeof BIN, "x");
        break;
    case MANIFEST_BIN:
        status =
            idem_manifest_parse(&w, (const unsigned char *)HOSTILE_MANIFEST, strlen(HOSTILE_MANIFEST), copy, size, "x");
        break;
    case MODULE:
        status =
            idem_manifest_js_parse(&w, copy, size, (const unsigned char *)HOSTILE_SHARD, strlen(HOSTILE_SHARD), "x");
        break;
    case MODULE_SHARD:
        status =
            idem_manifest_js_parse(&w, (const unsigned char *)HOSTILE_MODULE, strlen(HOSTILE_MODULE), copy, size, "x");
        break;
    case CHECKPOINT:
        status = load_checkpoint(&w, copy, size);
        break;
    case REGISTRY:
        if ((status = idem_registry_parse(&r, a, (const char *)copy, size, "x")) == 0)
            for (int i = 0; i < r.n; i++)
                mix(&o.digest, r.models[i].name, strlen(r.models[i].name));
        break;
    case PICTURE:
        if ((status = idem_image_parse(&im, copy, size, "x")) == 0)
            mix(&o.digest, im.rgb, (size_t)im.width * (size_t)im.height * 3);
        break;
    case EXIF:
        mix(&o.digest, &(int){idem_exif_orientation(copy, size)}, sizeof(int));
        status = 0;
    }
    if (!status && w)
        mix_weights(&o.digest, w);
    o.loaded = status == 0;
    const char *source = format == CHECKPOINT ? run_folder : "x: ";
    if (status && strncmp(idem_error(), source, strlen(source)))
        o.problem = idem_error();
    idem_weights_free(w);
    idem_onnx_free(m);
    idem_image_free(&im);
    idem_registry_close(&r);
    idem_arena_free(a);
    free(x);
    free(copy);
    return o;
}

int hostile_attempt(int format, const unsigned char *bytes, size_t size) {
    hostile_outcome o = hostile_try(format, bytes, size);
    if (o.problem)
        fail_msg("message \"%s\" does not name the source", o.problem);
    return o.loaded ? 0 : -1;
}

blob hostile_archive(const member *m, size_t n) {
    char path[] = "/tmp/idem-hostile-XXXXXX";
    int fd = mkstemp(path), error;
    assert_true(fd >= 0);
    close(fd);
    zip_t *z = zip_open(path, ZIP_TRUNCATE, &error);
    assert_non_null(z);
    for (size_t i = 0; i < n; i++) {
        zip_int64_t at = zip_file_add(z, m[i].name, zip_source_buffer(z, m[i].data, m[i].size, 0), 0);
        assert_true(at >= 0);
        zip_set_file_compression(z, (zip_uint64_t)at, m[i].method, 1);
    }
    assert_int_equal(zip_close(z), 0);
    blob b = blob_read(path);
    unlink(path);
    return b;
}

/* Parses an archive of this pickle and 64 bytes of storage "0". */
int hostile_pickle(const void *pickle, size_t size) {
    static const unsigned char STORAGE[64];
    const member m[] = {{"a/data.pkl", pickle, size, ZIP_CM_STORE}, {"a/data/0", STORAGE, 64, ZIP_CM_STORE}};
    blob b = hostile_archive(m, 2);
    int status = hostile_attempt(TORCH, b.data, b.size);
    blob_drop(&b);
    return status;
}

/* {"t": a tensor of one dimension} with its numbers written by the caller. */
blob hostile_tensor(int64_t offset, int64_t size, int64_t stride, int64_t count) {
    blob b = {0};
    blob_text(&b, "\x80\x02}U\x01tctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\nU\x01"
                  "0U\x03"
                  "cpu\x8a\x08");
    blob_le(&b, (uint64_t)count, 8);
    blob_text(&b, "tQ\x8a\x08");
    blob_le(&b, (uint64_t)offset, 8);
    blob_text(&b, "\x8a\x08");
    blob_le(&b, (uint64_t)size, 8);
    blob_text(&b, "\x85\x8a\x08");
    blob_le(&b, (uint64_t)stride, 8);
    blob_text(&b, "\x85\x89}tRs.");
    return b;
}
