/* Which network is in a file: every kind that there is a builder for, from the lists of tensors of published files, and
 * what does not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/models.h"
#include "model/model.h"
#include "nets/discriminator.h"
#include "nets/identify.h"
#include "nets/inception3.h"
#include "nets/mlp.h"
#include "nets/resnet.h"
#include "nets/stylegan2.h"

/* The tensors of a fixture, all zero, below prefix. */
static idem_weights *listed(const char *fixture, const char *prefix) {
    char path[200], name[300];
    snprintf(path, sizeof path, "tests/fixtures/%s/fixture.json", fixture);
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error), *t;
    if (!root)
        fail_msg("%s: %s", path, error.text);
    idem_weights *w = idem_weights_new();
    size_t i, k;
    json_array_foreach(json_object_get(root, "tensors"), i, t) {
        json_t *d, *dims = json_object_get(t, "shape");
        idem_shape shape = {.rank = (int)json_array_size(dims)};
        json_array_foreach(dims, k, d) shape.d[k] = json_integer_value(d);
        snprintf(name, sizeof name, "%s%s", prefix, json_string_value(json_object_get(t, "name")));
        assert_non_null(idem_weights_add(w, name, shape));
    }
    json_decref(root);
    return w;
}

static void expect(idem_weights *w, const char *name, const char *prefix, const char *about) {
    idem_network found[8];
    int n = idem_identify(w, found, 8), at = 0;
    while (at < n && (strcmp(found[at].name, name) || strcmp(found[at].prefix, prefix)))
        at++;
    if (at == n)
        fail_msg("no %s below \"%s\" was found", name, prefix);
    if (!found[at].fits || strcmp(found[at].about, about))
        fail_msg("%s: %s: \"%s\", expected \"%s\"", name, found[at].fits ? "fits" : "does not fit", found[at].about,
                 about);
    for (int i = 0; i < n; i++)
        if (!found[i].fits)
            fail_msg("%s: does not fit: %s", found[i].name, found[i].about);
}

static void published_files(void **state) {
    (void)state;
    static const struct {
        const char *fixture, *prefix, *name, *about;
    } rows[] = {
        {"stylegan2-tiny-64", "g_ema.", "StyleGAN2 generator",
         "64 x 64, channels 32, 32, 32, 16, 8, z 64, w 64, 4 mapping layers, layout of the PyTorch conversion"},
        {"stylegan2-ada-tiny-64", "", "StyleGAN2 generator",
         "64 x 64, channels 32, 32, 32, 32, 16, z 64, w 64, 4 mapping layers, layout of StyleGAN2-ADA"},
        {"facenet-inception-resnet-v1", "", "InceptionResnetV1",
         "layout of facenet-pytorch, 160 x 160 pictures to 512 numbers"},
        {"torchvision-inception-v3", "model.", "InceptionV3",
         "layout of torchvision, 299 x 299 pictures to 2048 numbers"},
        {"fid-inception-v3", "", "InceptionV3",
         "of the Frechet Inception Distance, 299 x 299 pictures to 2048 numbers"},
        {"torchvision-resnet18", "E_attr.", "ResNet",
         "18 layers, layout of torchvision, 224 x 224 pictures to 512 numbers"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        idem_weights *w = listed(rows[i].fixture, rows[i].prefix);
        expect(w, rows[i].name, rows[i].prefix, rows[i].about);
        idem_weights_free(w);
    }
}

static void the_judge(void **state) {
    (void)state;
    char path[4096];
    idem_weights *w;
    if (idem_models_find(path, sizeof path, NULL, "face_recognition_model-weights_manifest.json")) {
        print_message("skip: %s\n", idem_error());
        skip();
    }
    assert_int_equal(idem_weights_load(&w, path), 0);
    expect(w, "judge", "", "dlib-style recogniser, 150 x 150 pictures to 128 numbers");
    idem_weights_free(w);
}

static void networks_made_here(void **state) {
    (void)state;
    idem_rng r = idem_rng_make(1, "networks");
    idem_weights *w = idem_weights_new();
    assert_int_equal(idem_mapper_init(w, 24, 16, NULL, &r), 0);
    assert_int_equal(idem_critic_init(w, 16, &r), 0);
    assert_int_equal(idem_resnet_init(w, "E_attr.", 50, &r), 0);
    expect(w, "idem mapper M", "", "24 numbers to 16");
    expect(w, "idem critic D_W", "", "16 numbers to 1");
    expect(w, "ResNet", "E_attr.", "50 layers, layout of torchvision, 224 x 224 pictures to 2048 numbers");
    idem_weights_free(w);
    w = idem_weights_new();
    const idem_stylegan2_dims dims = {
        .size = 64, .z_dim = 32, .w_dim = 32, .mapping_layers = 2, .widths = {512, 512, 512, 512, 256}};
    assert_int_equal(idem_stylegan2_init(w, "g_ema.", &dims, &r), 0);
    assert_int_equal(idem_discriminator_init(w, "d.", 16, (const int[]){8, 8, 8}, &r), 0);
    expect(w, "StyleGAN2 generator", "g_ema.",
           "64 x 64, channel multiplier 1, z 32, w 32, 2 mapping layers, layout of the PyTorch conversion");
    expect(w, "StyleGAN2 discriminator", "d.", "pictures of 16 x 16");
    idem_weights_free(w);
}

static void what_does_not_fit_says_why(void **state) {
    (void)state;
    idem_network found[2];
    idem_weights *w = idem_weights_new();
    assert_non_null(idem_weights_add(w, "net.layer1.0.conv1.weight", IDEM_SHAPE(64, 64, 3, 3)));
    assert_non_null(idem_weights_add(w, "not_layer1.0.conv1.weight", IDEM_SHAPE(64, 64, 3, 3)));
    assert_int_equal(idem_identify(w, found, 2), 1);
    assert_string_equal(found[0].name, "ResNet");
    assert_string_equal(found[0].prefix, "net.");
    assert_false(found[0].fits);
    assert_non_null(strstr(found[0].about, "net.conv1.weight is missing"));
    idem_weights_free(w);
}

static void onnx_models(void **state) {
    (void)state;
    static const struct {
        const char *path, *about;
        bool fits;
    } rows[] = {
        {"tests/fixtures/opsets/net-11.onnx", "8 x 9 pictures to 6 numbers", true},
        {"tests/fixtures/opsets/clip.onnx", "[1, 4, 5, 6] to [1, 4, 5, 6]", true},
        {"tests/fixtures/opsets/unknown.onnx", "unknown.onnx: node celu_1 is a Celu", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        idem_onnx *m;
        idem_network found;
        assert_int_equal(idem_onnx_load(&m, rows[i].path), 0);
        idem_identify_onnx(m, &found);
        assert_int_equal(found.fits, rows[i].fits);
        if (!strstr(found.about, rows[i].about))
            fail_msg("%s: \"%s\", expected \"%s\"", rows[i].path, found.about, rows[i].about);
        idem_onnx_free(m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_files),    cmocka_unit_test(the_judge),
        cmocka_unit_test(networks_made_here), cmocka_unit_test(what_does_not_fit_says_why),
        cmocka_unit_test(onnx_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
