#define _GNU_SOURCE
#include "measure/anonymity_pictures.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/models.h"
#include "base/status.h"
#include "face/align.h"
#include "face/embed.h"
#include "face/photo.h"

enum { PATH_SIZE = 4096, SEEN = 192 /* frames large enough for the recognisers' crops */ };
/* Largest distance of a face's centre before and after, divided by its width; faces cheek to cheek are farther apart.
 */
static const double same_place = 0.4;

struct idem_anonymity_reader {
    bool codes;
    idem_finder *finder;
    idem_embedder *embedder;
    idem_expression *expression;
};

void idem_anonymity_pictures_free(idem_anonymity_pictures *p) {
    for (int i = 0; i < p->n; i++)
        free(p->at[i].name);
    free(p->at);
    for (int k = 0; k < 2; k++) {
        free(p->feature[k]);
        free(p->judge[k]);
        free(p->aligned[k]);
    }
    *p = (idem_anonymity_pictures){0};
}

/* ---- networks ---- */

static int open_networks(idem_anonymity_reader *r, const char *models, const idem_plan_options *options) {
    char expression[PATH_SIZE];
    if (!(r->finder = idem_finder_open(models, !r->codes, options)) ||
        !(r->embedder = idem_embedder_open(models, true, options)))
        return -1;
    return r->codes || (!idem_models_find(expression, sizeof expression, models, "fr_expression.onnx") &&
                        (r->expression = idem_expression_new(expression, options)))
               ? 0
               : -1;
}

idem_anonymity_reader *idem_anonymity_reader_new(const char *models, bool codes, const idem_plan_options *options) {
    idem_anonymity_reader *r = calloc(1, sizeof *r);
    if (!r)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for reading pictures");
    r->codes = codes;
    if (open_networks(r, models, options)) {
        idem_anonymity_reader_free(r);
        return NULL;
    }
    return r;
}

void idem_anonymity_reader_free(idem_anonymity_reader *r) {
    if (!r)
        return;
    idem_expression_free(r->expression);
    idem_embedder_free(r->embedder);
    idem_finder_free(r->finder);
    free(r);
}

/* ---- one pair ---- */

static int grow(void *array, size_t capacity, size_t size) {
    void *more = realloc(*(void **)array, capacity * size);
    if (!more)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %zu pictures", capacity);
    *(void **)array = more;
    return 0;
}

static int reserve(idem_anonymity_pictures *p, bool codes) {
    if (p->n < p->capacity)
        return 0;
    const size_t capacity = p->capacity ? 2 * (size_t)p->capacity : 64;
    const size_t pixels = (size_t)IDEM_ANONYMITY_SIDE * IDEM_ANONYMITY_SIDE * 3;
    if (grow(&p->at, capacity, sizeof *p->at))
        return -1;
    for (int k = 0; k < 2; k++)
        if (grow(&p->feature[k], capacity, (size_t)p->dim * sizeof(float)) ||
            grow(&p->judge[k], capacity, IDEM_JUDGE_DIM * sizeof(float)) ||
            (!codes && grow(&p->aligned[k], capacity, pixels)))
            return -1;
    p->capacity = (int)capacity;
    return 0;
}

typedef struct {
    idem_photo photo[2];
    idem_found face[2];
    idem_crop frame; /* of the original's face, in unit coordinates of either photograph */
    bool hidden;
} pair;

static void middle(double at[2], const idem_found *f, const idem_photo *photo) {
    at[0] = (double)(f->box.x0 + f->box.x1) / 2 * photo->width;
    at[1] = (double)(f->box.y0 + f->box.y1) / 2 * photo->height;
}

/* The face of the second photograph at the first one's place; -1: none. */
static int at_its_place(const pair *p) {
    const idem_photo *before = &p->photo[IDEM_BEFORE], *after = &p->photo[IDEM_AFTER];
    double want[2], is[2], nearest = same_place * (double)(p->face[0].box.x1 - p->face[0].box.x0) * before->width;
    int best = -1;
    middle(want, &p->face[0], before);
    for (int i = 0; i < after->n; i++) {
        middle(is, &after->faces[i], after);
        const double apart =
            hypot(is[0] * before->width / after->width - want[0], is[1] * before->height / after->height - want[1]);
        if (apart < nearest) {
            nearest = apart;
            best = i;
        }
    }
    return best;
}

