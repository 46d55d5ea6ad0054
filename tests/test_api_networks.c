/* The public library with other networks than the usual: a mapper that was trained with another recogniser, and what
 * its attribute encoder is expected to be. The program idem is the witness. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "format/weights.h"
#include "idem.h"
#include "support/program.h"
#include "support/tiny.h"

enum { SIDE = 64, BYTES = SIDE * SIDE * 3, NARROW = 64, USUAL = 512 };

static const char *dir; /* NULL: downloaded networks are missing */
static char *generator, *mapper, *narrow, *facenet;

static int set_up(void **state) {
    (void)state;
    if (tiny_make(&dir))
        return -1;
    if (!dir)
        return 0;
    generator = idem_path_join(dir, "generator.safetensors");
    mapper = idem_path_join(dir, "mapper.safetensors");
    narrow = idem_path_join(dir, "narrow.safetensors");
    facenet = idem_path_join(dir, "facenet.safetensors");
    return generator && mapper && narrow && facenet && !tiny_write_facenet(facenet) &&
                   !tiny_write_narrow_mapper(mapper, facenet, narrow)
               ? 0
               : -1;
}

static int tear_down(void **state) {
    free(generator);
    free(mapper);
    free(narrow);
    free(facenet);
    return tiny_leave(state);
}

static idem_options options_of(const char *trained) {
    idem_options o;
    idem_options_default(&o);
    o.generator = generator;
    o.mapper = trained;
    o.batch = 1;
    o.threads = 1;
    return o;
}

static idem_context *opened(idem_options o) {
    idem_context *c = idem_open(&o);
    if (!c)
        fail_msg("%s", idem_last_error());
    return c;
}

/* One message, in one line. */
static void refuse(idem_options o, const char *says) {
    assert_null(idem_open(&o));
    if (!strstr(idem_last_error(), says) || strchr(idem_last_error(), '\n'))
        fail_msg("expected \"%s\" in: %s", says, idem_last_error());
}

static int identity_dim(const idem_context *c) {
    idem_info info = {.struct_size = sizeof info};
    assert_int_equal(idem_get_info(c, &info), 0);
    return info.identity_dim;
}

static void a_mapper_of_another_recogniser_works(void **state) {
    (void)state;
    tiny_need(dir);
    idem_options o = options_of(narrow);
    o.identity_net = facenet;
    uint8_t who[BYTES], how[BYTES], out[BYTES], same[BYTES];
    float code[USUAL], w[USUAL], norm = 0;
    for (int k = 0; k < 2; k++) { /* the preprocessing is the mapper's, named or not */
        o.identity_preprocess = k ? "facenet" : NULL;
        idem_context *c = opened(o);
        assert_int_equal(identity_dim(c), NARROW);
        assert_int_equal(idem_read_picture(c, "samples/identities/1.png", who), 0);
        assert_int_equal(idem_read_picture(c, "samples/attributes/a.png", how), 0);
        assert_int_equal(idem_encode_identity(c, who, 1, code), 0);
        assert_int_equal(idem_encode_attributes(c, how, 1, w), 0);
        assert_int_equal(idem_map(c, code, w, 1, w), 0);
        assert_int_equal(idem_compose(c, who, how, 1, k ? same : out), 0);
        char *path = idem_path_join(dir, "library.png");
        assert_int_equal(idem_write_picture(c, path, out), 0);
        free(path);
        idem_close(c);
    }
    for (int i = 0; i < NARROW; i++)
        norm += code[i] * code[i];
    assert_float_equal(norm, 1, 1e-4);
    assert_memory_equal(out, same, BYTES);
    /* As the program does. */
    assert_int_equal(program_run(dir, "$IDEM compose -q -g $DIR/generator.safetensors -m $DIR/narrow.safetensors "
                                      "--identity-net $DIR/facenet.safetensors -i samples/identities/1.png -a "
                                      "samples/attributes/a.png --threads 1 -o $DIR/program.png"),
                     0);
    char *path = idem_path_join(dir, "program.png");
    idem_context *c = opened(o);
    assert_int_equal(idem_read_picture(c, path, same), 0);
    assert_memory_equal(out, same, BYTES);
    idem_close(c);
    free(path);
}

