/* A machine with lesser instructions gives the same results but for rounding: every network of the program, held to
 * each set in turn. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "engine/isa.h"
#include "format/weights.h"
#include "media/image.h"
#include "support/photographs.h"
#include "support/pictures.h"
#include "support/program.h"
#include "support/tiny.h"

static const char *dir; /* NULL: models are missing, tests are skipped */

#define RUN(...) program_run(dir, __VA_ARGS__)

static int set_up(void **state) {
    (void)state;
    return tiny_make(&dir);
}

static float *load(const char *set, const char *name, size_t *count) {
    char path[64];
    snprintf(path, sizeof path, "%s/%s", set, name);
    char *full = idem_path_join(dir, path);
    idem_shape shape;
    float *values;
    assert_int_equal(idem_npy_load(full, &shape, &values), 0);
    *count = (size_t)idem_shape_count(&shape);
    free(full);
    return values;
}

/* Codes of photographs: found, aligned, through the recogniser and the encoder of attributes. */
static void compare_codes(const char *set, const char *name) {
    size_t n, m;
    float *want = load("codes-widest", name, &n), *got = load(set, name, &m);
    double worst = 0, scale = 0;
    assert_true(n == m && n >= 2 * 16);
    for (size_t i = 0; i < n; i++) {
        worst = fmax(worst, fabs((double)got[i] - (double)want[i]));
        scale = fmax(scale, fabs((double)want[i]));
    }
    print_message("%s/%s: differs by %.1e, values up to %.2g\n", set, name, worst, scale);
    assert_true(worst <= 1e-4 * fmax(1, scale));
    free(want);
    free(got);
}

/* In bytes: by one step of 255 where a value lies between two. */
static void compare_pictures(const char *set) {
    char name[64];
    idem_image want, got;
    snprintf(name, sizeof name, "made-%s.png", set);
    picture_load(&want, dir, "made-widest.png");
    picture_load(&got, dir, name);
    assert_int_equal(got.width, want.width);
    int steps = 0;
    for (int i = 0; i < want.width * want.height * 3; i++) {
        int off = abs(got.rgb[i] - want.rgb[i]);
        assert_true(off <= 1);
        steps += off;
    }
    assert_true(steps <= want.width * want.height * 3 / 100);
    idem_image_free(&want);
    idem_image_free(&got);
}

static void run(const char *limit, const char *name) {
    assert_int_equal(
        RUN("cd $DIR && export IDEM_MODELS='%s' %s && $IDEM encode --threads 1 -q -g generator.safetensors -m "
            "mapper.safetensors one.png two.png -o codes-%s && $IDEM compose --refine 0 --threads 1 -q -g "
            "generator.safetensors "
            "-m mapper.safetensors -i one.png -a two.png -o made-%s.png",
            photograph_models(), limit, name, name),
        0);
}

static void lesser_instructions_agree(void **state) {
    (void)state;
    tiny_need(dir);
    photograph_need_models();
    photograph_save(dir, "one.png", "identities/1.png", 300);
    photograph_save(dir, "two.png", "attributes/b.png", 200);
    run("IDEM_MAX_ISA=", "widest");
    for (idem_isa isa = IDEM_ISA_PLAIN; isa < idem_isa_has(); isa++) {
        char limit[64], codes[64];
        snprintf(limit, sizeof limit, "IDEM_MAX_ISA=%s", idem_isa_name(isa));
        run(limit, idem_isa_name(isa));
        snprintf(codes, sizeof codes, "codes-%s", idem_isa_name(isa));
        compare_codes(codes, "identity.npy");
        compare_codes(codes, "attributes.npy");
        compare_pictures(idem_isa_name(isa));
    }
}

/* That the above did compare something: sums in another order are not the same to the last bit. */
static void the_limit_changes_what_runs(void **state) {
    (void)state;
    tiny_need(dir);
    photograph_need_models();
    if (idem_isa_has() == IDEM_ISA_PLAIN) {
        print_message("skip: the processor has the least of all already\n");
        skip();
    }
    assert_int_equal(RUN("cmp -s $DIR/codes-plain/identity.npy $DIR/codes-widest/identity.npy"), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lesser_instructions_agree),
        cmocka_unit_test(the_limit_changes_what_runs),
    };
    return cmocka_run_group_tests(tests, set_up, tiny_leave);
}
