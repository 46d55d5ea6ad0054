#define _GNU_SOURCE
#include "compose/anonymise_round.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/status.h"
#include "compose/anonymise_photo.h"
#include "compose/anonymise_report.h"
#include "compose/hand_boxes.h"
#include "model/origin.h"

/* First character of what all ranks learn of a file; then its entry as JSON, or the message. */
enum { WRITTEN = 'w', HELD = 'h', PASSED_OVER = 'p' };

/* This rank's. */
typedef struct {
    const idem_anonymise_file *file; /* NULL: the round has fewer files than ranks */
    idem_rewrite *rewrite;
    idem_image im;
    idem_photo_plan plan;
    char *told; /* NULL: not yet */
} photo;

/* ---- results ---- */

int idem_anonymise_entry_add(json_t *done, const char *name, json_t *entry) {
    if (entry)
        json_object_set_new(entry, "file", json_string(name)); /* unchanged bytes, if they are UTF-8 */
    return entry && !json_array_append_new(done, entry) ? 0 : -1;
}

static char *result_path(const idem_anonymise_round *r, const photo *p) {
    const char *ending = idem_rewrite_ending(p->rewrite);
    char *name = ending ? idem_anonymise_files_renamed(r->files, p->file, ending) : NULL;
    char *path = ending && !name ? NULL : idem_path_join(r->output, name ? name : p->file->name);
    free(name);
    return path;
}

int idem_anonymise_folder_make(const char *path) {
    char *copy = strdup(path), *slash = copy ? strrchr(copy, '/') : NULL;
    int status = copy ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for a path");
    if (slash) {
        *slash = 0;
        status = idem_dir_make(copy);
    }
    free(copy);
    return status;
}

static bool has(const idem_anonymised_face *faces, int n, idem_face_done done, const char *why) {
    for (int i = 0; i < n; i++)
        if (faces[i].done == done && (!why || (faces[i].why && !strcmp(faces[i].why, why))))
            return true;
    return false;
}

static int write_result(const idem_anonymise_round *r, const photo *p, const idem_anonymised_face *faces, int n,
                        idem_rewritten *about) {
    idem_origin origin;
    idem_origin_of(&origin, IDEM_SOURCE_COMPOSITE, idem_studio_model(idem_anonymiser_studio(r->anonymiser)), NULL);
    const bool painted = has(faces, n, IDEM_FACE_RECOMPOSED, NULL);
    char *path = result_path(r, p);
    const int status =
        !path || idem_anonymise_folder_make(path) ||
                idem_rewrite_save(p->rewrite, &p->im, path, painted ? &origin.marks : &idem_marks_no_source, about)
            ? -1
            : 0;
    free(path);
    return status;
}

/* ---- this rank's file ---- */

static int tell(photo *p, int what, const char *text) {
    return asprintf(&p->told, "%c%s", what, text) < 0
               ? idem_fail_as(IDEM_MEMORY, "out of memory for the report's entry of a file")
               : 0;
}

/* 0: the run can continue with the others. */
static int pass_over(photo *p) {
    return idem_error_kind() == IDEM_INPUT ? tell(p, PASSED_OVER, idem_error()) : -1;
}

static int look(const idem_anonymise_round *r, photo *p) {
    idem_hand_boxes hand = {0};
    const int status = !(p->rewrite = idem_rewrite_open(p->file->from, &p->im)) ||
                               idem_hand_boxes_of(&hand, r->hand, p->file->name) ||
                               idem_photo_plan_make(&p->plan, r->anonymiser, &p->im, &hand)
                           ? -1
                           : 0;
    free((void *)(uintptr_t)hand.at);
    return status ? pass_over(p) : 0;
}

static int tell_entry(photo *p, const idem_anonymised_face *faces, int n, const idem_rewritten *about) {
    json_t *entry = idem_anonymise_picture_json(p->file->name, p->im.width, p->im.height, faces, n, about);
    char *text = entry ? json_dumps(entry, JSON_COMPACT) : NULL;
    json_decref(entry);
    const int status = !entry ? -1
                       : text ? tell(p, about ? WRITTEN : HELD, text)
                              : idem_fail_as(IDEM_MEMORY, "out of memory for the report's entry of a file");
    free(text);
    return status;
}

static int paint(const idem_anonymise_round *r, photo *p) {
    idem_anonymised_face *faces;
    idem_rewritten about;
    const int n = idem_anonymise_photo_paint(r->anonymiser, &p->im, &p->plan, &faces);
    const bool held = n >= 0 && r->strict && has(faces, n, IDEM_FACE_HIDDEN, idem_too_like);
    const int status =
        n < 0 || (!held && write_result(r, p, faces, n, &about)) || tell_entry(p, faces, n, held ? NULL : &about) ? -1
                                                                                                                  : 0;
    free(faces);
    return status ? pass_over(p) : 0;
}