static void its_recogniser_is_found_by_name(void **state) {
    (void)state;
    tiny_need(dir);
    char usual[4096];
    const char *models = getenv("IDEM_MODELS");
    snprintf(usual, sizeof usual, "%s", models && *models ? models : "models/cache");
    idem_options o = options_of(narrow);
    refuse(o, "options.identity_net");
    assert_int_equal(program_run(dir, "mkdir $DIR/models && cp '%s'/fr_l* $DIR/facenet.safetensors $DIR/models", usual),
                     0);
    char *folder = idem_path_join(dir, "models");
    o.models = folder;
    idem_context *c = opened(o);
    assert_int_equal(identity_dim(c), NARROW);
    idem_close(c);
    free(folder);
}

static void a_recogniser_of_another_mapper_is_refused(void **state) {
    (void)state;
    tiny_need(dir);
    idem_options o = options_of(mapper);
    o.identity_net = facenet;
    refuse(o, "the mapper was trained with the recogniser fr_feature.onnx");
    o.mapper = narrow;
    o.identity_preprocess = "insightface";
    refuse(o, "not with facenet.safetensors");
    o.identity_preprocess = "sepia";
    refuse(o, "\"sepia\" is no preprocessing");
    o.identity_preprocess = NULL;
    o.identity_net = generator;
    refuse(o, "no InceptionResnetV1");
    o.identity_net = NULL;
    o.identity_preprocess = "facenet";
    refuse(o, "for no identity_net");
}

static void without_a_mapper_any_recogniser_encodes(void **state) {
    (void)state;
    tiny_need(dir);
    float code[2][NARROW];
    uint8_t who[BYTES];
    for (int k = 0; k < 2; k++) {
        idem_options o = options_of(NULL);
        o.generator = "tests/fixtures/generator-64.safetensors"; /* says where its faces are */
        o.identity_net = facenet;
        o.identity_preprocess = k ? "vggface2" : NULL;
        idem_context *c = opened(o);
        assert_int_equal(identity_dim(c), NARROW);
        assert_int_equal(idem_read_picture(c, "samples/identities/1.png", who), 0);
        assert_int_equal(idem_encode_identity(c, who, 1, code[k]), 0);
        idem_close(c);
    }
    assert_memory_not_equal(code[0], code[1], sizeof code[0]);
}

/* The tiny mapper's encoder is a ResNet of no usual width, with running statistics. */
static void the_attribute_encoder_must_be_as_expected(void **state) {
    (void)state;
    tiny_need(dir);
    idem_options o = options_of(mapper);
    o.attribute_norm = "running";
    idem_close(opened(o));
    o.attribute_norm = "frozen";
    refuse(o, "statistics of E_attr are running in this file, but frozen was requested");
    o.attribute_norm = NULL;
    o.attribute_net = "inception3";
    refuse(o, "inception3 was requested");
    o.mapper = NULL;
    refuse(o, "attribute_net is \"inception3\" without a mapper");
    o.attribute_net = NULL;
    o.attribute_norm = "frozen";
    refuse(o, "attribute_norm is \"frozen\" without a mapper");
    o = options_of("models/mapper-128.safetensors");
    o.generator = "models/generator-128.safetensors";
    o.attribute_net = "resnet18";
    idem_close(opened(o));
}

/* A program compiled before these options were there. */
static void shorter_options_are_understood(void **state) {
    (void)state;
    tiny_need(dir);
    union {
        idem_options options;
        char bytes[sizeof(idem_options)];
    } old;
    memset(&old, 0x5a, sizeof old);
    idem_options_init(&old.options, offsetof(idem_options, identity_net));
    old.options.generator = generator;
    old.options.mapper = mapper;
    idem_context *c = idem_open(&old.options);
    if (!c)
        fail_msg("%s", idem_last_error());
    assert_int_equal(identity_dim(c), USUAL);
    idem_close(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mapper_of_another_recogniser_works),
        cmocka_unit_test(its_recogniser_is_found_by_name),
        cmocka_unit_test(a_recogniser_of_another_mapper_is_refused),
        cmocka_unit_test(without_a_mapper_any_recogniser_encodes),
        cmocka_unit_test(the_attribute_encoder_must_be_as_expected),
        cmocka_unit_test(shorter_options_are_understood),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
