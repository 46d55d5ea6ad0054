/* idem interpolate: pictures on the way from one identity to another, or from one set of attributes to another. */
#define _GNU_SOURCE
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/status.h"
#include "cli/assets.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/outside.h"
#include "cli/overwrite.h"
#include "cli/painting.h"
#include "cli/photos.h"
#include "cli/progress.h"
#include "model/origin.h"
#include "model/painter.h"
#include "model/pipe.h"
#include "media/animation.h"
#include "media/marked.h"

enum { STEPS_MAX = 240, STRIP_SIDE = 256, ENDS = 2 };

typedef struct {
    idem_model_files files;
    const char *output, *space;
    idem_texts identity, attributes;
    int steps, delay, refine;
    bool strip, animation; /* what the output is, if not a folder of all */
    idem_choice choice;
} settings;

typedef struct {
    const settings *s;
    const idem_shared *shared;
    idem_model *model;
    idem_pipe *map, *paint;
    size_t id_dim, attr_dim, w_dim, layers;
    float *id[ENDS], *attr[ENDS], *w[ENDS]; /* codes of both ends */
    float *x_id[ENDS], *x_attr[ENDS];       /* their pictures */
    bool id_drawn[ENDS], attr_drawn[ENDS];  /* by idem, as their marks say */
    float *apart[ENDS]; /* [L, W]: what refining adds to an end's w in every row; NULL: not refined */
    idem_pipe *layered; /* ws to picture, once an end is refined */
    idem_image *frames; /* [steps] */
} job;

static float *numbers(size_t n) {
    float *p = malloc((n ? n : 1) * sizeof *p);
    return p ? p : idem_fail_null_as(IDEM_MEMORY, "out of memory for %zu numbers", n);
}

/* ---- the way ---- */

static void straight(float *out, const float *a, const float *b, size_t n, double t) {
    for (size_t i = 0; i < n; i++)
        out[i] = (float)((1 - t) * (double)a[i] + t * (double)b[i]);
}

/* Identity codes are unit vectors: along the great circle between them, at constant speed. */
static void around(float *out, const float *a, const float *b, size_t n, double t) {
    double dot = 0, length = 0;
    for (size_t i = 0; i < n; i++)
        dot += (double)a[i] * (double)b[i];
    double angle = acos(fmin(fmax(dot, -1), 1)), s = sin(angle);
    double ka = s > 1e-6 ? sin((1 - t) * angle) / s : 1 - t, kb = s > 1e-6 ? sin(t * angle) / s : t;
    for (size_t i = 0; i < n; i++) {
        out[i] = (float)(ka * (double)a[i] + kb * (double)b[i]);
        length += (double)out[i] * (double)out[i];
    }
    for (size_t i = 0; i < n && length > 0; i++)
        out[i] = (float)((double)out[i] / sqrt(length));
}

/* ---- pictures ---- */

/* The code of one picture, by a pipe of a single picture: as compose has it for a single pair. */
static float *encode(job *j, idem_pipe *pipe, const char *path, int which, float **picture) {
    int size = idem_model_about(j->model)->size;
    idem_choice *choice = (idem_choice *)&j->s->choice;
    idem_cut cut;
    if (idem_choice_load(&cut, path, size, which, choice))
        return NULL;
    if (cut.cut_out && !choice->quiet)
        idem_outside_remark(path, which, &cut.frame);
    float *x = numbers(idem_pipe_in_size(pipe, 0)), *code = numbers(idem_pipe_out_size(pipe, 0));
    int status = x && code ? 0 : -1;
    if (!status) {
        idem_image_to_float(x, &cut.picture, 0, 1);
        status = idem_pipe_run(pipe, 1, (const float *const[]){x, NULL}, (float *const[]){code, NULL});
    }
    idem_image_free(&cut.picture);
    *picture = x;
    if (!status)
        return code;
    free(code);
    return NULL;
}

static int encode_ends(job *j, idem_pipe_kind kind, const idem_texts *paths, float **codes, float **pictures,
                       bool *drawn) {
    idem_plan_options options = {.threads = j->shared->threads, .stop = &idem_cli_stop};
    idem_pipe *pipe = idem_pipe_new(j->model, kind, 1, 1, &options);
    int status = pipe ? 0 : -1,
        which = kind == IDEM_PIPE_IDENTITY ? IDEM_FACE_LARGEST : idem_choice_which(&j->s->choice);
    for (int i = 0; i < paths->n && !status; i++)
        status = (codes[i] = encode(j, pipe, paths->at[i], which, &pictures[i])) ? 0 : -1;
    for (int i = 0; i < paths->n && !status; i++)
        drawn[i] = idem_image_says_synthetic(paths->at[i]);
    idem_pipe_free(pipe);
    return status;
}