/* ---- all ranks' ---- */

/* sizes: bytes of each rank's vectors, every `stride` bytes. */
static int choose(const idem_anonymise_round *r, photo *p, const char *rows, const size_t *sizes, size_t stride,
                  int n) {
    const size_t bytes = idem_anonymiser_width(r->anonymiser) * sizeof(float);
    int faces = 0;
    for (int i = 0; i < n; i++)
        faces += (int)(sizes[i] / bytes);
    float *all = malloc((size_t)faces * bytes + 1);
    if (!all)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d faces", faces);
    char *to = (char *)all;
    for (int i = 0; i < n; to += sizes[i++])
        if (sizes[i])
            memcpy(to, rows + (size_t)i * stride, sizes[i]);
    int status = idem_anonymiser_expect(r->anonymiser, all, faces);
    to = (char *)all;
    for (int i = 0; i < n && !status; to += sizes[i++]) {
        const bool own = i == r->ranks->rank;
        status = idem_photo_plan_choose(r->anonymiser, (const float *)(const void *)to, (int)(sizes[i] / bytes),
                                        own && !p->told ? &p->plan : NULL);
        if (status && idem_error_kind() == IDEM_INPUT && !r->ranks->ended) /* of this file, on all ranks */
            status = own ? pass_over(p) : 0;
    }
    free(all);
    return status;
}

static int choose_all(const idem_anonymise_round *r, photo *p, int n) {
    const int wanted = p->told ? 0 : p->plan.wanted;
    const size_t own = (size_t)wanted * idem_anonymiser_width(r->anonymiser) * sizeof(float);
    size_t *sizes = calloc((size_t)r->ranks->size, sizeof *sizes), stride;
    float *mine = malloc(own + 1);
    char *rows = NULL;
    if (!sizes || !mine)
        idem_fail_as(IDEM_MEMORY, "out of memory for %d faces", wanted);
    else {
        if (wanted)
            idem_photo_plan_copy(&p->plan, r->anonymiser, mine);
        rows = idem_rank_gather_all(r->ranks, mine, own, sizes, &stride);
    }
    const int status = rows ? choose(r, p, rows, sizes, stride, n) : -1;
    free(rows);
    free(mine);
    free(sizes);
    return status;
}

static int add(idem_anonymise_round *r, const idem_anonymise_file *f, const char *told) {
    const bool logs = !r->ranks->rank;
    if (*told == PASSED_OVER) {
        r->unreadable++;
        if (logs)
            idem_log(IDEM_LOG_WARNING, "passed over: %s", told + 1);
        return 0;
    }
    json_t *entry = json_loads(told + 1, 0, NULL);
    if (!entry)
        return idem_fail_as(IDEM_MEMORY, "out of memory for the report's entry of a file");
    if (idem_anonymise_entry_add(r->done, f->name, entry))
        return -1;
    if (*told == HELD && logs)
        idem_log(IDEM_LOG_WARNING, "%s: not written: a face could not be made unlike the person", f->from);
    return 0;
}

static int tell_all(idem_anonymise_round *r, const photo *p, const idem_anonymise_file *const *file, int n) {
    size_t *sizes = calloc((size_t)r->ranks->size, sizeof *sizes), stride;
    char *told = sizes ? idem_rank_gather_all(r->ranks, p->told, p->told ? strlen(p->told) + 1 : 0, sizes, &stride)
                       : idem_fail_null_as(IDEM_MEMORY, "out of memory for the report's entries");
    int status = told ? 0 : -1;
    for (int i = 0; i < n && !status; i++)
        status = add(r, file[i], told + (size_t)i * stride);
    free(told);
    free(sizes);
    return status;
}

int idem_anonymise_round_run(idem_anonymise_round *r, const idem_anonymise_file *const *file, int n) {
    photo p = {.file = r->ranks->rank < n ? file[r->ranks->rank] : NULL};
    int status = p.file ? look(r, &p) : 0;
    if (!status)
        status = choose_all(r, &p, n);
    if (!status && p.file && !p.told)
        status = paint(r, &p);
    if (!status)
        status = tell_all(r, &p, file, n);
    free(p.told);
    idem_photo_plan_free(&p.plan);
    idem_image_free(&p.im);
    idem_rewrite_free(p.rewrite);
    return status;
}