static int open_pair(pair *p, idem_anonymity_reader *r, const char *original, const char *anonymised) {
    idem_photo *before = &p->photo[IDEM_BEFORE], *after = &p->photo[IDEM_AFTER];
    if (idem_photo_open(before, r->finder, original, SEEN, 1))
        return -1;
    if (before->n == 0)
        return idem_fail("%s: no face found, nothing to compare", original);
    p->face[IDEM_BEFORE] = before->faces[0];
    if (idem_align_frame(&p->frame, (const float(*)[2])p->face[0].points, before->width, before->height) ||
        idem_photo_open(after, r->finder, anonymised, SEEN, INT_MAX))
        return -1;
    const int at = at_its_place(p);
    p->hidden = at < 0;
    p->face[IDEM_AFTER] = p->hidden ? p->face[IDEM_BEFORE] : after->faces[at];
    return 0;
}

static int in_frame(float (*out)[2], const float (*points)[2], const idem_crop *frame) {
    idem_crop back;
    if (idem_crop_invert(&back, frame))
        return -1;
    idem_crop_points(out, points, IDEM_POINTS, &back);
    return 0;
}

static int look(idem_anonymity_picture *to, idem_anonymity_reader *r, const pair *p, int k) {
    const idem_found *face = &p->face[k];
    const idem_image *im = &p->photo[p->hidden ? IDEM_BEFORE : k].image;
    idem_crop own;
    to->pose[k][0] = face->yaw;
    to->pose[k][1] = face->pitch;
    to->pose[k][2] = face->roll;
    return in_frame(to->points[k], (const float(*)[2])face->points, &p->frame) ||
                   idem_align_frame(&own, (const float(*)[2])face->points, im->width, im->height) ||
                   idem_expression_run(r->expression, im, &own, to->expression[k])
               ? -1
               : 0;
}

static int keep_aligned(uint8_t *to, const idem_image *photo, const idem_crop *frame) {
    idem_image aligned;
    if (idem_align_picture(&aligned, photo, frame, IDEM_ANONYMITY_SIDE))
        return -1;
    memcpy(to, aligned.rgb, (size_t)IDEM_ANONYMITY_SIDE * IDEM_ANONYMITY_SIDE * 3);
    idem_image_free(&aligned);
    return 0;
}

static int add(idem_anonymity_pictures *to, idem_anonymity_reader *r, const pair *p) {
    const size_t row = (size_t)to->n, pixels = (size_t)IDEM_ANONYMITY_SIDE * IDEM_ANONYMITY_SIDE * 3;
    idem_anonymity_picture *at = &to->at[to->n];
    for (int k = 0; k < 2; k++) {
        const idem_image *im = &p->photo[k].image;
        if (idem_embedder_run(r->embedder, im, (const float(*)[2])p->face[k].points,
                              to->feature[k] + row * (size_t)to->dim, to->judge[k] + row * IDEM_JUDGE_DIM) ||
            (!r->codes && (look(at, r, p, k) || keep_aligned(to->aligned[k] + row * pixels, im, &p->frame))))
            return -1;
    }
    return 0;
}

int idem_anonymity_read(idem_anonymity_reader *r, idem_anonymity_pictures *to, const char *original,
                        const char *anonymised, int person) {
    pair p = {0};
    to->dim = idem_embedder_dim(r->embedder);
    int status = reserve(to, r->codes) || open_pair(&p, r, original, anonymised) ? -1 : 0;
    if (!status) {
        const char *slash = strrchr(original, '/');
        to->at[to->n] = (idem_anonymity_picture){.name = strdup(slash ? slash + 1 : original),
                                                 .person = person,
                                                 .hidden = p.hidden,
                                                 .width = (double)(p.face[0].box.x1 - p.face[0].box.x0) *
                                                          p.photo[IDEM_BEFORE].width};
        status = to->at[to->n].name ? add(to, r, &p) : idem_fail_as(IDEM_MEMORY, "out of memory for a name");
        if (status)
            free(to->at[to->n].name);
        to->n += !status;
    }
    for (int k = 0; k < 2; k++)
        idem_photo_close(&p.photo[k]);
    return status;
}
