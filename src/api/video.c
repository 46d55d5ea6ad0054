/* idem/video.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/context.h"
#include "base/status.h"
#include "compose/video.h"
#include "compose/video_measure.h"

void idem_video_options_init(idem_video_options *options, size_t struct_size) {
    const idem_video_options usual = {.struct_size = struct_size, .quality = -1};
    if (!options || struct_size < sizeof options->struct_size)
        return;
    memset(options, 0, struct_size);
    memcpy(options, &usual, struct_size < sizeof usual ? struct_size : sizeof usual);
}

static int check(const char *call, const idem_context *c, const char *from, const char *to, const idem_video_options *o,
                 const idem_video_report *report) {
    if (idem_context_check(call, c, from && to && o, 1))
        return -1;
    if (o->struct_size != sizeof *o)
        return idem_fail("%s: options.struct_size is %zu, expected %zu: idem_video_options_default sets it", call,
                         o->struct_size, sizeof *o);
    if (report && report->struct_size != sizeof *report)
        return idem_fail("%s: report.struct_size is %zu, expected %zu", call, report->struct_size, sizeof *report);
    if (o->faces < IDEM_VIDEO_LARGEST || o->faces > IDEM_VIDEO_NONE)
        return idem_fail("%s: faces is %d, expected IDEM_VIDEO_LARGEST, IDEM_VIDEO_ALL or IDEM_VIDEO_NONE", call,
                         o->faces);
    if (o->n_roles < 0 || (o->n_roles && !o->roles))
        return idem_fail("%s: n_roles is %d without roles", call, o->n_roles);
    for (int i = 0; i < o->n_roles; i++)
        if (!o->roles[i].who || !o->roles[i].identity)
            return idem_fail("%s: role %d lacks a photograph", call, i);
    if (o->refine < 0 || o->refine > IDEM_REFINE_MOST)
        return idem_fail("%s: refine is %d, expected 0 to %d", call, o->refine, IDEM_REFINE_MOST);
    if (!(o->from >= 0) || !(o->to >= 0) || (o->to > 0 && o->to <= o->from))
        return idem_fail("%s: the time from %g to %g s is empty", call, o->from, o->to);
    if (o->quality < -1 || o->quality > 63)
        return idem_fail("%s: quality is %d, expected 0 (lossless) to 63, or -1", call, o->quality);
    return 0;
}

static void fill(idem_video_report *to, const idem_clip_report *r) {
    const size_t size = to->struct_size;
    *to = (idem_video_report){.struct_size = size,
                              .frames = r->pictures,
                              .resumed = r->resumed,
                              .faces = r->faces,
                              .bridged = r->bridged,
                              .hidden = r->hidden,
                              .outside = r->outside,
                              .review = r->review,
                              .persons = r->persons,
                              .changed = r->changed,
                              .damaged = r->damaged,
                              .width = r->width,
                              .height = r->height,
                              .seconds = r->seconds};
    snprintf(to->damage, sizeof to->damage, "%s", r->damage);
    snprintf(to->codec, sizeof to->codec, "%s", r->codec);
    snprintf(to->why, sizeof to->why, "%s", r->why);
    snprintf(to->left, sizeof to->left, "%s", r->left);
}

int idem_compose_video(idem_context *c, const char *from, const char *to, const idem_video_options *o,
                       idem_video_report *report) {
    static const idem_clip_faces which[] = {IDEM_CLIP_LARGEST, IDEM_CLIP_ALL, IDEM_CLIP_NONE};
    if (check("idem_compose_video", c, from, to, o, report))
        return -1;
    idem_clip_role *roles = calloc((size_t)o->n_roles + 1, sizeof *roles);
    if (!roles)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d roles", o->n_roles);
    for (int i = 0; i < o->n_roles; i++)
        roles[i] = (idem_clip_role){o->roles[i].who, o->roles[i].identity};
    const idem_clip_job job = {.identity = o->identity,
                               .faces = which[o->faces],
                               .roles = roles,
                               .n_roles = o->n_roles,
                               .from = o->from,
                               .to = o->to,
                               .refine = o->refine,
                               .boxes = o->boxes,
                               .boxes_out = o->boxes_out,
                               .review = o->review,
                               .out = {.codec = o->codec,
                                       .quality = o->quality,
                                       .keep_tags = !o->drop_metadata,
                                       .no_audio = o->no_audio,
                                       .no_subtitles = o->no_subtitles,
                                       .resume = o->resume},
                               .progress = o->progress,
                               .user = o->user};
    idem_clip_report made;
    const int status = idem_clip_compose(c->studio, from, to, &job, &made);
    if (report)
        fill(report, &made);
    free(roles);
    return status;
}

static idem_video_identity identity_of(const idem_clip_identity *i) {
    return (idem_video_identity){.adjacent_source = i->adjacent_source,
                                 .adjacent = i->adjacent,
                                 .pairs_source = i->pairs_source,
                                 .pairs = i->pairs,
                                 .tl_id = i->tl_id,
                                 .tg_id = i->tg_id,
                                 .tl_id_most_1 = i->tl_id_most_1,
                                 .tg_id_most_1 = i->tg_id_most_1,
                                 .kept = i->kept,
                                 .kept_5 = i->kept_5,
                                 .left = i->left,
                                 .matches = i->matches};
}

int idem_measure_video(idem_context *c, const char *source, const char *result, const char *identity,
                       const idem_video_options *o, idem_video_measure *out) {
    if (idem_context_check("idem_measure_video", c, source && result && out, 1))
        return -1;
    if (out->struct_size != sizeof *out)
        return idem_fail("idem_measure_video: measure.struct_size is %zu, expected %zu", out->struct_size, sizeof *out);
    idem_clip_measure m;
    const size_t size = out->struct_size;
    const int status =
        idem_clip_measure_run(c->studio, source, result, identity, o ? o->progress : NULL, o ? o->user : NULL, &m);
    *out = (idem_video_measure){.struct_size = size,
                                .frames_source = m.frames_source,
                                .frames = m.frames,
                                .stamps = m.stamps,
                                .sound_source = m.sound_source,
                                .sound = m.sound,
                                .same_sound = m.same_sound,
                                .same_size = m.same_size,
                                .faces = m.faces,
                                .lost = m.lost,
                                .missed = m.missed,
                                .first_missed = m.first_missed,
                                .feature = identity_of(&m.feature),
                                .judge = identity_of(&m.judge),
                                .nme = m.nme,
                                .nme_shuffled = m.nme_shuffled,
                                .follow = m.follow,
                                .follow_face = m.follow_face,
                                .jitter_source = m.jitter_source,
                                .jitter = m.jitter,
                                .jitter_ratio = m.jitter_ratio,
                                .change_inside = m.change_inside,
                                .change_outside = m.change_outside,
                                .flicker_source = m.flicker_source,
                                .flicker = m.flicker,
                                .outside = m.outside,
                                .psnr_outside = m.psnr_outside};
    return status;
}
