/* The public library's anonymising (include/idem/anonymise.h) over src/compose. */
#define _GNU_SOURCE
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/context.h"
#include "base/status.h"
#include "compose/anonymise_photo.h"
#include "compose/anonymise_report.h"
#include "compose/anonymise_run.h"
#include "model/origin.h"
#include "train/world_share.h"

enum { REFINE_MOST = 1000, PIXELS_MOST = 200000000 };

void idem_anonymising_init(idem_anonymising *how, size_t struct_size) {
    const idem_anonymise_options usual = idem_anonymise_defaults();
    const idem_anonymising o = {
        .struct_size = struct_size, .refine = usual.refine, .min_face = usual.min_face, .unsure = (float)usual.unsure};
    if (!how || struct_size < sizeof how->struct_size)
        return;
    memset(how, 0, struct_size);
    memcpy(how, &o, struct_size < sizeof o ? struct_size : sizeof o);
}

static int take_options(idem_anonymise_options *to, const char *call, const idem_context *c,
                        const idem_anonymising *how) {
    static const idem_hiding hidings[] = {IDEM_HIDE_PIXELS, IDEM_HIDE_BLUR, IDEM_HIDE_SOLID};
    if (idem_context_check(call, c, how != NULL, 1))
        return -1;
    if (how->struct_size != sizeof *how)
        return idem_fail("%s: struct_size is %zu, expected %zu; call idem_anonymising_default", call, how->struct_size,
                         sizeof *how);
    if (how->linkage < 0 || how->linkage > IDEM_ALL_FACES_NEW || how->hiding < 0 ||
        how->hiding > IDEM_HIDE_IN_ONE_COLOUR || how->refine < 0 || how->refine > REFINE_MOST || how->min_face < 1 ||
        !(how->unsure >= 0.3f && how->unsure <= 1) ||
        (how->wants_similarity && !(how->similarity >= -0.2f && how->similarity <= 1)))
        return idem_fail("%s: an option is out of its range (idem/anonymise.h)", call);
    *to = (idem_anonymise_options){.linkage = how->linkage == IDEM_ALL_FACES_NEW ? IDEM_UNLINKABLE : IDEM_KEEP_PERSON,
                                   .fallback = hidings[how->hiding],
                                   .similarity = how->wants_similarity ? (double)how->similarity : NAN,
                                   .refine = how->refine,
                                   .min_face = how->min_face,
                                   .unsure = (double)how->unsure};
    return idem_studio_need(c->studio, true);
}

/* ---- in memory ---- */

idem_anonymiser *idem_open_anonymiser(idem_context *c, const idem_anonymising *how) {
    idem_anonymise_options o;
    uint8_t secret[IDEM_SECRET];
    if (take_options(&o, "idem_open_anonymiser", c, how) || idem_secret_draw(secret, sizeof secret))
        return NULL;
    idem_studio_set_batch(c->studio, 1);
    idem_anonymiser *a = idem_anonymiser_new(c->studio, &o, secret);
    explicit_bzero(secret, sizeof secret);
    return a;
}

idem_anonymiser *idem_open_test_anonymiser(idem_context *c, const idem_anonymising *how, uint64_t seed) {
    idem_anonymise_options o;
    uint8_t secret[IDEM_SECRET];
    if (take_options(&o, "idem_open_test_anonymiser", c, how))
        return NULL;
    idem_secret_of_test_seed(secret, seed);
    idem_studio_set_batch(c->studio, 1);
    return idem_anonymiser_new(c->studio, &o, secret);
}

void idem_close_anonymiser(idem_anonymiser *a) {
    idem_anonymiser_free(a);
}

static int check_picture(const char *call, const idem_anonymiser *a, const uint8_t *rgb, int width, int height) {
    if (!a || !rgb)
        return idem_fail("%s: an argument is NULL", call);
    return width < 1 || height < 1 || (int64_t)width * height > PIXELS_MOST
               ? idem_fail("%s: the picture is %d x %d, expected 1 to %d pixels in all", call, width, height,
                           PIXELS_MOST)
               : 0;
}

int idem_leave_alone(idem_anonymiser *a, const uint8_t *rgb, int width, int height) {
    const idem_image im = {.width = width, .height = height, .rgb = (uint8_t *)(uintptr_t)rgb};
    return check_picture("idem_leave_alone", a, rgb, width, height) ? -1 : idem_anonymiser_exempt(a, &im);
}

int idem_anonymise_pixels(idem_anonymiser *a, uint8_t *rgb, int width, int height, idem_anonymised *faces,
                          int capacity) {
    idem_image im = {.width = width, .height = height, .rgb = rgb};
    idem_anonymised_face *found;
    if (check_picture("idem_anonymise_pixels", a, rgb, width, height))
        return -1;
    if (capacity < 0 || (capacity && !faces))
        return idem_fail("idem_anonymise_pixels: capacity is %d%s", capacity,
                         capacity > 0 ? ", and faces is NULL" : "");
    const int n = idem_anonymise_photo(a, &im, NULL, &found);
    for (int i = 0; i < n && i < capacity; i++) {
        const idem_anonymised_face *f = &found[i];
        faces[i] = (idem_anonymised){
            .done = (int)f->done, .person = f->person, .recogniser = (float)f->feature, .judge = (float)f->judge};
        memcpy(faces[i].box, f->box, sizeof f->box);
    }
    if (n >= 0)
        free(found);
    return n;
}

