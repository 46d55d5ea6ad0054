/* Whether finding faces depends on the face alone: of each photograph of a folder, variants that show the same faces
 * otherwise; what is found in them is compared with what is found in the photograph itself.
 *
 *     build/tests/variants DIR [K [KIND...]]     K: every K-th photograph only; KIND: only variants whose name has it
 *
 * Exit code 1: a bar is missed, which the last lines name; 77: the networks are not there. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/models.h"
#include "base/file.h"
#include "base/status.h"
#include "face/align.h"
#include "face/finder.h"
#include "face/warp.h"
#include "model/model.h"

/* The bars: share of faces found, the frame's greatest error in parts of its side, false faces a picture. */
static const double least_found = 0.99, most_off = 0.05, most_false = 1.0 / 200;

static const uint8_t ground[3] = {122, 138, 106};

typedef struct {
    const char *name;
    double turn; /* degrees */
    bool barred; /* else for information */
} kind;

enum { QUARTERS = 3, SMALL = 3, BESIDE, WIDE, TALL, TIGHT, OBLIQUE, KINDS = OBLIQUE + 3 };
static const kind kinds[KINDS] = {{"turned by 90", 90, true},
                                  {"turned by 180", 180, true},
                                  {"turned by 270", 270, true},
                                  {"face of 60 px", 0, true},
                                  {"beside a face ten times larger", 0, true},
                                  {"padded to 8:1", 0, true},
                                  {"padded to 1:8", 0, true},
                                  {"cut to the detector's box", 0, true},
                                  {"turned by 30", 30, false},
                                  {"turned by 45", 45, false},
                                  {"turned by 60", 60, false}};

typedef struct {
    int faces, found, wrong, pictures;
    double off;
    char worst[256];
} tally;

typedef struct {
    double corner[4][2], side; /* pixels */
} quad;

static void die(void) {
    fprintf(stderr, "variants: %s\n", idem_error());
    exit(2);
}

/* ---- frames ---- */

static quad quad_of(const idem_found *face, int width, int height) {
    static const float corners[4][2] = {{0, 0}, {0, 1}, {1, 1}, {1, 0}};
    float at[4][2];
    idem_crop frame;
    quad q;
    if (idem_align_frame(&frame, (const float(*)[2])face->points, width, height))
        die();
    idem_crop_points(at, corners, 4, &frame);
    for (int i = 0; i < 4; i++) {
        q.corner[i][0] = (double)at[i][0] * width;
        q.corner[i][1] = (double)at[i][1] * height;
    }
    q.side = idem_align_side(&frame, width, height);
    return q;
}

static double distance(const quad *a, const quad *b) {
    double most = 0;
    for (int i = 0; i < 4; i++)
        most = fmax(most, hypot(a->corner[i][0] - b->corner[i][0], a->corner[i][1] - b->corner[i][1]) / b->side);
    return most;
}

/* ---- pictures ---- */

typedef struct {
    idem_image im;
    double m[6]; /* pixels of the photograph to pixels of the variant */
} variant;

static quad carried(const quad *q, const double m[6]) {
    quad out = {.side = q->side * hypot(m[0], m[3])};
    for (int i = 0; i < 4; i++) {
        double x = q->corner[i][0], y = q->corner[i][1];
        out.corner[i][0] = m[0] * x + m[1] * y + m[2];
        out.corner[i][1] = m[3] * x + m[4] * y + m[5];
    }
    return out;
}

static idem_image plain(int width, int height) {
    idem_image im;
    if (idem_image_new(&im, width, height))
        die();
    for (size_t i = 0; i < (size_t)width * (size_t)height * 3; i++)
        im.rgb[i] = ground[i % 3];
    return im;
}

static void put(idem_image *to, const idem_image *im, int left, int top) {
    for (int y = 0; y < im->height; y++)
        memcpy(to->rgb + 3 * ((size_t)(top + y) * (size_t)to->width + (size_t)left),
               im->rgb + 3 * (size_t)y * (size_t)im->width, 3 * (size_t)im->width);
}

static variant padded(const idem_image *im, int width, int height) {
    variant v = {plain(width, height), {1, 0, (width - im->width) / 2, 0, 1, (height - im->height) / 2}};
    put(&v.im, im, (width - im->width) / 2, (height - im->height) / 2);
    return v;
}

