#define _GNU_SOURCE
#include "compose/surrogate.h"

#include <errno.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/rng.h"
#include "base/sha256.h"
#include "base/status.h"
#include "compose/likeness.h"
#include "compose/code_rows.h"
#include "measure/verification.h"

enum { ROUNDS_MOST = 8, FEW = 8 };
/* Truncation of candidates: enough to be painted well, not so much that they become similar. */
static const float truncation = 0.9f;
/* Margin below the threshold from which on cosines count as alike. */
static const double near_by = 0.1;

struct idem_surrogates {
    idem_studio *studio;
    uint8_t seed[IDEM_SECRET];
    size_t z, id, feature; /* widths: of z, of a code, of fr_feature's vector */
    idem_code_rows used;   /* code, feature, judge */
    uint32_t drawn;        /* candidates so far */
    float *candidates;     /* [IDEM_SURROGATE_CANDIDATES, width], the first `waiting` are drawn */
    int waiting;
    idem_code_rows ahead;   /* the next candidates, if they are drawn already */
    idem_rank_table *ranks; /* that share out drawing; NULL: none */
    float *noise;           /* [z] */
    uint8_t *picture;       /* [S, S, 3] */
};

/* ---- secrets ---- */

int idem_secret_draw(uint8_t *secret, size_t n) {
    while (n) {
        const ssize_t got = getrandom(secret, n < 256 ? n : 256, 0);
        if (got < 0 && errno != EINTR)
            return idem_fail_as(IDEM_INTERNAL, "the system has no random numbers: %s", strerror(errno));
        if (got > 0) {
            secret += got;
            n -= (size_t)got;
        }
    }
    return 0;
}

void idem_secret_of_test_seed(uint8_t secret[IDEM_SECRET], uint64_t seed) {
    char text[64], hex[65];
    idem_sha256 sha = idem_sha256_make();
    snprintf(text, sizeof text, "idem anonymise, test seed %llu", (unsigned long long)seed);
    idem_sha256_add(&sha, text, strlen(text));
    idem_sha256_end(&sha, hex);
    memcpy(secret, hex, IDEM_SECRET);
}

void idem_secret_derive(uint8_t out[IDEM_SECRET], const uint8_t secret[IDEM_SECRET], const void *message, size_t n) {
    _Static_assert((int)IDEM_SECRET == (int)crypto_auth_hmacsha256_BYTES, "a derived secret is one HMAC");
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, secret, IDEM_SECRET);
    crypto_auth_hmacsha256_update(&state, message, n);
    crypto_auth_hmacsha256_final(&state, out);
    sodium_memzero(&state, sizeof state);
}

/* ---- life ---- */

static float *numbers(size_t n) {
    float *p = calloc(n ? n : 1, sizeof *p);
    return p ? p : idem_fail_null_as(IDEM_MEMORY, "out of memory for surrogates");
}

idem_surrogates *idem_surrogates_new(idem_studio *studio, const uint8_t seed[IDEM_SECRET]) {
    const idem_model_info *m = idem_studio_about(studio);
    const int feature =
        m ? idem_studio_feature_dim(studio) : idem_fail("surrogates are drawn from a generator, and none is loaded");
    idem_surrogates *s = feature > 0 ? calloc(1, sizeof *s) : NULL;
    if (!s)
        return feature > 0 ? idem_fail_null_as(IDEM_MEMORY, "out of memory for surrogates") : NULL;
    s->studio = studio;
    memcpy(s->seed, seed, IDEM_SECRET);
    s->z = (size_t)m->z_dim;
    s->id = (size_t)m->id_dim;
    s->feature = (size_t)feature;
    s->used.width = s->ahead.width = s->id + s->feature + IDEM_JUDGE_DIM;
    s->candidates = numbers(IDEM_SURROGATE_CANDIDATES * s->used.width);
    s->noise = numbers(s->z);
    s->picture = malloc((size_t)m->size * (size_t)m->size * 3);
    if (s->candidates && s->noise && s->picture)
        return s;
    idem_surrogates_free(s);
    return idem_fail_null_as(IDEM_MEMORY, "out of memory for surrogates");
}

void idem_surrogates_free(idem_surrogates *s) {
    if (!s)
        return;
    free(s->used.at);
    free(s->ahead.at);
    free(s->candidates);
    free(s->noise);
    free(s->picture);
    explicit_bzero(s->seed, sizeof s->seed);
    free(s);
}

int idem_surrogates_count(const idem_surrogates *s) {
    return s->used.n;
}

idem_surrogate idem_surrogates_at(const idem_surrogates *s, int i) {
    const float *row = idem_code_row(&s->used, i);
    return (idem_surrogate){row, row + s->id, row + s->id + s->feature};
}

