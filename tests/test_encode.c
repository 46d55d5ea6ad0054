/* idem encode from outside: the codes it writes are those of the public library, row by row as its list says, for the
 * owner's eyes only, and there is nothing when there is nothing to write. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/file.h"
#include "format/npy_rows.h"
#include "format/weights.h"
#include "idem.h"
#include "support/photographs.h"
#include "support/pictures.h"
#include "support/program.h"
#include "support/tiny.h"

static const char *dir; /* NULL: models are missing, tests are skipped */

#define RUN(...) program_run(dir, __VA_ARGS__)
#define ENCODE "$IDEM encode --threads 1 -g $DIR/generator.safetensors -m $DIR/mapper.safetensors "

static int set_up(void **state) {
    (void)state;
    if (tiny_make(&dir))
        return -1;
    return dir ? RUN("mkdir $DIR/in && cp '%s'/samples/identities/[123].png $DIR/in", IDEM_SOURCE_DIR) : 0;
}

static char *in_dir(const char *name) {
    char *path = idem_path_join(dir, name);
    assert_non_null(path);
    return path;
}

static idem_context *open_library(void) {
    char *generator = in_dir("generator.safetensors"), *mapper = in_dir("mapper.safetensors");
    idem_options o;
    idem_options_default(&o);
    o.generator = generator;
    o.mapper = mapper;
    o.batch = 1;
    o.threads = 1;
    idem_context *c = idem_open(&o);
    assert_non_null(c);
    free(generator);
    free(mapper);
    return c;
}

/* Row `row` of `rows` in both files is what the library says of the picture. */
static void assert_row(idem_context *c, const char *folder, int rows, int row, const uint8_t *rgb) {
    idem_info info = {.struct_size = sizeof info};
    assert_int_equal(idem_get_info(c, &info), 0);
    for (int kind = 0; kind < 2; kind++) {
        char name[64];
        snprintf(name, sizeof name, "%s/%s.npy", folder, kind ? "attributes" : "identity");
        char *path = in_dir(name);
        idem_shape shape;
        float *all, *want;
        assert_int_equal(idem_npy_load(path, &shape, &all), 0);
        int width = kind ? info.attribute_dim : info.identity_dim;
        assert_true(shape.rank == 2 && shape.d[0] == rows && shape.d[1] == width);
        want = malloc((size_t)width * sizeof *want);
        assert_non_null(want);
        assert_int_equal(kind ? idem_encode_attributes(c, rgb, 1, want) : idem_encode_identity(c, rgb, 1, want), 0);
        assert_memory_equal(all + (size_t)row * (size_t)width, want, (size_t)width * sizeof *want);
        free(want);
        free(all);
        free(path);
    }
}

static json_t *load_list(const char *name, int rows) {
    char *path = in_dir(name);
    json_t *root = json_load_file(path, 0, NULL);
    free(path);
    assert_non_null(root);
    assert_int_equal(json_array_size(json_object_get(root, "rows")), rows);
    return root;
}

static void codes_are_those_of_the_library(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(RUN(ENCODE "-q --input aligned --batch 1 $DIR/in -o $DIR/out"), 0);
    assert_string_equal(program_output, "");
    idem_context *c = open_library();
    static uint8_t rgb[64 * 64 * 3];
    for (int i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "in/%d.png", i + 1);
        char *path = in_dir(name);
        assert_int_equal(idem_read_picture(c, path, rgb), 0);
        assert_row(c, "out", 3, i, rgb);
        json_t *root = load_list("out/list.json", 3), *row = json_array_get(json_object_get(root, "rows"), (size_t)i);
        assert_string_equal(json_string_value(json_object_get(row, "file")), path);
        assert_string_equal(json_string_value(json_object_get(root, "kind")), "biometric data");
        json_decref(root);
        free(path);
    }
    idem_close(c);
    static const char *const files[] = {"out/identity.npy", "out/attributes.npy", "out/list.json"};
    for (int i = 0; i < 3; i++) {
        char *path = in_dir(files[i]);
        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        free(path);
    }
}