/* Turned clockwise about its middle, on plain ground. */
static variant turned(const idem_image *im, double degrees) {
    double a = degrees * 3.14159265358979324 / 180, c = cos(a), s = sin(a);
    int w = (int)ceil(fabs(im->width * c) + fabs(im->height * s) - 1e-6);
    int h = (int)ceil(fabs(im->width * s) + fabs(im->height * c) - 1e-6);
    variant v = {plain(w, h),
                 {c, -s, w / 2.0 - c * im->width / 2.0 + s * im->height / 2.0, s, c,
                  h / 2.0 - s * im->width / 2.0 - c * im->height / 2.0}};
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            double px = x + 0.5 - v.m[2], py = y + 0.5 - v.m[5];
            double u = c * px + s * py - 0.5, t = -s * px + c * py - 0.5;
            int x0 = (int)floor(u + 1e-9), y0 = (int)floor(t + 1e-9);
            double fx = u - x0, fy = t - y0;
            if (u < -1e-6 || t < -1e-6 || u > im->width - 1 + 1e-6 || t > im->height - 1 + 1e-6)
                continue;
            for (int k = 0; k < 3; k++) {
                double sum = 0;
                for (int i = 0; i < 4; i++) {
                    int xi = x0 + (i & 1), yi = y0 + (i >> 1);
                    xi = xi < 0 ? 0 : xi >= im->width ? im->width - 1 : xi;
                    yi = yi < 0 ? 0 : yi >= im->height ? im->height - 1 : yi;
                    sum += (i & 1 ? fx : 1 - fx) * (i >> 1 ? fy : 1 - fy) *
                           im->rgb[3 * ((size_t)yi * (size_t)im->width + (size_t)xi) + (size_t)k];
                }
                v.im.rgb[3 * ((size_t)y * (size_t)w + (size_t)x) + (size_t)k] = (uint8_t)fmin(fmax(sum + 0.5, 0), 255);
            }
        }
    return v;
}

static variant shrunk(const idem_image *im, double factor) {
    int w = (int)fmax(rint(im->width * factor), 1), h = (int)fmax(rint(im->height * factor), 1);
    variant v = {.m = {(double)w / im->width, 0, 0, 0, (double)h / im->height, 0}};
    if (idem_image_resize(&v.im, im, w, h))
        die();
    return v;
}

/* A drawn face whose frame is ten times `side`, to the left. */
static variant beside(const idem_image *im, const idem_image *drawn, double side, quad *large) {
    int big = (int)(10 * side), w = big + im->width, h = big > im->height ? big : im->height;
    variant v = {plain(w, h), {1, 0, big, 0, 1, (h - im->height) / 2}};
    idem_image face;
    if (idem_image_resize(&face, drawn, big, big))
        die();
    put(&v.im, &face, 0, 0);
    put(&v.im, im, big, (h - im->height) / 2);
    idem_image_free(&face);
    *large = (quad){{{0, 0}, {0, big}, {big, big}, {big, 0}}, big};
    return v;
}

static variant cut(const idem_image *im, const idem_box *b) {
    int x0 = (int)fmax(floor((double)b->x0 * im->width), 0), y0 = (int)fmax(floor((double)b->y0 * im->height), 0);
    int x1 = (int)fmin(ceil((double)b->x1 * im->width), im->width);
    int y1 = (int)fmin(ceil((double)b->y1 * im->height), im->height);
    variant v = {.m = {1, 0, -x0, 0, 1, -y0}};
    if (idem_image_cut(&v.im, im, x0, y0, x1 - x0, y1 - y0))
        die();
    return v;
}

/* ---- counting ---- */

typedef struct {
    idem_finder *finder;
    idem_image drawn;
    bool wanted[KINDS];
    tally tallies[KINDS];
} job;

/* known: frames of the photograph, of which those with `counts` must be found. Frees the variant. */
static void compare(job *j, int k, variant *v, const quad *known, const bool *counts, int n, const quad *extra,
                    const char *name) {
    tally *t = &j->tallies[k];
    idem_found *faces;
    int seen = idem_finder_run(j->finder, &v->im, NULL, &faces);
    if (seen < 0)
        die();
    bool *taken = calloc((size_t)seen + 1, sizeof *taken);
    if (!taken)
        exit(2);
    for (int i = 0; i < n + !!extra; i++) {
        quad want = i < n ? carried(&known[i], v->m) : *extra;
        int best = -1;
        double off = 0.3;
        for (int s = 0; s < seen; s++) {
            quad got = quad_of(&faces[s], v->im.width, v->im.height);
            double d = distance(&got, &want);
            if (d < off && !taken[s]) {
                off = d;
                best = s;
            }
        }
        if (best >= 0)
            taken[best] = true;
        if (i == n || !counts[i])
            continue;
        t->faces++;
        t->found += best >= 0;
        if (best < 0)
            printf("  %s: %s: a face of %.0f is not found\n", kinds[k].name, name, want.side);
        else if (off > t->off) {
            t->off = off;
            snprintf(t->worst, sizeof t->worst, "%s", name);
        }
        if (best >= 0 && off > most_off)
            printf("  %s: %s: a face of %.0f is off by %.3f\n", kinds[k].name, name, want.side, off);
    }
    for (int s = 0; s < seen; s++)
        if (!taken[s]) {
            quad got = quad_of(&faces[s], v->im.width, v->im.height);
            printf("  %s: %s: false face of %.0f at %.0f %.0f, score %.2f\n", kinds[k].name, name, got.side,
                   (got.corner[0][0] + got.corner[2][0]) / 2, (got.corner[0][1] + got.corner[2][1]) / 2,
                   (double)faces[s].score);
            t->wrong++;
        }
    t->pictures++;
    free(taken);
    free(faces);
    idem_image_free(&v->im);
}

