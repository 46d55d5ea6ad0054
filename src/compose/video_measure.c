#include "compose/video_measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "compose/photograph.h"
#include "face/align.h"
#include "measure/verification.h"
#include "nets/judge.h"

enum { PAIRS_MOST = 600 /* most pictures for all pairs, evenly spread over longer clips */, INNER = 17 };

/* One picture in which the person was found in both clips. */
typedef struct {
    int64_t picture;
    float *vector[2][2];             /* source, result; recogniser, judge */
    float points[2][IDEM_POINTS][2]; /* unit coordinates */
    idem_crop frame;                 /* of the source */
} sample;

typedef struct {
    idem_studio *studio;
    idem_finder *finder;
    idem_tracks *tracks;
    idem_video *clip[2];
    idem_clip_measure *m;
    int dim[2];
    sample *at;
    int64_t n, capacity;
    idem_image before[2];                        /* the previous pictures */
    float *wanted[2];                            /* of the identity picture; NULL */
    double inside[2], outside[2], away, squares; /* sums of changes; sums of the difference outside */
    int64_t n_change, n_away;
} job;

static const double strangers[2] = {IDEM_FEATURE_STRANGERS, IDEM_JUDGE_STRANGERS};
static const double threshold[2] = {IDEM_FEATURE_THRESHOLD, IDEM_JUDGE_THRESHOLD};

