/* Clips in and out: every picture, time stamp and further track of clips that the ffmpeg program makes. Without it, or
 * without the plug-in, there is nothing to test. */
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
#include "media/video_part.h"
#include "support/clips.h"
#include "support/pictures.h"

/* ---- made clips ---- */

static void test_rates(void **state) {
    (void)state;
    NEEDS_FFMPEG;
    static const char *const rates[] = {"30000/1001", "24000/1001", "25", "60"};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        clip_run("ffmpeg -v error -y " SIZED("96x64") ":rate=%s -frames:v 130 " X264 " -bf 2 r.mp4", rates[i]);
        clip_exact("r.mp4", "r2.mp4", "h264");
        clip_run("ffmpeg -v error -y -i r.mp4 -c copy r.mkv");
        clip_exact("r.mkv", "r2.mkv", "ffv1");
    }
}

static void test_variable_rate(void **state) {
    (void)state;
    NEEDS_FFMPEG;
    /* A gap of 16 pictures, a part's border in it, and a rate that changes. */
    clip_run(
        "ffmpeg -v error -y " SIZED("96x64") ":rate=30 -t 8 -vf "
                                             "\"select='not(between(n,88,103))*(lt(n,150)+not(mod(n,3)))'\" -vsync vfr "
                                             "-video_track_timescale 90000 " X264 " -bf 3 v.mp4");
    clip_exact("v.mp4", "v2.mp4", "h264");
    char *t = clip_times("v2.mp4");
    assert_int_equal(clip_lines(t), 150 - 16 + 30);
    free(t);
}

static void test_late_start(void **state) {
    (void)state;
    NEEDS_FFMPEG;
    clip_run("ffmpeg -v error -y -itsoffset 0.4 " SIZED("96x64") " -f lavfi -i sine -t 2 -map 0:v -map 1:a " X264
                                                                 " -c:a aac l.mp4");
    clip_exact("l.mp4", "l2.mp4", "h264");
    clip_same(clip_packets("l.mp4", "a"), clip_packets("l2.mp4", "a"));
}

/* Writes {a, b, c, d} and {x, y} pixels into the matrix of a film's pictures (ISO/IEC 14496-12, tkhd, version 0). */
static void set_matrix(const char *path, const int turn[4], const int move[2]) {
    static const int at_turn[4] = {0, 4, 12, 16}, at_move[2] = {24, 28};
    unsigned char *bytes, *at;
    size_t n;
    assert_int_equal(idem_file_read(path, 1 << 20, &bytes, &n), 0);
    assert_non_null(at = memmem(bytes, n, "tkhd", 4));
    for (int i = 0; i < 4; i++)
        put_number(at + 44 + at_turn[i], (uint32_t)turn[i] << 16, 4, true);
    for (int i = 0; i < 2; i++)
        put_number(at + 44 + at_move[i], (uint32_t)move[i] << 16, 4, true);
    assert_int_equal(idem_file_write(path, bytes, n), 0);
    free(bytes);
}

/* Shown upright, written as stored with the turn beside it. */
static void test_turned(void **state) {
    (void)state;
    NEEDS_FFMPEG;
    static const int degrees[] = {90, 180, 270}, turns[3][4] = {{0, 1, -1, 0}, {-1, 0, 0, -1}, {0, -1, 1, 0}},
                     moves[3][2] = {{64, 0}, {96, 64}, {0, 96}};
    for (size_t i = 0; i < 3; i++) {
        clip_run("ffmpeg -v error -y " SIZED("96x64") " -frames:v 5 " X264 " t.mp4");
        set_matrix(clip_path("t.mp4"), turns[i], moves[i]);
        clip_exact("t.mp4", "t2.mp4", "h264");
        clip_run("ffmpeg -v error -y -i t2.mp4 -frames:v 1 -sws_flags full_chroma_int+accurate_rnd+bilinear -vf "
                 "format=rgb24 upright.png");
        idem_video *v = idem_video_open(clip_path("t.mp4"), 0);
        idem_video_frame f;
        idem_image right;
        assert_non_null(v);
        assert_int_equal(idem_video_next(v, &f), 1);
        assert_int_equal(idem_image_load(&right, clip_path("upright.png")), 0);
        assert_int_equal(f.image.width, degrees[i] == 180 ? 96 : 64);
        assert_int_equal(f.image.width, right.width);
        double off = 0;
        for (int k = 0; k < 3 * 96 * 64; k++)
            off += abs(f.image.rgb[k] - right.rgb[k]);
        if (off / (3 * 96 * 64) > 3)
            fail_msg("turned by %d: off by %.2f", degrees[i], off / (3 * 96 * 64));
        idem_image_free(&right);
        idem_video_frame_free(&f);
        idem_video_close(v);
        clip_copying c = clip_lossless("ffv1");
        assert_int_equal(clip_copy(clip_path("t.mp4"), clip_path("t2.mkv"), &c), -1);
        assert_non_null(strstr(idem_error(), ".mp4 or .mov"));
    }
}

