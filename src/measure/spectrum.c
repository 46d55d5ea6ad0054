#include "measure/spectrum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "media/grey.h"

#define TAU 6.28318530717958647692
#define PEAK_PERIOD 8.0
#define LEAST 1e-9 /* lower power counts as 0 */

typedef struct {
    double re, im;
} number;

struct idem_spectrum {
    int size;
    size_t count;
    double *power;  /* [S, S], summed over the pictures; frequency f at f modulo S */
    double *window; /* [S] */
    number *turns;  /* [S/2]: exp(-2 pi i k / S) */
    number *work;   /* [S, S] and a column */
    int *in_ring;   /* [rings]: number of frequencies per ring */
};

static int rings_of(int size) {
    return (int)lround(sqrt(0.5) * size) + 1;
}

/* The ring of an index of `power`. */
static int ring_at(int size, int i) {
    const int half = size / 2, fx = i % size, fy = i / size;
    return (int)lround(hypot(fx < half ? fx : fx - size, fy < half ? fy : fy - size));
}

idem_spectrum *idem_spectrum_new(int size) {
    if (size < 8 || size > 1024 || (size & (size - 1)))
        return idem_fail_null("spectrum: pictures of side %d, expected a power of two from 8 to 1024", size);
    const size_t n = (size_t)size;
    idem_spectrum *s = calloc(1, sizeof *s);
    if (s) {
        s->size = size;
        s->power = calloc(n * n, sizeof *s->power);
        s->window = malloc(n * sizeof *s->window);
        s->turns = malloc(n / 2 * sizeof *s->turns);
        s->work = malloc((n + 1) * n * sizeof *s->work);
        s->in_ring = calloc((size_t)rings_of(size), sizeof *s->in_ring);
    }
    if (!s || !s->power || !s->window || !s->turns || !s->work || !s->in_ring) {
        idem_spectrum_free(s);
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a spectrum of %d x %d", size, size);
    }
    for (size_t i = 0; i < n; i++)
        s->window[i] = 0.5 - 0.5 * cos(TAU * (double)i / size);
    for (size_t i = 0; i < n / 2; i++)
        s->turns[i] = (number){cos(TAU * (double)i / size), -sin(TAU * (double)i / size)};
    for (int i = 0; i < size * size; i++)
        s->in_ring[ring_at(size, i)]++;
    return s;
}

void idem_spectrum_free(idem_spectrum *s) {
    if (!s)
        return;
    free(s->power);
    free(s->window);
    free(s->turns);
    free(s->work);
    free(s->in_ring);
    free(s);
}

/* ---- the transform ---- */

static void swap(number *a, number *b) {
    const number t = *a;
    *a = *b;
    *b = t;
}

/* In place, of S numbers: bits of the positions reversed, then butterflies of 2, 4, ... S. */
static void transform(const idem_spectrum *s, number *x) {
    const int n = s->size;
    for (int i = 1, j = 0; i < n; i++) {
        int bit = n >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j |= bit;
        if (i < j)
            swap(&x[i], &x[j]);
    }
    for (int half = 1; half < n; half *= 2)
        for (int first = 0; first < n; first += 2 * half)
            for (int k = 0; k < half; k++) {
                const number t = s->turns[k * (n / 2 / half)], b = x[first + half + k], a = x[first + k];
                const number c = {b.re * t.re - b.im * t.im, b.re * t.im + b.im * t.re};
                x[first + k] = (number){a.re + c.re, a.im + c.im};
                x[first + half + k] = (number){a.re - c.re, a.im - c.im};
            }
}

void idem_spectrum_add(idem_spectrum *s, const float *picture) {
    const int n = s->size;
    number *const x = s->work, *const column = x + n * n;
    double mean = 0, weights = 0, squares = 0;
    for (int i = 0; i < n * n; i++) {
        const float *p = picture + 3 * i;
        const double weight = s->window[i / n] * s->window[i % n];
        x[i] = (number){255 * idem_grey_exact((double)p[0], (double)p[1], (double)p[2]), 0};
        mean += weight * x[i].re;
        weights += weight;
        squares += weight * weight;
    }
    for (int i = 0; i < n * n; i++)
        x[i].re = (x[i].re - mean / weights) * s->window[i / n] * s->window[i % n];
    for (int y = 0; y < n; y++)
        transform(s, x + y * n);
    for (int fx = 0; fx < n; fx++) {
        for (int y = 0; y < n; y++)
            column[y] = x[y * n + fx];
        transform(s, column);
        for (int fy = 0; fy < n; fy++)
            s->power[fy * n + fx] += (column[fy].re * column[fy].re + column[fy].im * column[fy].im) / squares;
    }
    s->count++;
}

