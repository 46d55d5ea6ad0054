#include "data/data.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "data/data_folder.h"
#include "media/image.h"
#include "model/pipe.h"

/* A picture or code of an endless stream is given by its index: item k starts at counter 2 Z k (a normal number draws
 * twice). */
static const char STREAM_PICTURES[] = "train.pictures", STREAM_CODES[] = "train.codes",
                  STREAM_MIRROR[] = "train.mirror", STREAM_MIX[] = "train.mix";
static const char *const STREAM_HELD_OUT[] = {"held-out.id", "held-out.attr"};

struct idem_data {
    int batch; /* of this process, which is part number `part` of the whole batch */
    int part, parts;
    int z_dim, side;
    size_t picture; /* numbers of a picture */
    uint64_t seed;
    idem_data_cursor at;
    /* on the fly */
    idem_pipe *sample, *mapping;
    float *z; /* [2 B, Z] */
    /* from a folder */
    idem_data_reader *reader;
    /* mixed in */
    idem_photographs *photographs; /* NULL: none */
    double share;
};

static idem_data *data_new(idem_model *m, int batch, uint64_t seed) {
    idem_data *d = calloc(1, sizeof *d);
    if (!d)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for the training data");
    const idem_model_info *info = idem_model_about(m);
    d->batch = batch;
    d->parts = 1;
    d->seed = seed;
    d->z_dim = info->z_dim;
    d->side = info->size;
    d->picture = (size_t)info->size * (size_t)info->size * 3;
    return d;
}

idem_data *idem_data_on_the_fly(idem_model *m, int batch, double psi, uint64_t seed, const idem_plan_options *options) {
    idem_data *d = data_new(m, batch, seed);
    if (!d)
        return NULL;
    d->z = malloc(2 * (size_t)batch * (size_t)d->z_dim * sizeof *d->z);
    if (!d->z)
        idem_fail_as(IDEM_MEMORY, "out of memory for the training data");
    else
        d->sample = idem_pipe_new(m, IDEM_PIPE_SAMPLE, batch, (float)psi, options);
    if (d->sample) {
        idem_plan_options shared = options ? *options : (idem_plan_options){0};
        if (!shared.share)
            shared.share = idem_pipe_plan(d->sample);
        d->mapping = idem_pipe_new(m, IDEM_PIPE_MAPPING, batch, (float)psi, &shared);
    }
    if (!d->mapping) {
        idem_data_free(d);
        return NULL;
    }
    return d;
}

idem_data *idem_data_folder(idem_model *m, const char *dir, int batch, uint64_t seed, int held_out) {
    idem_data *d = data_new(m, batch, seed);
    if (!d)
        return NULL;
    const idem_model_info *info = idem_model_about(m);
    d->reader = idem_data_reader_new(dir, info->size, info->w_dim, seed, batch, held_out);
    if (!d->reader) {
        idem_data_free(d);
        return NULL;
    }
    return d;
}

void idem_data_free(idem_data *d) {
    if (!d)
        return;
    idem_pipe_free(d->mapping); /* shares sample's buffer */
    idem_pipe_free(d->sample);
    idem_data_reader_free(d->reader);
    idem_photographs_free(d->photographs);
    free(d->z);
    free(d);
}

void idem_data_part(idem_data *d, int part, int parts) {
    d->part = part;
    d->parts = parts;
}

/* The offset of this part in a batch, and the length of the whole batch. */
static uint64_t ahead(const idem_data *d) {
    return (uint64_t)d->part * (uint64_t)d->batch;
}

static uint64_t whole(const idem_data *d) {
    return (uint64_t)d->parts * (uint64_t)d->batch;
}

void idem_data_mix(idem_data *d, idem_photographs *p, double share) {
    d->photographs = p;
    d->share = share;
}

const idem_photographs *idem_data_photographs(const idem_data *d) {
    return d->photographs;
}

bool idem_data_digest(const idem_data *d, char hex[65]) {
    if (d->reader)
        idem_data_reader_digest(d->reader, hex);
    return d->reader;
}

