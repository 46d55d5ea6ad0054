/* Clips that cannot be read or written, damaged ones, runs broken off, marks, and clips that are not films. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/status.h"
#include "support/clips.h"

static void refused(const char *name, const char *word) {
    idem_video *v = idem_video_open(clip_path(name), 0);
    assert_null(v);
    if (!strstr(idem_error(), word))
        fail_msg("%s: \"%s\" has no \"%s\"", name, idem_error(), word);
}

static void test_refused(void **state) {
    (void)state;
    NEEDS_FFMPEG;
    clip_run("ffmpeg -v error -y " SIZED(
        "96x64") " -frames:v 8 -vf setfield=tff -flags +ildct+ilme -c:v mpeg2video i.mkv && "
                 "ffmpeg -v error -y -f lavfi -i sine -t 1 a.m4a && printf 'nothing of the sort' >n.mp4 && "
                 "printf '#EXTM3U\\n#EXT-X-TARGETDURATION:1\\n#EXTINF:1,\\n/etc/passwd\\n' >n.m3u8 && "
                 "ffmpeg -v error -y " SIZED("96x64") " -frames:v 8 -pix_fmt yuva420p -c:v ffv1 alpha.mkv && "
                                                      "ffmpeg -v error -y " SIZED(
                                                          "96x64") " -frames:v 90 " X264
                                                                   " cut0.mp4 && head -c 30000 cut0.mp4 >cut.mp4");
    refused("i.mkv", "interlaced");
    refused("a.m4a", "no pictures");
    refused("n.mp4", "FFmpeg can open");
    refused("n.m3u8", "is not a clip");
    refused("alpha.mkv", "transparent");
    refused("cut.mp4", "moov");
    refused("absent.mp4", "absent.mp4");
    clip_copying c = clip_lossless("h264");
    assert_int_equal(clip_copy(clip_path("cut0.mp4"), clip_path("x.avi"), &c), -1);
    assert_non_null(strstr(idem_error(), ".mkv"));
    assert_int_equal(clip_copy(clip_path("cut0.mp4"), clip_path("cut0.mp4"), &c), -1);
    assert_non_null(strstr(idem_error(), "the clip itself"));
    c = clip_lossless("h262");
    assert_int_equal(clip_copy(clip_path("cut0.mp4"), clip_path("x.mp4"), &c), -1);
    assert_non_null(strstr(idem_error(), "h262"));
}

/* What is whole is kept; the damage is named. */
static void test_damaged(void **state) {
    (void)state;
    NEEDS_FFMPEG;
    clip_run("ffmpeg -v error -y " SIZED(
        "96x64") " -frames:v 200 " X264 " -g 20 -movflags faststart d0.mp4 && "
                 "ffmpeg -v error -y -i d0.mp4 -c copy d0.mkv && S=$(stat -c %%s d0.mp4) && "
                 "head -c $((S / 2)) d0.mp4 >short.mp4 && S=$(stat -c %%s d0.mkv) && head -c $((S / 2)) d0.mkv "
                 ">short.mkv && "
                 "cp d0.mp4 mid.mp4 && head -c 3000 /dev/urandom | dd of=mid.mp4 bs=1 seek=$((S / 2)) conv=notrunc "
                 "status=none");
    static const char *const names[] = {"short.mp4", "short.mkv", "mid.mp4"};
    for (size_t i = 0; i < 3; i++) {
        clip_copying c = {.out = IDEM_VIDEO_OUT_DEFAULT};
        clip_copied(names[i], "d2.mkv", &c);
        assert_true(c.damage > 0);
        assert_in_range(c.frames, 60, i < 2 ? 199 : 200);
        char *t = clip_times("d2.mkv");
        assert_int_equal(clip_lines(t), c.frames);
        free(t);
    }
    clip_copying c = {.out = IDEM_VIDEO_OUT_DEFAULT};
    clip_copied("d0.mp4", "d2.mkv", &c);
    assert_int_equal(c.damage, 0);
    assert_int_equal(c.frames, 200);
}