static void every_face_of_a_photograph_has_a_row(void **state) {
    (void)state;
    tiny_need(dir);
    photograph_need_models();
    photograph_save_pair(dir, "group.png", (const char *const[]){"identities/2.png", "attributes/b.png"},
                         (const double[]){220, 320});
    assert_int_equal(RUN(ENCODE "-q --batch 1 --face all $DIR/group.png -o $DIR/faces"), 0);
    idem_context *c = open_library();
    char *path = in_dir("group.png");
    idem_photograph *p = idem_read_photograph(c, path);
    assert_non_null(p);
    static uint8_t rgb[64 * 64 * 3];
    json_t *root = load_list("faces/list.json", 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(idem_align_face(c, p, i, rgb), 0);
        assert_row(c, "faces", 2, i, rgb);
        json_t *row = json_array_get(json_object_get(root, "rows"), (size_t)i);
        assert_int_equal(json_integer_value(json_object_get(row, "face")), i + 1);
        assert_true(json_is_real(json_object_get(row, "outside")) &&
                    json_number_value(json_object_get(row, "outside")) < 0.2);
    }
    json_decref(root);
    assert_int_equal(RUN(ENCODE "-q --batch 1 --face 2 $DIR/group.png -o $DIR/second"), 0);
    assert_row(c, "second", 1, 0, rgb);
    root = load_list("second/list.json", 1);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(json_object_get(root, "rows"), 0), "face")), 2);
    json_decref(root);
    idem_free_photograph(p);
    idem_close(c);
    free(path);
}

static void good_files_are_done_and_bad_ones_named(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(RUN("cd $DIR && mkdir mixed && cp in/1.png mixed/b.png && echo text > mixed/a.png && " ENCODE
                         "-q --input aligned mixed -o out2"),
                     1);
    assert_true(program_says("passed over: mixed/a.png") && program_says("1 of 2 files gave no face"));
    assert_int_equal(program_lines(), 2);
    json_decref(load_list("out2/list.json", 1));
    /* Nothing to write: what was there stays, and no half of a file. */
    assert_int_equal(RUN("cd $DIR && rm mixed/b.png && cp -r out2 kept && " ENCODE "-q mixed/a.png -o out2"), 1);
    assert_int_equal(program_lines(), 1);
    assert_int_equal(RUN("cd $DIR && " ENCODE "-q mixed in/none.png -o out2"), 1);
    assert_true(program_says("none of 2 files gave a face; nothing is written"));
    assert_int_equal(RUN("cd $DIR && diff -r kept out2 && ls -A out2"), 0);
    assert_string_equal(program_output, "attributes.npy\nidentity.npy\nlist.json\n");
    assert_int_equal(RUN("$IDEM encode x.png"), 2);
    assert_int_equal(RUN("$IDEM encode x.png -o y --face none"), 2);
}

static void help_says_what_codes_are(void **state) {
    (void)state;
    assert_int_equal(program_run("/tmp", "$IDEM encode --help | tr '\n' ' ' | tr -s ' '"), 0);
    static const char *const words[] = {"biometric data", "like passwords", "article 9 of the GDPR", "consent",
                                        "No other command gives codes of faces away"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        assert_true(program_says(words[i]));
}

/* Rows added in parts make the file of all of them at once. */
static void rows_are_those_of_a_whole_array(void **state) {
    (void)state;
    tiny_need(dir);
    char *path = in_dir("rows.npy");
    float x[7 * 3], *back;
    for (int i = 0; i < 21; i++)
        x[i] = (float)i / 7;
    idem_npy_rows r;
    assert_int_equal(idem_npy_rows_open(&r, path, 3), 0);
    idem_npy_rows_add(&r, x, 2);
    idem_npy_rows_add(&r, x + 6, 5);
    assert_int_equal(idem_npy_rows_commit(&r), 0);
    idem_shape shape;
    assert_int_equal(idem_npy_load(path, &shape, &back), 0);
    assert_true(shape.rank == 2 && shape.d[0] == 7 && shape.d[1] == 3);
    assert_memory_equal(back, x, sizeof x);
    free(back);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_those_of_a_whole_array),
        cmocka_unit_test(help_says_what_codes_are),
        cmocka_unit_test(codes_are_those_of_the_library),
        cmocka_unit_test(every_face_of_a_photograph_has_a_row),
        cmocka_unit_test(good_files_are_done_and_bad_ones_named),
    };
    return cmocka_run_group_tests(tests, set_up, tiny_leave);
}
