/* idem compose --refine from outside: what is refined if nothing is said, and that every pair is worked on as if alone.
 * The ensemble is the tiny one; pictures are those of samples/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/file.h"
#include "media/animation.h"
#include "media/image.h"
#include "model/origin.h"
#include "support/pictures.h"
#include "support/program.h"
#include "support/tiny.h"

static const char *dir; /* NULL: models are missing, tests are skipped */

#define RUN(...) program_run(dir, __VA_ARGS__)
#define COMPOSE "$IDEM compose -q -g $DIR/generator.safetensors -m $DIR/mapper.safetensors --threads 1 --input aligned "

/* who/ and how/ hold drawn faces; real/ one of how/ without the mark that idem drew it. */
static int set_up(void **state) {
    (void)state;
    if (tiny_make(&dir))
        return -1;
    if (!dir)
        return 0;
    if (RUN("cd $DIR && mkdir who how real && cd '%s/samples' && cp identities/1.png identities/2.png $DIR/who && "
            "cp attributes/a.png attributes/b.png $DIR/how",
            IDEM_SOURCE_DIR))
        return -1;
    idem_image im;
    picture_load(&im, dir, "how/a.png");
    char *path = idem_path_join(dir, "real/a.png");
    int status = path ? idem_image_save_png(&im, path, NULL) : -1;
    free(path);
    idem_image_free(&im);
    return status;
}

static void drawn_faces_are_not_refined_unless_asked_for(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(RUN(COMPOSE "-i $DIR/who/1.png -a $DIR/how/a.png -o $DIR/auto.png"), 0);
    assert_int_equal(
        RUN(COMPOSE "--refine 0 -i $DIR/who/1.png -a $DIR/how/a.png -o $DIR/0.png && cmp $DIR/auto.png $DIR/0.png"), 0);
    assert_int_equal(
        RUN(COMPOSE "--refine 3 -i $DIR/who/1.png -a $DIR/how/a.png -o $DIR/3.png && cmp -s $DIR/0.png $DIR/3.png"), 1);
}

static void others_are_refined(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(RUN(COMPOSE "-i $DIR/who/1.png -a $DIR/real/a.png -o $DIR/auto.png"), 0);
    assert_int_equal(
        RUN(COMPOSE "--refine 25 -i $DIR/who/1.png -a $DIR/real/a.png -o $DIR/25.png && cmp $DIR/auto.png $DIR/25.png"),
        0);
    /* The mark says it, not the pixels. */
    assert_int_equal(
        RUN(COMPOSE "-i $DIR/who/1.png -a $DIR/how/a.png -o $DIR/drawn.png && cmp -s $DIR/auto.png $DIR/drawn.png"), 1);
}

/* The mark counts in whatever format; here the same pixels with it and without. */
static void a_marked_webp_is_drawn_too(void **state) {
    (void)state;
    tiny_need(dir);
    idem_image im;
    picture_load(&im, dir, "how/a.png");
    const idem_image *const list[] = {&im};
    idem_origin origin;
    idem_origin_by(&origin, IDEM_SOURCE_GENERATED, "0123456789abcdef", NULL, NULL);
    for (int marked = 0; marked < 2; marked++) {
        char *path = idem_path_join(dir, marked ? "marked.webp" : "bare.webp");
        assert_int_equal(idem_animation_save(path, list, 1, 40, marked ? &origin.marks : NULL), 0);
        free(path);
    }
    idem_image_free(&im);
    assert_int_equal(RUN(COMPOSE "-i $DIR/who/1.png -a $DIR/marked.webp -o $DIR/marked.png && " COMPOSE
                                 "--refine 0 -i $DIR/who/1.png -a $DIR/bare.webp -o $DIR/0.png && "
                                 "cmp $DIR/marked.png $DIR/0.png"),
                     0);
    assert_int_equal(
        RUN(COMPOSE "-i $DIR/who/1.png -a $DIR/bare.webp -o $DIR/bare.png && cmp -s $DIR/bare.png $DIR/0.png"), 1);
}

static void a_pair_is_worked_on_as_if_alone(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(RUN(COMPOSE "--refine 3 --no-grid -i $DIR/who -a $DIR/how -o $DIR/all --batch 4"), 0);
    assert_int_equal(RUN(COMPOSE "--refine 3 --no-grid -i $DIR/who -a $DIR/how -o $DIR/one --batch 1"), 0);
    assert_int_equal(RUN("diff -r $DIR/all $DIR/one"), 0);
    assert_int_equal(RUN(COMPOSE "--refine 3 -i $DIR/who/2.png -a $DIR/how/b.png -o $DIR/alone.png"), 0);
    assert_int_equal(RUN("cmp $DIR/alone.png $DIR/all/2--b.png"), 0);
    assert_int_equal(
        RUN("mkdir $DIR/l $DIR/r && cp $DIR/who/2.png $DIR/l/x.png && cp $DIR/how/b.png $DIR/r/x.png && " COMPOSE
            "--refine 3 --pairs -i $DIR/l -a $DIR/r -o $DIR/pair && cmp $DIR/alone.png $DIR/pair/x.png"),
        0);
}

/* A generator that no mapper was trained for. */
static void without_a_mapper_refining_starts_at_the_mean(void **state) {
    (void)state;
    tiny_need(dir);
    char *from = idem_path_join(dir, "generator.safetensors"), *to = idem_path_join(dir, "framed.safetensors");
    assert_int_equal(tiny_write_framed(from, to), 0);
    free(from);
    free(to);
#define ALONE "$IDEM compose -q -g $DIR/framed.safetensors -m '' --threads 1 --input aligned "
    program_expect(RUN(ALONE "--refine 2 -i $DIR/who/1.png -a $DIR/how/a.png -o $DIR/mean.png"), 0);
    program_expect(RUN(ALONE "--refine 2 -i $DIR/who/2.png -a $DIR/how/a.png -o $DIR/other.png"), 0);
    program_expect(RUN(COMPOSE "--refine 2 -i $DIR/who/1.png -a $DIR/how/a.png -o $DIR/mapped.png"), 0);
    assert_int_equal(RUN("cmp -s $DIR/mean.png $DIR/mapped.png"), 1);
    assert_int_equal(RUN("cmp -s $DIR/mean.png $DIR/other.png"), 1);
    /* Drawn pictures are refined too: there is nothing else to be painted. */
    program_expect(RUN(ALONE "-i $DIR/who/1.png -a $DIR/how/a.png -o $DIR/auto.png"), 0);
    program_expect(RUN(ALONE "--refine 0 -i $DIR/who/1.png -a $DIR/how/a.png -o $DIR/none.png"), 1);
    assert_true(program_says("no mapper"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drawn_faces_are_not_refined_unless_asked_for),
        cmocka_unit_test(others_are_refined),
        cmocka_unit_test(a_marked_webp_is_drawn_too),
        cmocka_unit_test(a_pair_is_worked_on_as_if_alone),
        cmocka_unit_test(without_a_mapper_refining_starts_at_the_mean),
    };
    return cmocka_run_group_tests(tests, set_up, tiny_leave);
}
