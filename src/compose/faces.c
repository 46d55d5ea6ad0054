#include "compose/faces.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"

static const idem_pipe_kind kinds[IDEM_CODES] = {IDEM_PIPE_IDENTITY, IDEM_PIPE_ATTRIBUTES};

static int side_of(const idem_faces *f) {
    return idem_studio_about(f->studio)->size;
}

static size_t picture_bytes(const idem_faces *f) {
    return (size_t)side_of(f) * (size_t)side_of(f) * 3;
}

static bool makes(const idem_faces *f, int i) {
    return f->codes & 1u << i;
}

idem_faces *idem_faces_new(idem_studio *s, unsigned codes, bool keep) {
    /* Refinement works without a mapper and its attribute codes. */
    if (idem_studio_need(s, codes & IDEM_CODE_ATTRIBUTES && !keep))
        return NULL;
    if (codes & IDEM_CODE_IDENTITY && !idem_studio_about(s)->id_dim)
        return idem_fail_null(
            "no recogniser is loaded, and identity codes are its vectors; set options.mapper to a file "
            "that idem train made");
    if (!idem_studio_about(s)->has_mapper)
        codes &= ~(unsigned)IDEM_CODE_ATTRIBUTES;
    idem_faces *f = calloc(1, sizeof *f);
    if (!f)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for faces");
    const idem_model_info *m = idem_studio_about(s);
    *f = (idem_faces){.studio = s, .codes = codes, .keep = keep};
    f->dim[0] = makes(f, 0) ? (size_t)m->id_dim : 0;
    f->dim[1] = makes(f, 1) ? (size_t)m->attr_dim : 0;
    return f;
}

void idem_faces_free(idem_faces *f) {
    if (!f)
        return;
    for (int i = 0; i < IDEM_CODES; i++)
        free(f->code[i]);
    free(f->drawn);
    free(f->pictures);
    free(f);
}

void idem_faces_clear(idem_faces *f) {
    f->n = f->encoded = 0;
}

/* Grows *array to `items` of that size; unchanged if memory is short. */
static int grow(void *array, size_t items, size_t size) {
    void **at = array, *more = realloc(*at, items * size);
    if (!more)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %zu faces", items);
    *at = more;
    return 0;
}

static int larger(int capacity, int need) {
    return need > 2 * capacity ? need : 2 * capacity;
}

static int reserve(idem_faces *f, int n) {
    const int need = f->n + n, pictures = f->keep ? need : need - f->encoded;
    if (need > f->capacity) {
        const int capacity = larger(f->capacity, need);
        int status = grow(&f->drawn, (size_t)capacity, sizeof *f->drawn);
        for (int i = 0; i < IDEM_CODES && !status; i++)
            status = makes(f, i) ? grow(&f->code[i], (size_t)capacity, f->dim[i] * sizeof(float)) : 0;
        if (status)
            return -1;
        f->capacity = capacity;
    }
    if (pictures > f->pictures_capacity) {
        const int capacity = larger(f->pictures_capacity, pictures);
        if (grow(&f->pictures, (size_t)capacity, picture_bytes(f)))
            return -1;
        f->pictures_capacity = capacity;
    }
    return 0;
}

const uint8_t *idem_faces_picture(const idem_faces *f, int face) {
    return f->pictures + (size_t)(f->keep ? face : face - f->encoded) * picture_bytes(f);
}

int idem_faces_add(idem_faces *f, const idem_photograph *p) {
    if (!p->taken)
        return 0;
    if (reserve(f, p->taken))
        return -1;
    const bool drawn = f->keep && idem_photograph_is_drawn(p);
    for (int i = 0; i < p->taken; i++) {
        idem_image picture;
        if (idem_photograph_cut(p, f->studio, p->first + i, side_of(f), &picture))
            return -1;
        memcpy((uint8_t *)idem_faces_picture(f, f->n + i), picture.rgb, picture_bytes(f));
        f->drawn[f->n + i] = drawn;
        idem_image_free(&picture);
    }
    f->n += p->taken;
    return 0;
}

int idem_faces_encode(idem_faces *f) {
    const int n = f->n - f->encoded;
    for (int i = 0; i < IDEM_CODES && n; i++)
        if (makes(f, i) && idem_studio_encode(f->studio, kinds[i], idem_faces_picture(f, f->encoded), n,
                                              f->code[i] + (size_t)f->encoded * f->dim[i]))
            return -1;
    f->encoded = f->n;
    return 0;
}

int idem_faces_check(const idem_faces *id, const idem_faces *attr, int refine) {
    const bool mapper = idem_studio_about(id->studio)->has_mapper;
    if (!mapper && !refine)
        return idem_studio_need(id->studio, true);
    if (!makes(id, 0) || (mapper && !makes(attr, 1)))
        return idem_fail("composing needs identity codes of one set of faces and attribute codes of the other");
    if (refine && (!id->keep || !attr->keep))
        return idem_fail("refining needs the pictures of both sets of faces, which were not kept");
    return id->encoded < id->n || attr->encoded < attr->n ? idem_fail("the codes of some faces have not been made yet")
                                                          : 0;
}

static int check(const idem_faces *id, const idem_faces *attr, const idem_face_pair *pairs, int n, int refine) {
    if (idem_faces_check(id, attr, refine))
        return -1;
    for (int i = 0; i < n; i++)
        if (pairs[i].id < 0 || pairs[i].id >= id->encoded || pairs[i].attr < 0 || pairs[i].attr >= attr->encoded)
            return idem_fail("pair %d has faces %d and %d, but %d and %d faces have codes", i, pairs[i].id,
                             pairs[i].attr, id->encoded, attr->encoded);
    return 0;
}

static idem_sitting sitting_of(const idem_faces *id, const idem_faces *attr, const idem_face_pair *pair, int refine) {
    const bool mapper = idem_studio_about(id->studio)->has_mapper;
    idem_sitting s = {.id = id->code[0] + (size_t)pair->id * id->dim[0]};
    if (mapper)
        s.attr = attr->code[1] + (size_t)pair->attr * attr->dim[1];
    if (!refine)
        return s;
    s.refine = idem_refine_steps(refine, mapper && id->drawn[pair->id], mapper && attr->drawn[pair->attr]);
    s.id_rgb = idem_faces_picture(id, pair->id);
    s.attr_rgb = idem_faces_picture(attr, pair->attr);
    return s;
}

int idem_faces_compose(const idem_faces *id, const idem_faces *attr, const idem_face_pair *pairs, int n, int refine,
                       float *ws, uint8_t *rgb) {
    if (check(id, attr, pairs, n, refine))
        return -1;
    idem_sitting *sittings = malloc((size_t)n * sizeof *sittings);
    if (!sittings)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pairs", n);
    for (int i = 0; i < n; i++)
        sittings[i] = sitting_of(id, attr, &pairs[i], refine);
    const int status = idem_studio_paint_pairs(id->studio, sittings, n, ws, rgb);
    free(sittings);
    return status;
}
