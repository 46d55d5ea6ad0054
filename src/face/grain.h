/* Grain: a painted face that was enlarged is smoother than the photograph about it. What it lacks is told octave by
 * octave (bands of the a trous wavelet transform with the B3 spline, Starck and Murtagh 1994) and made up by noise. The
 * photograph's own detail is not used: it would bring its features back.
 *
 *     idem_grain g;
 *     idem_grain_match(&g, before, after, width, height, octaves);
 *     value += g.strength ? g.tile[..] : 0
 */
#ifndef IDEM_FACE_GRAIN_H
#define IDEM_FACE_GRAIN_H

enum { IDEM_GRAIN_OCTAVES = 3, IDEM_GRAIN_SIDE = 256 };

typedef struct {
    double deviation[IDEM_GRAIN_OCTAVES]; /* of the noise by octave, finest first, in brightness */
    float *tile;                          /* [SIDE, SIDE], may be repeated; NULL: nothing is missing */
} idem_grain;
void idem_grain_free(idem_grain *g);

/* What `after` lacks of `before`, both brightness [height, width]; octaves: the finest so many, at most
 * IDEM_GRAIN_OCTAVES. Levels are medians, so edges do not count. */
int idem_grain_match(idem_grain *g, const float *before, const float *after, int width, int height, int octaves);

#endif
