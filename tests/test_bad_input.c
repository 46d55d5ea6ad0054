/* Bad input from outside, on the tiny ensemble: one clear line, exit 1, and nothing that existed is lost. */
#define _GNU_SOURCE
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <zip.h>

#include "base/file.h"
#include "base/status.h"
#include "format/weights.h"
#include "support/hostile.h"
#include "support/pictures.h"
#include "support/program.h"
#include "support/tiny.h"

static const char *dir; /* NULL: models are missing, tests are skipped */

#define RUN(...) program_run(dir, __VA_ARGS__)
#define MODEL "-q --threads 1 -g generator.safetensors -m mapper.safetensors "

static void picture_paste(idem_image *to, const idem_image *from, int left, int top) {
    for (int y = 0; y < from->height; y++)
        memcpy(to->rgb + 3 * ((size_t)(top + y) * (size_t)to->width + (size_t)left),
               from->rgb + 3 * (size_t)y * (size_t)from->width, 3 * (size_t)from->width);
}

/* 640 x 480, grey, with samples at x, y of a side; the part of a face right of `keep` is left out. */
static int make_photograph(const char *name, const char *const *samples, int n, const int (*place)[3], double keep) {
    idem_image photo, sample, face;
    if (idem_image_new(&photo, 640, 480))
        return -1;
    memset(photo.rgb, 90, 640 * 480 * 3);
    for (int i = 0; i < n; i++) {
        const int side = place[i][2];
        picture_load(&sample, dir, samples[i]);
        if (idem_image_resize(&face, &sample, side, side))
            return -1;
        for (int y = 0; y < side; y++)
            for (int x = (int)(keep * side); x < side; x++)
                memset(face.rgb + 3 * (y * side + x), 90, 3);
        picture_paste(&photo, &face, place[i][0], place[i][1]);
        idem_image_free(&sample);
        idem_image_free(&face);
    }
    char *path = idem_path_join(dir, name);
    int status = idem_image_save_png(&photo, path, NULL);
    free(path);
    idem_image_free(&photo);
    return status;
}

static int set_up(void **state) {
    (void)state;
    static const char *const samples[] = {"1.png", "3.png"};
    static const int two[][3] = {{10, 60, 300}, {400, 150, 200}};
    if (tiny_make(&dir))
        return -1;
    if (!dir)
        return 0;
    return RUN("cd $DIR && cp '%s'/samples/identities/[123].png '%s'/samples/attributes/d.png .", IDEM_SOURCE_DIR,
               IDEM_SOURCE_DIR) ||
           make_photograph("two.png", samples, 2, two, 1);
}

/* The exit code, and one line that holds these words. */
#define FAILS(words, ...)                                                                                              \
    do {                                                                                                               \
        assert_int_equal(RUN(__VA_ARGS__), 1);                                                                         \
        assert_true(program_says(words));                                                                              \
        assert_int_equal(program_lines(), 1);                                                                          \
    } while (0)

static void put_file(const char *name, blob b) {
    char *path = idem_path_join(dir, name);
    if (idem_file_write(path, b.data, b.size))
        fail_msg("%s", idem_error());
    free(path);
    blob_drop(&b);
}

static void a_full_disk_leaves_what_was_there(void **state) {
    (void)state;
    tiny_need(dir);
    /* A write that may not grow fails as on a full disk; blocks of ulimit are 512 or 1024 bytes. test_train_cli does
     * the same to a checkpoint. */
    static const char *const rows[] = {"compose " MODEL "-i 1.png -a 2.png -o old.png",
                                       "interpolate " MODEL "-i 1.png 3.png -a 2.png -o old.png",
                                       "align -q --threads 1 --size 64 two.png -o old.d",
                                       "model convert -q mapper.safetensors old.pt",
                                       "model convert -q generator.safetensors old.safetensors",
                                       "evaluate " MODEL "--pairs 2 -q -o old.json"};
    static const char *const names[] = {"old.png", "old.png", "old.d/two.png", "old.pt", "old.safetensors", "old.json"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char words[64];
        snprintf(words, sizeof words, "idem: %s: ", names[i]);
        FAILS(words, "cd $DIR && mkdir -p old.d && cp 1.png %s && trap '' XFSZ && ulimit -f 1 && $IDEM %s", names[i],
              rows[i]);
        assert_true(program_says("File too large; nothing was changed"));
        assert_int_equal(RUN("cd $DIR && cmp 1.png %s && ls -A . old.d | grep -c part", names[i]), 1);
    }
}

