/* Films: pictures into parts, parts and the source's other tracks into the container. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"
#include "media/video_part.h"
#include "media/video_private.h"

enum { TAGS = 16, JOB_MOST = 1 << 20 };
static const char parts_ending[] = ".idem-parts", job_version[] = "idem clip 1";

typedef struct {
    idem_video_sink base;
    const idem_av *av;
    const idem_video_source *source;
    char *path, *from, *folder, *job;
    idem_av_settings settings;
    idem_av_mux_options mux;
    const idem_marks *marks;
    const char *tags[2 * TAGS + 1];
    char type[120];
    int lock;
    bool fresh; /* the folder holds only this run's files */
    idem_av_colours *colours;
    idem_av_encoder *encoder;
    idem_part_writer part;
    int64_t parts, put; /* finished; pictures put in total */
    idem_part first;    /* of the last part of an earlier run: its state */
} film_sink;

static int fail(const film_sink *s, const char *message) {
    if (!*message)
        return -1; /* reported already */
    if (strstr(message, "out of memory"))
        return idem_fail_as(IDEM_MEMORY, "%s: %s", s->path, message);
    return idem_fail("%s: %s", s->path, message);
}

/* ---- before the first picture ---- */

static char *part_path(const film_sink *s, int64_t part) {
    char name[40];
    snprintf(name, sizeof name, "%06" PRId64 ".part", part);
    return idem_path_join(s->folder, name);
}

/* An upper estimate of the film's bytes: an encoder at a constant rate factor has no limit. */
static double estimate(const film_sink *s) {
    const idem_av_facts *a = &s->source->facts;
    const double frames =
        a->frames > 0 ? (double)a->frames : a->duration * (a->rate[1] > 0 ? (double)a->rate[0] / a->rate[1] : 25);
    const double pixels = (double)a->width * a->height * frames;
    const bool lossless = s->settings.quality == 0 || !strcmp(s->base.codec, "ffv1");
    const double samples = a->chroma_x + a->chroma_y == 2 ? 1.5 : a->chroma_x ? 2 : 3;
    const double pictures = lossless ? pixels * samples * (a->bits > 8 ? 2 : 1) * 0.6 : pixels * 0.08;
    return 2 * pictures + (double)a->bytes; /* once in parts, once in the file */
}

static int check_space(const film_sink *s) {
    struct statvfs disk;
    if (statvfs(s->folder, &disk))
        return 0; /* not every file system reports it */
    const double is = (double)disk.f_bavail * (double)disk.f_frsize, needs = estimate(s);
    return is >= needs ? 0
                       : idem_fail_as(IDEM_INTERNAL,
                                      "%s: the disk has %.1f GB left, and this clip may take %.1f GB with its parts; "
                                      "free some space or write elsewhere",
                                      s->path, is / 1e9, needs / 1e9);
}

static int choose(film_sink *s) {
    char message[300] = "";
    const char *codec = s->av->choose(&s->source->facts, &s->settings, s->path, s->base.why, sizeof s->base.why,
                                      message, sizeof message);
    if (!codec)
        return fail(s, message);
    snprintf(s->base.codec, sizeof s->base.codec, "%s", codec);
    s->settings.codec = s->base.codec;
    return 0;
}

/* Checks that the other tracks can be copied: begins such a file and deletes it. */
static int try_mux(film_sink *s) {
    idem_av_mux *m = NULL;
    char message[300] = "", *trial = idem_path_join(s->folder, "trial");
    int status = trial ? 0 : -1;
    if (!status && s->av->mux_open(&m, trial, s->path, s->from, &s->source->facts, &s->settings, &s->mux, s->base.left,
                                   sizeof s->base.left, message, sizeof message))
        status = fail(s, message);
    if (m)
        s->av->mux_close(m);
    if (trial)
        unlink(trial);
    free(trial);
    return status;
}

/* ---- the folder of parts ---- */

static int make_job(film_sink *s, const idem_video_out_options *o) {
    const idem_av_facts *a = &s->source->facts;
    const size_t size = strlen(o->job ? o->job : "") + 400;
    if (!(s->job = malloc(size)))
        return idem_fail_as(IDEM_MEMORY, "%s: out of memory for a clip", s->path);
    snprintf(s->job, size,
             "%s\nsource %" PRId64 " bytes, %d x %d, %s, %s, time base %d/%d\nencoder %s, quality %d\n%s\n",
             job_version, a->bytes, a->width, a->height, a->pixels, a->codec, a->time_base[0], a->time_base[1],
             s->base.codec, s->settings.quality, o->job ? o->job : "");
    return 0;
}