/* Broken off at several places and gone on with: the file of a run without a break. */
static void test_resume(void **state) {
    (void)state;
    NEEDS_FFMPEG;
    clip_run("ffmpeg -v error -y " SIZED("96x64") " -f lavfi -i sine -frames:v 300 " X264
                                                  " -bf 2 -c:a aac -shortest j.mp4");
    static const char *const codecs[] = {"h264", "vp9"};
    for (size_t i = 0; i < 2; i++) {
        clip_copying whole = {.out = {.codec = codecs[i], .quality = 30, .keep_tags = true}, .paint = 16};
        clip_copied("j.mp4", "whole.mp4", &whole);
        clip_copying broken = whole;
        broken.stop = 130;
        clip_run("rm -f broken.mp4");
        clip_copied("j.mp4", "broken.mp4", &broken);
        assert_false(idem_path_exists(clip_path("broken.mp4")));
        broken.out.resume = true;
        broken.stop = 299;
        clip_copied("j.mp4", "broken.mp4", &broken);
        broken.stop = 0;
        clip_copied("j.mp4", "broken.mp4", &broken);
        clip_run("cmp whole.mp4 broken.mp4 && [ ! -e broken.mp4.idem-parts ]");
    }
    /* Only what was the same run is gone on with, and from whole parts. */
    clip_copying c = {.out = {.codec = "h264", .quality = 30, .job = "one"}, .stop = 200};
    clip_copied("j.mp4", "k.mp4", &c);
    c.out.resume = true;
    c.out.job = "other";
    c.stop = 0;
    assert_int_equal(clip_copy(clip_path("j.mp4"), clip_path("k.mp4"), &c), -1);
    assert_non_null(strstr(idem_error(), "other options"));
    clip_run("printf x | dd of=k.mp4.idem-parts/000000.part bs=1 seek=400 conv=notrunc status=none");
    c.out.job = "one";
    clip_copied("j.mp4", "k.mp4", &c);
    c = (clip_copying){.out = {.codec = "h264", .quality = 30, .job = "one"}};
    clip_copied("j.mp4", "k2.mp4", &c);
    clip_run("cmp k.mp4 k2.mp4");
    c.out.resume = true;
    assert_int_equal(clip_copy(clip_path("j.mp4"), clip_path("k3.mp4"), &c), -1);
    assert_non_null(strstr(idem_error(), "nothing to resume"));
    assert_false(idem_path_exists(clip_path("k3.mp4.idem-parts")));
}

static void test_marks(void **state) {
    (void)state;
    NEEDS_FFMPEG;
    clip_run("ffmpeg -v error -y " SIZED("96x64") " -frames:v 4 " X264 " m.mp4");
    const idem_marks marks = {(const char *const[]){"Software", "idem", "generator", "0123", NULL},
                              IDEM_SOURCE_COMPOSITE};
    static const char *const to[] = {"m2.mp4", "m2.mkv", "m2.mov", "m2.webm"};
    for (size_t i = 0; i < 4; i++) {
        clip_copying c = {.out = {.quality = -1, .marks = &marks}};
        clip_copied("m.mp4", to[i], &c);
        clip_run("grep -aqi digitalsourcetype/compositeSynthetic %s", to[i]);
        char *tags = clip_shell("ffprobe -v error -show_entries format_tags %s", to[i]);
        assert_non_null(strstr(tags, "synthetic"));
        free(tags);
        clip_same(clip_times("m.mp4"), clip_times(to[i]));
    }
}

static void test_webp_and_folder(void **state) {
    (void)state;
    NEEDS_FFMPEG;
    clip_run("ffmpeg -v error -y " SIZED("64x48") ":rate=10 -frames:v 12 -c:v libwebp_anim -lossless 1 a.webp && "
                                                  "mkdir -p n && ffmpeg -v error -y " SIZED(
                                                      "64x48") " -frames:v 12 n/f%%d.png");
    clip_copying c = clip_lossless(NULL);
    clip_copied("a.webp", "a2.webp", &c);
    assert_int_equal(c.frames, 12);
    idem_video *one = idem_video_open(clip_path("a.webp"), 0), *two = idem_video_open(clip_path("a2.webp"), 0);
    idem_video_frame f, g;
    assert_non_null(one);
    assert_non_null(two);
    for (int i = 0; i < 12; i++) {
        assert_int_equal(idem_video_next(one, &f), 1);
        assert_int_equal(idem_video_next(two, &g), 1);
        assert_memory_equal(f.image.rgb, g.image.rgb, 3 * 64 * 48);
        assert_int_equal(f.pts, g.pts);
        idem_video_frame_free(&f);
        idem_video_frame_free(&g);
    }
    assert_int_equal(idem_video_next(two, &g), 0);
    idem_video_close(one);
    idem_video_close(two);
    clip_copied("n", "n2", &c);
    assert_int_equal(c.frames, 12);
    for (int i = 1; i <= 12; i++) {
        char a[30], b[30];
        idem_image x, y;
        snprintf(a, sizeof a, "n/f%d.png", i);
        snprintf(b, sizeof b, "n2/f%d.png", i);
        assert_int_equal(idem_image_load(&x, clip_path(a)), 0);
        assert_int_equal(idem_image_load(&y, clip_path(b)), 0);
        assert_memory_equal(x.rgb, y.rgb, 3 * 64 * 48);
        idem_image_free(&x);
        idem_image_free(&y);
    }
    /* f10 comes after f9. */
    idem_video *v = idem_video_open(clip_path("n"), 0);
    idem_image tenth;
    assert_int_equal(idem_image_load(&tenth, clip_path("n/f10.png")), 0);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(idem_video_next(v, &f), 1);
        if (i == 9)
            assert_memory_equal(f.image.rgb, tenth.rgb, 3 * 64 * 48);
        idem_video_frame_free(&f);
    }
    idem_image_free(&tenth);
    idem_video_close(v);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused), cmocka_unit_test(test_damaged),         cmocka_unit_test(test_resume),
        cmocka_unit_test(test_marks),   cmocka_unit_test(test_webp_and_folder),
    };
    return cmocka_run_group_tests(tests, clips_enter, clips_leave);
}
