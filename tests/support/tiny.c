#define _XOPEN_SOURCE 700
#include "base/models.h"
#include "support/tiny.h"

#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "face/recogniser.h"
#include "format/weights.h"
#include "model/model.h"
#include "support/fill.h"
#include "support/program.h"

static const float five[5][2] = {
    {0.375f, 0.472f}, {0.621f, 0.473f}, {0.488f, 0.613f}, {0.380f, 0.729f}, {0.617f, 0.730f}};

bool tiny_has_models(void) {
    static const char *const files[] = {"fr_feature.onnx", "fr_landmark.onnx"};
    char path[4096];
    for (int i = 0; i < 2; i++)
        if (idem_models_find(path, sizeof path, NULL, files[i])) {
            printf("skip: %s\n", idem_error());
            return false;
        }
    return true;
}

idem_weights *tiny_fill(const json_t *tensors, const char *salt) {
    idem_weights *w = idem_weights_new();
    size_t i;
    json_t *t;
    json_array_foreach((json_t *)tensors, i, t) {
        idem_shape shape = {.rank = (int)json_array_size(json_object_get(t, "shape"))};
        for (int k = 0; k < shape.rank; k++)
            shape.d[k] = json_integer_value(json_array_get(json_object_get(t, "shape"), (size_t)k));
        const char *name = json_string_value(json_object_get(t, "name"));
        idem_weight *weight = idem_weights_add(w, name, shape);
        if (!weight) {
            idem_weights_free(w);
            return NULL;
        }
        fixture_fill(weight->data, (size_t)idem_shape_count(&shape), salt, name,
                     json_number_value(json_object_get(t, "a")), json_number_value(json_object_get(t, "b")));
    }
    return w;
}

static int write_generator(const char *dir) {
    char path[4096];
    json_error_t error;
    json_t *root = json_load_file("tests/fixtures/stylegan2-tiny-64/fixture.json", 0, &error);
    idem_weights *w = root ? tiny_fill(json_object_get(root, "tensors"), "") : NULL;
    snprintf(path, sizeof path, "%s/generator.safetensors", dir);
    int status = w ? idem_weights_save(w, path, IDEM_DTYPE_F32) : -1;
    idem_weights_free(w);
    json_decref(root);
    return status;
}

static int add(idem_weights *w, idem_rng *r, float deviation, float mean, idem_shape shape, const char *format,
               const char *layer) {
    char name[128];
    snprintf(name, sizeof name, format, layer);
    idem_weight *t = idem_weights_add(w, name, shape);
    for (int64_t i = 0; t && i < idem_shape_count(&shape); i++)
        t->data[i] = mean + (deviation > 0 ? deviation * idem_rng_normal(r) : 0);
    return t ? 0 : -1;
}

static int add_conv_norm(idem_weights *w, idem_rng *r, const char *conv, const char *norm, int in, int out,
                         int kernel) {
    return add(w, r, 0.2f, 0, IDEM_SHAPE(out, in, kernel, kernel), "E_attr.%s.weight", conv) ||
           add(w, r, 0, 1, IDEM_SHAPE(out), "E_attr.%s.weight", norm) ||
           add(w, r, 0, 0, IDEM_SHAPE(out), "E_attr.%s.bias", norm) ||
           add(w, r, 0, 0, IDEM_SHAPE(out), "E_attr.%s.running_mean", norm) ||
           add(w, r, 0, 1, IDEM_SHAPE(out), "E_attr.%s.running_var", norm);
}

static int fill_mapper(idem_weights *w) {
    static const int widths[5] = {8, 8, 8, 16, 16}, layers[5] = {512 + 16, 32, 32, 32, 64};
    idem_rng r = idem_rng_make(5, "tiny mapper");
    int status = add_conv_norm(w, &r, "conv1", "bn1", 3, 8, 7);
    char conv[32], norm[32];
    for (int layer = 1; layer <= 4 && !status; layer++) {
        for (int i = 1; i <= 2 && !status; i++) {
            snprintf(conv, sizeof conv, "layer%d.0.conv%d", layer, i);
            snprintf(norm, sizeof norm, "layer%d.0.bn%d", layer, i);
            status = add_conv_norm(w, &r, conv, norm, widths[i == 1 ? layer - 1 : layer], widths[layer], 3);
        }
        snprintf(conv, sizeof conv, "layer%d.0.downsample.0", layer);
        snprintf(norm, sizeof norm, "layer%d.0.downsample.1", layer);
        if (layer > 1 && !status)
            status = add_conv_norm(w, &r, conv, norm, widths[layer - 1], widths[layer], 1);
    }
    for (int i = 0; i < 4 && !status; i++) {
        snprintf(conv, sizeof conv, "%d", i);
        status = add(w, &r, 0.1f, 0, IDEM_SHAPE(layers[i + 1], layers[i]), "mapper.%s.weight", conv) ||
                 add(w, &r, 0, 0, IDEM_SHAPE(layers[i + 1]), "mapper.%s.bias", conv);
    }
    idem_frame frame;
    return status || idem_frame_from_five(&frame, five) || idem_frame_store(&frame, w) ? -1 : 0;
}

