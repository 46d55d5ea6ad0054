/* Commands refuse, before any work, to write over what they read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/program.h"

#define RUN(...) program_run(program_folder, __VA_ARGS__)

/* Run in a folder of in/{1,2}.png, pose/{1,2}.png, jpg/1.jpg, way/{000,strip}.png, done/1--2.png,
 * new/generator.safetensors, g.safetensors, mapper.safetensors and link.png -> in/1.png. No model can be found there,
 * so that what is not refused exits 1. */
static const char *const refused[] = {
    "align in -o in",
    "align in -o ./pose/../in",
    "align jpg/1.jpg in/2.png -o in/",
    "align link.png -o .",
    "align link.png -o in",
    "compose -i in/1.png -a pose/1.png -o in/1.png",
    "compose -i in/1.png -a pose/1.png -o ./in/../pose/1.png",
    "compose --pairs -i in -a pose -o in",
    "compose --pairs -i in -a pose -o pose/",
    "compose -i in -a done -o done",
    "interpolate -i in/1.png in/2.png -a pose/1.png -o in/2.png",
    "interpolate -i in/1.png in/2.png -a pose/1.png -o ./pose/1.png",
    "interpolate -i in/1.png in/2.png -a way/000.png -o way",
    "interpolate -i in/1.png way/strip.png -a in/2.png -o way",
    "model convert g.safetensors g.safetensors",
    "model convert g.safetensors ./in/../g.safetensors --half",
    "evaluate -g g.safetensors -o in/../g.safetensors",
    "train -g g.safetensors -m mapper.safetensors -o in/..",
    "train-generator -d in --start new/generator.safetensors -o ./new",
    "sample -g g.safetensors -o run --sheet ./g.safetensors",
};
static const char *const allowed[] = {
    "align jpg -o jpg",
    "align in -o pose",
    "compose -i in/1.png -a pose/1.png -o in",
    "compose -i in/1.png -a pose/1.png -o in/3.png",
    "compose --pairs -i in -a pose -o done",
    "interpolate -i in/1.png in/2.png -a pose/1.png -o in",
    "train -g g.safetensors -m mapper.safetensors -o run",
    "train-generator -d in --start new/generator.safetensors -o run",
};

static void inputs_stay_as_they_are(void **state) {
    (void)state;
    assert_int_equal(
        RUN("cd $DIR && mkdir in pose jpg way done new && cd '%s' && cp samples/identities/[12].png $DIR/in && "
            "cd $DIR && cp in/* pose && cp in/1.png jpg/1.jpg && cp in/1.png way/000.png && "
            "cp in/1.png way/strip.png && cp in/1.png done/1--2.png && ln -s in/1.png link.png && "
            "cp '%s/tests/fixtures/generator-64.safetensors' g.safetensors && cp g.safetensors mapper.safetensors && "
            "cp "
            "g.safetensors new/generator.safetensors && "
            "find . -name '*.*' -type f -exec sha256sum {} + > sums",
            IDEM_SOURCE_DIR, IDEM_SOURCE_DIR),
        0);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        program_expect(RUN("cd $DIR && IDEM_MODELS=none $IDEM %s", refused[i]), 2);
        assert_true(program_says("overwritten; give another "));
    }
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        program_expect(RUN("cd $DIR && IDEM_MODELS=none $IDEM %s -q", allowed[i]), 1);
        assert_true(!strstr(program_output, "overwritten"));
    }
    assert_int_equal(RUN("cd $DIR && sha256sum --quiet -c sums && ! test -e run/dataset_64"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(inputs_stay_as_they_are)};
    return cmocka_run_group_tests(tests, program_enter, program_leave);
}
