/* The public library's codes and pictures of faces in the frame (include/idem/compose.h). */
#include <stdlib.h>
#include <string.h>

#include "api/sampling.h"
#include "base/rng.h"
#include "base/status.h"
#include "compose/faces.h"
#include "compose/samples.h"
#include "compose/way.h"

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

int idem_generate_ws(idem_context *c, const float *ws, int n, uint8_t *rgb) {
    idem_pipe *p = idem_context_check("idem_generate_ws", c, ws && rgb, n)
                       ? NULL
                       : idem_studio_pipe(c->studio, IDEM_PIPE_LAYERS, 1);
    return p ? idem_studio_paint(c->studio, p, (const float *const[]){ws, NULL}, n, NULL, rgb) : -1;
}

/* All pictures' codes first: out may be one of the inputs. */
static int compose_plain(idem_context *c, const uint8_t *identity_rgb, const uint8_t *attribute_rgb, int n,
                         idem_sitting *sittings, float *ws, uint8_t *out_rgb) {
    const idem_model_info *m = idem_studio_about(c->studio);
    float *id = malloc((size_t)n * (size_t)m->id_dim * sizeof *id);
    float *attr = malloc((size_t)n * (size_t)m->attr_dim * sizeof *attr);
    int status = id && attr ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for %d pictures", n);
    const bool muted = idem_studio_mute(c->studio, true);
    status = status || idem_studio_encode(c->studio, IDEM_PIPE_IDENTITY, identity_rgb, n, id) ||
             idem_studio_encode(c->studio, IDEM_PIPE_ATTRIBUTES, attribute_rgb, n, attr);
    idem_studio_mute(c->studio, muted);
    for (int i = 0; i < n && !status; i++)
        sittings[i] =
            (idem_sitting){.id = id + (size_t)i * (size_t)m->id_dim, .attr = attr + (size_t)i * (size_t)m->attr_dim};
    status = status || idem_studio_paint_pairs(c->studio, sittings, n, ws, out_rgb);
    free(id);
    free(attr);
    return status ? -1 : 0;
}

static int compose(const char *call, idem_context *c, const uint8_t *identity_rgb, const uint8_t *attribute_rgb, int n,
                   float *ws, uint8_t *out_rgb) {
    /* Checks first that there is a mapper, if one is needed. */
    if (idem_context_check(call, c, identity_rgb && attribute_rgb && (ws || out_rgb), n) ||
        idem_studio_need(c->studio, !c->refine))
        return -1;
    idem_sitting *sittings = malloc((size_t)n * sizeof *sittings);
    if (!sittings)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pairs", n);
    for (int i = 0; i < n; i++)
        sittings[i] = (idem_sitting){.id_rgb = identity_rgb + (size_t)i * picture_bytes(c),
                                     .attr_rgb = attribute_rgb + (size_t)i * picture_bytes(c),
                                     .refine = c->refine};
    const int status = c->refine ? idem_studio_paint_pairs(c->studio, sittings, n, ws, out_rgb)
                                 : compose_plain(c, identity_rgb, attribute_rgb, n, sittings, ws, out_rgb);
    free(sittings);
    return status;
}

int idem_compose(idem_context *c, const uint8_t *identity_rgb, const uint8_t *attribute_rgb, int n, uint8_t *out_rgb) {
    return compose("idem_compose", c, identity_rgb, attribute_rgb, n, NULL, out_rgb);
}