static int other(int end, float *const *of) {
    return of[end] ? end : 0;
}

static int steps_of_end(const job *j, int end) {
    return idem_refine_steps(j->s->refine, j->id_drawn[other(end, j->id)], j->attr_drawn[other(end, j->attr)]);
}

/* After w of this end is known. */
static int refine_end(job *j, int end, int steps, float *y) {
    const int id = other(end, j->id), attr = other(end, j->attr);
    const idem_pair pair = {j->id[id], j->attr[attr], j->x_id[id], j->x_attr[attr]};
    const idem_plan_options options = {.threads = j->shared->threads, .stop = &idem_cli_stop};
    idem_painter *p = idem_painter_new(j->model, 1, steps, &options);
    int status = p && (j->apart[end] = numbers(j->layers * j->w_dim)) ? 0 : -1;
    status = status || idem_painter_codes(p, 1, &pair, j->apart[end], y) ? -1 : 0;
    for (size_t i = 0; i < j->layers * j->w_dim && !status; i++)
        j->apart[end][i] -= j->w[end][i % j->w_dim];
    idem_painter_free(p);
    if (!status && !j->layered && !(j->layered = idem_pipe_new(j->model, IDEM_PIPE_LAYERS, 1, 1, &options)))
        status = -1;
    return status;
}

/* w on the way, with as much of what refining added as the ends are near. */
static int paint_apart(job *j, double t, const float *w, float *y) {
    float *ws = numbers(j->layers * j->w_dim);
    if (!ws)
        return -1;
    for (size_t i = 0; i < j->layers * j->w_dim; i++)
        ws[i] = w[i % j->w_dim] + (float)((j->apart[0] ? (1 - t) * (double)j->apart[0][i] : 0) +
                                          (j->apart[1] ? t * (double)j->apart[1][i] : 0));
    int status = idem_pipe_run(j->layered, 1, (const float *const[]){ws, NULL}, (float *const[]){y, NULL});
    free(ws);
    return status;
}

/* Frame i; the ends go the whole way of compose, so that they are its pictures to the byte. */
static int make_frame(job *j, int i, float *id, float *attr, float *w, float *y) {
    int last = j->s->steps - 1, size = idem_model_about(j->model)->size, status;
    bool end = i == 0 || i == last;
    double t = (double)i / last;
    const float *ids[ENDS] = {j->id[0], j->id[1] ? j->id[1] : j->id[0]},
                *attrs[ENDS] = {j->attr[0], j->attr[1] ? j->attr[1] : j->attr[0]};
    if (end) {
        int k = i == last, steps = steps_of_end(j, k);
        status = idem_pipe_run(j->map, 1, (const float *const[]){ids[k], attrs[k]}, (float *const[]){j->w[k], y});
        if (!status && steps)
            status = refine_end(j, k, steps, y);
    } else if (*j->s->space == 'z') {
        around(id, ids[0], ids[1], j->id_dim, t);
        straight(attr, attrs[0], attrs[1], j->attr_dim, t);
        status = idem_pipe_run(j->map, 1, (const float *const[]){id, attr}, (float *const[]){w, y});
    } else {
        straight(w, j->w[0], j->w[1], j->w_dim, t);
        status =
            j->layered ? 0 : idem_pipe_run(j->paint, 1, (const float *const[]){w, NULL}, (float *const[]){y, NULL});
    }
    if (!status && !end && j->layered)
        status = paint_apart(j, t, w, y);
    return status ? -1 : idem_image_from_float(&j->frames[i], y, size, size, 0, 1);
}

static int make_frames(job *j) {
    idem_plan_options options = {.threads = j->shared->threads, .stop = &idem_cli_stop};
    int steps = j->s->steps;
    j->map = idem_pipe_new(j->model, IDEM_PIPE_MAP, 1, 1, &options);
    j->paint = j->map && *j->s->space == 'w' ? idem_pipe_new(j->model, IDEM_PIPE_PICTURE, 1, 1, &options) : NULL;
    if (!j->map || (*j->s->space == 'w' && !j->paint))
        return -1;
    j->id_dim = idem_pipe_in_size(j->map, 0);
    j->attr_dim = idem_pipe_in_size(j->map, 1);
    j->w_dim = idem_pipe_out_size(j->map, 0);
    j->layers = (size_t)idem_model_about(j->model)->layers;
    float *id = numbers(j->id_dim), *attr = numbers(j->attr_dim), *w = numbers(j->w_dim);
    float *y = numbers(idem_pipe_out_size(j->map, 1));
    j->w[0] = numbers(j->w_dim);
    j->w[1] = numbers(j->w_dim);
    j->frames = calloc((size_t)steps, sizeof *j->frames);
    int status = id && attr && w && y && j->w[0] && j->w[1] ? 0 : -1;
    if (!status && !j->frames)
        status = idem_fail_as(IDEM_MEMORY, "out of memory for %d pictures", steps);
    idem_progress_start("painting", "pictures", (uint64_t)steps, 0, j->shared->quiet);
    if (!status) /* the last first: the way needs both ends */
        status = make_frame(j, steps - 1, id, attr, w, y);
    for (int i = 0; i < steps - 1 && !status; i++) {
        status = make_frame(j, i, id, attr, w, y);
        idem_progress_update((uint64_t)i + 2, NULL);
    }
    idem_progress_clear();
    free(id);
    free(attr);
    free(w);
    free(y);
    return status;
}