static void test_mirrored(void **state) {
    (void)state;
    NEEDS_FFMPEG;
    clip_run("ffmpeg -v error -y " SIZED("96x64") " -frames:v 5 " X264
                                                  " -bf 0 i.mp4 && ffmpeg -v error -y -noautorotate "
                                                  "-i i.mp4 -frames:v 1 -sws_flags "
                                                  "full_chroma_int+accurate_rnd+bilinear -vf format=rgb24,hflip "
                                                  "mirrored.png");
    set_matrix(clip_path("i.mp4"), (const int[]){-1, 0, 0, 1}, (const int[]){96, 0}); /* left and right are exchanged */
    clip_exact("i.mp4", "i2.mp4", "h264");
    static const char *const names[] = {"i.mp4", "i2.mp4"};
    idem_image right;
    assert_int_equal(idem_image_load(&right, clip_path("mirrored.png")), 0);
    for (size_t i = 0; i < 2; i++) { /* the result says so too, once */
        idem_video *v = idem_video_open(clip_path(names[i]), 0);
        idem_video_frame f;
        assert_non_null(v);
        assert_true(idem_video_about(v)->turned);
        assert_int_equal(idem_video_next(v, &f), 1);
        double off = 0;
        for (int k = 0; k < 3 * 96 * 64; k++)
            off += abs(f.image.rgb[k] - right.rgb[k]);
        if (off / (3 * 96 * 64) > 3)
            fail_msg("%s: off by %.2f", names[i], off / (3 * 96 * 64));
        idem_video_frame_free(&f);
        idem_video_close(v);
    }
    idem_image_free(&right);
}

/* 29.97 pictures a second, played three times: the joints keep their stamps. */
static void test_looped(void **state) {
    (void)state;
    NEEDS_FFMPEG;
    clip_run("ffmpeg -v error -y " SIZED("96x64") ":rate=30000/1001 -frames:v 40 " X264
                                                  " -bf 2 once.mp4 && ffmpeg -v error -y -stream_loop 2 -i once.mp4 -c "
                                                  "copy thrice.mp4");
    clip_exact("thrice.mp4", "thrice2.mp4", "h264");
    char *t = clip_times("thrice2.mp4");
    assert_int_equal(clip_lines(t), 120);
    free(t);
}

/* A square painted on the upright picture lies there in the file, and what is around it is untouched. */
static void test_painted(void **state) {
    (void)state;
    NEEDS_FFMPEG;
    static const char *const kinds[] = {"yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuvj420p"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        clip_run("ffmpeg -v error -y " SIZED("128x96") ",hue=s=0.4 -frames:v 3 -pix_fmt %s " X264 " p.mp4", kinds[i]);
        clip_copying c = clip_lossless("h264");
        c.paint = 32;
        clip_copied("p.mp4", "p2.mp4", &c);
        clip_same(clip_facts("p.mp4"), clip_facts("p2.mp4"));
        clip_same(
            clip_shell("ffmpeg -v error -i p.mp4 -vf drawbox=x=46:y=30:w=36:h=36:color=black:t=fill -f framemd5 -"),
            clip_shell("ffmpeg -v error -i p2.mp4 -vf drawbox=x=46:y=30:w=36:h=36:color=black:t=fill -f framemd5 -"));
        idem_video *v = idem_video_open(clip_path("p2.mp4"), 2);
        idem_video_frame f;
        assert_non_null(v);
        assert_int_equal(idem_video_next(v, &f), 1);
        assert_int_equal(f.number, 2);
        for (int y = 36; y < 60; y++)
            for (int x = 52; x < 76; x++) {
                const uint8_t *p = f.image.rgb + 3 * (y * 128 + x);
                if (p[0] < 240 || p[1] > 16 || p[2] > 16)
                    fail_msg("%s: %d %d is %d %d %d", kinds[i], x, y, p[0], p[1], p[2]);
            }
        idem_video_frame_free(&f);
        idem_video_close(v);
    }
}

