/* The public library's codes and pictures of faces in the frame (include/idem/compose.h). */
#include <stdlib.h>
#include <string.h>

#include "api/context.h"
#include "base/rng.h"
#include "base/status.h"

static size_t picture_bytes(const idem_context *c) {
    const size_t side = (size_t)idem_studio_about(c->studio)->size;
    return side * side * 3;
}

int idem_encode_identity(idem_context *c, const uint8_t *rgb, int n, float *code) {
    return idem_context_check("idem_encode_identity", c, rgb && code, n)
               ? -1
               : idem_studio_encode(c->studio, IDEM_PIPE_IDENTITY, rgb, n, code);
}

int idem_encode_attributes(idem_context *c, const uint8_t *rgb, int n, float *code) {
    return idem_context_check("idem_encode_attributes", c, rgb && code, n)
               ? -1
               : idem_studio_encode(c->studio, IDEM_PIPE_ATTRIBUTES, rgb, n, code);
}

int idem_map(idem_context *c, const float *identity, const float *attributes, int n, float *w) {
    idem_pipe *p = idem_context_check("idem_map", c, identity && attributes && w, n)
                       ? NULL
                       : idem_studio_pipe(c->studio, IDEM_PIPE_CODE, 1);
    if (!p)
        return -1;
    return idem_pipe_run(p, (size_t)n, (const float *const[]){identity, attributes}, (float *const[]){w, NULL});
}

int idem_generate(idem_context *c, const float *w, int n, uint8_t *rgb) {
    idem_pipe *p =
        idem_context_check("idem_generate", c, w && rgb, n) ? NULL : idem_studio_pipe(c->studio, IDEM_PIPE_PICTURE, 1);
    return p ? idem_studio_paint(c->studio, p, (const float *const[]){w, NULL}, n, NULL, rgb) : -1;
}

/* Codes of all pictures first: out may be one of the inputs. */
static int compose_plain(idem_context *c, const uint8_t *identity_rgb, const uint8_t *attribute_rgb, int n,
                         idem_sitting *sittings, uint8_t *out_rgb) {
    const idem_model_info *m = idem_studio_about(c->studio);
    float *id = malloc((size_t)n * (size_t)m->id_dim * sizeof *id);
    float *attr = malloc((size_t)n * (size_t)m->attr_dim * sizeof *attr);
    int status = id && attr ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for %d pictures", n);
    status = status || idem_studio_encode(c->studio, IDEM_PIPE_IDENTITY, identity_rgb, n, id) ||
             idem_studio_encode(c->studio, IDEM_PIPE_ATTRIBUTES, attribute_rgb, n, attr);
    for (int i = 0; i < n && !status; i++)
        sittings[i] =
            (idem_sitting){.id = id + (size_t)i * (size_t)m->id_dim, .attr = attr + (size_t)i * (size_t)m->attr_dim};
    status = status || idem_studio_paint_pairs(c->studio, sittings, n, NULL, out_rgb);
    free(id);
    free(attr);
    return status ? -1 : 0;
}

int idem_compose(idem_context *c, const uint8_t *identity_rgb, const uint8_t *attribute_rgb, int n, uint8_t *out_rgb) {
    /* That there is a mapper is better known before the work. */
    if (idem_context_check("idem_compose", c, identity_rgb && attribute_rgb && out_rgb, n) ||
        idem_studio_need(c->studio, true))
        return -1;
    idem_sitting *sittings = malloc((size_t)n * sizeof *sittings);
    if (!sittings)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pairs", n);
    for (int i = 0; i < n; i++)
        sittings[i] = (idem_sitting){.id_rgb = identity_rgb + (size_t)i * picture_bytes(c),
                                     .attr_rgb = attribute_rgb + (size_t)i * picture_bytes(c),
                                     .refine = c->refine};
    const int status = c->refine ? idem_studio_paint_pairs(c->studio, sittings, n, NULL, out_rgb)
                                 : compose_plain(c, identity_rgb, attribute_rgb, n, sittings, out_rgb);
    free(sittings);
    return status;
}

int idem_sample(idem_context *c, uint64_t seed, float truncation, int n, float *w, uint8_t *rgb) {
    if (idem_context_check("idem_sample", c, w || rgb, n))
        return -1;
    if (!(truncation >= 0 && truncation <= 1))
        return idem_fail("idem_sample: truncation is %g, expected 0 to 1", (double)truncation);
    idem_pipe *p = idem_studio_pipe(c->studio, rgb ? IDEM_PIPE_SAMPLE : IDEM_PIPE_MAPPING, truncation);
    if (!p)
        return -1;
    size_t numbers = (size_t)n * idem_pipe_in_size(p, 0);
    float *z = malloc(numbers * sizeof *z);
    if (!z)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d codes", n);
    idem_rng r = idem_rng_make(seed, "sample");
    idem_rng_fill_normal(&r, z, numbers);
    const float *const in[] = {z, NULL};
    int status = rgb ? idem_studio_paint(c->studio, p, in, n, w, rgb)
                     : idem_pipe_run(p, (size_t)n, in, (float *const[]){w, NULL});
    free(z);
    return status;
}