/* ---- what is written ---- */

static int write_frames(const job *j, const char *dir) {
    int status = 0;
    for (int i = 0; i < j->s->steps && !status; i++) {
        char name[16];
        snprintf(name, sizeof name, "%03d.png", i);
        char *path = idem_path_join(dir, name);
        status = path ? idem_picture_save(path, &j->frames[i], IDEM_SOURCE_GENERATED, j->model) : -1;
        free(path);
    }
    return status;
}

/* All frames side by side. */
static int write_strip(const job *j, const char *path) {
    int size = idem_model_about(j->model)->size, side = size < STRIP_SIDE ? size : STRIP_SIDE, n = j->s->steps;
    idem_image strip, small = {0};
    if (idem_image_new(&strip, side * n, side))
        return -1;
    int status = 0;
    for (int i = 0; i < n && !status; i++) {
        const idem_image *frame = &j->frames[i];
        if (size > side && !(status = idem_image_resize(&small, frame, side, side)))
            frame = &small;
        for (int y = 0; y < side && !status; y++)
            memcpy(strip.rgb + 3 * ((size_t)y * (size_t)strip.width + (size_t)i * (size_t)side),
                   frame->rgb + 3 * (size_t)y * (size_t)side, 3 * (size_t)side);
        idem_image_free(&small);
    }
    status = status ? -1 : idem_picture_save(path, &strip, IDEM_SOURCE_GENERATED, j->model);
    idem_image_free(&strip);
    return status;
}

/* There and back again, so that it plays without a jump. */
static int write_animation(const job *j, const char *path) {
    const idem_image *list[2 * STEPS_MAX];
    int n = 0;
    for (int i = 0; i < j->s->steps; i++)
        list[n++] = &j->frames[i];
    for (int i = j->s->steps - 2; i > 0; i--)
        list[n++] = &j->frames[i];
    idem_origin origin;
    idem_origin_of(&origin, IDEM_SOURCE_GENERATED, j->model, NULL);
    idem_origin_no_seed(&origin);
    return idem_animation_save(path, list, n, j->s->delay, &origin.marks);
}

static int write_all(const job *j) {
    const char *output = j->s->output;
    if (j->s->strip)
        return write_strip(j, output);
    if (j->s->animation)
        return write_animation(j, output);
    char *strip = idem_path_join(output, "strip.png"), *animation = idem_path_join(output, "animation.webp");
    int status =
        !strip || !animation || write_frames(j, output) || write_strip(j, strip) || write_animation(j, animation) ? -1
                                                                                                                  : 0;
    free(strip);
    free(animation);
    return status;
}

/* ---- command ---- */

static int run(job *j) {
    const settings *s = j->s;
    /* A place that cannot be written is better known before the work. */
    if (!s->strip && !s->animation && idem_dir_make(s->output))
        return -1;
    if (!(j->model = idem_asset_model(&s->files)) ||
        encode_ends(j, IDEM_PIPE_IDENTITY, &s->identity, j->id, j->x_id, j->id_drawn) ||
        encode_ends(j, IDEM_PIPE_ATTRIBUTES, &s->attributes, j->attr, j->x_attr, j->attr_drawn) || make_frames(j))
        return -1;
    return write_all(j);
}

static void free_job(job *j) {
    for (int i = 0; i < ENDS; i++) {
        free(j->id[i]);
        free(j->attr[i]);
        free(j->w[i]);
        free(j->x_id[i]);
        free(j->x_attr[i]);
        free(j->apart[i]);
    }
    for (int i = 0; j->frames && i < j->s->steps; i++)
        idem_image_free(&j->frames[i]);
    free(j->frames);
    idem_pipe_free(j->layered);
    idem_pipe_free(j->paint);
    idem_pipe_free(j->map);
    idem_model_free(j->model);
}

static bool ends_in(const char *path, const char *suffix) {
    size_t n = strlen(path), k = strlen(suffix);
    return n > k && !strcasecmp(path + n - k, suffix);
}