size_t idem_data_count(const idem_data *d) {
    return d->reader ? idem_data_reader_count(d->reader) : 0;
}

/* n rows of d->z from row `at` on. */
static void fill_z(idem_data *d, const char *stream, uint64_t first, size_t n, size_t at) {
    idem_rng r = idem_rng_make(d->seed, stream);
    r.counter = first * 2 * (uint64_t)d->z_dim;
    idem_rng_fill_normal(&r, d->z + at * (size_t)d->z_dim, n * (size_t)d->z_dim);
}

/* The first n rows of d->z. */
static int paint(idem_data *d, size_t n, float *x) {
    if (idem_pipe_run(d->sample, n, (const float *const[]){d->z}, (float *const[]){NULL, x}))
        return -1;
    idem_image_quantise(x, n * d->picture);
    return 0;
}

/* n <= 2 B pictures of an endless stream. */
static int sample(idem_data *d, const char *stream, uint64_t first, size_t n, float *x) {
    fill_z(d, stream, first, n, 0);
    return paint(d, n, x);
}

/* n <= B pictures of the generator, or of the folder, the first of which is number `first` of them. */
static int draw_own(idem_data *d, uint64_t first, size_t n, float *x) {
    if (!n)
        return 0;
    return d->reader ? idem_data_reader_take(d->reader, first, n, x) : sample(d, STREAM_PICTURES, first, n, x);
}

/* Drawn pictures are at the start of x: they are moved to their places, the last first, and photographs are put between
 * them. order [B]: the number of each place's picture, counted from the first; NULL: 0, 1, ... */
static void put_photographs(idem_data *d, uint64_t first, const size_t *order, float *x, size_t own) {
    for (size_t i = (size_t)d->batch; i-- > 0;) {
        const uint64_t k = first + (order ? order[i] : i), before = idem_photographs_before(d->share, k);
        if (idem_photographs_before(d->share, k + 1) > before)
            idem_photographs_take(d->photographs, before, x + i * d->picture);
        else if (--own != i)
            memcpy(x + i * d->picture, x + own * d->picture, d->picture * sizeof *x);
    }
}

static int draw_half(idem_data *d, float *x) {
    const size_t n = (size_t)d->batch;
    const double share = d->photographs ? d->share : 0;
    const uint64_t first = d->at.pictures + ahead(d), before = idem_photographs_before(share, first);
    size_t own = 0;
    for (size_t i = 0; i < n; i++)
        own += idem_photographs_before(share, first + i + 1) == idem_photographs_before(share, first + i);
    if (draw_own(d, first - before, own, x))
        return -1;
    if (own < n)
        put_photographs(d, first, NULL, x, own);
    d->at.pictures += whole(d);
    return 0;
}

/* As photographs are evenly spread, both halves of a batch may have them at the same places: the second half is
 * shuffled. */
static void shuffle(const idem_data *d, float *x) {
    idem_rng r = idem_rng_make(d->seed, STREAM_MIX);
    r.counter = d->at.pictures;
    for (size_t i = (size_t)d->batch; i > 1; i--) {
        const size_t k = (size_t)idem_rng_below(&r, i);
        float *a = x + (i - 1) * d->picture, *b = x + k * d->picture;
        for (size_t j = 0; j < d->picture && k != i - 1; j++) {
            const float kept = a[j];
            a[j] = b[j];
            b[j] = kept;
        }
    }
}

/* The part's places of the second half, whose order is of the whole batch. order: room for the whole. */
static int draw_ordered(idem_data *d, size_t *order, float *x) {
    const uint64_t first = d->at.pictures;
    const size_t all = (size_t)whole(d), *places = order + ahead(d);
    size_t own = 0;
    d->at.pictures += all;
    idem_rng r = idem_rng_make(d->seed, STREAM_MIX);
    r.counter = d->at.pictures;
    for (size_t i = 0; i < all; i++)
        order[i] = i;
    for (size_t i = all; i > 1; i--) {
        const size_t k = (size_t)idem_rng_below(&r, i), kept = order[i - 1];
        order[i - 1] = order[k];
        order[k] = kept;
    }
    for (int i = 0; i < d->batch; i++) {
        const uint64_t k = first + places[i], before = idem_photographs_before(d->share, k);
        if (idem_photographs_before(d->share, k + 1) > before)
            continue;
        if (!d->reader)
            fill_z(d, STREAM_PICTURES, k - before, 1, own);
        else if (idem_data_reader_take(d->reader, k - before, 1, x + own * d->picture))
            return -1;
        own++;
    }
    if (!d->reader && own && paint(d, own, x))
        return -1;
    put_photographs(d, first, places, x, own);
    return 0;
}