/* ---- the bytes of a file ---- */

static unsigned char *text_of(json_t *report) {
    char *text = report ? json_dumps(report, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) : NULL;
    json_decref(report);
    return text ? (unsigned char *)text : idem_fail_null_as(IDEM_MEMORY, "out of memory for a report");
}

/* Takes the picture's entry. */
static unsigned char *report_of(idem_anonymiser *a, json_t *entry) {
    json_t *entries = entry ? json_pack("[o]", entry) : NULL;
    json_t *summary =
        entries ? idem_anonymise_summary(entries, idem_anonymiser_options(a), idem_anonymiser_surrogates(a)) : NULL;
    json_t *look = summary ? idem_anonymise_look_first(entries) : NULL;
    if (!look) {
        json_decref(summary);
        json_decref(entries);
        return NULL;
    }
    return text_of(
        json_pack("{s:o, s:o, s:o, s:[]}", "summary", summary, "look_first", look, "pictures", entries, "clips"));
}

static bool is_painted(const idem_anonymised_face *faces, int n) {
    int i = 0;
    while (i < n && faces[i].done != IDEM_FACE_RECOMPOSED)
        i++;
    return i < n;
}

int idem_anonymise_bytes(idem_anonymiser *a, const unsigned char *bytes, size_t size, unsigned char **out,
                         size_t *out_size, unsigned char **report) {
    static const char what[] = "the picture in memory";
    idem_image im;
    idem_origin origin;
    idem_rewritten about;
    idem_anonymised_face *faces = NULL;
    if (!a || !bytes || !out || !out_size || !report)
        return idem_fail("idem_anonymise_bytes: an argument is NULL");
    *out = *report = NULL;
    idem_rewrite *r = idem_rewrite_parse(bytes, size, what, &im);
    if (!r)
        return -1;
    const int n = idem_anonymise_photo(a, &im, NULL, &faces);
    idem_origin_of(&origin, IDEM_SOURCE_COMPOSITE, idem_studio_model(idem_anonymiser_studio(a)), NULL);
    if (n >= 0 &&
        !idem_rewrite_encode(r, &im, is_painted(faces, n) ? &origin.marks : &idem_marks_no_source, out, out_size,
                             &about) &&
        !(*report = report_of(a, idem_anonymise_picture_json(what, im.width, im.height, faces, n, &about)))) {
        free(*out);
        *out = NULL;
    }
    free(faces);
    idem_image_free(&im);
    idem_rewrite_free(r);
    return *report ? 0 : -1;
}

/* ---- files ---- */

void idem_anonymise_job_init(idem_anonymise_job *job, size_t struct_size) {
    const idem_anonymise_job usual = {.struct_size = struct_size, .quality = -1};
    if (!job || struct_size < sizeof job->struct_size)
        return;
    memset(job, 0, struct_size);
    memcpy(job, &usual, struct_size < sizeof usual ? struct_size : sizeof usual);
}

int idem_anonymise_files(idem_context *c, const idem_anonymising *how, const idem_anonymise_job *job,
                         unsigned char **report) {
    static const char *const call = "idem_anonymise_files";
    idem_anonymise_run_options o = {0};
    if (take_options(&o.options, call, c, how))
        return -1;
    if (!job || !report || job->struct_size != sizeof *job || !job->inputs || job->n_inputs < 1 || !job->output)
        return idem_fail("%s: an argument is NULL, there is no input, or struct_size is not what "
                         "idem_anonymise_job_default sets",
                         call);
    if (job->quality < -1 || job->quality > 63)
        return idem_fail("%s: quality is %d, expected 0 (lossless) to 63, or -1", call, job->quality);
    o.inputs = (char *const *)(uintptr_t)job->inputs;
    o.n_inputs = job->n_inputs;
    o.output = job->output;
    o.strict = job->strict;
    o.rename = job->rename;
    o.exempt = job->exempt;
    o.project = job->project;
    o.passphrase = job->passphrase;
    o.passphrase_size = job->passphrase_size;
    o.boxes = job->boxes;
    o.boxes_out = job->boxes_out;
    o.quality = job->quality;
    o.no_audio = job->no_audio;
    o.clip_progress = job->clip_progress;
    o.user = job->user;
    o.ranks = idem_world_table(idem_world_here());
    o.test_seed = job->is_test ? &job->test_seed : NULL;
    json_t *j;
    idem_studio_set_batch(c->studio, 1);
    if (idem_anonymise_run(c->studio, &o, &j))
        return -1;
    *report = text_of(j);
    return *report ? 0 : -1;
}