static void all_kinds(job *j, const idem_image *im, const char *name) {
    idem_found *faces;
    int n = idem_finder_run(j->finder, im, NULL, &faces);
    if (n < 0)
        die();
    if (n == 0) {
        printf("  %s: no face\n", name);
        return;
    }
    quad *known = calloc((size_t)n, sizeof *known), large;
    bool *all = calloc((size_t)n, sizeof *all), *counts = calloc((size_t)n, sizeof *counts);
    if (!known || !all || !counts)
        exit(2);
    for (int i = 0; i < n; i++) {
        known[i] = quad_of(&faces[i], im->width, im->height);
        all[i] = true;
    }
    variant v;
    for (int k = 0; k < KINDS; k++)
        if (kinds[k].turn > 0 && j->wanted[k]) {
            v = turned(im, kinds[k].turn);
            compare(j, k, &v, known, all, n, NULL, name);
        }
    counts[0] = true; /* the face; those beside it may become too small */
    if (j->wanted[SMALL]) {
        v = shrunk(im, fmin(60 / known[0].side, 1));
        compare(j, SMALL, &v, known, counts, n, NULL, name);
    }
    if (j->wanted[BESIDE]) {
        v = beside(im, &j->drawn, fmin(known[0].side, 400), &large);
        for (int i = 0; i < n; i++)
            counts[i] = (double)(faces[i].box.x1 - faces[i].box.x0) * im->width * IDEM_FIND_SMALLEST >=
                        fmax(v.im.width, v.im.height);
        compare(j, BESIDE, &v, known, counts, n, &large, name);
    }
    if (j->wanted[WIDE]) {
        v = padded(im, im->width > 8 * im->height ? im->width : 8 * im->height, im->height);
        compare(j, WIDE, &v, known, all, n, NULL, name);
    }
    if (j->wanted[TALL]) {
        v = padded(im, im->width, im->height > 8 * im->width ? im->height : 8 * im->width);
        compare(j, TALL, &v, known, all, n, NULL, name);
    }
    for (int i = 0; i < n && j->wanted[TIGHT]; i++) {
        for (int k = 0; k < n; k++)
            counts[k] = k == i;
        v = cut(im, &faces[i].box);
        compare(j, TIGHT, &v, known, counts, n, NULL, name);
    }
    free(known);
    free(all);
    free(counts);
    free(faces);
}

/* 1: a bar is missed. */
static int report(const job *j) {
    int missed = 0;
    printf("%-32s %13s %7s %9s %s\n", "variant", "found / of", "share", "frame off", "false ones");
    for (int k = 0; k < KINDS; k++) {
        const tally *t = &j->tallies[k];
        if (!j->wanted[k])
            continue;
        bool good = t->found >= least_found * t->faces && t->off <= most_off && t->wrong <= most_false * t->pictures;
        printf("%-32s %5d / %5d %6.1f%% %9.4f %d of %d%s\n", kinds[k].name, t->found, t->faces,
               t->faces ? 100.0 * t->found / t->faces : 100.0, t->off, t->wrong, t->pictures,
               !kinds[k].barred ? "  (no bar)"
               : good           ? ""
                                : "  MISSED");
        missed |= kinds[k].barred && !good;
    }
    return missed;
}

int main(int argc, char **argv) {
    char detect[4096], landmark[4096];
    job j = {0};
    char **names = NULL;
    size_t n = 0;
    if (argc < 2 || (argc > 2 && atoi(argv[2]) < 1)) {
        fprintf(stderr, "usage: variants DIR [K [KIND...]]\n");
        return 2;
    }
    for (int k = 0; k < KINDS; k++) {
        j.wanted[k] = argc <= 3;
        for (int i = 3; i < argc; i++)
            j.wanted[k] |= strstr(kinds[k].name, argv[i]) != NULL;
    }
    if (idem_models_find(detect, sizeof detect, NULL, "fr_detect.onnx") ||
        idem_models_find(landmark, sizeof landmark, NULL, "fr_landmark.onnx")) {
        fprintf(stderr, "variants: skip: %s\n", idem_error());
        return 77;
    }
    if (!(j.finder = idem_finder_new(&(idem_finder_files){detect, landmark, NULL}, NULL)) ||
        idem_image_load(&j.drawn, "samples/identities/1.png") ||
        idem_dir_list(argv[1], ".png|.jpg|.jpeg|.webp", &names, &n))
        die();
    for (size_t i = 0; i<n; i += argc> 2 ? (size_t)atoi(argv[2]) : 1) {
        idem_image im;
        char *path = idem_path_join(argv[1], names[i]);
        if (!path || idem_image_load(&im, path))
            die();
        all_kinds(&j, &im, names[i]);
        idem_image_free(&im);
        free(path);
        fflush(stdout);
    }
    idem_names_free(names, n);
    idem_image_free(&j.drawn);
    idem_finder_free(j.finder);
    return report(&j);
}