static int check_inputs(const settings *s) {
    for (int side = 0; side < 2; side++) {
        const idem_texts *inputs = side ? &s->attributes : &s->identity;
        for (int i = 0; i < inputs->n; i++)
            if (s->strip || s->animation ? idem_overwrite_file(s->output, inputs->at[i])
                                         : idem_overwrite_folder(s->output, &inputs->at[i], 1,
                                                                 "@([0-9][0-9][0-9].png|strip.png|animation.webp)"))
                return 2;
    }
    return 0;
}

static int check(settings *s) {
    if (!s->identity.n || !s->attributes.n || s->identity.n + s->attributes.n < 3)
        return idem_cli_usage("two pictures are wanted on one side: --identity A B --attributes C, or --identity A "
                              "--attributes B C");
    bool folder = idem_path_is_dir(s->output);
    s->strip = !folder && ends_in(s->output, ".png");
    s->animation = !folder && ends_in(s->output, ".webp");
    static const char *const others[] = {".mp4", ".gif", ".mkv", ".webm", ".avi", ".mov", ".jpg", ".jpeg"};
    for (size_t i = 0; i < sizeof others / sizeof *others && !folder; i++)
        if (ends_in(s->output, others[i]))
            return idem_cli_usage("%s: can be written as a strip (.png), an animation (.webp), or a folder of both and "
                                  "all frames",
                                  s->output);
    return idem_choice_check(&s->choice, false) ? 2 : check_inputs(s);
}

int idem_cmd_interpolate(int argc, char **argv) {
    settings s = {.refine = IDEM_REFINE_BY_MARK, .space = "w", .steps = 9, .delay = 80, .choice = IDEM_CHOICE_DEFAULT};
    idem_shared shared = IDEM_SHARED_DEFAULTS;
    const idem_option options[] = {
        {IDEM_OPT_TEXTS, "identity", 'i', "A [B]", &s.identity, .required = true, .help = "who: one picture, or two"},
        {IDEM_OPT_TEXTS, "attributes", 'a', "C [D]", &s.attributes, .required = true,
         .help = "pose, expression, hair, light, background: one picture, or two"},
        {IDEM_OPT_TEXT, "output", 'o', "FILE|DIR", &s.output, .required = true,
         .help = "NAME.png: the frames in a strip; NAME.webp: an animation that plays there and back for ever; else a "
                 "folder for 000.png and so on, strip.png and animation.webp. Other forms of video are not written"},
        {IDEM_OPT_INT, "steps", 'n', "N", &s.steps, .min = 2, .max = STEPS_MAX, .help = "frames, both ends among them"},
        {IDEM_OPT_TEXT, "space", 0, "SPACE", &s.space, .choices = "w|z",
         .help = "where the way is straight: w, the generator's codes, or z, those of identity (on the sphere) and "
                 "attributes"},
        {IDEM_OPT_INT, "delay", 0, "MS", &s.delay, .min = 10, .max = 10000,
         .help = "milliseconds of each frame of the animation"},
        IDEM_CHOICE_ROWS(s.choice,
                         "which face of attribute photographs: largest, or a number from 1 in the order of size; "
                         "identities are the largest of theirs"),
        IDEM_REFINE_ROW(s.refine),
        IDEM_MODEL_ROWS(s.files),
        {0}};
    idem_command_line line = {
        .about = "Pictures on the way from one identity to another with the same attributes, or from one picture's "
                 "attributes to another's with the same identity (or both at once). The first and the last are what "
                 "idem compose makes of the ends, to the byte.",
        .examples = "  idem interpolate -i samples/identities/1.png samples/identities/2.png \\\n"
                    "      -a samples/attributes/a.png -o way.png\n"
                    "  idem interpolate -i a.png -a c.png d.png --steps 24 -o way.webp\n"
                    "  idem interpolate -i a.jpg b.jpg -a c.jpg --space z -o frames/\n",
        .options = options,
        .shared = IDEM_WITH_JSON | IDEM_WITH_THREADS};
    idem_parse(&line, argc, argv, &shared, NULL);
    int usage = check(&s);
    if (usage)
        return usage;
    double start = idem_clock();
    s.choice.options = (idem_plan_options){.threads = shared.threads, .stop = &idem_cli_stop};
    s.choice.quiet = shared.quiet;
    job j = {.s = &s, .shared = &shared};
    int status = run(&j);
    if (!status && shared.json)
        printf("{\n  \"frames\": %d,\n  \"space\": \"%s\",\n  \"seconds\": %.3f\n}\n", s.steps, s.space,
               idem_clock() - start);
    free_job(&j);
    idem_choice_free(&s.choice);
    return status ? idem_cli_failed() : 0;
}