static void places_and_threads(void **state) {
    (void)state;
    tiny_need(dir);
    static const char *const rows[] = {"evaluate --threads 1 -q -o taken.png",
                                       "model convert generator.safetensors taken.pt"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        FAILS(": is a folder, expected a file name", "cd $DIR && mkdir -p taken.png taken.pt && $IDEM %s", rows[i]);
    /* More threads than cores are no mistake. */
    assert_int_equal(RUN("cd $DIR && $IDEM compose " MODEL "--threads 9 -i 1.png -a 2.png -o nine.png"), 0);
    FAILS("fetch it with `idem model fetch --all`",
          "cd $DIR && IDEM_MODELS=$DIR/none $IDEM compose " MODEL "-i 1.png -a 2.png -o x.png");
}

#define COMPOSE(generator)                                                                                             \
    "$IDEM compose -q --threads 1 -m $DIR/mapper.safetensors -i $DIR/1.png -a $DIR/2.png -o $DIR/x.png -g " generator

static void files_that_are_no_models(void **state) {
    (void)state;
    tiny_need(dir);
    static const char *const rows[][2] = {
        {"system.pt", "system.pt: its pickle uses 'posix.system', which is not allowed in a file of weights: refused, "
                      "nothing was run"},
        {"module.pt", "module.pt: its pickle uses 'torch.nn.modules.linear.Linear'"},
        {"dtypes.pt", "dtypes.pt: contains no StyleGAN2 generator: "},
        {"loop.onnx", "loop.onnx: looks like an ONNX model, a network and not a set of weights"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        FAILS(rows[i][1], COMPOSE("'%s/tests/fixtures/format/%s'"), IDEM_SOURCE_DIR, rows[i][0]);
    /* A tensor that claims 2^60 numbers, in a storage that claims them too. */
    blob pickle = hostile_tensor(0, 1LL << 60, 1, 1LL << 60);
    const member m[] = {{"a/data.pkl", pickle.data, pickle.size, ZIP_CM_STORE},
                        {"a/data/0", pickle.data, 4, ZIP_CM_STORE}};
    put_file("large.pt", hostile_archive(m, 2));
    blob_drop(&pickle);
    FAILS("large.pt: unpacked, 't' would take memory out of proportion to the file's ", COMPOSE("$DIR/large.pt"));
    FAILS("a.pt: looks like a text file", "echo text > $DIR/a.pt; " COMPOSE("$DIR/a.pt"));
    FAILS("nowhere.pt: cannot open: No such file", COMPOSE("$DIR/nowhere.pt"));
    FAILS("the file is truncated; get it again",
          "head -c 100000 $DIR/generator.safetensors > $DIR/cut.safetensors; " COMPOSE("$DIR/cut.safetensors"));
    FAILS("mapper.safetensors: contains no StyleGAN2 generator", COMPOSE("$DIR/mapper.safetensors"));
    assert_int_equal(RUN("test -e $DIR/x.png"), 1);
}

/* A generator some of whose tensors have other shapes, or are not there. */
static void tensors_of_other_shapes(void **state) {
    (void)state;
    tiny_need(dir);
    char *from = idem_path_join(dir, "generator.safetensors"), *to = idem_path_join(dir, "other.pt");
    static const char *const names[] = {"convs.0.conv.weight", "conv1.conv.modulation.bias",
                                        "style.2.weight",      "to_rgb1.bias",
                                        "input.input",         "convs.1.noise.weight"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        idem_weights *w;
        assert_int_equal(idem_weights_load(&w, from), 0);
        idem_weights *other = idem_weights_new();
        for (size_t k = 0; k < idem_weights_count(w); k++) {
            idem_shape shape = idem_weights_at(w, k)->shape;
            if (!strcmp(idem_weights_at(w, k)->name, names[i]))
                shape.d[shape.rank - 1] += 1;
            assert_non_null(idem_weights_add(other, idem_weights_at(w, k)->name, shape));
        }
        assert_int_equal(idem_torch_save(other, to, IDEM_DTYPE_F32, "g_ema"), 0);
        idem_weights_free(other);
        idem_weights_free(w);
        FAILS("other.pt: ", COMPOSE("$DIR/other.pt"));
        assert_true(program_says(names[i]));
    }
    free(from);
    free(to);
    /* The same with a mapper. */
    assert_int_equal(RUN("sed 's/\\[32,528\\]/[528,32]/' $DIR/mapper.safetensors > $DIR/other.safetensors"), 0);
    FAILS("other.safetensors: mapper: 0 tensors missing and ",
          "cd $DIR && $IDEM compose -q --threads 1 -g generator.safetensors -m other.safetensors -i 1.png -a 2.png -o "
          "x.png");
}

/* One number that is none, as a broken disk or a run that diverged leaves it. */
static void numbers_that_are_not_finite(void **state) {
    (void)state;
    tiny_need(dir);
    char *to = idem_path_join(dir, "damaged.safetensors");
    static const struct {
        const char *file, *tensor, *command;
        float value;
    } rows[] = {
        {"generator", "convs.3.conv.weight", "sample -q -g damaged.safetensors -n 1 -o damaged", NAN},
        {"generator", "style.1.bias", "sample -q -g damaged.safetensors -n 1 -o damaged", INFINITY},
        {"generator", "noises.noise_2", "sample -q -g damaged.safetensors -n 1 -o damaged", NAN},
        {"generator", "latent_avg", "sample -q -g damaged.safetensors -n 1 -o damaged", -INFINITY},
        {"generator", "convs.3.conv.weight", "train -q -g damaged.safetensors --iterations 1 -o damaged", NAN},
        {"generator", "convs.3.conv.weight",
         "compose -q -g damaged.safetensors -m mapper.safetensors -i 1.png -a 2.png -o damaged.png", NAN},
        {"mapper", "mapper.0.weight",
         "compose -q -g generator.safetensors -m damaged.safetensors -i 1.png -a 2.png -o damaged.png", NAN},
        {"mapper", "E_attr.bn1.running_var",
         "train -q -g generator.safetensors -m damaged.safetensors --iterations 1 -o damaged", NAN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s.safetensors", rows[i].file);
        char *from = idem_path_join(dir, name);
        idem_weights *w;
        assert_int_equal(idem_weights_load(&w, from), 0);
        idem_weight *t = idem_weights_find(w, rows[i].tensor);
        if (!t)
            assert_non_null(t = idem_weights_add(w, rows[i].tensor, IDEM_SHAPE(32)));
        t->data[2 % idem_shape_count(&t->shape)] = rows[i].value;
        assert_int_equal(idem_weights_save(w, to, IDEM_DTYPE_F32), 0);
        idem_weights_free(w);
        free(from);
        FAILS("damaged.safetensors: ", "cd $DIR && $IDEM %s --threads 1", rows[i].command);
        assert_true(program_says(rows[i].tensor) && program_says(": number 3 ") &&
                    program_says("the file is damaged; get or make it again"));
    }
    assert_int_equal(RUN("cd $DIR && ls damaged.png damaged/*/images damaged/mapper.safetensors"), 2);
    free(to);
}

static void a_network_with_an_unknown_operator(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(RUN("cd $DIR && mkdir -p nets && cp \"${IDEM_MODELS:-%s/models/cache}\"/*.onnx nets && sed -i "
                         "'s/PRelu/PRexu/g' nets/fr_feature.onnx",
                         IDEM_SOURCE_DIR),
                     0);
    FAILS("nets/fr_feature.onnx: node ", "IDEM_MODELS=$DIR/nets " COMPOSE("$DIR/generator.safetensors"));
    assert_true(program_says(" is a PRexu, an ONNX operator that is not supported"));
}

static void a_fetched_network_that_was_cut(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(RUN("cd $DIR && mkdir -p cut && cp \"${IDEM_MODELS:-%s/models/cache}\"/*.onnx cut && "
                         "truncate -s 100000 cut/fr_feature.onnx",
                         IDEM_SOURCE_DIR),
                     0);
    FAILS("cut/fr_feature.onnx: not a whole ONNX model: its beginning looks like an ONNX model; the file is damaged: "
          "fetch it "
          "again with `idem model fetch feature`",
          "IDEM_MODELS=$DIR/cut " COMPOSE("$DIR/generator.safetensors"));
    FAILS("fetch it again with `idem model fetch feature`",
          "cd $DIR/cut && IDEM_MODELS=$DIR/cut $IDEM model inspect ./fr_feature.onnx");
    /* A file of that name elsewhere is somebody's own. */
    FAILS("fr_feature.onnx: not a whole ONNX model: its beginning looks like an ONNX model\n",
          "$IDEM model inspect $DIR/cut/fr_feature.onnx");
}

static void data_to_train_on(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(RUN("cd $DIR && mkdir -p one/images/00000 && cp 1.png one/images/00000/00000.png"), 0);
    FAILS("one: holds 1 pictures, needed are 600 for evaluation",
          "cd $DIR && $IDEM train -q -g '%s/tests/fixtures/generator-64.safetensors' --data one -o run --iterations 2",
          IDEM_SOURCE_DIR);
    FAILS("one: 1 pictures (PNG, JPEG, WebP, HEIC or AVIF) were found, expected at least",
          "cd $DIR && $IDEM train-generator -q --data one -o run --size 64");
    FAILS("side 96, expected a power of two from 8 to 2048",
          "cd $DIR && $IDEM train-generator -q --data one -o run --size 96");
}

/* ---- photographs ---- */

/* What people take for a photograph idem reads: said by its name, in one line. */
static void files_of_other_kinds(void **state) {
    (void)state;
    tiny_need(dir);
    static const struct {
        const char *name, *head, *says;
        size_t size;
    } kinds[] = {
        {"phone.heic",
         "\0\0\0\x18"
         "ftypheic\0\0\0\0",
         NULL, 16},
        {"renamed.jpg",
         "\0\0\0\x18"
         "ftypmif1\0\0\0\0",
         NULL, 16},
        {"new.avif",
         "\0\0\0\x18"
         "ftypavif\0\0\0\0",
         NULL, 16},
        {"scan.tif", "II*\0\x08\0\0\0\0\0\0\0\0\0\0\0", "a TIFF picture or a camera's raw file", 16},
        {"moving.gif", "GIF89a\1\0\1\0\0\0\0\0\0\0", "a GIF picture", 16},
        {"paper.pdf", "%PDF-1.4 12345678", "a PDF document", 16},
        {"page.jpg", "<!DOCTYPE html><html>", "an HTML page (a failed download?)", 21},
        {"zeros.png", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "zeros (an unfinished download?)", 16},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        blob b = {0};
        char line[200];
        blob_put(&b, kinds[i].head, kinds[i].size);
        put_file(kinds[i].name, b);
        if (kinds[i].says)
            snprintf(line, sizeof line, "%s: looks like %s, expected a PNG, JPEG, WebP, HEIC or AVIF file",
                     kinds[i].name, kinds[i].says);
        else /* it cannot be read, or there is no plug-in for it */
            snprintf(line, sizeof line, "HEIC or AVIF picture");
        FAILS(line, "cd $DIR && $IDEM align -q %s -o aligned", kinds[i].name);
        FAILS(line, "cd $DIR && $IDEM verify -q --threads 1 2.png %s", kinds[i].name);
    }
}

/* One file, one line; several, each named and the sum of it. */
static void files_without_a_face(void **state) {
    (void)state;
    tiny_need(dir);
    picture_black(dir, "dark.png", 300, 200);
    FAILS("dark.png: no face found", "cd $DIR && $IDEM align --threads 1 dark.png -o aligned");
    FAILS("absent.png: cannot open", "cd $DIR && $IDEM align --threads 1 absent.png -o aligned");
    assert_int_equal(RUN("cd $DIR && $IDEM align -q --threads 1 dark.png absent.png -o aligned"), 1);
    assert_true(program_says("passed over: dark.png: no face found") && program_says("passed over: absent.png: "));
    assert_true(program_says("idem: none of 2 files gave a face\n"));
    assert_int_equal(program_lines(), 3);
    FAILS("2.png: is not a folder, but a file of that name", "cd $DIR && $IDEM align -q 1.png -o 2.png");
    FAILS("2.png: is taken as one aligned face, but --face 3 was asked for",
          "cd $DIR && $IDEM compose " MODEL "--input aligned --face 3 -i 1.png -a 2.png -o x.png");
}

static void lists_that_cannot_be_measured(void **state) {
    (void)state;
    assert_int_equal(RUN("cd $DIR && echo '1.png 2.png 1' > few && : > empty && echo '1.png 2.png' > two"), 0);
    FAILS("few: has 1 pairs of one person and 0 of two, expected at least 2 of each",
          "cd $DIR && $IDEM verify --pairs few");
    FAILS("empty: has 0 pairs of one person", "cd $DIR && $IDEM verify --pairs empty");
    FAILS("two: line 1 is not two paths and 1", "cd $DIR && $IDEM verify --pairs two");
    FAILS("nowhere: cannot open", "cd $DIR && $IDEM verify --pairs nowhere");
}

static void empty_arguments(void **state) {
    (void)state;
    assert_int_equal(RUN("$IDEM align \"$UNSET\" -o x"), 2);
    assert_true(program_says("an argument is empty: is a variable of the shell not set?"));
    assert_int_equal(RUN("$IDEM compose -i \"$UNSET\" -a x.png -o x.png"), 2);
    assert_true(program_says("--identity is empty"));
    assert_int_equal(RUN("$IDEM interpolate -i x.png \"$UNSET\" -a x.png -o x"), 2);
    assert_true(program_says("--identity is empty"));
}

static void no_face_in_a_photograph(void **state) {
    (void)state;
    tiny_need(dir);
    picture_black(dir, "nobody.png", 300, 200);
    FAILS("nobody.png: no face found", "cd $DIR && $IDEM compose " MODEL "-i nobody.png -a 2.png -o x.png");
    FAILS("nobody.png: no face found", "cd $DIR && $IDEM verify -q --threads 1 nobody.png 2.png");
    assert_int_equal(RUN("test -e $DIR/x.png"), 1);
}

static void the_largest_of_two_faces(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(RUN("cd $DIR && $IDEM compose --threads 1 -g generator.safetensors -m mapper.safetensors -i 2.png "
                         "-a two.png -o largest.png"),
                     0);
    assert_true(program_says("idem: two.png: has 2 faces; the largest is taken\n"));
    assert_int_equal(RUN("cd $DIR && for n in 1 2; do $IDEM compose " MODEL
                         "--face $n -i 2.png -a two.png -o face$n.png; "
                         "done; cmp largest.png face1.png && ! cmp -s largest.png face2.png"),
                     0);
    assert_int_equal(RUN("cd $DIR && $IDEM align --threads 1 --size 64 two.png -o aligned"), 0);
    assert_true(program_says("idem: two.png: has 2 faces; the largest is taken (--all-faces takes all)"));
}

/* Half a face, which the pose network takes for a profile at some of these widths. */
static void a_profile(void **state) {
    (void)state;
    tiny_need(dir);
    static const char *const sample[] = {"d.png"};
    static const int place[][3] = {{120, 90, 300}};
    bool profile = false;
    for (int keep = 140; keep <= 170 && !profile; keep += 2) {
        assert_int_equal(make_photograph("half.png", sample, 1, place, keep / 300.0), 0);
        const int code = RUN("cd $DIR && $IDEM align --threads 1 --size 64 half.png -o aligned");
        profile = code == 0 && program_says("idem: half.png: a profile (yaw ");
    }
    assert_true(profile);
    assert_int_equal(RUN("test -e $DIR/aligned/half.png"), 0);
    assert_int_equal(
        RUN("cd $DIR && $IDEM compose --threads 1 -g generator.safetensors -m mapper.safetensors -i half.png "
            "-a 2.png -o half-composed.png"),
        0);
    assert_true(program_says("idem: half.png: a profile (yaw "));
}

static void very_large_pictures(void **state) {
    (void)state;
    tiny_need(dir);
    enum { W = 11000, H = 9200 };
    idem_image im, face, large;
    picture_load(&face, dir, "3.png");
    assert_int_equal(idem_image_resize(&large, &face, 4000, 4000), 0);
    assert_int_equal(idem_image_new(&im, W, H), 0);
    picture_paste(&im, &large, 3000, 2000);
    put_file("large.jpg", jpeg_write(&(jpeg_kind){.in = JCS_RGB, .stored = JCS_YCbCr, .quality = 80}, im.rgb, W, H));
    idem_image_free(&im);
    idem_image_free(&large);
    idem_image_free(&face);
    assert_int_equal(RUN("cd $DIR && $IDEM align -q --threads 1 --size 64 large.jpg -o aligned && rm large.jpg && test "
                         "-e aligned/large.png"),
                     0);
    /* A small file that claims 4,225 megapixels. */
    blob small[SMALL_FILES];
    make_small_files(small);
    unsigned char *sides = memmem(small[2].data, small[2].size, "\xff\xc0\x00\x11\x08", 5);
    assert_non_null(sides);
    put_number(sides + 5, 65000, 2, true);
    put_number(sides + 7, 65000, 2, true);
    put_file("claims.jpg", small[2]);
    for (int i = 0; i < SMALL_FILES; i++)
        if (i != 2)
            blob_drop(&small[i]);
    FAILS("claims.jpg: the picture is 65000 x 65000, expected 1 to 200000000 pixels in all",
          "cd $DIR && $IDEM compose " MODEL "-i claims.jpg -a 2.png -o x.png");
}

static void evaluate_measures_the_good_and_lists_the_bad(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(RUN("cd $DIR && mkdir mixed && cp [123].png mixed && echo text > mixed/note.png && "
                         "$IDEM evaluate " MODEL "--identity mixed --attributes mixed --json > report; r=$?; "
                         "grep -c pairs report; exit $r"),
                     1);
    assert_true(program_says("passed over: mixed/note.png: "));
    assert_true(program_says("idem: 1 of the pairs given could not be read; the others are measured"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_leaves_what_was_there),
        cmocka_unit_test(places_and_threads),
        cmocka_unit_test(files_that_are_no_models),
        cmocka_unit_test(tensors_of_other_shapes),
        cmocka_unit_test(numbers_that_are_not_finite),
        cmocka_unit_test(a_network_with_an_unknown_operator),
        cmocka_unit_test(a_fetched_network_that_was_cut),
        cmocka_unit_test(data_to_train_on),
        cmocka_unit_test(files_of_other_kinds),
        cmocka_unit_test(files_without_a_face),
        cmocka_unit_test(lists_that_cannot_be_measured),
        cmocka_unit_test(empty_arguments),
        cmocka_unit_test(no_face_in_a_photograph),
        cmocka_unit_test(the_largest_of_two_faces),
        cmocka_unit_test(a_profile),
        cmocka_unit_test(very_large_pictures),
        cmocka_unit_test(evaluate_measures_the_good_and_lists_the_bad),
    };
    return cmocka_run_group_tests(tests, set_up, tiny_leave);
}