void idem_surrogates_forget_first(idem_surrogates *s, int n) {
    const int gone = s->used.n - n;
    if (gone <= 0)
        return;
    memmove(s->used.at, idem_code_row(&s->used, gone), (size_t)n * s->used.width * sizeof *s->used.at);
    s->used.n = n;
}

size_t idem_surrogates_width(const idem_surrogates *s) {
    return s->used.width;
}

void idem_surrogates_copy(const idem_surrogates *s, float *rows) {
    idem_code_rows_copy(&s->used, rows);
}

int idem_surrogates_take(idem_surrogates *s, const float *rows, int n) {
    return idem_code_rows_take(&s->used, rows, n, "surrogates");
}

/* ---- candidates ---- */

/* z of a candidate: depends only on the secret and its number. */
static void draw_noise(const idem_surrogates *s, uint32_t number, float *z) {
    uint8_t message[20] = "idem candidate", derived[IDEM_SECRET];
    uint64_t seed;
    for (int k = 0; k < 4; k++)
        message[16 + k] = (uint8_t)(number >> 8 * k);
    idem_secret_derive(derived, s->seed, message, sizeof message);
    memcpy(&seed, derived, sizeof seed);
    idem_rng rng = idem_rng_make(seed, "surrogate");
    idem_rng_fill_normal(&rng, z, s->z);
    explicit_bzero(derived, sizeof derived);
    explicit_bzero(&rng, sizeof rng);
}

/* The recognisers cut a face out by five of its 68 points: those of the generator's frame. */
static void place_points(float (*points)[2], const float (*five)[2]) {
    for (int i = 36; i < 48; i++)
        memcpy(points[i], five[i >= 42], sizeof points[i]);
    memcpy(points[30], five[2], sizeof points[30]);
    memcpy(points[48], five[3], sizeof points[48]);
    memcpy(points[54], five[4], sizeof points[54]);
}

static int describe(idem_surrogates *s, const uint8_t *rgb, float *row) {
    const int side = idem_studio_about(s->studio)->size;
    const idem_frame *frame = idem_model_frame(idem_studio_model(s->studio));
    const idem_image picture = {.width = side, .height = side, .rgb = (uint8_t *)(uintptr_t)rgb};
    float points[IDEM_POINTS][2] = {{0}};
    place_points(points, frame->five);
    return idem_studio_embed(s->studio, &picture, (const float(*)[2])points, row + s->id, row + s->id + s->feature);
}

static int draw(idem_surrogates *s, uint32_t number, float *row) {
    idem_pipe *paint = idem_studio_pipe(s->studio, IDEM_PIPE_SAMPLE, truncation);
    if (!paint)
        return -1;
    draw_noise(s, number, s->noise);
    return idem_studio_paint(s->studio, paint, (const float *const[]){s->noise, NULL}, 1, NULL, s->picture) ||
                   idem_studio_encode(s->studio, IDEM_PIPE_IDENTITY, s->picture, 1, row) || describe(s, s->picture, row)
               ? -1
               : 0;
}

/* The next n candidates, drawn unless they are there. Each rank draws some of them, for all. */
static int draw_ahead(idem_surrogates *s, int n) {
    idem_code_rows *ahead = &s->ahead;
    const int ranks = s->ranks ? s->ranks->size : 1, missing = n - ahead->n, part = (missing + ranks - 1) / ranks,
              first = ahead->n + (s->ranks ? s->ranks->rank * part : 0);
    if (missing <= 0)
        return 0;
    if (idem_code_rows_reserve(ahead, ahead->n + ranks * part, "candidates"))
        return -1;
    float *all = idem_code_row(ahead, ahead->n);
    const size_t bytes = (size_t)part * ahead->width * sizeof *all;
    memset(all, 0, (size_t)ranks * bytes);
    for (int i = first; i < first + part && i < n; i++)
        if (draw(s, s->drawn + (uint32_t)i, idem_code_row(ahead, i)))
            return -1;
    if (s->ranks && idem_rank_gather(s->ranks, idem_code_row(ahead, first), bytes, all))
        return -1;
    ahead->n = n;
    return 0;
}

/* Candidates up to n; unchosen ones are kept. */
static int fill(idem_surrogates *s, int n) {
    const int missing = n - s->waiting;
    const size_t width = s->used.width;
    if (missing <= 0)
        return 0;
    if (draw_ahead(s, missing))
        return -1;
    memcpy(s->candidates + (size_t)s->waiting * width, s->ahead.at, (size_t)missing * width * sizeof *s->ahead.at);
    s->ahead.n -= missing;
    memmove(s->ahead.at, idem_code_row(&s->ahead, missing), (size_t)s->ahead.n * width * sizeof *s->ahead.at);
    s->drawn += (uint32_t)missing;
    s->waiting = n;
    return 0;
}

void idem_surrogates_set_ranks(idem_surrogates *s, idem_rank_table *ranks) {
    s->ranks = ranks && ranks->size > 1 ? ranks : NULL;
    s->ahead.n = 0;
}

