/* Anonymising through include/idem.h: pictures in memory, and what the functions refuse. (Files: test_anonymise.c,
 * whose program uses nothing else.) */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/file.h"
#include "idem.h"
#include "media/image.h"
#include "support/photographs.h"
#include "support/program.h"

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

static json_t *entry_of(const unsigned char *report) {
    json_t *root = json_loads((const char *)report, 0, NULL);
    json_t *entry = json_incref(json_array_get(json_object_get(root, "pictures"), 0));
    assert_non_null(entry);
    json_object_del(entry, "picture");
    json_decref(root);
    return entry;
}

static int calls;
static void count_calls(void *user, int done, int of) {
    (void)user;
    calls++;
    assert_true(done == calls && of == 1);
}

/* A JPEG in memory becomes the file and the report that the same seed makes of it on disk. */
static void the_bytes_of_a_file_become_what_the_command_writes(void **state) {
    (void)state;
    photograph_need_models();
    const idem_anonymising how = quickly();
    char from[200], to[200], made[240];
    snprintf(from, sizeof from, "%s/in.jpg", program_folder);
    snprintf(to, sizeof to, "%s/out", program_folder);
    snprintf(made, sizeof made, "%s/in.jpg", to);
    idem_image im = photograph("identities/3.png", WIDTH, HEIGHT, 220, 190, 240, 0, NULL);
    assert_int_equal(idem_write_view(context, from, &(idem_view){im.rgb, WIDTH, HEIGHT}, NULL), 0);
    idem_image_free(&im);
    const char *const inputs[] = {from};
    idem_anonymise_job job;
    idem_anonymise_job_default(&job);
    job.inputs = inputs;
    job.n_inputs = 1;
    job.output = to;
    job.is_test = 1;
    job.test_seed = 7;
    unsigned char *report, *in, *out, *file, *own;
    size_t in_size, out_size, file_size;
    idem_set_progress(context, count_calls, NULL);
    calls = 0;
    assert_int_equal(idem_anonymise_files(context, &how, &job, &report), 0);
    assert_int_equal(calls, 1); /* of files; faces are not counted among them */
    assert_int_equal(idem_file_read(from, 1 << 20, &in, &in_size), 0);
    assert_int_equal(idem_file_read(made, 1 << 20, &file, &file_size), 0);
    idem_anonymiser *a = idem_open_test_anonymiser(context, &how, 7);
    assert_non_null(a);
    idem_set_progress(context, count_calls, NULL);
    calls = 0;
    assert_int_equal(idem_anonymise_bytes(a, in, in_size, &out, &out_size, &own), 0);
    idem_set_progress(context, NULL, NULL);
    assert_int_equal(calls, 1);
    assert_int_equal(out_size, file_size);
    assert_memory_equal(out, file, file_size);
    json_t *p = entry_of(report), *q = entry_of(own);
    assert_true(json_equal(p, q));
    assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(q, "faces"), 0), "done")),
                        "recomposed");
    json_decref(p);
    json_decref(q);
    idem_free_bytes(own);
    idem_free_bytes(report);
    idem_free_bytes(out);
    /* Another seed, another face; what is no picture is refused. */
    idem_close_anonymiser(a);
    a = idem_open_test_anonymiser(context, &how, 8);
    assert_int_equal(idem_anonymise_bytes(a, in, in_size, &out, &out_size, &own), 0);
    assert_true(out_size != file_size || memcmp(out, file, file_size));
    idem_free_bytes(own);
    idem_free_bytes(out);
    assert_int_equal(idem_anonymise_bytes(a, (const unsigned char *)"text", 4, &out, &out_size, &own), -1);
    assert_int_equal(idem_error_kind(), IDEM_ERROR_INPUT);
    assert_true(!out && !own);
    idem_close_anonymiser(a);
    free(in);
    free(file);
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

/* examples/anonymise.c: its report is on standard output. */
static void the_example_makes_a_face_of_nobody(void **state) {
    (void)state;
    photograph_need_models();
    photograph_save(program_folder, "who.png", "identities/3.png", 240);
    program_expect(program_run(program_folder,
                               "cd $DIR && export IDEM_MODELS='%s' OMP_NUM_THREADS=1 && "
                               "${IDEM%%/*}/examples/example_anonymise '" IDEM_SOURCE_DIR
                               "/models/generator-128.safetensors' '" IDEM_SOURCE_DIR
                               "/models/mapper-128.safetensors' who.png out",
                               photograph_models()),
                   0);
    json_t *report = json_loads(program_output, 0, NULL), *summary = json_object_get(report, "summary");
    assert_int_equal(json_integer_value(json_object_get(summary, "pictures")), 1);
    assert_int_equal(json_integer_value(json_object_get(summary, "recomposed")), 1);
    json_decref(report);
    program_expect(program_run(program_folder, "test -s $DIR/out/who.png && ! cmp -s $DIR/who.png $DIR/out/who.png"),
                   0);
    program_expect(program_run(program_folder, "${IDEM%%/*}/examples/example_anonymise"), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_face_in_memory_becomes_nobody),
        cmocka_unit_test_setup_teardown(the_bytes_of_a_file_become_what_the_command_writes, program_enter,
                                        program_leave),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test_setup_teardown(the_example_makes_a_face_of_nobody, program_enter, program_leave),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
