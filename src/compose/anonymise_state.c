#define _GNU_SOURCE
#include "compose/anonymise_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/status.h"
#include "format/weights.h"

struct idem_anonymise_state {
    idem_weights *weights;
};

static int add(idem_weights *w, const char *name, size_t rows, size_t width, float **data) {
    idem_weight *t = idem_weights_add(w, name, IDEM_SHAPE((int64_t)(rows ? rows : 1), (int64_t)width));
    *data = t ? t->data : NULL;
    return t ? 0 : -1;
}

static int fill(idem_weights *w, idem_anonymiser *a, const uint8_t secret[IDEM_SECRET], const char *options,
                const json_t *done) {
    const idem_persons *p = a ? idem_anonymiser_persons(a) : NULL;
    const idem_surrogates *s = a ? idem_anonymiser_surrogates(a) : NULL;
    float *rows;
    char text[2 * IDEM_SECRET + 1], counts[3][16];
    for (int i = 0; i < IDEM_SECRET; i++)
        snprintf(text + 2 * i, 3, "%02x", secret[i]);
    snprintf(counts[0], sizeof counts[0], "%d", p ? idem_persons_count(p) : 0);
    snprintf(counts[1], sizeof counts[1], "%d", s ? idem_surrogates_count(s) : 0);
    snprintf(counts[2], sizeof counts[2], "%u", s ? (unsigned)idem_surrogates_drawn(s) : 0);
    if (p && add(w, "persons", (size_t)idem_persons_count(p), idem_persons_width(p), &rows))
        return -1;
    if (p)
        idem_persons_copy(p, rows);
    if (s && add(w, "surrogates", (size_t)idem_surrogates_count(s), idem_surrogates_width(s), &rows))
        return -1;
    if (s)
        idem_surrogates_copy(s, rows);
    char *json = json_dumps(done, JSON_COMPACT);
    const int status =
        !json || idem_weights_set_meta(w, "secret", text) || idem_weights_set_meta(w, "options", options) ||
                idem_weights_set_meta(w, "persons", counts[0]) || idem_weights_set_meta(w, "surrogates", counts[1]) ||
                idem_weights_set_meta(w, "drawn", counts[2]) || idem_weights_set_meta(w, "done", json)
            ? idem_fail_as(IDEM_MEMORY, "out of memory for the state of a run")
            : 0;
    free(json);
    explicit_bzero(text, sizeof text);
    return status;
}

int idem_anonymise_state_save(const char *path, idem_anonymiser *a, const uint8_t secret[IDEM_SECRET],
                              const char *options, const json_t *done) {
    idem_weights *w = idem_weights_new();
    int status = w ? fill(w, a, secret, options, done) : -1;
    if (!status) {
        const mode_t before = umask(077); /* so that others can never read the file, not even during writing */
        status = idem_weights_save(w, path, IDEM_DTYPE_F32);
        umask(before);
    }
    idem_weights_free(w);
    return status;
}

void idem_anonymise_state_free(idem_anonymise_state *s) {
    if (!s)
        return;
    idem_weights_free(s->weights);
    free(s);
}

static int take_secret(uint8_t secret[IDEM_SECRET], const char *text) {
    for (int i = 0; i < IDEM_SECRET; i++) {
        unsigned byte;
        if (!text || sscanf(text + 2 * i, "%2x", &byte) != 1)
            return -1;
        secret[i] = (uint8_t)byte;
    }
    return 0;
}

idem_anonymise_state *idem_anonymise_state_read(const char *path, const char *options, uint8_t secret[IDEM_SECRET]) {
    idem_anonymise_state *s = calloc(1, sizeof *s);
    if (!s || idem_weights_load(&s->weights, path)) {
        free(s);
        return s ? NULL : idem_fail_null_as(IDEM_MEMORY, "out of memory for the state of a run");
    }
    const char *was = idem_weights_meta(s->weights, "options"), *text = idem_weights_meta(s->weights, "secret");
    const bool whole = text && strlen(text) == 2 * IDEM_SECRET && !take_secret(secret, text);
    if (whole && was && !strcmp(was, options))
        return s;
    if (whole && was)
        idem_fail("%s: is of an interrupted run with other options (%s); repeat these to continue, or delete the file "
                  "to start again",
                  path, was);
    else
        idem_fail("%s: is not the state of an interrupted run; delete the file to start again", path);
    idem_anonymise_state_free(s);
    return NULL;
}