void idem_spectrum_join(idem_spectrum *s, const idem_spectrum *other) {
    for (int i = 0; i < s->size * s->size; i++)
        s->power[i] += other->power[i];
    s->count += other->count;
}

size_t idem_spectrum_count(const idem_spectrum *s) {
    return s->count;
}

double idem_spectrum_power(const idem_spectrum *s, int fx, int fy) {
    const int mask = s->size - 1;
    return s->count ? s->power[(fy & mask) * s->size + (fx & mask)] / (double)s->count : 0;
}

int idem_spectrum_rings(const idem_spectrum *s) {
    return rings_of(s->size);
}

void idem_spectrum_radial(const idem_spectrum *s, double *power) {
    const int rings = rings_of(s->size);
    memset(power, 0, (size_t)rings * sizeof *power);
    for (int i = 0; i < s->size * s->size && s->count; i++) {
        const int ring = ring_at(s->size, i);
        power[ring] += s->power[i] / (double)s->count / s->in_ring[ring];
    }
}

/* ---- two of them ---- */

static double around(const idem_spectrum *s, int fx, int fy) {
    static const double weight[3] = {0.25, 0.5, 0.25};
    double sum = 0;
    for (int i = 0; i < 9; i++)
        sum += weight[i % 3] * weight[i / 3] * idem_spectrum_power(s, fx + i % 3 - 1, fy + i / 3 - 1);
    return sum;
}

static double quotient(double a, double b) {
    return fmax(a, LEAST) / fmax(b, LEAST);
}

typedef struct {
    int fx, fy, ring;
    double times; /* a over b */
} place;

static int by_ring_and_times(const void *x, const void *y) {
    const place *a = x, *b = y;
    return a->ring != b->ring ? (a->ring > b->ring) - (a->ring < b->ring)
                              : (a->times > b->times) - (a->times < b->times);
}

/* Opposite frequencies are equal, so half of them suffice. */
static int find_peak(idem_spectrum_peak *peak, const idem_spectrum *a, const idem_spectrum *b) {
    const int half = a->size / 2;
    place *all = malloc((size_t)(half + 1) * (size_t)(a->size + 1) * sizeof *all);
    if (!all)
        return idem_fail_as(IDEM_MEMORY, "out of memory for the frequencies of a spectrum");
    int n = 0;
    for (int fx = 0; fx <= half; fx++)
        for (int fy = fx ? -half + 1 : 0; fy <= half; fy++)
            if (hypot(fx, fy) > a->size / PEAK_PERIOD)
                all[n++] = (place){fx, fy, (int)lround(hypot(fx, fy)), quotient(around(a, fx, fy), around(b, fx, fy))};
    qsort(all, (size_t)n, sizeof *all, by_ring_and_times);
    *peak = (idem_spectrum_peak){.times = 0};
    for (int first = 0, end; first < n; first = end) {
        for (end = first; end < n && all[end].ring == all[first].ring; end++)
            ;
        const place *most = &all[end - 1];
        const double times = most->times / all[(first + end) / 2].times;
        if (times > peak->times)
            *peak =
                (idem_spectrum_peak){a->size / hypot(most->fx, most->fy), atan2(most->fy, most->fx) * 360 / TAU, times};
    }
    free(all);
    return 0;
}

/* The mean over the frequencies with a radius from `least` to below `most` cycles per side. */
static double mean_between(const idem_spectrum *s, double least, double most) {
    const int half = s->size / 2;
    double sum = 0;
    int n = 0;
    for (int fy = -half; fy < half; fy++)
        for (int fx = -half; fx < half; fx++) {
            const double radius = hypot(fx, fy);
            if (radius < least || radius >= most)
                continue;
            sum += idem_spectrum_power(s, fx, fy);
            n++;
        }
    return n ? sum / n : 0;
}

int idem_spectrum_compare(const idem_spectrum *a, const idem_spectrum *b, idem_spectrum_band band[IDEM_SPECTRUM_BANDS],
                          idem_spectrum_peak *peak) {
    /* Around 4: a lattice of the networks' strides; around 3: the finest hatch seen. */
    const double periods[IDEM_SPECTRUM_BANDS + 1] = {a->size, 16, 8, 4.5, 3.5, 2.5, 2, 1.4};
    for (int i = 0; i < IDEM_SPECTRUM_BANDS; i++) {
        const double least = i ? a->size / periods[i] : 0.5, most = a->size / periods[i + 1];
        band[i] = (idem_spectrum_band){periods[i], periods[i + 1], mean_between(a, least, most),
                                       mean_between(b, least, most)};
    }
    return find_peak(peak, a, b);
}
