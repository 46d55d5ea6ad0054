/* A generator's discriminators in training from outside: heads on frozen features, with the discriminator of pictures
 * and without it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/models.h"
#include "base/status.h"
#include "engine/ops.h"
#include "engine/plan.h"
#include "format/weights.h"
#include "support/greys.h"
#include "support/program.h"
#include "train/gan/heads.h"

/* A white pixel becomes a Gaussian of that deviation, whose sum is 1. */
static void a_blur_is_a_gaussian(void **state) {
    (void)state;
    enum { SIDE = 24, AT = 11 };
    idem_graph *g = idem_graph_new();
    idem_node *x = idem_input(g, "x", IDEM_SHAPE(1, 1, SIDE, SIDE)), *y = idem_gan_blurred(x, 1.25);
    assert_ptr_equal(idem_gan_blurred(x, 0), x);
    idem_plan *p = idem_plan_new(&y, 1, NULL);
    assert_non_null(p);
    x->leaf[AT * SIDE + AT] = 1;
    assert_int_equal(idem_plan_run(p), 0);
    const float *made = idem_plan_value(p, y);
    double sum = 0;
    for (int i = 0; i < SIDE * SIDE; i++)
        sum += (double)made[i];
    assert_float_equal(sum, 1, 1e-5);
    for (int i = 0; i < SIDE * SIDE; i++) {
        const int dy = i / SIDE - AT, dx = i % SIDE - AT, far = dy * dy > dx * dx ? dy * dy : dx * dx;
        const double wanted =
            far > 16 ? 0 : exp(-(dx * dx + dy * dy) / (2 * 1.25 * 1.25)) / (2 * 3.14159265358979 * 1.25 * 1.25);
        assert_float_equal(made[i], wanted, 1e-3 * 0.102);
    }
    idem_plan_free(p);
    idem_graph_free(g);
}

/* Heads on frozen features: what they learn shows in their loss, and goes on after a stop. */
static void heads_learn_and_resume(void **state) {
    (void)state;
    char path[4096];
    if (idem_models_find(path, sizeof path, NULL, "fr_pose.onnx")) {
        print_message("skip: %s\n", idem_error());
        skip();
    }
#define HEADS                                                                                                          \
    "$IDEM train-generator -d $DIR/data --size 16 --z 8 --w 8 --width 128 --width-max 8 --d-width 128 --d-width-max "  \
    "8 --batch 4 --features 0.5 --d-first 9 --r1-every 4 --augment-target 0 --log-every 1 --checkpoint-every 6 "       \
    "--distance-every 0 --threads 1 --seed 5 --quiet --pictures "
    assert_int_equal(program_run(program_folder, HEADS "48 -o $DIR/heads"), 0);
    assert_int_equal(program_run(program_folder,
                                 "cp -r $DIR/heads $DIR/stopped && rm $DIR/stopped/checkpoint-0000000012.safetensors "
                                 "&& " HEADS "48 -o $DIR/stopped --resume && "
                                 "cmp $DIR/heads/checkpoint-0000000012.safetensors "
                                 "$DIR/stopped/checkpoint-0000000012.safetensors"),
                     0);
    assert_int_equal(program_run(program_folder,
                                 HEADS "36 -o $DIR/few --features-batch 2 && " HEADS
                                       "36 -o $DIR/still --features-shift 0 && " HEADS
                                       "36 -o $DIR/dim --features-blur 1 && for run in few still dim; do ! cmp -s "
                                       "$DIR/$run/checkpoint-0000000006.safetensors "
                                       "$DIR/heads/checkpoint-0000000006.safetensors || exit 1; done"),
                     0);
    /* Those on MobileNetV2's features have a start of their own and change nothing of the others'. */
    if (idem_models_find(path, sizeof path, NULL, "mobilenet_v2.shard1.min.js")) {
        print_message("skip: %s\n", idem_error());
        skip();
    }
    assert_int_equal(program_run(program_folder,
                                 HEADS "48 -o $DIR/both --features-mobilenet 1 && rm -r $DIR/stopped && "
                                       "cp -r $DIR/both $DIR/stopped && "
                                       "rm $DIR/stopped/checkpoint-0000000012.safetensors && " HEADS
                                       "48 -o $DIR/stopped --features-mobilenet 1 --resume && "
                                       "cmp $DIR/both/checkpoint-0000000012.safetensors "
                                       "$DIR/stopped/checkpoint-0000000012.safetensors"),
                     0);
    /* Before G learns; two coins tossed would be at 2 ln 2. */
    assert_int_equal(program_run(program_folder,
                                 "for run in heads few still; do grep '\"iteration\": 9,' $DIR/$run/metrics.jsonl | "
                                 "grep -q '\"heads_loss\": \\(0\\.\\|1\\.[01]\\)' || exit 1; done"),
                     0);
    /* Without a discriminator of pictures the heads start alike and its weights stay as they were. */
    assert_int_equal(
        program_run(program_folder,
                    HEADS "48 -o $DIR/only --d-weight 0 && cp -r $DIR/only $DIR/only2 && rm "
                          "$DIR/only2/checkpoint-0000000012.safetensors && " HEADS
                          "48 -o $DIR/only2 --d-weight 0 --resume && cmp $DIR/only/checkpoint-0000000012.safetensors "
                          "$DIR/only2/checkpoint-0000000012.safetensors && for run in heads only; do grep "
                          "'\"iteration\": 1,' $DIR/$run/metrics.jsonl | grep -o '\"heads_loss\": [0-9.]*' "
                          ">$DIR/$run.first; done; cmp $DIR/heads.first $DIR/only.first && test -s "
                          "$DIR/only.first && ! grep -q '\"sign\": [0-9-]' $DIR/only/metrics.jsonl"),
        0);
    snprintf(path, sizeof path, "%s/only/checkpoint-0000000006.safetensors", program_folder);
    idem_weights *w[2];
    assert_int_equal(idem_weights_load(&w[0], path), 0);
    snprintf(path, sizeof path, "%s/only/checkpoint-0000000012.safetensors", program_folder);
    assert_int_equal(idem_weights_load(&w[1], path), 0);
    int same = 0, other = 0;
    for (size_t i = 0; i < idem_weights_count(w[0]); i++) {
        const idem_weight *a = idem_weights_at(w[0], i), *b = idem_weights_find(w[1], a->name);
        const size_t size = (size_t)idem_shape_count(&a->shape) * sizeof *a->data;
        assert_non_null(b);
        if (!strncmp(a->name, "d.", 2))
            same += !memcmp(a->data, b->data, size);
        else if (!strncmp(a->name, "heads.", 6) || !strncmp(a->name, "g.", 2))
            other += memcmp(a->data, b->data, size) != 0;
    }
    assert_true(same > 10 && other > 20);
    idem_weights_free(w[0]);
    idem_weights_free(w[1]);
    assert_int_equal(program_run(program_folder, HEADS "4 -o $DIR/nobody --d-weight 0 --features 0"), 1);
    assert_true(program_says("--d-weight is 0, and --features and --features-mobilenet too"));
#undef HEADS
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_blur_is_a_gaussian),
                                       cmocka_unit_test(heads_learn_and_resume)};
    return cmocka_run_group_tests(tests, greys_enter, program_leave);
}
