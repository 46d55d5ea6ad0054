#include "support/digest.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/fill.h"

void digest_compare(digest_count *c, const char *what, const char *name, double got, double want, double scale) {
    double error = fabs(got - want) / scale;
    c->compared++;
    if (!(error <= c->worst)) {
        c->worst = error;
        snprintf(c->worst_name, sizeof c->worst_name, "%s %s", what, name);
    }
    if (!(error <= c->tolerance))
        fail_msg("%s %s: %.9g, expected %.9g, error %.2e above %g", what, name, got, want, error, c->tolerance);
}

void digest_check(digest_count *c, const char *what, const char *name, const float *x, size_t count,
                  const json_t *want) {
    char direction[160];
    assert_int_equal(json_array_size(want), 2);
    snprintf(direction, sizeof direction, "direction.%s", name);
    float *d = malloc(count * sizeof *d);
    assert_non_null(d);
    fixture_fill(d, count, c->salt, direction, 1, 0);
    double norm = 0, product = 0;
    for (size_t i = 0; i < count; i++) {
        norm += (double)x[i] * (double)x[i];
        product += (double)x[i] * (double)d[i];
    }
    free(d);
    double scale = json_number_value(json_array_get(want, 0));
    digest_compare(c, what, name, sqrt(norm), scale, scale);
    digest_compare(c, what, name, product, json_number_value(json_array_get(want, 1)), scale);
}

void digest_report(digest_count *c, const char *what) {
    print_message("%s: %d numbers, worst error %.2e (%s)\n", what, c->compared, c->worst, c->worst_name);
    assert_true(c->compared > 0);
    c->compared = 0;
    c->worst = 0;
}
