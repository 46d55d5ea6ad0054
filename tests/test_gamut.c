/* The colours of a face: found over stray pixels, and the loss with its gradient against plain loops. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/ops.h"
#include "engine/plan.h"
#include "model/gamut.h"
#include "support/fill.h"

enum { SIDE = 20, PIXELS = SIDE * SIDE };

/* The face is the middle, 12 x 12. */
static void draw_mask(uint8_t *outside) {
    for (int i = 0; i < PIXELS; i++) {
        const int x = i % SIDE, y = i / SIDE;
        outside[i] = x < 4 || x >= 16 || y < 4 || y >= 16;
    }
}

static void fill(float *picture, float red, float green, float blue) {
    for (int i = 0; i < PIXELS; i++) {
        picture[3 * i] = red;
        picture[3 * i + 1] = green;
        picture[3 * i + 2] = blue;
    }
}

static void test_found(void **state) {
    (void)state;
    uint8_t outside[PIXELS];
    static float a[PIXELS * 3], b[PIXELS * 3];
    float bounds[IDEM_GAMUT_NUMBERS];
    draw_mask(outside);
    fill(a, 0.8f, 0.6f, 0.5f);                                         /* chroma 0.2, 0.2 */
    fill(b, 0.5f, 0.4f, 0.4f);                                         /* 0.1, 0.05 */
    memset(a, 0, 3 * sizeof *a * SIDE);                                /* the top row is not of the face */
    memcpy(b + 3 * (5 * SIDE + 5), (float[]){0, 1, 0}, 3 * sizeof *b); /* 1 pixel of 144 is green */
    const float *const pictures[] = {a, b};
    assert_int_equal(idem_gamut_find(pictures, 2, SIDE, outside, bounds), 0);
    const float wanted[] = {0.1f, 0.2f, 0.05f, 0.2f};
    for (int i = 0; i < IDEM_GAMUT_NUMBERS; i++)
        assert_float_equal(bounds[i], wanted[i], 1e-6);
    for (int i = 0; i < 10; i++) /* 7 % of them are */
        memcpy(b + 3 * (8 * SIDE + 5 + i), (float[]){0, 1, 0}, 3 * sizeof *b);
    assert_int_equal(idem_gamut_find(pictures, 2, SIDE, outside, bounds), 0);
    assert_float_equal(bounds[0], -1, 1e-6);
}

static double beyond(double c, double least, double most) {
    return c < least ? least - c : c > most ? c - most : 0;
}

static double slope(double c, double least, double most) {
    return c < least ? -1 : c > most ? 1 : 0;
}

static void test_loss(void **state) {
    (void)state;
    uint8_t outside[PIXELS];
    draw_mask(outside);
    static float picture[PIXELS * 3], gradient[PIXELS * 3];
    const float bounds[] = {-0.1f, 0.3f, -0.2f, 0.15f};
    fixture_fill(picture, PIXELS * 3, "", "y", 0.5, 0.5); /* [1, 3, S, S] */
    idem_graph *g = idem_graph_new();
    idem_node *y = idem_input(g, "y", IDEM_SHAPE(1, 3, SIDE, SIDE)),
              *b = idem_input(g, "bounds", IDEM_SHAPE(1, IDEM_GAMUT_NUMBERS));
    idem_node_write(y, picture);
    idem_node_write(b, bounds);
    idem_node *targets[2] = {idem_gamut_loss(y, b, outside), NULL};
    assert_non_null(targets[0]);
    assert_int_equal(idem_gradients(targets[0], &y, 1, &targets[1]), 0);
    idem_plan *p = idem_plan_new(targets, 2, NULL);
    assert_non_null(p);
    assert_int_equal(idem_plan_run(p), 0);
    idem_plan_read(p, targets[1], gradient);
    double sum = 0;
    int n = 0, far = 0;
    for (int i = 0; i < PIXELS; i++)
        n += !outside[i];
    for (int i = 0; i < PIXELS; i++) {
        const double red = (double)picture[i], green = (double)picture[PIXELS + i],
                     blue = (double)picture[2 * PIXELS + i], inside = outside[i] ? 0 : 1.0 / n;
        const double c[] = {red - green, (red + green) / 2 - blue};
        const double s[] = {slope(c[0], -0.1, 0.3), slope(c[1], -0.2, 0.15)};
        sum += inside * (beyond(c[0], -0.1, 0.3) + beyond(c[1], -0.2, 0.15));
        far += inside > 0 && s[0] != 0 && s[1] != 0;
        assert_float_equal(gradient[i], inside * (s[0] + s[1] / 2), 1e-6);
        assert_float_equal(gradient[PIXELS + i], inside * (-s[0] + s[1] / 2), 1e-6);
        assert_float_equal(gradient[2 * PIXELS + i], inside * -s[1], 1e-6);
    }
    assert_true(far > 10); /* the picture tests something */
    assert_float_equal(idem_plan_scalar(p, targets[0]), sum, 1e-5);
    idem_plan_free(p);
    idem_graph_free(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_found), cmocka_unit_test(test_loss)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
