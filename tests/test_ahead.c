/* Reading ahead: pictures in the order of their list, errors with their own file, ends that are early. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/status.h"
#include "media/ahead.h"
#include "support/pictures.h"
#include "support/tiny.h"

enum { N = 9, BAD = 4 };

static const char *dir;
static char *paths[N];

static int set_up(void **state) {
    (void)state;
    if (!(dir = tiny_folder()))
        return -1;
    for (int i = 0; i < N; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.png", i);
        paths[i] = idem_path_join(dir, name);
        if (i != BAD)
            picture_black(dir, name, 10 + i, 20);
    }
    return idem_file_write(paths[BAD], "no picture at all", 17);
}

static int tear_down(void **state) {
    (void)state;
    for (int i = 0; i < N; i++)
        free(paths[i]);
    tiny_remove(dir);
    return 0;
}

static void pictures_come_in_order_and_errors_with_their_file(void **state) {
    (void)state;
    idem_ahead *a = idem_ahead_new((const char *const *)paths, N, 0);
    assert_non_null(a);
    for (int i = 0; i < N; i++) {
        idem_image im;
        int width = 0, height = 0, status = idem_ahead_next(a, &im, &width, &height);
        assert_int_equal(status, i == BAD ? -1 : 0);
        if (i == BAD) {
            assert_null(im.rgb);
            assert_non_null(strstr(idem_error(), paths[BAD]));
            assert_non_null(strstr(idem_error(), "expected a PNG, JPEG, WebP, HEIC or AVIF file"));
        } else {
            assert_true(im.width == 10 + i && width == im.width && height == 20);
        }
        idem_image_free(&im);
    }
    idem_image im;
    int width, height;
    assert_int_equal(idem_ahead_next(a, &im, &width, &height), -1);
    assert_int_equal(idem_ahead_next(a, &im, &width, &height), -1);
    idem_ahead_free(a);
}

/* Whatever waits is freed (the sanitizers see to that), and an end never hangs. */
static void it_may_end_early(void **state) {
    (void)state;
    for (int taken = 0; taken < N; taken++) {
        idem_ahead *a = idem_ahead_new((const char *const *)paths, N, 0);
        assert_non_null(a);
        for (int i = 0; i < taken; i++) {
            idem_image im;
            int width, height;
            (void)idem_ahead_next(a, &im, &width, &height);
            idem_image_free(&im);
        }
        idem_ahead_free(a);
    }
    idem_ahead *none = idem_ahead_new(NULL, 0, 0);
    assert_non_null(none);
    idem_ahead_free(none);
    idem_ahead_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_come_in_order_and_errors_with_their_file),
        cmocka_unit_test(it_may_end_early),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
