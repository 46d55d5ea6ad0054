/* Grain: an enlarged painted face is smoother than the photograph around it. The difference is measured per octave
 * (bands of the a trous wavelet transform with the B3 spline, Starck and Murtagh 1994) and added as noise. The
 * photograph's detail is not used, as it would restore the person's features.
 *
 *     idem_grain g;
 *     idem_grain_match(&g, before, after, width, height, octaves);
 *     value += g.strength ? g.tile[..] : 0 */
#ifndef IDEM_FACE_GRAIN_H
#define IDEM_FACE_GRAIN_H

enum { IDEM_GRAIN_OCTAVES = 3, IDEM_GRAIN_SIDE = 256 };

typedef struct {
    double deviation[IDEM_GRAIN_OCTAVES]; /* standard deviation of the noise per octave, finest first, in brightness */
    float *tile;                          /* [SIDE, SIDE], to be repeated; NULL: no noise needed */
} idem_grain;
void idem_grain_free(idem_grain *g);

/* The grain that `after` needs to match `before`, both brightness [height, width]; octaves: number of the finest
 * octaves, at most IDEM_GRAIN_OCTAVES. Levels are medians, so edges do not count. */
int idem_grain_match(idem_grain *g, const float *before, const float *after, int width, int height, int octaves);

#endif