static void remove_parts(const film_sink *s) {
    char **names;
    size_t n;
    if (idem_dir_list(s->folder, "part|job|trial", &names, &n))
        return;
    for (size_t i = 0; i < n; i++) {
        char *path = idem_path_join(s->folder, names[i]);
        if (path)
            unlink(path);
        free(path);
    }
    idem_names_free(names, n);
}

/* Counts whole parts from the first one; those after a gap are made again. */
static int find_parts(film_sink *s) {
    for (;;) {
        char *path = part_path(s, s->parts);
        if (!path)
            return -1;
        idem_part p;
        const int status = idem_path_exists(path) ? idem_part_open(&p, path) : -1;
        free(path);
        if (status)
            return 0;
        idem_part_close(&s->first);
        s->first = p;
        s->parts++;
        s->put += p.frames;
        if (p.frames < IDEM_PART_FRAMES)
            return 0; /* the clip's end */
    }
}

static int go_on(film_sink *s) {
    char *path = idem_path_join(s->folder, "job");
    unsigned char *found = NULL;
    size_t size = 0;
    if (!path)
        return -1;
    int status = 0;
    if (!idem_path_exists(path))
        status = idem_fail("%s: there is nothing to resume: %s is missing; begin without resuming", s->path, path);
    else if (idem_file_read(path, JOB_MOST, &found, &size))
        status = -1;
    else if (size != strlen(s->job) || memcmp(found, s->job, size))
        status = idem_fail("%s: the interrupted run had another clip, other options or other models (listed in %s); "
                           "give the same, or begin without resuming",
                           s->path, path);
    free(found);
    free(path);
    if (status || find_parts(s))
        return -1;
    s->base.done = s->put;
    s->base.state = s->first.state;
    s->base.state_size = s->first.state_size;
    return 0;
}

static int begin(film_sink *s) {
    remove_parts(s);
    char *path = idem_path_join(s->folder, "job");
    const int status = path ? idem_file_write(path, s->job, strlen(s->job)) : -1;
    free(path);
    return status;
}

static int open_folder(film_sink *s, const idem_video_out_options *o) {
    const size_t size = strlen(s->path) + sizeof parts_ending;
    if (!(s->folder = malloc(size)))
        return idem_fail_as(IDEM_MEMORY, "%s: out of memory for a clip", s->path);
    snprintf(s->folder, size, "%s%s", s->path, parts_ending);
    if (idem_dir_make(s->folder))
        return -1;
    char *path = idem_path_join(s->folder, "lock");
    s->lock = path ? idem_file_claim(path, s->folder, "is in use by another run that writes the same clip") : -1;
    free(path);
    if (s->lock < 0 || check_space(s) || try_mux(s) || make_job(s, o))
        return -1;
    if (o->resume)
        return go_on(s);
    s->fresh = true;
    return begin(s);
}

static void close_folder(film_sink *s, bool all) {
    if (!s->folder || s->lock < 0)
        return;
    char *path = idem_path_join(s->folder, "lock");
    if (all || (s->fresh && !s->parts)) /* nothing to resume */
        remove_parts(s);
    if (path)
        unlink(path);
    free(path);
    rmdir(s->folder); /* if it is empty */
    close(s->lock);
    s->lock = -1;
}

/* ---- pictures ---- */

static int add_packet(void *user, const idem_av_packet *packet) {
    film_sink *s = user;
    return idem_part_packet(&s->part, packet->pts, packet->key, packet->data, packet->size);
}

static int begin_part(film_sink *s) {
    char message[300] = "", *path = part_path(s, s->parts);
    int status = path ? idem_part_begin(&s->part, path) : -1;
    free(path);
    if (!status && s->av->encoder_open(&s->encoder, &s->source->facts, &s->settings, message, sizeof message))
        status = fail(s, message);
    return status;
}

static int end_part(film_sink *s, const void *state, size_t size) {
    char message[300] = "";
    int status =
        s->av->encoder_put(s->encoder, NULL, NULL, add_packet, s, message, sizeof message) ? fail(s, message) : 0;
    s->av->encoder_close(s->encoder);
    s->encoder = NULL;
    if (!status && s->part.packets < s->part.frames)
        status = idem_fail_as(IDEM_INTERNAL, "%s: the encoder gave %u packets for %u pictures", s->path,
                              s->part.packets, s->part.frames);
    if (!status)
        status = idem_part_commit(&s->part, state, size);
    s->parts += !status;
    return status;
}