static void test_odd_size(void **state) {
    (void)state;
    NEEDS_FFMPEG;
    clip_run("ffmpeg -v error -y " SIZED(
        "98x66") ",format=yuv444p,crop=97:65 -frames:v 12 " X264 " o444.mp4 && "
                 "ffmpeg -v error -y -i o444.mp4 -pix_fmt yuv420p -c:v libvpx-vp9 -lossless 1 o.mkv && "
                 "ffmpeg -v error -y -i o444.mp4 -pix_fmt yuv420p -c:v mpeg4 o4.mp4");
    clip_exact("o444.mp4", "o4442.mp4", NULL);
    clip_exact("o.mkv", "o2.mkv", NULL);
    clip_copying c = clip_lossless(NULL);
    clip_copied("o4.mp4", "o43.mp4", &c);
    clip_same(clip_hashes("o4.mp4"), clip_hashes("o43.mp4"));
    clip_same(clip_times("o4.mp4"), clip_times("o43.mp4"));
    assert_non_null(strstr(c.why, "odd sizes"));
    assert_non_null(strstr(c.why, "vp9 is used"));
    c = clip_lossless("h264");
    assert_int_equal(clip_copy(clip_path("o4.mp4"), clip_path("o5.mp4"), &c), -1);
    assert_non_null(strstr(idem_error(), "odd sizes"));
    c = clip_lossless(NULL);
    assert_int_equal(clip_copy(clip_path("o4.mp4"), clip_path("o5.mov"), &c), -1);
    assert_false(idem_path_exists(clip_path("o5.mov")));
}

static void test_two_sounds(void **state) {
    (void)state;
    NEEDS_FFMPEG;
    static const char *const endings[] = {"mp4", "mkv"};
    clip_run(
        "printf '1\\n00:00:00,200 --> 00:00:01,500\\nWell\\n\\n2\\n00:00:02,000 --> 00:00:03,000\\nIndeed\\n' >s.srt "
        "&& "
        "printf ';FFMETADATA1\\nlocation=+48.1+11.6/\\ntitle=Party\\n"
        "[CHAPTER]\\nTIMEBASE=1/1000\\nSTART=0\\nEND=2000\\ntitle=One\\n[CHAPTER]\\nTIMEBASE=1/1000\\nSTART=2000\\n"
        "END=4000\\ntitle=Two\\n' >m.txt");
    for (size_t i = 0; i < 2; i++) {
        const char *e = endings[i];
        clip_run(
            "ffmpeg -v error -y " SIZED("96x64") ":rate=30000/1001 -f lavfi -i sine -f lavfi -i sine=440 -i s.srt -i "
                                                 "m.txt -t 4 -map 0:v -map 1:a -map 2:a -map 3 -map_metadata 4 " X264
                                                 " -c:a:0 aac -c:a:1 %s -c:s %s "
                                                 "-metadata:s:a:0 language=deu -metadata:s:a:1 language=fra -metadata "
                                                 "creation_time=2020-01-02T03:04:05 "
                                                 "w.%s",
            i ? "flac" : "libopus", i ? "srt" : "mov_text", e);
        char from[20], to[20];
        snprintf(from, sizeof from, "w.%s", e);
        snprintf(to, sizeof to, "w2.%s", e);
        clip_exact(from, to, "h264");
        clip_same(clip_packets(from, "a"), clip_packets(to, "a"));
        clip_same(clip_packets(from, "s"), clip_packets(to, "s"));
        clip_same(clip_shell("ffprobe -v error -show_chapters %s", from),
                  clip_shell("ffprobe -v error -show_chapters %s", to));
        char *tags = clip_shell("ffprobe -v error -show_entries format_tags:stream_tags %s", to);
        assert_non_null(strstr(tags, "deu"));
        assert_non_null(strstr(tags, "fra"));
        assert_non_null(strstr(tags, "Party"));
        free(tags);
        /* As anonymising has it: languages stay, the rest goes. */
        clip_copying c = {.out = {.quality = -1}};
        clip_copied(from, to, &c);
        tags = clip_shell("ffprobe -v error -show_entries format_tags:stream_tags %s", to);
        assert_non_null(strstr(tags, "deu"));
        assert_null(strstr(tags, "Party"));
        assert_null(strstr(tags, "2020"));
        assert_null(strstr(tags, "48.1"));
        free(tags);
        clip_same(clip_packets(from, "a"), clip_packets(to, "a"));
        c = (clip_copying){.out = {.quality = -1, .no_audio = true, .no_subtitles = true}};
        clip_copied(from, to, &c);
        char *none = clip_shell("ffprobe -v error -select_streams a -show_packets %s", to);
        assert_string_equal(none, "");
        free(none);
        clip_same(clip_times(from), clip_times(to));
    }
    /* Subtitles of the one do not fit the other: said, and nothing is written. */
    clip_copying c = clip_lossless("h264");
    assert_int_equal(clip_copy(clip_path("w.mkv"), clip_path("w3.mp4"), &c), -1);
    assert_non_null(strstr(idem_error(), "subtitle"));
    assert_false(idem_path_exists(clip_path("w3.mp4")));
    assert_false(idem_path_exists(clip_path("w3.mp4.idem-parts")));
}

