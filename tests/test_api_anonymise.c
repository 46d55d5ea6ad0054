/* Anonymising through include/idem.h: pictures in memory, and what the functions refuse. (Files: test_anonymise.c,
 * whose program uses nothing else.) */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "idem.h"
#include "media/image.h"
#include "support/photographs.h"

enum { WIDTH = 480, HEIGHT = 400 };

static idem_context *context;

static int set_up(void **state) {
    (void)state;
    char generator[4096], mapper[4096];
    idem_options o;
    idem_options_default(&o);
    o.models = photograph_models();
    o.batch = 4; /* is set to 1 */
    o.threads = 1;
    o.pose = 1;
    if (idem_find_shipped(IDEM_SHIPPED_GENERATOR, generator, sizeof generator) ||
        idem_find_shipped(IDEM_SHIPPED_MAPPER, mapper, sizeof mapper))
        return -1;
    o.generator = generator;
    o.mapper = mapper;
    context = idem_open(&o); /* NULL without the fetched networks: the tests are skipped */
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    idem_close(context);
    return 0;
}

static idem_anonymising quickly(void) {
    idem_anonymising how;
    idem_anonymising_default(&how);
    assert_true(how.refine == 25 && how.min_face == 24 && !how.wants_similarity);
    how.refine = 3;
    return how;
}

static void a_face_in_memory_becomes_nobody(void **state) {
    (void)state;
    photograph_need_models();
    const idem_anonymising how = quickly();
    idem_image was = photograph("identities/3.png", WIDTH, HEIGHT, 220, 190, 240, 0, NULL);
    idem_image im = photograph("identities/3.png", WIDTH, HEIGHT, 220, 190, 240, 0, NULL);
    idem_anonymiser *a = idem_open_anonymiser(context, &how);
    assert_non_null(a);
    idem_anonymised face;
    assert_int_equal(idem_anonymise_pixels(a, im.rgb, WIDTH, HEIGHT, &face, 1), 1);
    assert_int_equal(face.done, IDEM_FACE_IS_NEW);
    assert_int_equal(face.person, 0);
    assert_true(face.recogniser < 0.342f && face.judge < 0.929f);
    assert_true(face.box[0] > 100 && face.box[2] < 340);
    double inside = 0;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            const size_t at = 3 * ((size_t)y * WIDTH + (size_t)x);
            if (x < 90 || x >= 350 || y < 60 || y >= 320)
                assert_memory_equal(im.rgb + at, was.rgb + at, 3);
            else
                inside += abs((int)im.rgb[at] - (int)was.rgb[at]);
        }
    assert_true(inside > 100000);
    /* One of those to be left alone is. */
    assert_int_equal(idem_leave_alone(a, was.rgb, WIDTH, HEIGHT), 1);
    memcpy(im.rgb, was.rgb, (size_t)WIDTH * HEIGHT * 3);
    assert_int_equal(idem_anonymise_pixels(a, im.rgb, WIDTH, HEIGHT, &face, 1), 1);
    assert_int_equal(face.done, IDEM_FACE_IS_EXEMPT);
    assert_memory_equal(im.rgb, was.rgb, (size_t)WIDTH * HEIGHT * 3);
    /* Nobody is no error. */
    memset(im.rgb, 90, (size_t)WIDTH * HEIGHT * 3);
    assert_int_equal(idem_anonymise_pixels(a, im.rgb, WIDTH, HEIGHT, NULL, 0), 0);
    idem_close_anonymiser(a);
    idem_image_free(&im);
    idem_image_free(&was);
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    photograph_need_models();
    idem_anonymising how = quickly();
    uint8_t rgb[3] = {0};
    assert_null(idem_open_anonymiser(NULL, &how));
    assert_null(idem_open_anonymiser(context, NULL));
    how.unsure = 0.1f;
    assert_null(idem_open_anonymiser(context, &how));
    assert_non_null(strstr(idem_last_error(), "out of its range"));
    how = quickly();
    how.struct_size = 3;
    assert_null(idem_open_anonymiser(context, &how));
    how = quickly();
    how.wants_similarity = 1;
    how.similarity = NAN;
    assert_null(idem_open_anonymiser(context, &how));
    assert_int_equal(idem_anonymise_pixels(NULL, rgb, 1, 1, NULL, 0), -1);
    idem_close_anonymiser(NULL);
    how = quickly();
    unsigned char *report;
    idem_anonymise_job job = {.struct_size = sizeof job};
    assert_int_equal(idem_anonymise_files(context, &how, &job, &report), -1);
    assert_non_null(strstr(idem_last_error(), "no input"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_face_in_memory_becomes_nobody),
        cmocka_unit_test(wrong_arguments_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