/* The number of used rows of a tensor; -1: invalid. */
static int rows_of(const idem_anonymise_state *s, const char *name, size_t width, const float **rows) {
    const idem_weight *w = idem_weights_find(s->weights, name);
    const char *count = idem_weights_meta(s->weights, name);
    const long n = count ? strtol(count, NULL, 10) : -1;
    if (!w || w->shape.rank != 2 || (size_t)w->shape.d[1] != width || n < 0 || n > w->shape.d[0] ||
        idem_weight_check(w))
        return idem_fail("the state of the interrupted run is damaged (%s); delete it to start again", name);
    *rows = w->data;
    return (int)n;
}

static int take_codes(const idem_anonymise_state *s, idem_anonymiser *a) {
    idem_persons *p = idem_anonymiser_persons(a);
    idem_surrogates *g = idem_anonymiser_surrogates(a);
    const float *rows[2] = {NULL, NULL};
    const char *drawn = idem_weights_meta(s->weights, "drawn");
    const int n = rows_of(s, "persons", idem_persons_width(p), &rows[0]),
              k = n < 0 ? -1 : rows_of(s, "surrogates", idem_surrogates_width(g), &rows[1]);
    if (k < 0)
        return -1;
    idem_surrogates_set_drawn(g, drawn ? (uint32_t)strtoul(drawn, NULL, 10) : 0);
    return idem_persons_take(p, rows[0], n) || idem_surrogates_take(g, rows[1], k) ? -1 : 0;
}

int idem_anonymise_state_take(const idem_anonymise_state *s, idem_anonymiser *a, json_t **done) {
    const char *text = idem_weights_meta(s->weights, "done");
    *done = text ? json_loads(text, 0, NULL) : NULL;
    if (!json_is_array(*done)) {
        json_decref(*done);
        *done = NULL;
        return idem_fail("the state of the interrupted run is damaged (done); delete it to start again");
    }
    return a ? take_codes(s, a) : 0;
}

/* ---- among ranks ---- */

typedef struct {
    int persons, surrogates, waiting;
    uint32_t drawn;
} head;

static int take_rows(idem_anonymiser *a, const head *h, const float *persons, const float *surrogates,
                     const float *waiting) {
    idem_surrogates *s = idem_anonymiser_surrogates(a);
    idem_surrogates_set_drawn(s, h->drawn);
    idem_surrogates_take_waiting(s, waiting, h->waiting);
    return idem_persons_take(idem_anonymiser_persons(a), persons, h->persons) ||
                   idem_surrogates_take(s, surrogates, h->surrogates)
               ? -1
               : 0;
}

int idem_anonymise_state_give(idem_rank_table *t, int from, idem_anonymiser *a) {
    idem_persons *p = idem_anonymiser_persons(a);
    idem_surrogates *s = idem_anonymiser_surrogates(a);
    head h = {idem_persons_count(p), idem_surrogates_count(s), idem_surrogates_waiting(s), idem_surrogates_drawn(s)};
    if (t->size == 1)
        return 0;
    if (idem_rank_give(t, from, &h, sizeof h))
        return -1;
    const size_t of_persons = (size_t)h.persons * idem_persons_width(p), width = idem_surrogates_width(s),
                 of_surrogates = (size_t)h.surrogates * width, of_waiting = (size_t)h.waiting * width,
                 bytes = (of_persons + of_surrogates + of_waiting + 1) * sizeof(float);
    float *rows = calloc(1, bytes);
    if (!rows)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d persons and %d surrogates", h.persons, h.surrogates);
    if (t->rank == from) {
        idem_persons_copy(p, rows);
        idem_surrogates_copy(s, rows + of_persons);
        idem_surrogates_copy_waiting(s, rows + of_persons + of_surrogates);
    }
    int status = idem_rank_give(t, from, rows, bytes);
    if (!status && t->rank != from)
        status = take_rows(a, &h, rows, rows + of_persons, rows + of_persons + of_surrogates);
    explicit_bzero(rows, bytes);
    free(rows);
    return status;
}
