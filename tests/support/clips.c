#define _GNU_SOURCE
#include "support/clips.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/status.h"

char clips_folder[] = "/tmp/idem-video-XXXXXX";

char *clip_path(const char *name) {
    static char path[4][300];
    static int k;
    k = (k + 1) % 4;
    snprintf(path[k], sizeof path[k], "%s/%s", clips_folder, name);
    return path[k];
}

/* What a shell command prints, malloc'ed; its files lie in the scratch folder. */
char *clip_shell(const char *format, ...) {
    char command[2000], text[2400];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    snprintf(text, sizeof text, "cd %s && { %s; } 2>&1 </dev/null", clips_folder, command);
    FILE *f = popen(text, "r");
    size_t n = 0, capacity = 1 << 20;
    char *out = malloc(capacity);
    assert_non_null(f);
    while ((n += fread(out + n, 1, capacity - n - 1, f)) == capacity - 1)
        out = realloc(out, capacity *= 2);
    out[n] = 0;
    const int status = pclose(f);
    if (status)
        fail_msg("%s\n%s", command, out);
    return out;
}

bool clips_absent(void) {
    static int absent = -1;
    if (absent < 0) {
        absent = system("command -v ffmpeg >/dev/null 2>&1 && command -v ffprobe >/dev/null 2>&1") != 0;
        if (absent)
            print_message("skip: there is no ffmpeg program to make clips with\n");
    }
    return absent;
}

/* ---- through idem ---- */

static void paint(idem_image *im, int side) {
    for (int y = (im->height - side) / 2; y < (im->height + side) / 2; y++)
        for (int x = (im->width - side) / 2; x < (im->width + side) / 2; x++)
            memcpy(im->rgb + 3 * (y * im->width + x), (const uint8_t[]){255, 0, 0}, 3);
}

int clip_copy(const char *from, const char *to, clip_copying *c) {
    idem_video *v = idem_video_open(from, 0);
    idem_video_out *o = v ? idem_video_out_open(to, v, &c->out) : NULL;
    if (!o) {
        idem_video_close(v);
        return -1;
    }
    const int64_t done = idem_video_out_done(o);
    idem_video *again = done ? idem_video_open(from, done) : v;
    snprintf(c->why, sizeof c->why, "%s", idem_video_out_why(o));
    idem_video_frame f;
    int got, status = 0;
    c->frames = (int)done;
    while (!status && (got = idem_video_next(again, &f)) > 0) {
        assert_int_equal(f.number, c->frames);
        if (c->paint) {
            paint(&f.image, c->paint);
            f.changed = true;
        }
        status = idem_video_out_put(o, &f, &f.number, sizeof f.number);
        c->frames++;
        if (c->stop && c->frames == c->stop)
            break;
    }
    const char *left = "", *first;
    if (!status && got < 0)
        status = -1;
    if (!status && !c->stop)
        status = idem_video_out_finish(o, &left);
    snprintf(c->left, sizeof c->left, "%s", left);
    c->damage = idem_video_damage(again, &first);
    idem_video_out_free(o);
    if (again != v)
        idem_video_close(again);
    idem_video_close(v);
    return status;
}

clip_copying clip_lossless(const char *codec) {
    return (clip_copying){.out = {.codec = codec, .quality = 0, .keep_tags = true}};
}

void clip_copied(const char *from, const char *to, clip_copying *c) {
    if (clip_copy(clip_path(from), clip_path(to), c))
        fail_msg("%s", idem_error());
}

char *clip_times(const char *name) {
    return clip_shell(
        "ffprobe -v error -select_streams v:0 -show_entries frame=pts_time -of csv=p=0 %s | tr -d , | grep .", name);
}

char *clip_hashes(const char *name) {
    return clip_shell(
        "ffmpeg -v error -noautorotate -i %s -map 0:v:0 -vsync passthrough -f framemd5 - | grep -v '^#' | "
        "sed 's/.*, *//'",
        name);
}

/* Packets of a kind of track: stamps, sizes, contents. */
char *clip_packets(const char *name, const char *kind) {
    return clip_shell("ffprobe -v error -select_streams %s -show_packets -show_data_hash md5 -show_entries "
                      "packet=stream_index,pts_time,size,data_hash -of csv=p=0 %s | grep '^[0-9]' | sort -s -t, -k1,1",
                      kind, name);
}

char *clip_facts(const char *name) {
    return clip_shell("ffprobe -v error -select_streams v:0 -show_entries "
                      "stream=width,height,sample_aspect_ratio,pix_fmt,color_range,color_space,color_transfer,"
                      "color_primaries,r_frame_rate:stream_side_data=rotation %s",
                      name);
}

void clip_same(char *a, char *b) {
    assert_true(*a);
    assert_string_equal(a, b);
    free(a);
    free(b);
}

int clip_lines(const char *text) {
    int n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

/* Lossless through idem: pictures, stamps, and what the track says are the source's. */
void clip_exact(const char *from, const char *to, const char *codec) {
    clip_copying c = clip_lossless(codec);
    clip_copied(from, to, &c);
    clip_same(clip_hashes(from), clip_hashes(to));
    clip_same(clip_times(from), clip_times(to));
    clip_same(clip_facts(from), clip_facts(to));
}

int clips_enter(void **state) {
    (void)state;
    return mkdtemp(clips_folder) ? 0 : -1;
}

int clips_leave(void **state) {
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", clips_folder);
    return system(command);
}
