/* Clips for tests: made by the ffmpeg program, sent through idem, looked at by ffprobe. */
#ifndef TESTS_SUPPORT_CLIPS_H
#define TESTS_SUPPORT_CLIPS_H

#include "media/video_write.h"

extern char clips_folder[]; /* of scratch */
int clips_enter(void **state);
int clips_leave(void **state);
bool clips_absent(void); /* there is no ffmpeg program */
#define NEEDS_FFMPEG                                                                                                   \
    if (clips_absent())                                                                                                \
    skip()

char *clip_path(const char *name); /* of a file there; the last four stay */
/* What a shell command prints, malloc'ed; its files lie in the scratch folder. The test fails where it does. */
char *clip_shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define clip_run(...) free(clip_shell(__VA_ARGS__))

/* Through idem. */
typedef struct {
    idem_video_out_options out;
    int paint;    /* side of a square in the middle that becomes red; 0: none */
    int64_t stop; /* after so many pictures, as a kill would; 0: never */
    int frames;
    int damage;
    char why[300], left[300];
} clip_copying;
clip_copying clip_lossless(const char *codec);
int clip_copy(const char *from, const char *to, clip_copying *c);
void clip_copied(const char *from, const char *to, clip_copying *c); /* names; must succeed */

/* Of a file by name, a line each, malloc'ed. */
char *clip_times(const char *name);
char *clip_hashes(const char *name);                    /* of pictures */
char *clip_packets(const char *name, const char *kind); /* stamps, sizes, contents; by track */
char *clip_facts(const char *name);                     /* what the track of pictures says */
void clip_same(char *a, char *b);                       /* not empty and equal; frees both */
int clip_lines(const char *text);
/* Lossless through idem: pictures, stamps, and what the track says are the source's. */
void clip_exact(const char *from, const char *to, const char *codec);

#define SIZED(size) "-f lavfi -i testsrc2=size=" size
#define X264 "-c:v libx264 -preset ultrafast"

#endif