int idem_compose_ws(idem_context *c, const uint8_t *identity_rgb, const uint8_t *attribute_rgb, int n, float *ws,
                    uint8_t *out_rgb) {
    return compose("idem_compose_ws", c, identity_rgb, attribute_rgb, n, ws, out_rgb);
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

/* ---- samples with a row of ws for every layer ---- */

void idem_sampling_init(idem_sampling *sampling, size_t struct_size) {
    const idem_sampling usual = {.struct_size = struct_size, .seed = 1, .truncation = 0.7, .cutoff = -1};
    if (!sampling || struct_size < sizeof sampling->struct_size)
        return;
    memset(sampling, 0, struct_size);
    memcpy(sampling, &usual, struct_size < sizeof usual ? struct_size : sizeof usual);
}

int idem_sampling_check(const char *call, const idem_sampling *o) {
    if (o->struct_size != sizeof *o)
        return idem_fail("%s: sampling has %zu bytes, expected %zu; call idem_sampling_default first", call,
                         o->struct_size, sizeof *o);
    if (!(o->truncation >= 0 && o->truncation <= 2))
        return idem_fail("%s: truncation is %g, expected 0 to 2", call, o->truncation);
    return o->first <= UINT64_MAX / 65536 ? 0 : idem_fail("%s: first is too large", call);
}

int idem_sample_ws(idem_context *c, const idem_sampling *sampling, int n, float *ws, uint8_t *rgb) {
    static const char call[] = "idem_sample_ws";
    if (idem_context_check(call, c, sampling && (ws || rgb), n) || idem_sampling_check(call, sampling) ||
        idem_studio_need(c->studio, false))
        return -1;
    const idem_model_info *m = idem_studio_about(c->studio);
    const size_t row = (size_t)m->layers * (size_t)m->w_dim, picture = picture_bytes(c);
    const int batch = idem_studio_batch(c->studio), at_once = n < batch ? n : batch;
    float *codes = malloc((size_t)at_once * row * sizeof *codes);
    float *y = rgb ? malloc((size_t)at_once * picture * sizeof *y) : NULL;
    const idem_sampler_options o = {sampling->seed, sampling->truncation, sampling->cutoff};
    int status = codes && (y || !rgb) ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for %d faces", at_once);
    for (int first = 0; first < n && !status; first += batch) {
        const int count = n - first < batch ? n - first : batch;
        status = idem_samples(c->studio, &o, sampling->first + (uint64_t)first, count, codes, y);
        if (!status && ws)
            memcpy(ws + (size_t)first * row, codes, (size_t)count * row * sizeof *ws);
        for (int i = 0; i < count && !status && rgb; i++)
            status = idem_studio_to_bytes(c->studio, rgb + (size_t)(first + i) * picture, y + (size_t)i * picture);
        if (!status)
            idem_studio_tell(c->studio, first + count, n);
    }
    free(codes);
    free(y);
    return status;
}

/* ---- many faces ---- */

_Static_assert((int)IDEM_CODE_OF_IDENTITY == (int)IDEM_CODE_IDENTITY &&
                   (int)IDEM_CODE_OF_ATTRIBUTES == (int)IDEM_CODE_ATTRIBUTES &&
                   (int)IDEM_REFINE_AS_MARKED == (int)IDEM_REFINE_BY_MARK && (int)IDEM_SPACE_W == (int)IDEM_WAY_W &&
                   (int)IDEM_SPACE_Z == (int)IDEM_WAY_Z,
               "constants of compose.h and src/compose");

idem_faces *idem_new_faces(idem_context *c, int codes, int keep_pictures) {
    if (idem_context_check("idem_new_faces", c, true, 1))
        return NULL;
    if (codes < 1 || codes > (IDEM_CODE_IDENTITY | IDEM_CODE_ATTRIBUTES))
        return idem_fail_null("idem_new_faces: codes is %d, expected bits of IDEM_CODE_OF_...", codes);
    return idem_faces_new(c->studio, (unsigned)codes, keep_pictures);
}

void idem_free_faces(idem_faces *f) {
    idem_faces_free(f);
}

static int check_faces(const char *call, const void *f, const void *other) {
    return f && other ? 0 : idem_fail("%s: an argument is NULL", call);
}

int idem_add_faces(idem_faces *f, const idem_photograph *p) {
    return check_faces("idem_add_faces", f, p) ? -1 : idem_faces_add(f, p);
}

int idem_encode_faces(idem_faces *f) {
    return check_faces("idem_encode_faces", f, f) ? -1 : idem_faces_encode(f);
}

int idem_count_faces(const idem_faces *f) {
    return check_faces("idem_count_faces", f, f) ? -1 : f->n;
}

int idem_waiting_faces(const idem_faces *f) {
    return check_faces("idem_waiting_faces", f, f) ? -1 : f->n - f->encoded;
}

int idem_clear_faces(idem_faces *f) {
    if (check_faces("idem_clear_faces", f, f))
        return -1;
    idem_faces_clear(f);
    return 0;
}

const float *idem_face_codes(const idem_faces *f, int code) {
    if (check_faces("idem_face_codes", f, f))
        return NULL;
    if ((code != IDEM_CODE_IDENTITY && code != IDEM_CODE_ATTRIBUTES) || !(f->codes & (unsigned)code) || !f->encoded)
        return idem_fail_null("idem_face_codes: the set has no codes of kind %d", code);
    return f->code[code == IDEM_CODE_ATTRIBUTES];
}

const uint8_t *idem_face_picture(const idem_faces *f, int face) {
    if (check_faces("idem_face_picture", f, f))
        return NULL;
    if (face < (f->keep ? 0 : f->encoded) || face >= f->n)
        return idem_fail_null("idem_face_picture: the picture of face %d is missing: the set has %d faces%s", face,
                              f->n, f->keep ? "" : " and keeps no pictures after encoding");
    return idem_faces_picture(f, face);
}

static int check_refine(const char *call, int refine) {
    return refine >= IDEM_REFINE_BY_MARK && refine <= IDEM_REFINE_MOST
               ? 0
               : idem_fail("%s: refine is %d, expected %d to %d", call, refine, IDEM_REFINE_BY_MARK, IDEM_REFINE_MOST);
}

int idem_compose_faces(const idem_faces *identities, const idem_faces *attributes, const idem_pairing *pairs, int n,
                       int refine, float *ws, uint8_t *rgb) {
    static const char call[] = "idem_compose_faces";
    if (check_faces(call, identities, attributes) || check_faces(call, pairs, ws ? (void *)ws : rgb) ||
        check_refine(call, refine))
        return -1;
    if (n < 1)
        return idem_fail("%s: n is %d pictures, expected 1 or more", call, n);
    idem_face_pair *list = malloc((size_t)n * sizeof *list);
    if (!list)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pairs", n);
    for (int i = 0; i < n; i++)
        list[i] = (idem_face_pair){pairs[i].identity, pairs[i].attributes};
    const int status = idem_faces_compose(identities, attributes, list, n, refine, ws, rgb);
    free(list);
    return status;
}

int idem_interpolate(const idem_faces *identities, const idem_faces *attributes, int space, int frames, int refine,
                     uint8_t *rgb) {
    static const char call[] = "idem_interpolate";
    if (check_faces(call, identities, attributes) || check_faces(call, rgb, rgb) || check_refine(call, refine))
        return -1;
    if (space != IDEM_SPACE_W && space != IDEM_SPACE_Z)
        return idem_fail("%s: space is %d, expected IDEM_SPACE_W or IDEM_SPACE_Z", call, space);
    return idem_way(identities, attributes, (idem_way_space)space, frames, refine, rgb);
}
