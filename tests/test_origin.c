/* What written pictures say of themselves: tool, models, seed and that they are synthetic (in XMP too), and nothing of
 * where they come from: no names, paths, times, EXIF or codes of faces. Looked for in the bytes of everything the
 * program writes from a photograph that says too much. */
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
#include "model/model.h"
#include "support/origin.h"
#include "support/photographs.h"
#include "support/pictures.h"
#include "support/program.h"
#include "support/tiny.h"
#include "support/xmp.h"

static const char *dir; /* NULL: models are missing, tests are skipped */
static char generator_hash[32], mapper_hash[32];
static float *code; /* of the person's identity */

#define RUN(...) program_run(dir, __VA_ARGS__)
#define MODEL "-q --threads 1 -g generator.safetensors -m mapper.safetensors "

/* A JPEG with an EXIF block that names a time, a place and an owner, in a file with a name of its own. */
static void save_talkative(const char *name, const char *face) {
    enum { W = 640, H = 480 };
    unsigned char app1[256];
    unsigned n = exif_block(app1, 1, true);
    n += (unsigned)sprintf((char *)app1 + n, "DateTime 2019:08:07 06:05:04 GPSLatitude SecretOwner SecretCamera");
    idem_image photo = photograph(face, W, H, 300, 250, 300, 4, NULL);
    blob file = jpeg_write(
        &(jpeg_kind){.in = JCS_RGB, .stored = JCS_YCbCr, .quality = 95, .app1 = app1, .app1_size = n}, photo.rgb, W, H);
    char *path = idem_path_join(dir, name);
    assert_int_equal(idem_file_write(path, file.data, file.size), 0);
    free(path);
    free(file.data);
    idem_image_free(&photo);
}

static void find_hashes(void) {
    char *g = idem_path_join(dir, "generator.safetensors"), *m = idem_path_join(dir, "mapper.safetensors");
    idem_model *model = idem_model_open(g);
    assert_non_null(model);
    assert_int_equal(idem_model_load_mapper(model, m), 0);
    snprintf(generator_hash, sizeof generator_hash, "%s", idem_model_about(model)->hash);
    snprintf(mapper_hash, sizeof mapper_hash, "%s", idem_model_about(model)->mapper);
    idem_model_free(model);
    free(g);
    free(m);
}

/* Everything is made once. */
static void need(void) {
    tiny_need(dir);
    photograph_need_models();
    if (code)
        return;
    find_hashes();
    save_talkative("Jane_Private_Doe.jpg", "identities/1.png");
    save_talkative("John_Private_Roe.jpg", "attributes/a.png");
    assert_int_equal(
        RUN("cd $DIR && export IDEM_MODELS='%s' && $IDEM encode " MODEL "Jane_Private_Doe.jpg -o codes && "
            "mkdir people out && cp J*.jpg people && $IDEM compose " MODEL
            "-i Jane_Private_Doe.jpg -a John_Private_Roe.jpg -o out/one.png && $IDEM compose " MODEL
            "-k -i Jane_Private_Doe.jpg -a John_Private_Roe.jpg -o out/kept.png && $IDEM compose " MODEL
            "-i people -a people -o grid && mv grid/*Doe--Jane*.png out/pair.png && $IDEM interpolate " MODEL
            "-n 3 -i Jane_Private_Doe.jpg John_Private_Roe.jpg -a John_Private_Roe.jpg -o out/way",
            photograph_models()),
        0);
    assert_int_equal(
        RUN("cd $DIR && export IDEM_MODELS='%s' && $IDEM sample -q --threads 1 -g generator.safetensors -n 2 --seed "
            "77 -o drawn --sheet out/sheet.png && $IDEM align -q --threads 1 Jane_Private_Doe.jpg -o cut",
            photograph_models()),
        0);
    char *path = idem_path_join(dir, "codes/identity.npy");
    idem_shape shape;
    assert_int_equal(idem_npy_load(path, &shape, &code), 0);
    free(path);
}

static int set_up(void **state) {
    (void)state;
    return tiny_make(&dir);
}

static int tear_down(void **state) {
    free(code);
    return tiny_leave(state);
}

static bool holds(const unsigned char *data, size_t size, const void *what, size_t n) {
    return memmem(data, size, what, n) != NULL;
}

static void assert_lacks(const char *path, const unsigned char *data, size_t size, const char *text) {
    if (!holds(data, size, text, strlen(text)))
        return;
    print_message("%s has \"%s\" in it\n", path, text);
    fail();
}