static int encode(film_sink *s, idem_video_frame *f) {
    const idem_av_stamp stamp = {.pts = f->pts, .duration = f->ticks};
    char message[300] = "";
    if (f->changed && s->av->colours_put(s->colours, f->samples, f->image.rgb, message, sizeof message))
        return fail(s, message);
    if (idem_part_stamp_add(&s->part, f->pts, f->ticks))
        return -1;
    return s->av->encoder_put(s->encoder, f->samples, &stamp, add_packet, s, message, sizeof message) ? fail(s, message)
                                                                                                      : 0;
}

static int put(idem_video_sink *base, idem_video_frame *f, const void *state, size_t size) {
    film_sink *s = (film_sink *)base;
    int status = s->encoder ? 0 : begin_part(s);
    if (!status)
        status = encode(s, f);
    idem_video_frame_free(f);
    s->put += !status;
    if (!status && s->part.frames == IDEM_PART_FRAMES)
        status = end_part(s, state, size);
    return status;
}

/* ---- the file ---- */

/* XMP in ISO base media files (XMP specification, part 3): a box of this type at the end. */
static int add_xmp(const film_sink *s, FILE *f) {
    static const unsigned char type[16] = {0xbe, 0x7a, 0xcf, 0xcb, 0x97, 0xa9, 0x42, 0xe8,
                                           0x9c, 0x71, 0x99, 0x94, 0x91, 0xe3, 0xaf, 0xac};
    const char *ending = strrchr(s->path, '.');
    size_t size;
    if (!s->marks || (strcasecmp(ending, ".mp4") && strcasecmp(ending, ".mov") && strcasecmp(ending, ".m4v")))
        return 0;
    char *packet = idem_xmp_packet(s->marks, &size);
    if (!packet)
        return -1;
    const size_t box = 8 + sizeof type + size;
    const unsigned char head[8] = {(unsigned char)(box >> 24),
                                   (unsigned char)(box >> 16),
                                   (unsigned char)(box >> 8),
                                   (unsigned char)box,
                                   'u',
                                   'u',
                                   'i',
                                   'd'};
    fseek(f, 0, SEEK_END); /* errors stay in the stream */
    fwrite(head, 1, sizeof head, f);
    fwrite(type, 1, sizeof type, f);
    fwrite(packet, 1, size, f);
    free(packet);
    return 0;
}

typedef struct {
    int64_t *pts; /* of all pictures so far, in order */
    int64_t n, capacity, packets;
} stamps;

static int add_stamps(stamps *all, const idem_part *p) {
    if (all->n + p->frames > all->capacity) {
        const int64_t capacity = 2 * all->capacity + IDEM_PART_FRAMES;
        int64_t *more = realloc(all->pts, (size_t)capacity * sizeof *more);
        if (!more)
            return idem_fail_as(IDEM_MEMORY, "out of memory for the time stamps of a clip");
        all->pts = more;
        all->capacity = capacity;
    }
    for (uint32_t i = 0; i < p->frames; i++)
        all->pts[all->n++] = p->stamps[i].pts;
    return 0;
}

static int64_t duration_of(const idem_part *p, int64_t pts, int64_t next) {
    for (uint32_t i = 0; i < p->frames; i++)
        if (p->stamps[i].pts == pts) {
            const int64_t after = i + 1 < p->frames ? p->stamps[i + 1].pts : next;
            return after > pts ? after - pts : p->stamps[i].ticks;
        }
    return 0;
}

static int mux_part(film_sink *s, idem_av_mux *m, idem_part *p, int64_t next, stamps *all) {
    idem_av_packet packet;
    bool key;
    char message[300] = "";
    int got;
    if (add_stamps(all, p))
        return -1;
    while ((got = idem_part_next(p, &packet.pts, &key, &packet.size)) > 0) {
        packet.key = key;
        packet.data = p->data;
        packet.duration = duration_of(p, packet.pts, next);
        if (s->av->mux_put(m, &packet, all->pts, all->packets++, message, sizeof message))
            return fail(s, message);
    }
    return got;
}

