/* Features of pictures and the Frechet distance, against PyTorch and numpy (tests/oracle/mobilenet2.py, frechet.py). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/models.h"
#include "format/weights.h"
#include "measure/features.h"
#include "measure/frechet.h"
#include "model/model.h"
#include "support/fill.h"
#include "support/format.h"

static json_t *fixture(const char *name) {
    char path[128];
    json_error_t error;
    snprintf(path, sizeof path, "tests/fixtures/%s/fixture.json", name);
    json_t *root = json_load_file(path, 0, &error);
    assert_non_null(root);
    return root;
}

static double number(const json_t *o, const char *key) {
    return json_number_value(json_object_get(o, key));
}

/* ---- the distance ---- */

/* Few sources mixed, and a little of their own, as the oracle makes them. */
static float *make_rows(const char *salt, const json_t *about, size_t width) {
    const char *name = json_string_value(json_object_get(about, "name"));
    const size_t n = (size_t)number(about, "n"), rank = (size_t)number(about, "rank");
    float *sources = malloc(n * rank * sizeof *sources), *mix = malloc(rank * width * sizeof *mix);
    float *x = malloc(n * width * sizeof *x);
    assert_true(sources && mix && x);
    char part[64];
    snprintf(part, sizeof part, "%s.sources", name);
    fixture_fill(sources, n * rank, salt, part, 1, 0);
    snprintf(part, sizeof part, "%s.mix", name);
    fixture_fill(mix, rank * width, salt, part, number(about, "a"), 0);
    snprintf(part, sizeof part, "%s.own", name);
    fixture_fill(x, n * width, salt, part, 0.1, number(about, "b"));
    for (size_t i = 0; i < n * width; i++) {
        double sum = (double)x[i];
        for (size_t k = 0; k < rank; k++)
            sum += (double)sources[i / width * rank + k] * (double)mix[k * width + i % width];
        x[i] = (float)sum;
    }
    free(sources);
    free(mix);
    return x;
}

static void distance_as_numpy(void **state) {
    (void)state;
    json_t *root = fixture("frechet"), *c;
    const char *salt = json_string_value(json_object_get(root, "salt"));
    size_t i;
    json_array_foreach(json_object_get(root, "cases"), i, c) {
        const json_t *a = json_object_get(c, "a"), *b = json_object_get(c, "b");
        const size_t width = (size_t)number(c, "width"), n[] = {(size_t)number(a, "n"), (size_t)number(b, "n")};
        float *x = make_rows(salt, a, width), *y = make_rows(salt, b, width);
        double there, back;
        assert_int_equal(idem_frechet(&there, x, n[0], y, n[1], width), 0);
        assert_int_equal(idem_frechet(&back, y, n[1], x, n[0], width), 0);
        const double want = number(c, "distance"), most = 1e-5 * fmax(want, 1);
        assert_true(fabs(there - want) < most && fabs(back - want) < most);
        free(x);
        free(y);
    }
    assert_int_equal(i, 4);
    json_decref(root);
}

static void halves_are_near_and_depend_on_the_seed(void **state) {
    (void)state;
    json_t *root = fixture("frechet"), *c = json_array_get(json_object_get(root, "cases"), 0);
    const char *salt = json_string_value(json_object_get(root, "salt"));
    const size_t width = (size_t)number(c, "width"), n = (size_t)number(json_object_get(c, "a"), "n");
    float *x = make_rows(salt, json_object_get(c, "a"), width);
    double first, again, other;
    assert_int_equal(idem_frechet_halves(&first, x, n, width, 1), 0);
    assert_int_equal(idem_frechet_halves(&again, x, n, width, 1), 0);
    assert_int_equal(idem_frechet_halves(&other, x, n, width, 2), 0);
    assert_true(first == again && first != other);
    assert_true(first > 0 && first < number(c, "distance") / 4);
    free(x);
    json_decref(root);
}

static void refuses_too_few_and_not_finite(void **state) {
    (void)state;
    float x[] = {1, 2, 3, 4, 5, 7, 7, 8};
    double d;
    assert_int_equal(idem_frechet(&d, x, 1, x, 4, 2), -1);
    assert_int_equal(idem_frechet_halves(&d, x, 3, 2, 1), -1);
    assert_int_equal(idem_frechet(&d, x, 4, x, 4, 2), 0);
    assert_true(d < 1e-9);
    x[3] = NAN;
    assert_int_equal(idem_frechet(&d, x, 4, x, 4, 2), -1);
    format_assert_message("not finite");
}