/* Nothing of the sources, in whatever place. The texts are long enough not to turn up by chance. */
static void assert_discreet(const char *path, const unsigned char *data, size_t size) {
    static const char *const words[] = {"Private", "DateTime", "GPSLatitude", "Secret",   "2019:08",
                                        "people",  "/tmp/",    "idem-test",   "samples/", "Creation"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        assert_lacks(path, data, size, words[i]);
    assert_false(holds(data, size, "Exif\0\0", 6));
    assert_false(holds(data, size, code, 4 * sizeof *code));
    assert_false(holds(data, size, code + 100, 4 * sizeof *code));
}

/* A synthetic picture: all of its origin and nothing else. */
static void assert_origin(const char *name, const char *source, const char *mapper, const char *seed, int texts) {
    size_t size;
    unsigned char *data = origin_read(dir, name, &size);
    assert_discreet(name, data, size);
    free(data);
    origin_synthetic(dir, name, source, generator_hash, mapper, seed, texts);
}

static void composed_pictures(void **state) {
    (void)state;
    need();
    assert_origin("out/one.png", XMP_GENERATED, mapper_hash, "none", 5);
    assert_origin("out/pair.png", XMP_GENERATED, mapper_hash, "none", 5);
    assert_origin("out/kept.png", XMP_COMPOSITE, mapper_hash, "none", 5);  /* in its photograph */
    assert_origin("grid/grid.png", XMP_COMPOSITE, mapper_hash, "none", 5); /* beside their sources */
}

static void frames_and_strips(void **state) {
    (void)state;
    need();
    static const char *const names[] = {"out/way/000.png", "out/way/001.png", "out/way/002.png", "out/way/strip.png"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_origin(names[i], XMP_GENERATED, mapper_hash, "none", 5);
}

static void samples(void **state) {
    (void)state;
    need();
    assert_int_equal(RUN("cd $DIR && find drawn -name '*.png' | sort | tr '\n' ' '"), 0);
    char *list = strdup(program_output);
    int n = 0;
    for (char *name = strtok(list, " "); name; name = strtok(NULL, " "), n++)
        assert_origin(name, XMP_GENERATED, NULL, "77", 6);
    free(list);
    assert_true(n >= 2);
    assert_origin("out/sheet.png", XMP_GENERATED, NULL, "77", 4);
}

/* Chunks of a WebP: no EXIF; the XMP packet says what PNG texts do. */
static void animations(void **state) {
    (void)state;
    need();
    size_t size;
    unsigned char *data = origin_read(dir, "out/way/animation.webp", &size);
    assert_discreet("animation.webp", data, size);
    bool xmp = false;
    for (size_t at = 12; at + 8 <= size;) {
        size_t n = data[at + 4] | (size_t)data[at + 5] << 8 | (size_t)data[at + 6] << 16 | (size_t)data[at + 7] << 24;
        assert_true(!memcmp(data + at, "VP8X", 4) || !memcmp(data + at, "ANIM", 4) || !memcmp(data + at, "ANMF", 4) ||
                    !memcmp(data + at, "XMP ", 4));
        if (!memcmp(data + at, "XMP ", 4)) {
            xmp_check("animation.webp", data + at + 8, n, XMP_GENERATED);
            xmp = true;
        }
        at += 8 + n + (n & 1);
    }
    assert_true(xmp);
    const char *const words[] = {"Software", "idem", "synthetic", "true", generator_hash, mapper_hash, "seed"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        assert_true(holds(data, size, words[i], strlen(words[i])));
    free(data);
}

/* Cut out of a photograph, not synthetic: the tool's name alone. */
static void aligned_photographs(void **state) {
    (void)state;
    need();
    static const char name[] = "cut/Jane_Private_Doe.png";
    size_t size;
    unsigned char *data = origin_read(dir, name, &size);
    assert_discreet(name, data, size);
    assert_int_equal(origin_chunks(name, data, size, NULL), 1);
    free(data);
    origin_text(dir, name, "Software", "idem");
    origin_text(dir, name, "synthetic", NULL);
}

/* A grid holds no name as drawn letters either: files of other names give the same bytes. */
static void grids_do_not_depend_on_names(void **state) {
    (void)state;
    need();
    assert_int_equal(RUN("cd $DIR && mkdir renamed && cp people/Jane*.jpg renamed/1.jpg && "
                         "cp people/John*.jpg renamed/2.jpg && IDEM_MODELS='%s' $IDEM compose " MODEL
                         "-i renamed -a renamed -o grid-renamed && cmp grid/grid.png grid-renamed/grid.png",
                         photograph_models()),
                     0);
}

/* Every picture that the commands above wrote is of a kind looked at here. */
static void no_other_files(void **state) {
    (void)state;
    need();
    assert_int_equal(RUN("cd $DIR && find out grid drawn cut -type f ! -name '*.png' ! -name '*.webp' "
                         "! -name '*.npy' ! -name '*.json'"),
                     0);
    assert_int_equal(program_lines(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(composed_pictures),
        cmocka_unit_test(frames_and_strips),
        cmocka_unit_test(samples),
        cmocka_unit_test(animations),
        cmocka_unit_test(aligned_photographs),
        cmocka_unit_test(grids_do_not_depend_on_names),
        cmocka_unit_test(no_other_files),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