static int write_narrow(const char *path, const char *fixture, int divisor) {
    json_error_t error;
    json_t *root = json_load_file(fixture, 0, &error), *t;
    idem_weights *w = root ? idem_weights_new() : NULL;
    int status = w ? 0 : -1;
    size_t i;
    json_array_foreach(json_object_get(root, "tensors"), i, t) {
        const json_t *sides = json_object_get(t, "shape");
        idem_shape shape = {.rank = (int)json_array_size(sides)};
        double spread = json_number_value(json_object_get(t, "a"));
        for (int k = 0; k < shape.rank; k++) {
            shape.d[k] = json_integer_value(json_array_get(sides, (size_t)k));
            const bool narrow = k < 2 && shape.d[k] >= divisor;
            shape.d[k] /= narrow ? divisor : 1;
            spread *= k == 1 && narrow ? sqrt(divisor) : 1; /* for the smaller fan-in */
        }
        const char *name = json_string_value(json_object_get(t, "name"));
        idem_weight *weight = status ? NULL : idem_weights_add(w, name, shape);
        if (weight)
            fixture_fill(weight->data, (size_t)idem_shape_count(&shape), "", name, spread,
                         json_number_value(json_object_get(t, "b")));
        else
            status = -1;
    }
    if (!status)
        status = idem_weights_save(w, path, IDEM_DTYPE_F32);
    idem_weights_free(w);
    json_decref(root);
    return status;
}

int tiny_write_facenet(const char *path) {
    return write_narrow(path, "tests/fixtures/facenet-inception-resnet-v1/fixture.json", 8);
}

int tiny_write_inception3(const char *path) {
    return write_narrow(path, "tests/fixtures/torchvision-inception-v3/fixture.json", 16);
}

int tiny_write_narrow_mapper(const char *mapper, const char *facenet, const char *to) {
    idem_weights *w = NULL, *narrow = idem_weights_new();
    idem_recogniser *r = idem_recogniser_open(facenet, NULL);
    int status = narrow && r ? idem_weights_load(&w, mapper) : -1;
    for (size_t i = 0; !status && i < idem_weights_count(w); i++) {
        const idem_weight *t = idem_weights_at(w, i);
        idem_shape shape = t->shape;
        if (!strcmp(t->name, "mapper.0.weight"))
            shape.d[1] -= 512 - idem_recogniser_about(r)->dim;
        idem_weight *copy = idem_weights_add(narrow, t->name, shape);
        if (copy)
            memcpy(copy->data, t->data, (size_t)idem_shape_count(&shape) * sizeof(float));
        status = copy ? 0 : -1;
    }
    const char *key, *value;
    for (size_t i = 0; !status && !idem_weights_meta_at(w, i, &key, &value); i++)
        status = idem_weights_set_meta(narrow, key, value);
    if (!status) {
        const idem_recogniser_info *about = idem_recogniser_about(r);
        status = idem_weights_set_meta(narrow, "identity.net", about->file) ||
                 idem_weights_set_meta(narrow, "identity.hash", about->hash) ||
                 idem_weights_set_meta(narrow, "identity.preprocess", about->preprocess) ||
                 idem_weights_save(narrow, to, IDEM_DTYPE_F32);
    }
    idem_recogniser_free(r);
    idem_weights_free(narrow);
    idem_weights_free(w);
    return status ? -1 : 0;
}

int tiny_write_framed(const char *from, const char *to) {
    idem_weights *w;
    idem_frame frame;
    if (idem_weights_load(&w, from))
        return -1;
    int status =
        idem_frame_from_five(&frame, five) || idem_frame_store(&frame, w) || idem_weights_save(w, to, IDEM_DTYPE_F32)
            ? -1
            : 0;
    idem_weights_free(w);
    return status;
}

int tiny_write(const char *dir) {
    char path[4096];
    idem_weights *w = idem_weights_new();
    snprintf(path, sizeof path, "%s/mapper.safetensors", dir);
    int status = fill_mapper(w) || idem_weights_save(w, path, IDEM_DTYPE_F32) || write_generator(dir) ? -1 : 0;
    idem_weights_free(w);
    return status;
}

static char folder[64]; /* empty: none was made */

const char *tiny_folder(void) {
    snprintf(folder, sizeof folder, "/tmp/idem-test-XXXXXX");
    return mkdtemp(folder);
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

void tiny_remove(const char *dir) {
    if (dir)
        nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *tiny_path(const char *dir, const char *name) {
    static char path[4][PATH_MAX + 200];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}

int tiny_make(const char **dir) {
    if (!tiny_has_models())
        return 0;
    *dir = tiny_folder();
    return *dir ? tiny_write(*dir) : -1;
}

void tiny_need(const char *dir) {
    if (!dir)
        skip();
}

int tiny_leave(void **state) {
    (void)state;
    free(program_output);
    program_output = NULL;
    tiny_remove(*folder ? folder : NULL);
    return 0;
}