int idem_surrogates_expect(idem_surrogates *s, int n) {
    const int first = s->used.n || n > 1 ? IDEM_SURROGATE_CANDIDATES : FEW;
    return s->ranks && n > 0 ? draw_ahead(s, first - s->waiting + n - 1) : 0;
}

/* Likeness to those in use: the sum of the recognisers' cosines beyond a margin below their thresholds, so that few
 * pairs are above. The judge's cosines have a fifth of the spread. */
static double nearness(const idem_surrogates *s, const float *candidate) {
    double sum = 0;
    for (int i = 0; i < s->used.n; i++) {
        const float *row = idem_code_row(&s->used, i);
        const double feature = idem_unit_cosine(candidate + s->id, row + s->id, s->feature),
                     judge = idem_unit_cosine(candidate + s->id + s->feature, row + s->id + s->feature, IDEM_JUDGE_DIM);
        sum += fmax(feature - IDEM_FEATURE_THRESHOLD + near_by, 0) +
               5 * fmax(judge - IDEM_JUDGE_THRESHOLD + near_by / 5, 0);
    }
    return sum;
}

static bool is_stranger(const idem_surrogates *s, const float *candidate, const float *feature, const float *judge) {
    return (!feature || idem_unit_cosine(candidate + s->id, feature, s->feature) <= IDEM_FEATURE_THRESHOLD) &&
           (!judge || idem_unit_cosine(candidate + s->id + s->feature, judge, IDEM_JUDGE_DIM) <= IDEM_JUDGE_THRESHOLD);
}

/* The stranger to the person that is farthest from those in use; -1: none. */
static int farthest(const idem_surrogates *s, const float *feature, const float *judge) {
    int best = -1;
    double least = HUGE_VAL;
    for (int i = 0; i < s->waiting; i++) {
        const float *candidate = s->candidates + (size_t)i * s->used.width;
        const double near = nearness(s, candidate);
        if (is_stranger(s, candidate, feature, judge) && (best < 0 || near < least)) {
            best = i;
            least = near;
        }
    }
    return best;
}

int idem_surrogates_choose(idem_surrogates *s, const float *feature, const float *judge) {
    for (int again = 0; again < ROUNDS_MOST; again++) {
        /* For the first there are none in use. */
        if (fill(s, s->used.n ? IDEM_SURROGATE_CANDIDATES : FEW) ||
            idem_code_rows_reserve(&s->used, s->used.n + 1, "surrogates"))
            return -1;
        const int best = farthest(s, feature, judge);
        if (best >= 0) {
            float *row = s->candidates + (size_t)best * s->used.width;
            memcpy(idem_code_row(&s->used, s->used.n), row, s->used.width * sizeof *row);
            s->waiting--;
            memmove(row, row + s->used.width, (size_t)(s->waiting - best) * s->used.width * sizeof *row);
            return s->used.n++;
        }
        s->waiting = 0;
    }
    return idem_fail("none of %d faces drawn from the generator is a stranger to a person",
                     ROUNDS_MOST * (s->used.n ? IDEM_SURROGATE_CANDIDATES : FEW));
}

uint32_t idem_surrogates_drawn(const idem_surrogates *s) {
    return s->drawn;
}

void idem_surrogates_set_drawn(idem_surrogates *s, uint32_t drawn) {
    if (drawn != s->drawn)
        s->ahead.n = 0;
    s->drawn = drawn;
    s->waiting = 0;
}

int idem_surrogates_waiting(const idem_surrogates *s) {
    return s->waiting;
}

void idem_surrogates_copy_waiting(const idem_surrogates *s, float *rows) {
    memcpy(rows, s->candidates, (size_t)s->waiting * s->used.width * sizeof *rows);
}

void idem_surrogates_take_waiting(idem_surrogates *s, const float *rows, int n) {
    memcpy(s->candidates, rows, (size_t)n * s->used.width * sizeof *rows);
    s->waiting = n;
}

void idem_surrogates_alike(const idem_surrogates *s, double *feature, double *judge) {
    double above[2] = {0}, pairs = 0;
    for (int i = 0; i < s->used.n; i++)
        for (int k = i + 1; k < s->used.n; k++) {
            const idem_surrogate a = idem_surrogates_at(s, i), b = idem_surrogates_at(s, k);
            above[0] += idem_unit_cosine(a.feature, b.feature, s->feature) > IDEM_FEATURE_THRESHOLD;
            above[1] += idem_unit_cosine(a.judge, b.judge, IDEM_JUDGE_DIM) > IDEM_JUDGE_THRESHOLD;
            pairs++;
        }
    *feature = pairs > 0 ? above[0] / pairs : NAN;
    *judge = pairs > 0 ? above[1] / pairs : NAN;
}
