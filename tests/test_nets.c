/* Networks against independent implementations: every folder of tests/fixtures, and what the fixtures do not show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "support/fixture.h"

static void run_folder(void **state) {
    const char *name = *state, *models = getenv("IDEM_MODELS");
    char dir[256];
    bool missing = false;
    snprintf(dir, sizeof dir, IDEM_SOURCE_DIR "/tests/fixtures/%s", name);
    const int status = fixture_run(dir, models ? models : IDEM_SOURCE_DIR "/models/cache", 0, stdout, &missing);
    if (missing) {
        printf("skip: %s\n", idem_error());
        skip();
    }
    if (status < 0)
        printf("%s: %s\n", dir, idem_error());
    assert_int_equal(status, 0);
}

#define FOLDER(name)                                                                                                   \
    { "fixture " name, run_folder, NULL, NULL, name }

int main(void) {
    const struct CMUnitTest tests[] = {
        FOLDER("stylegan2-tiny-64"),    FOLDER("stylegan2-ada-tiny-64"), FOLDER("onnx"),   FOLDER("judge"),
        FOLDER("torchvision-resnet18"), FOLDER("resnet18-train"),        FOLDER("losses"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