/* next: the following part, read for the duration of this part's last picture. */
static int mux_parts(film_sink *s, idem_av_mux *m) {
    stamps all = {0};
    idem_part now = {0}, next = {0};
    char *path = part_path(s, 0);
    int status = path ? idem_part_open(&now, path) : -1;
    free(path);
    for (int64_t i = 0; i < s->parts && !status; i++) {
        if (i + 1 < s->parts) {
            path = part_path(s, i + 1);
            status = path ? idem_part_open(&next, path) : -1;
            free(path);
        }
        if (!status)
            status = mux_part(s, m, &now, next.file ? next.stamps[0].pts : INT64_MIN, &all);
        idem_part_close(&now);
        now = next;
        next = (idem_part){0};
    }
    idem_part_close(&now);
    free(all.pts);
    return status;
}

static int write_file(film_sink *s) {
    idem_writer w;
    idem_av_mux *m = NULL;
    char message[300] = "";
    if (idem_writer_open(&w, s->path))
        return -1;
    int status = 0;
    if (s->av->mux_open(&m, w.aside, s->path, s->from, &s->source->facts, &s->settings, &s->mux, s->base.left,
                        sizeof s->base.left, message, sizeof message))
        status = fail(s, message);
    if (!status)
        status = mux_parts(s, m);
    if (!status && s->av->mux_finish(m, message, sizeof message))
        status = fail(s, message);
    if (m)
        s->av->mux_close(m);
    if (!status)
        status = add_xmp(s, w.stream);
    if (!status)
        return idem_writer_commit(&w);
    idem_writer_abort(&w);
    return -1;
}

static int finish(idem_video_sink *base) {
    film_sink *s = (film_sink *)base;
    if (!s->put)
        return idem_fail("%s: there is no picture to write", s->path);
    if ((s->encoder && end_part(s, NULL, 0)) || write_file(s))
        return -1;
    close_folder(s, true);
    return 0;
}

static void close_sink(idem_video_sink *base) {
    film_sink *s = (film_sink *)base;
    idem_part_abort(&s->part);
    idem_part_close(&s->first);
    close_folder(s, s->base.abandoned);
    if (s->encoder)
        s->av->encoder_close(s->encoder);
    if (s->colours)
        s->av->colours_close(s->colours);
    free(s->path);
    free(s->from);
    free(s->folder);
    free(s->job);
    free(s);
}

static void add_tag(film_sink *s, int *n, const char *key, const char *value) {
    if (*n < TAGS) {
        s->tags[2 * *n] = key;
        s->tags[2 * *n + 1] = value;
        s->tags[2 * ++*n] = NULL;
    }
}

/* For containers without XMP, and for people who read a file's properties. */
static void take_marks(film_sink *s, const idem_marks *marks) {
    int n = 0;
    s->marks = marks;
    if (!marks || !marks->source)
        return;
    snprintf(s->type, sizeof s->type, "http://cv.iptc.org/newscodes/digitalsourcetype/%s",
             marks->source == IDEM_SOURCE_GENERATED ? "trainedAlgorithmicMedia" : "compositeSynthetic");
    add_tag(s, &n, "comment", "synthetic: faces in it were painted by idem");
    add_tag(s, &n, "DigitalSourceType", s->type);
    for (const char *const *t = marks->texts; t && t[0]; t += 2)
        add_tag(s, &n, t[0], t[1]);
    s->mux.tags = s->tags;
}

idem_video_sink *idem_video_film_sink(const char *path, const idem_video *source, const idem_video_out_options *o) {
    const idem_av *av = idem_video_library(path);
    film_sink *s = av ? calloc(1, sizeof *s) : NULL;
    char message[300] = "";
    if (!s)
        return av ? idem_fail_null_as(IDEM_MEMORY, "%s: out of memory for a clip", path) : NULL;
    s->av = av;
    s->lock = -1;
    s->source = idem_video_source_of(source);
    s->settings = (idem_av_settings){o->codec, o->quality, IDEM_PART_FRAMES};
    s->mux = (idem_av_mux_options){.keep_tags = o->keep_tags, .no_audio = o->no_audio, .no_subtitles = o->no_subtitles};
    s->base.put = put;
    s->base.finish = finish;
    s->base.close = close_sink;
    take_marks(s, o->marks);
    if (!(s->path = strdup(path)) || !(s->from = strdup(idem_video_path(source))))
        idem_fail_as(IDEM_MEMORY, "%s: out of memory for a clip", path);
    else if (idem_path_is_dir(path))
        idem_fail("%s: is a folder, expected the name of a film, as clip.mp4", path);
    else if (!choose(s) && !open_folder(s, o)) {
        if (!av->colours_open(&s->colours, &s->source->facts, message, sizeof message))
            return &s->base;
        fail(s, message);
    }
    close_sink(&s->base);
    return NULL;
}
