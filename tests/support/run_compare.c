#include "support/run_compare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "format/weights.h"

double run_loss(const char *dir, const char *run, int iteration, const char *name) {
    char path[4200], line[8192];
    snprintf(path, sizeof path, "%s/%s/metrics.jsonl", dir, run);
    FILE *f = fopen(path, "r");
    double value = NAN;
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        json_t *o = json_loads(line, 0, NULL);
        if (o && !strcmp(json_string_value(json_object_get(o, "kind")), "train") &&
            json_integer_value(json_object_get(o, "iteration")) == iteration && json_object_get(o, name))
            value = json_number_value(json_object_get(o, name));
        json_decref(o);
    }
    fclose(f);
    return value;
}

void run_expect_losses(const char *dir, const char *a, const char *b, int iteration, const char *const *names,
                       int least, double tolerance) {
    int compared = 0;
    for (; *names; names++) {
        const double x = run_loss(dir, a, iteration, *names), y = run_loss(dir, b, iteration, *names);
        assert_int_equal(isnan(x), isnan(y));
        if (isnan(x))
            continue;
        if (fabs(x - y) > tolerance * fabs(x))
            print_message("%s of iteration %d: %.9g in %s, %.9g in %s\n", *names, iteration, x, a, y, b);
        assert_true(fabs(x - y) <= tolerance * fabs(x));
        compared++;
    }
    assert_true(compared >= least);
}

static idem_weights *load(const char *dir, const char *run, int iteration) {
    char path[4200];
    idem_weights *w = NULL;
    snprintf(path, sizeof path, "%s/%s/checkpoint-%010d.safetensors", dir, run, iteration);
    assert_int_equal(idem_weights_load(&w, path), 0);
    return w;
}

double run_distance(const char *dir, const char *a, const char *b, const char *prefix, int iteration) {
    idem_weights *w[2] = {load(dir, a, iteration), load(dir, b, iteration)};
    double sum = 0, norm = 0;
    assert_int_equal(idem_weights_count(w[0]), idem_weights_count(w[1]));
    for (size_t i = 0; i < idem_weights_count(w[0]); i++) {
        const idem_weight *x = idem_weights_at(w[0], i), *y = idem_weights_find(w[1], x->name);
        assert_non_null(y);
        for (int64_t k = 0; k < idem_shape_count(&x->shape) && !strncmp(x->name, prefix, strlen(prefix)); k++) {
            const double d = (double)x->data[k] - (double)y->data[k];
            sum += d * d;
            norm += (double)x->data[k] * (double)x->data[k];
        }
    }
    idem_weights_free(w[0]);
    idem_weights_free(w[1]);
    assert_true(norm > 0);
    return sqrt(sum / norm);
}

void run_expect_near(const char *dir, const char *a, const char *b, const char *const *prefix, size_t n, int iteration,
                     double most) {
    for (size_t i = 0; i < n; i++) {
        const double d = run_distance(dir, a, b, prefix[i], iteration);
        if (!(d <= most))
            fail_msg("%s and %s: %s differs by %g, at most %g is expected", a, b, prefix[i], d, most);
    }
}