/* ---- the network ---- */

static void features_as_pytorch(void **state) {
    (void)state;
    char path[4096];
    if (idem_models_find(path, sizeof path, NULL, "mobilenet_v2.shard1.min.js")) {
        print_message("skip: %s\n", idem_error());
        skip();
    }
    json_t *root = fixture("mobilenet2"), *rows = json_object_get(root, "features");
    const int side = (int)number(root, "side"), batch = (int)number(root, "batch");
    const size_t count = (size_t)(batch * side * side * 3);
    float *x = malloc(count * sizeof *x);
    assert_non_null(x);
    fixture_fill(x, count, json_string_value(json_object_get(root, "salt")), "pictures", 0.5, 0.5);
    idem_features *f = idem_features_new(NULL, NULL, side, 3, NULL); /* the last batch is not full */
    assert_non_null(f);
    const size_t width = idem_features_width(f);
    assert_int_equal(width, 1280);
    assert_non_null(strstr(idem_features_name(f), "MobileNetV2"));
    float *out = malloc((size_t)batch * width * sizeof *out);
    assert_non_null(out);
    assert_int_equal(idem_features_run(f, (size_t)batch, x, out), 0);
    for (int i = 0; i < batch; i++)
        for (size_t k = 0; k < width; k += 64) {
            const json_t *want = json_array_get(json_array_get(rows, (size_t)i), k / 64);
            assert_true(json_is_number(want));
            assert_true(fabs((double)out[(size_t)i * width + k] - json_number_value(want)) < 2e-4);
        }
    free(out);
    free(x);
    idem_features_free(f);
    json_decref(root);
}

/* ---- the modules ---- */

static int load_module(const char *model, const char *shard, idem_weights **w) {
    char *files[] = {format_temporary(model, strlen(model)), format_temporary(shard, strlen(shard))};
    const int status = idem_manifest_js_load(w, files[0], files[1]);
    format_discard(files[0]);
    format_discard(files[1]);
    return status;
}

#define WEIGHTS(rows) "!function(){x.exports={a:[1],weightsManifest:[{paths:[\"g]1\"],weights:[" rows "]}]}}"
#define ROW "{name:\"a/b\",shape:[3],dtype:\"float32\",quantization:{min:-.5,scale:.25,dtype:\"uint8\"}}"

static void reads_javascript_modules(void **state) {
    (void)state;
    idem_weights *w;
    assert_int_equal(load_module(WEIGHTS(ROW), "x.exports=\"AAEK\"", &w), 0);
    const idem_weight *t = idem_weights_find(w, "a/b");
    assert_true(t && t->data[0] == -0.5f && t->data[1] == -0.25f && t->data[2] == 2);
    idem_weights_free(w);
    /* Padding, an exponent, a key that has an e and digits in it. */
    assert_int_equal(
        load_module(WEIGHTS("{name:\"c\",shape:[4],dtype:\"uint8\",note2e:1.5e-7}"), "x.exports=\"/+8BAg==\"", &w), 0);
    t = idem_weights_find(w, "c");
    assert_true(t && t->data[0] == 255 && t->data[1] == 239 && t->data[2] == 1 && t->data[3] == 2);
    idem_weights_free(w);
}

static void refuses_broken_modules(void **state) {
    (void)state;
    static const char *const models[] = {"",
                                         "weightsManifest:",
                                         "weightsManifest:[",
                                         "weightsManifest:[\"",
                                         "[]",
                                         "weightsManifest:[]",
                                         "weightsManifest:[{]",
                                         WEIGHTS("{name:1}"),
                                         "weightsManifest:[{weights:[{name:\"a\\\"]}]"};
    static const char *const shards[] = {
        "", "exports=", "exports=\"AAEK", "exports=\"AA*K\"", "exports=\"AAE\"", "exports=\"AAEKAAEK\""};
    idem_weights *w;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        assert_int_equal(load_module(models[i], "x.exports=\"AAEK\"", &w), -1);
    for (size_t i = 0; i < sizeof shards / sizeof *shards; i++)
        assert_int_equal(load_module(WEIGHTS(ROW), shards[i], &w), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distance_as_numpy),
        cmocka_unit_test(halves_are_near_and_depend_on_the_seed),
        cmocka_unit_test(refuses_too_few_and_not_finite),
        cmocka_unit_test(features_as_pytorch),
        cmocka_unit_test(reads_javascript_modules),
        cmocka_unit_test(refuses_broken_modules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
