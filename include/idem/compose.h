/* Codes and pictures of faces in the frame, and whole photographs composed (part of idem.h). */
#ifndef IDEM_COMPOSE_H
#define IDEM_COMPOSE_H

#include "idem/context.h"
#include "idem/faces.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the parts ---- */

/* rgb [n][size][size][3] -> code [n][identity_dim] */
IDEM_API int idem_encode_identity(idem_context *context, const uint8_t *rgb, int n, float *code);
/* rgb [n][size][size][3] -> code [n][attribute_dim] */
IDEM_API int idem_encode_attributes(idem_context *context, const uint8_t *rgb, int n, float *code);
/* identity [n][identity_dim], attributes [n][attribute_dim] -> w [n][w_dim] */
IDEM_API int idem_map(idem_context *context, const float *identity, const float *attributes, int n, float *w);
/* w [n][w_dim] -> rgb [n][size][size][3] */
IDEM_API int idem_generate(idem_context *context, const float *w, int n, uint8_t *rgb);

/* ---- the whole ---- */

/* Picture i of out has the identity of identity_rgb[i] and everything else of attribute_rgb[i]; all [n][size][size][3].
 * out may be one of the inputs. */
IDEM_API int idem_compose(idem_context *context, const uint8_t *identity_rgb, const uint8_t *attribute_rgb, int n,
                          uint8_t *out_rgb);

/* New faces of no real person: n codes of the generator's own, by seed, pulled towards its mean by truncation (0 .. 1;
 * 1: not at all). w [n][w_dim] or rgb [n][size][size][3] may be NULL. Face i depends on the seed and i, not on n; the
 * program's `idem sample` makes the same ones. */
IDEM_API int idem_sample(idem_context *context, uint64_t seed, float truncation, int n, float *w, uint8_t *rgb);

/* ---- photographs ---- */

#define IDEM_ALL_FACES (-1)
/* Gives the face of `attributes` (IDEM_ALL_FACES: every one, the largest first) the identity of identity_rgb
 * [size][size][3]: align, compose and paste, as `idem compose --keep-size` does. -1 when there is no such face. */
IDEM_API int idem_compose_photograph(idem_context *context, const uint8_t *identity_rgb, idem_photograph *attributes,
                                     int face);

#ifdef __cplusplus
}
#endif

#endif