static int draw_part_of_shuffled(idem_data *d, float *x) {
    size_t *order = malloc((size_t)whole(d) * sizeof *order);
    const int status = order ? draw_ordered(d, order, x) : idem_fail_as(IDEM_MEMORY, "out of memory for a batch");
    free(order);
    return status;
}

int idem_data_draw(idem_data *d, bool cross, float *x_id, float *x_attr) {
    if (draw_half(d, x_id))
        return -1;
    if (!cross) {
        memcpy(x_attr, x_id, (size_t)d->batch * d->picture * sizeof *x_id);
        return 0;
    }
    const bool mixed = d->photographs && d->share > 0;
    if (mixed && d->parts > 1)
        return draw_part_of_shuffled(d, x_attr);
    if (draw_half(d, x_attr))
        return -1;
    if (mixed)
        shuffle(d, x_attr);
    return 0;
}

static void mirror(float *x, int side) {
    for (int y = 0; y < side; y++)
        for (int left = 0, right = side - 1; left < right; left++, right--) {
            float *a = x + 3 * ((size_t)y * (size_t)side + (size_t)left);
            float *b = x + 3 * ((size_t)y * (size_t)side + (size_t)right);
            for (int c = 0; c < 3; c++) {
                float kept = a[c];
                a[c] = b[c];
                b[c] = kept;
            }
        }
}

void idem_data_mirror(const idem_data *d, uint64_t first, double share, float *x) {
    idem_rng r = idem_rng_make(d->seed, STREAM_MIRROR);
    r.counter = first + ahead(d);
    for (int i = 0; i < d->batch; i++)
        if (idem_rng_uniform(&r) < share)
            mirror(x + (size_t)i * d->picture, d->side);
}

int idem_data_codes(idem_data *d, float *w) {
    size_t n = (size_t)d->batch;
    int status;
    if (d->reader) {
        status = idem_data_reader_codes(d->reader, d->at.codes + ahead(d), n, w);
    } else {
        fill_z(d, STREAM_CODES, d->at.codes + ahead(d), n, 0);
        status = idem_pipe_run(d->mapping, n, (const float *const[]){d->z}, (float *const[]){w});
    }
    if (!status)
        d->at.codes += whole(d);
    return status;
}

/* side 0: identity pictures, 1: attribute pictures of the pairs */
static int held_out_side(idem_data *d, int side, size_t first, size_t n, float *x) {
    if (d->reader)
        return idem_data_reader_held_out(d->reader, side, first, n, x);
    for (size_t i = 0; i < n; i += 2 * (size_t)d->batch) {
        size_t count = n - i < 2 * (size_t)d->batch ? n - i : 2 * (size_t)d->batch;
        if (sample(d, STREAM_HELD_OUT[side], first + i, count, x + i * d->picture))
            return -1;
    }
    return 0;
}

int idem_data_held_out(idem_data *d, size_t first, size_t n, float *x_id, float *x_attr) {
    return held_out_side(d, 0, first, n, x_id) || held_out_side(d, 1, first, n, x_attr) ? -1 : 0;
}

int idem_data_held_out_photographs(idem_data *d, size_t first, size_t n, float *x_id, float *x_attr) {
    idem_photographs_held_out(d->photographs, 0, first, n, x_id);
    idem_photographs_held_out(d->photographs, 1, first, n, x_attr);
    return 0;
}

idem_data_cursor idem_data_tell(const idem_data *d) {
    return d->at;
}

void idem_data_seek(idem_data *d, idem_data_cursor at) {
    d->at = at;
}
