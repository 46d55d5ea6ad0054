/* Power spectra of sets of square pictures, to show at which scale a generator has too much or too little power; a
 * lattice or a hatch is a frequency with too much.
 *
 * Of each picture: luminance 0.299 R + 0.587 G + 0.114 B in 255ths; minus its mean weighted by the window; a periodic
 * Hann window on both axes; the discrete Fourier transform. Power is |F|^2 / sum of the squared window, averaged over
 * the pictures: white noise of variance v has power v at every frequency. */
#ifndef IDEM_MEASURE_SPECTRUM_H
#define IDEM_MEASURE_SPECTRUM_H

#include <stddef.h>

typedef struct idem_spectrum idem_spectrum;

/* size: side S of the pictures, a power of two from 8 to 1024. */
idem_spectrum *idem_spectrum_new(int size);
void idem_spectrum_free(idem_spectrum *s); /* NULL is allowed */

/* Adds a picture [S, S, 3] in [0, 1]. */
void idem_spectrum_add(idem_spectrum *s, const float *picture);
/* Adds the pictures of another spectrum of the same size. */
void idem_spectrum_join(idem_spectrum *s, const idem_spectrum *other);
size_t idem_spectrum_count(const idem_spectrum *s); /* pictures added */

/* At fx and fy cycles per side, each from -S/2 to S/2 - 1. 0 without pictures. */
double idem_spectrum_power(const idem_spectrum *s, int fx, int fy);
/* power[rings], ring r the mean over the frequencies with round(sqrt(fx^2 + fy^2)) = r; 0 without pictures. */
int idem_spectrum_rings(const idem_spectrum *s);
void idem_spectrum_radial(const idem_spectrum *s, double *power);

/* Bands by period in pixels, from S on. The diagonal frequencies have periods below 2. */
enum { IDEM_SPECTRUM_BANDS = 7 };
typedef struct {
    double longest, shortest; /* periods, longest excluded */
    double a, b;              /* mean power over the frequencies between */
} idem_spectrum_band;

/* The strongest peak within its ring, in a relative to b: a(f) / b(f), divided by its median in the ring. Power is
 * smoothed over 3 x 3 frequencies with weights 1-2-1; periods under 8 pixels. */
typedef struct {
    double period;  /* pixels per wave */
    double degrees; /* direction of the wave, from the x axis downwards: 0 for vertical lines; -90 < degrees <= 90 */
    double times;
} idem_spectrum_peak;

/* a and b are of one size. 0 or -1. */
int idem_spectrum_compare(const idem_spectrum *a, const idem_spectrum *b, idem_spectrum_band band[IDEM_SPECTRUM_BANDS],
                          idem_spectrum_peak *peak);

#endif
