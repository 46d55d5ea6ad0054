/* idem interpolate from outside, on the tiny ensemble: its ends are compose's pictures, its middle is what the C
 * interface makes of blended codes, and the files say where they come from. */
#define _GNU_SOURCE
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <webp/decode.h>
#include <webp/mux.h>

#include "base/file.h"
#include "base/status.h"
#include "idem.h"
#include "media/animation.h"
#include "media/image.h"
#include "support/pictures.h"
#include "support/program.h"
#include "support/tiny.h"

enum { SIDE = 64, STEPS = 5 };

static const char *dir; /* NULL: models are missing, tests are skipped */

#define RUN(...) program_run(dir, __VA_ARGS__)
#define MODEL "-g $DIR/generator.safetensors -m $DIR/mapper.safetensors --threads 1 -q "

static int set_up(void **state) {
    (void)state;
    if (tiny_make(&dir))
        return -1;
    if (!dir)
        return 0;
    return RUN("cd $DIR && cp '%s'/samples/identities/[12].png '%s'/samples/attributes/[ab].png .", IDEM_SOURCE_DIR,
               IDEM_SOURCE_DIR);
}

/* ---- ends ---- */

static void ends_are_those_of_compose(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(RUN("cd $DIR && for i in 1 2; do for a in a b; do $IDEM compose " MODEL
                         "-i $i.png -a $a.png -o $i$a.png || exit; done; done"),
                     0);
    static const char *const rows[][3] = {
        {"-i 1.png 2.png -a a.png", "1a", "2a"},
        {"-i 1.png -a a.png b.png", "1a", "1b"},
        {"--identity 1.png 2.png --attributes a.png b.png", "1a", "2b"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int space = 0; space < 2; space++)
            assert_int_equal(
                RUN("cd $DIR && rm -rf way && $IDEM interpolate " MODEL "%s --space %s --steps 5 -o way && "
                    "cmp way/000.png %s.png && cmp way/004.png %s.png && ! cmp -s way/000.png way/002.png && "
                    "! cmp -s way/002.png way/004.png && test ! -e way/005.png",
                    rows[i][0], space ? "z" : "w", rows[i][1], rows[i][2]),
                0);
}

/* ---- the middle ---- */

static void read_picture(idem_context *c, const char *name, uint8_t *rgb) {
    char *path = idem_path_join(dir, name);
    assert_int_equal(idem_read_picture(c, path, rgb), 0);
    free(path);
}

/* Plain code: the middle of two codes, on the unit sphere if they are of identities. */
static void middle(float *out, const float *a, const float *b, int n, bool unit) {
    double length = 0;
    for (int i = 0; i < n; i++)
        length += pow(((double)a[i] + (double)b[i]) / 2, 2);
    for (int i = 0; i < n; i++)
        out[i] = (float)(((double)a[i] + (double)b[i]) / 2 / (unit ? sqrt(length) : 1));
}

static void the_middle_is_that_of_the_codes(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(RUN("cd $DIR && for s in w z; do $IDEM interpolate " MODEL
                         "-i 1.png 2.png -a a.png --space $s --steps 3 -o middle-$s || exit; done"),
                     0);
    char *generator = idem_path_join(dir, "generator.safetensors"), *mapper = idem_path_join(dir, "mapper.safetensors");
    idem_options options;
    idem_options_default(&options);
    options.generator = generator;
    options.mapper = mapper;
    options.threads = options.batch = 1;
    idem_context *c = idem_open(&options);
    assert_non_null(c);
    static uint8_t rgb[3][SIDE * SIDE * 3], want[SIDE * SIDE * 3];
    static float id[2][512], attr[4096], between[512], w[2][4096], half[4096];
    idem_info info = {.struct_size = sizeof info};
    assert_int_equal(idem_get_info(c, &info), 0);
    assert_true(info.size == SIDE && info.identity_dim == 512 && info.attribute_dim <= 4096 && info.w_dim <= 4096);
    read_picture(c, "1.png", rgb[0]);
    read_picture(c, "2.png", rgb[1]);
    read_picture(c, "a.png", rgb[2]);
    assert_int_equal(idem_encode_identity(c, rgb[0], 1, id[0]) | idem_encode_identity(c, rgb[1], 1, id[1]), 0);
    assert_int_equal(idem_encode_attributes(c, rgb[2], 1, attr), 0);
    for (int space = 0; space < 2; space++) {
        idem_image got;
        if (space) {
            middle(between, id[0], id[1], 512, true);
            assert_int_equal(idem_map(c, between, attr, 1, half), 0);
        } else {
            assert_int_equal(idem_map(c, id[0], attr, 1, w[0]) | idem_map(c, id[1], attr, 1, w[1]), 0);
            middle(half, w[0], w[1], info.w_dim, false);
        }
        assert_int_equal(idem_generate(c, half, 1, want), 0);
        picture_load(&got, dir, space ? "middle-z/001.png" : "middle-w/001.png");
        for (int i = 0; i < SIDE * SIDE * 3; i++)
            assert_true(abs(got.rgb[i] - want[i]) <= 1);
        idem_image_free(&got);
    }
    idem_close(c);
    free(generator);
    free(mapper);
}

/* ---- forms ---- */

static void a_strip_holds_all_frames(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(RUN("cd $DIR && $IDEM interpolate " MODEL "-i 1.png 2.png -a a.png -n 5 -o strip.png && "
                         "$IDEM interpolate " MODEL
                         "-i 1.png 2.png -a a.png -n 5 -o all && cmp strip.png all/strip.png"),
                     0);
    idem_image strip, frame;
    picture_load(&strip, dir, "strip.png");
    assert_true(strip.width == STEPS * SIDE && strip.height == SIDE);
    for (int i = 0; i < STEPS; i++) {
        char name[32];
        snprintf(name, sizeof name, "all/%03d.png", i);
        picture_load(&frame, dir, name);
        for (int y = 0; y < SIDE; y++)
            assert_memory_equal(strip.rgb + 3 * (y * strip.width + i * SIDE), frame.rgb + 3 * y * SIDE, 3 * SIDE);
        idem_image_free(&frame);
    }
    idem_image_free(&strip);
}

/* How many pictures, how long each, how often: by the format's own reader. The text of its XMP packet. */
static char *read_animation(const char *path, int pictures, int milliseconds, idem_image *first) {
    unsigned char *bytes;
    size_t size;
    assert_int_equal(idem_file_read(path, 1 << 26, &bytes, &size), 0);
    WebPMux *mux = WebPMuxCreate(&(WebPData){bytes, size}, 1);
    assert_non_null(mux);
    WebPMuxAnimParams params;
    assert_int_equal(WebPMuxGetAnimationParams(mux, &params), WEBP_MUX_OK);
    assert_int_equal(params.loop_count, 0);
    int n = 0, time = 0;
    assert_int_equal(WebPMuxNumChunks(mux, WEBP_CHUNK_ANMF, &n), WEBP_MUX_OK);
    for (int i = 1; i <= n; i++) {
        WebPMuxFrameInfo info;
        assert_int_equal(WebPMuxGetFrame(mux, (uint32_t)i, &info), WEBP_MUX_OK);
        if (i == 1) {
            int width, height;
            uint8_t *rgb = WebPDecodeRGB(info.bitstream.bytes, info.bitstream.size, &width, &height);
            assert_non_null(rgb);
            assert_int_equal(idem_image_new(first, width, height), 0);
            memcpy(first->rgb, rgb, (size_t)width * (size_t)height * 3);
            WebPFree(rgb);
        }
        time += info.duration;
        WebPDataClear(&info.bitstream);
    }
    assert_true(n <= pictures); /* equal neighbours become one */
    assert_int_equal(time, pictures * milliseconds);
    WebPData xmp;
    assert_int_equal(WebPMuxGetChunk(mux, "XMP ", &xmp), WEBP_MUX_OK);
    char *text = strndup((const char *)xmp.bytes, xmp.size);
    WebPMuxDelete(mux);
    free(bytes);
    return text;
}

static void an_animation_plays_there_and_back(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(RUN("cd $DIR && $IDEM interpolate " MODEL
                         "-i 1.png 2.png -a a.png -n 5 --delay 50 -o way.webp && $IDEM interpolate " MODEL
                         "-i 1.png 2.png -a a.png -n 5 --delay 50 -o again && cmp way.webp again/animation.webp"),
                     0);
    char *path = idem_path_join(dir, "way.webp");
    idem_image first, frame;
    char *xmp = read_animation(path, 2 * STEPS - 2, 50, &first);
    picture_load(&frame, dir, "again/000.png");
    double sum = 0;
    for (int i = 0; i < SIDE * SIDE * 3; i++)
        sum += abs(frame.rgb[i] - first.rgb[i]) / (double)(SIDE * SIDE * 3);
    assert_true(sum < 12); /* lossy */
    assert_non_null(strstr(xmp, "idem:synthetic=\"true\""));
    assert_non_null(strstr(xmp, "idem:Software=\"idem\""));
    assert_non_null(strstr(xmp, "idem:generator=\""));
    assert_non_null(strstr(xmp, "idem:mapper=\""));
    assert_non_null(strstr(xmp, "idem:seed=\"none\""));
    assert_null(strstr(xmp, "png"));
    assert_null(strstr(xmp, dir));
    free(xmp);
    free(path);
    idem_image_free(&first);
    idem_image_free(&frame);
}

static void animations_of_any_pictures(void **state) {
    (void)state;
    const char *own = dir ? dir : tiny_folder();
    char *path = idem_path_join(own, "any.webp");
    idem_image a = random_image(33, 21, "a"), b = random_image(33, 21, "b"), c = random_image(32, 21, "c"), first;
    const idem_image *const list[] = {&a, &b, &a}, *const odd[] = {&a, &c};
    assert_int_equal(idem_animation_save(path, list, 3, 100,
                                         &(const idem_marks){.texts = (const char *const[]){"key", "<\"&'>", NULL}}),
                     0);
    char *xmp = read_animation(path, 3, 100, &first);
    assert_non_null(strstr(xmp, "idem:key=\"&lt;&quot;&amp;'>\""));
    free(xmp);
    idem_image_free(&first);
    assert_int_equal(idem_animation_save(path, odd, 2, 100, NULL), -1);
    assert_non_null(strstr(idem_error(), "32 x 21, expected 33 x 21"));
    assert_int_equal(idem_animation_save(path, list, 3, 0, NULL), -1);
    assert_int_equal(idem_animation_save(path, list, 3, 1 << 30, NULL), -1);
    assert_int_equal(idem_animation_save(path, list, 0, 100, NULL), -1);
    idem_image_free(&a);
    idem_image_free(&b);
    idem_image_free(&c);
    free(path);
    if (!dir)
        tiny_remove(own);
}

/* ---- refused ---- */

static void wrong_usage_exits_2(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"-i a.png -a b.png -o c.png", "one side needs two pictures"},
        {"-i a.png b.png c.png -a d.png -o e.png", "\"c.png\" is one too many"},
        {"-i a.png b.png -o e.png", "--attributes"},
        {"-i a.png b.png -a c.png", "--output"},
        {"-i a.png b.png -a c.png -o way.mp4", "way.mp4: can be written as a strip (.png), an animation (.webp)"},
        {"-i a.png b.png -a c.png -o way.png -n 1", "not a number from 2 to 240"},
        {"-i a.png b.png -a c.png -o way.png --space x", "none of w|z"},
        {"-i a.png b.png -a c.png -o way.png --face no", "neither largest nor a number"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(program_run("/tmp", "$IDEM interpolate %s", rows[i][0]), 2);
        assert_true(program_says(rows[i][1]));
    }
}