static double dot(const float *a, const float *b, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static double similarity(double cosine, int which) {
    return (cosine - strangers[which]) / (1 - strangers[which]);
}

static int no_memory(void) {
    return idem_fail_as(IDEM_MEMORY, "out of memory for measuring a clip");
}

/* ---- pictures ---- */

static const idem_track_place *place_of(const job *j, int64_t picture) {
    const idem_track_place *p;
    const int n = idem_tracks_at(j->tracks, picture, &p);
    for (int i = 0; i < n; i++)
        if (p[i].person == 0)
            return &p[i];
    return NULL;
}

static idem_found found_at(const idem_track_place *p) {
    idem_found f = {.score = 1, .sure = true, .box = {1e9f, 1e9f, -1e9f, -1e9f}};
    memcpy(f.points, p->points, sizeof f.points);
    for (int i = 0; i < IDEM_POINTS; i++) {
        f.box.x0 = fminf(f.box.x0, f.points[i][0]);
        f.box.y0 = fminf(f.box.y0, f.points[i][1]);
        f.box.x1 = fmaxf(f.box.x1, f.points[i][0]);
        f.box.y1 = fmaxf(f.box.y1, f.points[i][1]);
    }
    return f;
}

static int look(job *j, const idem_video_frame f[2], const idem_track_place *p) {
    if (j->n == j->capacity) {
        sample *more = realloc(j->at, (size_t)(2 * j->capacity + 64) * sizeof *more);
        if (!more)
            return no_memory();
        j->at = more;
        j->capacity = 2 * j->capacity + 64;
    }
    sample *s = &j->at[j->n];
    *s = (sample){.picture = f[0].number, .frame = p->frame};
    for (int k = 0; k < 2; k++) {
        idem_found face = found_at(p);
        bool seen = false;
        if (idem_finder_follow(j->finder, &f[k].image, &face, 1, &seen))
            return -1;
        if (!seen) {
            j->m->faces += k; /* a face of the source that is not found in the result does not count */
            j->m->lost += k;
            return 0;
        }
        memcpy(s->points[k], face.points, sizeof face.points);
    }
    j->m->faces++;
    j->n++;
    for (int k = 0; k < 2; k++) {
        for (int r = 0; r < 2; r++)
            if (!(s->vector[k][r] = malloc((size_t)j->dim[r] * sizeof(float))))
                return no_memory();
        if (idem_studio_embed(j->studio, &f[k].image, (const float(*)[2])s->points[k], s->vector[k][0],
                              s->vector[k][1]))
            return -1;
    }
    return 0;
}

/* Pixels of the frame's central ellipse count as inside, those beyond the frame as outside. */
static int where(const idem_crop *to_frame, double x, double y) {
    const float *m = to_frame->m;
    const double u = (double)m[0] * x + (double)m[1] * y + (double)m[2],
                 v = (double)m[3] * x + (double)m[4] * y + (double)m[5];
    const double a = (u - 0.5) / 0.22, b = (v - 0.55) / 0.28;
    return a * a + b * b < 1 ? 1 : u < 0 || u > 1 || v < 0 || v > 1 ? -1 : 0;
}

static void compare(job *j, const idem_video_frame f[2], const idem_track_place *p) {
    idem_crop to_frame;
    const idem_image *im = &f[0].image;
    if (idem_crop_invert(&to_frame, &p->frame))
        return;
    double sum[2][2] = {{0}}, away = 0, squares = 0;
    int64_t n[2] = {0};
    for (int y = 0; y < im->height; y++)
        for (int x = 0; x < im->width; x++) {
            const int side = where(&to_frame, (x + 0.5) / im->width, (y + 0.5) / im->height);
            if (!side)
                continue;
            const size_t at = 3 * ((size_t)y * (size_t)im->width + (size_t)x);
            n[side < 0]++;
            for (int c = 0; c < 3; c++) {
                const int d = f[1].image.rgb[at + (size_t)c] - f[0].image.rgb[at + (size_t)c];
                away += side < 0 ? abs(d) / 3.0 : 0;
                squares += side < 0 ? d * d / 3.0 : 0;
                for (int k = 0; k < 2 && j->before[0].rgb; k++)
                    sum[k][side < 0] += abs(f[k].image.rgb[at + (size_t)c] - j->before[k].rgb[at + (size_t)c]) / 3.0;
            }
        }
    if (!n[0] || !n[1])
        return;
    j->away += away;
    j->squares += squares;
    j->n_away += n[1];
    for (int k = 0; k < 2 && j->before[0].rgb; k++) {
        j->inside[k] += sum[k][0] / (double)n[0];
        j->outside[k] += sum[k][1] / (double)n[1];
    }
    j->n_change += j->before[0].rgb != NULL;
}

static int read_all(job *j, idem_video_progress *progress, void *user) {
    idem_clip_measure *m = j->m;
    for (;;) {
        idem_video_frame f[2];
        const int a = idem_video_next(j->clip[0], &f[0]), b = a < 0 ? -1 : idem_video_next(j->clip[1], &f[1]);
        int status = a < 0 || b < 0 ? -1 : 0;
        m->frames_source += a > 0;
        m->frames += b > 0;
        if (a > 0 && b > 0) {
            const idem_track_place *p = place_of(j, f[0].number);
            m->stamps += fabs(f[0].time - f[1].time) > 0.0011; /* Matroska's stamps are milliseconds */
            if (p && !p->bridged && m->same_size && !status) {
                status = look(j, f, p);
                if (!status)
                    compare(j, f, p);
            }
        } else
            m->stamps += a > 0 || b > 0;
        for (int k = 0; k < 2; k++) {
            idem_image_free(&j->before[k]);
            j->before[k] = f[k].image;
            f[k].image = (idem_image){0};
            idem_video_frame_free(&f[k]);
        }
        if (status || (a == 0 && b == 0))
            return status;
        if (progress)
            progress(user, 2, m->frames_source, idem_video_about(j->clip[0])->frames);
        if (idem_studio_stopped(j->studio))
            return idem_fail_as(IDEM_INTERRUPTED, "interrupted");
    }
}

/* ---- figures ---- */

static double ratio(double result, double source) {
    return result / fmax(source, 0.05); /* meaningless for strangers' cosines */
}

static void measure_neighbours(const job *j, int r, idem_clip_identity *o) {
    int64_t n = 0;
    for (int64_t i = 1; i < j->n; i++) {
        if (j->at[i].picture != j->at[i - 1].picture + 1)
            continue;
        double c[2];
        for (int k = 0; k < 2; k++)
            c[k] = dot(j->at[i].vector[k][r], j->at[i - 1].vector[k][r], j->dim[r]);
        o->adjacent_source += similarity(c[0], r);
        o->adjacent += similarity(c[1], r);
        o->tl_id += ratio(c[1], c[0]);
        o->tl_id_most_1 += fmin(ratio(c[1], c[0]), 1);
        n++;
    }
    double *all[] = {&o->adjacent_source, &o->adjacent, &o->tl_id, &o->tl_id_most_1};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        *all[i] /= (double)n; /* NaN if there are none */
}

static void measure_pairs(const job *j, int r, idem_clip_identity *o) {
    const int64_t step = (j->n + PAIRS_MOST - 1) / PAIRS_MOST;
    int64_t n = 0;
    for (int64_t a = 0; a < j->n; a += step)
        for (int64_t b = a + step; b < j->n; b += step, n++) {
            double c[2];
            for (int k = 0; k < 2; k++)
                c[k] = dot(j->at[a].vector[k][r], j->at[b].vector[k][r], j->dim[r]);
            o->pairs_source += similarity(c[0], r);
            o->pairs += similarity(c[1], r);
            o->tg_id += ratio(c[1], c[0]);
            o->tg_id_most_1 += fmin(ratio(c[1], c[0]), 1);
        }
    double *all[] = {&o->pairs_source, &o->pairs, &o->tg_id, &o->tg_id_most_1};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        *all[i] /= (double)n;
}

static int up(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int measure_identity(const job *j, int r, idem_clip_identity *o) {
    double *kept = malloc(((size_t)j->n + 1) * sizeof *kept);
    if (!kept)
        return no_memory();
    measure_neighbours(j, r, o);
    measure_pairs(j, r, o);
    for (int64_t i = 0; i < j->n; i++) {
        const double left = dot(j->at[i].vector[0][r], j->at[i].vector[1][r], j->dim[r]);
        o->left += similarity(left, r) / (double)j->n;
        o->matches += left > threshold[r];
        kept[i] = j->wanted[r] ? similarity(dot(j->wanted[r], j->at[i].vector[1][r], j->dim[r]), r) : NAN;
        o->kept += kept[i] / (double)j->n;
    }
    qsort(kept, (size_t)j->n, sizeof *kept, up);
    o->kept_5 = j->n && j->wanted[r] ? kept[(j->n - 1) / 20] : NAN;
    free(kept);
    return 0;
}

/* Pixels of the source. */
static void point(const job *j, const sample *s, int which, int i, double p[2]) {
    p[0] = (double)s->points[which][i][0] * idem_video_about(j->clip[0])->width;
    p[1] = (double)s->points[which][i][1] * idem_video_about(j->clip[0])->height;
}

static double eyes(const job *j, const sample *s) {
    double a[2], b[2];
    point(j, s, 0, 36, a);
    point(j, s, 0, 45, b);
    return hypot(a[0] - b[0], a[1] - b[1]);
}

/* Distance of the result's landmarks of one picture to the source's of another, divided by the distance of the eyes. */
static double distance(const job *j, const sample *result, const sample *source) {
    double sum = 0;
    for (int i = INNER; i < IDEM_POINTS; i++) {
        double a[2], b[2];
        point(j, result, 1, i, a);
        point(j, source, 0, i, b);
        sum += hypot(a[0] - b[0], a[1] - b[1]);
    }
    return sum / (IDEM_POINTS - INNER) / fmax(eyes(j, source), 1);
}

/* The same, each within its frame, divided by its side. */
static double distance_in_frame(const sample *result, const sample *source) {
    idem_crop a, b;
    float p[IDEM_POINTS][2], q[IDEM_POINTS][2];
    double sum = 0;
    if (idem_crop_invert(&a, &result->frame) || idem_crop_invert(&b, &source->frame))
        return 0;
    idem_crop_points(p, (const float(*)[2])result->points[1], IDEM_POINTS, &a);
    idem_crop_points(q, (const float(*)[2])source->points[0], IDEM_POINTS, &b);
    for (int i = INNER; i < IDEM_POINTS; i++)
        sum += hypot((double)(p[i][0] - q[i][0]), (double)(p[i][1] - q[i][1]));
    return sum / (IDEM_POINTS - INNER);
}

static void measure_landmarks(const job *j) {
    idem_clip_measure *m = j->m;
    double face = 0, face_shuffled = 0;
    for (int64_t i = 0; i < j->n; i++) {
        const sample *other = &j->at[(i + j->n / 2) % j->n]; /* half a clip away */
        m->nme += distance(j, &j->at[i], &j->at[i]) / (double)j->n;
        m->nme_shuffled += distance(j, &j->at[i], other) / (double)j->n;
        face += distance_in_frame(&j->at[i], &j->at[i]);
        face_shuffled += distance_in_frame(&j->at[i], other);
    }
    m->follow = m->nme / m->nme_shuffled;
    m->follow_face = face / face_shuffled;
}

static void measure_jitter(const job *j) {
    double sum[2] = {0};
    int64_t n = 0;
    for (int64_t i = 1; i + 1 < j->n; i++) {
        const sample *a = &j->at[i - 1], *b = &j->at[i], *c = &j->at[i + 1];
        if (a->picture != b->picture - 1 || c->picture != b->picture + 1)
            continue;
        for (int k = 0; k < 2; k++)
            for (int p = INNER; p < IDEM_POINTS; p++) {
                double x[2], y[2], z[2];
                point(j, a, k, p, x);
                point(j, b, k, p, y);
                point(j, c, k, p, z);
                sum[k] +=
                    hypot(x[0] - 2 * y[0] + z[0], x[1] - 2 * y[1] + z[1]) / (IDEM_POINTS - INNER) / fmax(eyes(j, b), 1);
            }
        n++;
    }
    j->m->jitter_source = sum[0] / (double)n;
    j->m->jitter = sum[1] / (double)n;
    j->m->jitter_ratio = sum[1] / sum[0];
}

static int sum_up(const job *j) {
    idem_clip_measure *m = j->m;
    if (measure_identity(j, 0, &m->feature) || measure_identity(j, 1, &m->judge))
        return -1;
    m->first_missed = -1;
    for (int64_t i = 0; i < j->n; i++) {
        bool is = false;
        for (int r = 0; r < 2; r++)
            is |= dot(j->at[i].vector[0][r], j->at[i].vector[1][r], j->dim[r]) > threshold[r];
        m->missed += is;
        if (is && m->first_missed < 0)
            m->first_missed = j->at[i].picture;
    }
    measure_landmarks(j);
    measure_jitter(j);
    m->change_inside = j->inside[1] / (double)j->n_change;
    m->change_outside = j->outside[1] / (double)j->n_change;
    m->flicker_source = j->inside[0] / j->outside[0];
    m->flicker = j->inside[1] / j->outside[1];
    m->outside = j->away / (double)j->n_away;
    m->psnr_outside = 10 * log10(255.0 * 255 / fmax(j->squares / (double)j->n_away, 1e-6));
    return 0;
}

/* ---- all of it ---- */

static int read_identity(job *j, const char *path) {
    const idem_look look = {.input = IDEM_LOOK_PHOTO, .face = IDEM_FACE_LARGEST};
    idem_photograph *p = idem_photograph_read(j->studio, path, &look);
    int status = p ? 0 : -1;
    if (!status && !p->taken)
        status = idem_fail("%s: no face is found in it", path);
    for (int r = 0; r < 2 && !status; r++)
        if (!(j->wanted[r] = malloc((size_t)j->dim[r] * sizeof(float))))
            status = no_memory();
    if (!status)
        status = idem_photograph_fill(p) || idem_studio_embed(j->studio, &p->photo.image,
                                                              (const float(*)[2])p->photo.faces[p->first].points,
                                                              j->wanted[0], j->wanted[1])
                     ? -1
                     : 0;
    idem_photograph_free(p);
    return status;
}

static int open_all(job *j, const char *source, const char *result) {
    j->finder = idem_studio_finder(j->studio);
    j->dim[0] = idem_studio_feature_dim(j->studio);
    j->dim[1] = IDEM_JUDGE_DIM;
    if (!j->finder || j->dim[0] < 1 || !(j->clip[0] = idem_video_open(source, 0)) ||
        !(j->clip[1] = idem_video_open(result, 0)))
        return -1;
    const idem_video_info *a = idem_video_about(j->clip[0]), *b = idem_video_about(j->clip[1]);
    j->m->same_size = a->width == b->width && a->height == b->height;
    return idem_video_same_sound(source, result, &j->m->same_sound, &j->m->sound_source, &j->m->sound);
}

int idem_clip_measure_run(idem_studio *s, const char *source, const char *result, const char *identity,
                          idem_video_progress *progress, void *user, idem_clip_measure *m) {
    job j = {.studio = s, .m = m};
    *m = (idem_clip_measure){0};
    const idem_video_faces_options o = {.progress = progress, .user = user};
    int status = open_all(&j, source, result) || (identity && read_identity(&j, identity)) ||
                         !(j.tracks = idem_video_faces(s, source, &o)) || read_all(&j, progress, user)
                     ? -1
                     : 0;
    if (!status && !j.n && m->same_size)
        status = idem_fail("%s: no face is found in it that is in %s too", source, result);
    if (!status)
        status = sum_up(&j);
    for (int64_t i = 0; i < j.n; i++)
        for (int k = 0; k < 4; k++)
            free(j.at[i].vector[k / 2][k % 2]);
    free(j.at);
    for (int k = 0; k < 2; k++) {
        idem_image_free(&j.before[k]);
        idem_video_close(j.clip[k]);
        free(j.wanted[k]);
    }
    idem_tracks_free(j.tracks);
    return status;
}
