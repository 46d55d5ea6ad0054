/* Files of models through the public header: the list of those that can be fetched, what a file holds, other formats.
 */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "idem.h"
#include "support/program.h"
#include "support/tiny.h"

/* SHA-256 of "abc" (FIPS 180-2). */
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static const char *dir;

#define RUN(...) program_run(dir, __VA_ARGS__)

static int set_up(void **state) {
    (void)state;
    dir = strdup(tiny_folder());
    return !dir;
}

static int tear_down(void **state) {
    (void)state;
    tiny_remove(dir);
    free((char *)dir);
    return 0;
}

static const char *in_folder(const char *name) {
    static char paths[8][512];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

static void refused(int status, const char *why) {
    assert_int_equal(status, -1);
    if (!strstr(idem_last_error(), why))
        print_message("expected \"%s\", found \"%s\"\n", why, idem_last_error());
    assert_non_null(strstr(idem_last_error(), why));
    assert_int_equal(idem_error_kind(), IDEM_ERROR_INPUT);
}

/* ---- the list ---- */

static void the_list_says_what_is_here(void **state) {
    (void)state;
    program_file(
        dir, "list.json",
        "{\"models\": [{\"name\": \"two\", \"what\": \"w\", \"licence\": \"l\", \"contract\": \"c\", \"files\": "
        "[{\"file\": \"a\", \"bytes\": 3, \"sha256\": \"" ABC "\", \"url\": \"https://a/b\"},"
        "{\"file\": \"b\", \"bytes\": 3, \"sha256\": \"" ABC "\", \"url\": \"file:///b\"}]}]}",
        false);
    idem_model_list *list = idem_read_model_list(in_folder("list.json"));
    assert_true(list && list->models == 1);
    const idem_listed_model *m = &list->model[0];
    assert_string_equal(m->name, "two");
    assert_true(m->files == 2 && m->file[1].bytes == 3 && !m->package && !m->file[0].member);
    assert_string_equal(m->file[0].url, "https://a/b");
    int state_of = -1;
    assert_int_equal(idem_check_listed_model(m, dir, &state_of), 0);
    assert_int_equal(state_of, IDEM_LISTED_ABSENT);
    program_file(dir, "a", "abc", false);
    program_file(dir, "b", "abd", false);
    assert_int_equal(idem_check_listed_file(&m->file[0], dir, &state_of), 0);
    assert_int_equal(state_of, IDEM_LISTED_OK);
    assert_int_equal(idem_check_listed_model(m, dir, &state_of), 0);
    assert_int_equal(state_of, IDEM_LISTED_WRONG);
    program_file(dir, "b", "abc", false);
    assert_int_equal(idem_check_listed_model(m, dir, &state_of), 0);
    assert_int_equal(state_of, IDEM_LISTED_OK);
    refused(idem_check_listed_model(m, NULL, &state_of), "NULL");
    refused(idem_check_listed_file(NULL, dir, &state_of), "NULL");
    idem_free_model_list(list);
    program_file(dir, "list.json", "{\"models\": 3}", false);
    assert_null(idem_read_model_list(in_folder("list.json")));
    assert_non_null(strstr(idem_last_error(), "has no list \"models\""));
    assert_null(idem_read_model_list("/nowhere"));
    idem_free_model_list(NULL);
}

static void idem_has_a_list(void **state) {
    (void)state;
    idem_model_list *list = idem_read_model_list(NULL);
    assert_true(list && list->models >= 5);
    bool judge = false;
    for (int i = 0; i < list->models; i++)
        judge = judge || !strcmp(list->model[i].name, "judge");
    assert_true(judge);
    idem_free_model_list(list);
}

static void models_have_a_folder(void **state) {
    (void)state;
    char path[512];
    assert_int_equal(idem_find_models("/some/where", path, sizeof path), 0);
    assert_string_equal(path, "/some/where");
    assert_int_equal(idem_find_models("/some/where", path, 5), -1);
    refused(idem_find_models(NULL, NULL, 0), "path is NULL");
    assert_int_equal(idem_find_shipped(IDEM_SHIPPED_GENERATOR, path, sizeof path), 0);
    assert_non_null(strstr(path, "models/" IDEM_SHIPPED_GENERATOR));
    assert_int_equal(idem_find_shipped("nobody.safetensors", path, sizeof path), -1);
    assert_int_equal(idem_error_kind(), IDEM_ERROR_MISSING);
}

/* ---- what a file holds ---- */

/* Safetensors with two tensors and a text. */
static void write_weights(const char *name) {
    static const char header[] = "{\"__metadata__\":{\"kind\":\"test\"},"
                                 "\"b\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
                                 "\"a\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[24,32]}}  ";
    const uint64_t size = sizeof header - 1;
    const char zeros[32] = {0};
    FILE *f = fopen(in_folder(name), "wb");
    assert_non_null(f);
    assert_true(fwrite(&size, 8, 1, f) == 1 && fwrite(header, size, 1, f) == 1 && fwrite(zeros, 32, 1, f) == 1);
    assert_int_equal(fclose(f), 0);
}

static void contents_are_told(void **state) {
    (void)state;
    write_weights("w.safetensors");
    idem_contents *c = idem_inspect(in_folder("w.safetensors"));
    assert_non_null(c);
    assert_string_equal(c->format, "safetensors");
    assert_true(c->tensors == 2 && c->numbers == 10 && !c->known && !c->is_onnx && c->networks == 0);
    assert_string_equal(c->tensor[0].name, "b");
    assert_string_equal(c->tensor[1].dtype, "float16");
    assert_true(c->tensor[0].rank == 2 && c->tensor[0].shape[0] == 2 && c->tensor[0].shape[1] == 3);
    assert_int_equal(c->metadata_count, 1);
    assert_string_equal(c->metadata[0].value, "test");
    char command[128];
    snprintf(command, sizeof command, "echo '%s  w.safetensors' | (cd $DIR && sha256sum -c --quiet)", c->sha256);
    program_expect(RUN("%s", command), 0);
    idem_free_contents(c);

    char path[512];
    assert_int_equal(idem_find_shipped(IDEM_SHIPPED_GENERATOR, path, sizeof path), 0);
    assert_non_null(c = idem_inspect(path));
    assert_true(c->networks == 1 && c->network[0].fits && c->bytes > 3000000);
    assert_string_equal(c->network[0].name, "StyleGAN2 generator");
    assert_non_null(strstr(c->network[0].about, "128"));
    idem_free_contents(c);

    assert_null(idem_inspect("/nowhere"));
    assert_non_null(strstr(idem_last_error(), "/nowhere: cannot open"));
    program_file(dir, "text", "no weights", false);
    assert_null(idem_inspect(in_folder("text")));
    assert_non_null(strstr(idem_last_error(), "looks like a text file"));
    assert_null(idem_inspect(NULL));
    idem_free_contents(NULL);
}

static void onnx_models_are_told(void **state) {
    (void)state;
    if (!tiny_has_models())
        skip();
    char path[600], folder[512];
    assert_int_equal(idem_find_models(NULL, folder, sizeof folder), 0);
    snprintf(path, sizeof path, "%s/fr_landmark.onnx", folder);
    idem_contents *c = idem_inspect(path);
    assert_true(c && c->is_onnx && c->inputs == 1 && c->outputs == 1 && c->opset > 0 && c->metadata_count == 0);
    assert_non_null(strstr(c->known, "landmark: "));
    assert_true(c->input[0].rank == 4 && c->input[0].shape[3] == 64);
    int64_t convolutions = 0;
    for (size_t i = 0; i < c->ops; i++)
        if (!strcmp(c->op[i].name, "Conv")) {
            assert_int_equal(convolutions, 0); /* one row for each */
            convolutions = c->op[i].nodes;
        }
    assert_true(convolutions > 1);
    idem_free_contents(c);
}

/* ---- other formats ---- */

static void formats_go_there_and_back(void **state) {
    (void)state;
    write_weights("w.safetensors");
    size_t tensors = 0;
    assert_int_equal(idem_convert(NULL, in_folder("w.safetensors"), in_folder("w.pt"), &tensors), 0);
    assert_int_equal(tensors, 2);
    idem_convert_options o;
    idem_convert_options_default(&o);
    assert_true(o.spread == 1 && !o.half);
    o.half = 1;
    o.licence = "mine";
    o.origin = "made";
    assert_int_equal(idem_convert(&o, in_folder("w.pt"), in_folder("again.safetensors"), NULL), 0);
    idem_contents *c = idem_inspect(in_folder("again.safetensors"));
    assert_true(c && c->tensors == 2 && c->numbers == 10);
    assert_string_equal(c->tensor[0].dtype, "float16");
    int found = 0;
    for (size_t i = 0; i < c->metadata_count; i++)
        found += !strcmp(c->metadata[i].value, "mine") || !strcmp(c->metadata[i].value, "made");
    assert_int_equal(found, 2);
    idem_free_contents(c);
}

static void what_cannot_be_converted_is_refused(void **state) {
    (void)state;
    assert_int_equal(idem_weights_format("a.safetensors"), IDEM_WEIGHTS_SAFETENSORS);
    assert_int_equal(idem_weights_format("a.pth"), IDEM_WEIGHTS_TORCH);
    assert_int_equal(idem_weights_format("a.pkl"), IDEM_WEIGHTS_UNKNOWN);
    write_weights("w.safetensors");
    const char *from = in_folder("w.safetensors");
    idem_convert_options o = {0};
    refused(idem_convert(&o, from, "a.pt", NULL), "idem_convert_options_default");
    idem_convert_options_default(&o);
    refused(idem_convert(&o, from, in_folder("a.txt"), NULL), "must end in .safetensors");
    refused(idem_convert(&o, NULL, "a.pt", NULL), "from is NULL");
    o.licence = "l";
    refused(idem_convert(&o, from, in_folder("a.pt"), NULL), "cannot store them");
    o.licence = NULL;
    o.spread = 0;
    refused(idem_convert(&o, from, in_folder("a.pt"), NULL), "spread is 0");
    o.spread = 1.5;
    refused(idem_convert(&o, from, in_folder("a.safetensors"), NULL), "contains no StyleGAN2 generator");
}

/* examples/models.c */
static void the_example_runs(void **state) {
    (void)state;
    write_weights("w.safetensors");
    program_expect(RUN("${IDEM%%/*}/examples/example_models $DIR/w.safetensors $DIR/x.pt"), 0);
    assert_true(program_says("rank 2 float32 [2, 3]") && program_says("x.pt: 2 tensors"));
    program_expect(RUN("IDEM_MODELS=$DIR/none ${IDEM%%/*}/examples/example_models"), 0);
    assert_true(program_says("judge        absent"));
    program_expect(RUN("${IDEM%%/*}/examples/example_models /nowhere"), 1);
    program_expect(RUN("${IDEM%%/*}/examples/example_models a b c"), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_list_says_what_is_here),
                                       cmocka_unit_test(idem_has_a_list),
                                       cmocka_unit_test(models_have_a_folder),
                                       cmocka_unit_test(contents_are_told),
                                       cmocka_unit_test(onnx_models_are_told),
                                       cmocka_unit_test(formats_go_there_and_back),
                                       cmocka_unit_test(what_cannot_be_converted_is_refused),
                                       cmocka_unit_test(the_example_runs)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