static void test_depth_and_colour(void **state) {
    (void)state;
    NEEDS_FFMPEG;
    clip_run("ffmpeg -v error -y " SIZED(
        "96x64") " -frames:v 8 -vf format=yuv420p10le,setparams=color_primaries=bt2020:"
                 "color_trc=smpte2084:colorspace=bt2020nc:range=tv " X264 " h.mp4 && "
                 "ffmpeg -v error -y " SIZED(
                     "96x64") " -frames:v 8 -vf format=yuvj420p,setsar=4/3,setparams=color_primaries="
                              "bt709:color_trc=bt709:colorspace=bt709:range=pc " X264 " f.mp4");
    clip_exact("h.mp4", "h2.mp4", "h264");
    clip_run("ffmpeg -v error -y -i h.mp4 -c copy h.mkv");
    clip_exact("h.mkv", "h2.mkv", "ffv1");
    clip_exact("f.mp4", "f2.mp4", "h264");
    idem_video *v = idem_video_open(clip_path("h.mp4"), 0);
    assert_non_null(v);
    assert_true(idem_video_about(v)->hdr);
    idem_video_close(v);
}

/* ---- parts; no ffmpeg is needed ---- */

static void test_parts(void **state) {
    (void)state;
    idem_part_writer w;
    idem_part p;
    int64_t pts;
    bool key;
    size_t size, n;
    unsigned char *bytes;
    const char *path = clip_path("a.part");
    assert_int_equal(idem_part_begin(&w, path), 0);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(idem_part_stamp_add(&w, 10 * i, 10), 0);
        assert_int_equal(idem_part_packet(&w, 10 * i, i == 0, "hello", (size_t)i), 0);
    }
    assert_int_equal(idem_part_commit(&w, "state", 5), 0);
    assert_int_equal(idem_part_open(&p, path), 0);
    assert_int_equal(p.frames, 5);
    assert_memory_equal(p.state, "state", 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(idem_part_next(&p, &pts, &key, &size), 1);
        assert_int_equal(pts, 10 * i);
        assert_int_equal(key, i == 0);
        assert_int_equal(size, i);
    }
    assert_int_equal(idem_part_next(&p, &pts, &key, &size), 0);
    idem_part_close(&p);
    /* Every byte counts, and every length is refused. */
    assert_int_equal(idem_file_read(path, 1 << 20, &bytes, &n), 0);
    for (size_t i = 0; i < n; i++) {
        bytes[i] ^= 0x20;
        FILE *f = fmemopen(bytes, n, "r");
        assert_int_equal(idem_part_parse(&p, f, "part"), -1);
        bytes[i] ^= 0x20;
        if (i) {
            f = fmemopen(bytes, i, "r");
            assert_int_equal(idem_part_parse(&p, f, "part"), -1);
        }
    }
    free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_variable_rate),
        cmocka_unit_test(test_late_start),
        cmocka_unit_test(test_turned),
        cmocka_unit_test(test_mirrored),
        cmocka_unit_test(test_looped),
        cmocka_unit_test(test_painted),
        cmocka_unit_test(test_odd_size),
        cmocka_unit_test(test_two_sounds),
        cmocka_unit_test(test_depth_and_colour),
    };
    return cmocka_run_group_tests(tests, clips_enter, clips_leave);
}
