/* idem measure-video: compares a clip with its result. */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/failure.h"
#include "cli/json.h"
#include "cli/library.h"
#include "cli/options.h"
#include "cli/progress.h"

typedef struct {
    const char *identity;
    idem_shared shared;
    int pass;
} job;

static void tell(void *user, int pass, int64_t done, int64_t of) {
    job *j = user;
    if (pass != j->pass) {
        if (j->pass)
            idem_progress_finish();
        idem_progress_start(pass == 1 ? "looking for faces" : "comparing", "frames", (uint64_t)of, 0, j->shared.quiet);
        j->pass = pass;
    }
    idem_progress_update((uint64_t)done, NULL);
}

/* JSON has no NaN. */
static json_t *real(double v) {
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *identity_json(const idem_video_identity *i) {
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "adjacent_source",
                     real(i->adjacent_source), "adjacent", real(i->adjacent), "pairs_source", real(i->pairs_source),
                     "pairs", real(i->pairs), "tl_id", real(i->tl_id), "tg_id", real(i->tg_id), "tl_id_most_1",
                     real(i->tl_id_most_1), "tg_id_most_1", real(i->tg_id_most_1), "kept", real(i->kept), "kept_5",
                     real(i->kept_5), "left", real(i->left), "matches", (json_int_t)i->matches);
}

static int print_json(const idem_video_measure *m) {
    json_t *o =
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:I, s:I, s:I, s:I, s:o, s:o}", "frames_source",
                  (json_int_t)m->frames_source, "frames", (json_int_t)m->frames, "stamps_differ", (json_int_t)m->stamps,
                  "sound_packets_source", (json_int_t)m->sound_source, "sound_packets", (json_int_t)m->sound,
                  "same_sound", m->same_sound, "same_size", m->same_size, "faces", (json_int_t)m->faces, "lost",
                  (json_int_t)m->lost, "missed", (json_int_t)m->missed, "first_missed", (json_int_t)m->first_missed,
                  "feature", identity_json(&m->feature), "judge", identity_json(&m->judge));
    const struct {
        const char *name;
        double value;
    } numbers[] = {{"nme", m->nme},
                   {"nme_shuffled", m->nme_shuffled},
                   {"follow", m->follow},
                   {"follow_face", m->follow_face},
                   {"jitter_source", m->jitter_source},
                   {"jitter", m->jitter},
                   {"jitter_ratio", m->jitter_ratio},
                   {"change_inside", m->change_inside},
                   {"change_outside", m->change_outside},
                   {"flicker_source", m->flicker_source},
                   {"flicker", m->flicker},
                   {"outside", m->outside},
                   {"psnr_outside", m->psnr_outside}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_object_set_new(o, numbers[i].name, real(numbers[i].value));
    return idem_json_print(o, 5);
}

static void print_identity(const char *name, const idem_video_identity *i) {
    printf("%-8s  neighbours %.3f (source %.3f)   all pairs %.3f (%.3f)   TL-ID %.3f, at most 1: %.3f   TG-ID %.3f, "
           "%.3f\n",
           name, i->adjacent, i->adjacent_source, i->pairs, i->pairs_source, i->tl_id, i->tl_id_most_1, i->tg_id,
           i->tg_id_most_1);
    printf("%-8s  to what they were %.3f, %" PRId64 " match", "", i->left, i->matches);
    if (isfinite(i->kept))
        printf("   to the identity picture %.3f, 5th percentile %.3f", i->kept, i->kept_5);
    printf("\n");
}

static void print_text(const idem_video_measure *m) {
    printf("frames    %" PRId64 " of %" PRId64 ", stamps that differ: %" PRId64 "; size %s; sound %" PRId64
           " of %" PRId64 " packets, %s\n",
           m->frames, m->frames_source, m->stamps, m->same_size ? "the same" : "another", m->sound, m->sound_source,
           m->same_sound ? "the same" : "not the same");
    printf("faces     %" PRId64 ", lost %" PRId64 ", still who they were %" PRId64 "\n", m->faces, m->lost, m->missed);
    printf("identity, S: 0 a stranger, 1 the same picture\n");
    print_identity("feature", &m->feature);
    print_identity("judge", &m->judge);
    printf("landmarks NME %.4f, of another frame %.4f, ratio %.3f; within the frame %.3f\n", m->nme, m->nme_shuffled,
           m->follow, m->follow_face);
    printf("jitter    %.5f (source %.5f), ratio %.3f\n", m->jitter, m->jitter_source, m->jitter_ratio);
    printf("flicker   change inside %.2f, outside %.2f of 255, ratio %.2f (source %.2f)\n", m->change_inside,
           m->change_outside, m->flicker, m->flicker_source);
    printf("outside   differs by %.3f of 255 in the mean, %.1f dB\n", m->outside, m->psnr_outside);
}

int idem_cmd_measure_video(int argc, char **argv) {
    job j = {.shared = IDEM_SHARED_DEFAULTS};
    const idem_option options[] = {{IDEM_OPT_TEXT, "identity", 'i', "FILE", &j.identity,
                                    .help = "photograph of the person whose identity was given"},
                                   {0}};
    idem_command_line line = {.args = "SOURCE RESULT",
                              .about =
                                  "Compares a clip with the result of idem video or idem anonymise: is the identity "
                                  "constant over time, the wanted one, no longer the old one; does the face move as "
                                  "before; does it shake or flicker; are frames, time stamps and sound the same. Uses "
                                  "two recognisers, one of them never used in training. Measures the person seen most.",
                              .examples = "  idem measure-video party.mp4 new.mp4 --identity new.jpg\n",
                              .options = options,
                              .min_args = 2,
                              .max_args = 2,
                              .shared = IDEM_WITH_JSON | IDEM_WITH_THREADS};
    char **args;
    idem_parse(&line, argc, argv, &j.shared, &args);
    idem_video_measure m = {.struct_size = sizeof m};
    idem_video_options o;
    idem_video_options_default(&o);
    o.progress = tell;
    o.user = &j;
    idem_context *c = idem_cli_open(NULL, &j.shared, 0);
    int status = c ? idem_measure_video(c, args[0], args[1], j.identity, &o, &m) : -1;
    if (j.pass && !status)
        idem_progress_finish();
    else
        idem_progress_clear();
    if (!status && j.shared.json)
        status = print_json(&m);
    else if (!status)
        print_text(&m);
    idem_cli_close(c);
    return status ? idem_cli_failed() : 0;
}