static void bad_input_is_one_line(void **state) {
    (void)state;
    tiny_need(dir);
    static const char *const rows[][2] = {{"-i 1.png gone.png -a a.png -o x.png", "gone.png: cannot open"},
                                          {"-i 1.png -a a.png . -o x.png", ".: is a folder"},
                                          {"-i 1.png 2.png -a a.png -o lost/x.png", "lost/x.png: cannot write"},
                                          {"-i 1.png 2.png -a a.png -o 1.png/x", "1.png: is not a folder"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(RUN("cd $DIR && $IDEM interpolate " MODEL "%s", rows[i][0]), 1);
        assert_true(program_says("idem: ") && program_says(rows[i][1]));
        assert_int_equal(program_lines(), 1);
        assert_int_equal(RUN("test -e $DIR/x.png"), 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_are_those_of_compose),  cmocka_unit_test(the_middle_is_that_of_the_codes),
        cmocka_unit_test(a_strip_holds_all_frames),   cmocka_unit_test(an_animation_plays_there_and_back),
        cmocka_unit_test(animations_of_any_pictures), cmocka_unit_test(wrong_usage_exits_2),
        cmocka_unit_test(bad_input_is_one_line),
    };
    return cmocka_run_group_tests(tests, set_up, tiny_leave);
}
