/* idem interpolate: pictures on the way from one identity to another, or from one set of attributes to another. */
#define _GNU_SOURCE
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/clock.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/library.h"
#include "cli/options.h"
#include "cli/overwrite.h"
#include "cli/progress.h"
#include "cli/reading.h"

enum { STEPS_MAX = 240, STRIP_SIDE = 256 };

typedef struct {
    idem_model_files files;
    const char *output, *space;
    idem_texts identity, attributes;
    int steps, delay, refine;
    bool strip, animation; /* kind of output; both false: a folder */
    idem_choice choice;
} settings;

typedef struct {
    const settings *s;
    const idem_shared *shared;
    idem_context *context;
    int size;
    idem_faces *id, *attr; /* one face or two each */
    uint8_t *frames;       /* [steps, size, size, 3] */
} job;

/* ---- pictures ---- */

static idem_faces *read_ends(job *j, int code, const idem_texts *paths) {
    const idem_choice *choice = &j->s->choice;
    const int which = code == IDEM_CODE_OF_IDENTITY ? IDEM_LARGEST_FACE : idem_choice_which(choice);
    idem_faces *faces = idem_new_faces(j->context, code, j->s->refine != 0);
    int status = faces ? 0 : -1;
    for (int i = 0; i < paths->n && !status; i++) {
        idem_reader *reader = idem_choice_reader(j->context, choice, &paths->at[i], 1, j->size);
        idem_photograph *p = reader ? idem_choice_next(reader, choice, paths->at[i], which, j->size) : NULL;
        status = p ? idem_add_faces(faces, p) : -1;
        idem_free_photograph(p);
        idem_close_reader(reader);
    }
    if (!status && !idem_encode_faces(faces) && !idem_free_networks(j->context, IDEM_FREE_PAINTING))
        return faces;
    idem_free_faces(faces);
    return NULL;
}

static void show_progress(void *user, int done, int of) {
    (void)user;
    (void)of;
    idem_progress_update((uint64_t)done, NULL);
}

static int make_frames(job *j) {
    const int space = *j->s->space == 'z' ? IDEM_SPACE_Z : IDEM_SPACE_W;
    if (!(j->frames = idem_cli_table((size_t)j->s->steps, (size_t)j->size * (size_t)j->size * 3)))
        return -1;
    idem_progress_start("painting", "pictures", (uint64_t)j->s->steps, 0, j->shared->quiet);
    idem_set_progress(j->context, show_progress, NULL);
    int status = idem_interpolate(j->id, j->attr, space, j->s->steps, j->s->refine, j->frames);
    idem_progress_clear();
    return status;
}

static idem_view frame_at(const job *j, int i) {
    return (idem_view){j->frames + (size_t)i * (size_t)j->size * (size_t)j->size * 3, j->size, j->size};
}

/* ---- what is written ---- */

static int write_frames(const job *j, const char *dir) {
    const idem_writing writing = idem_cli_writing(IDEM_ORIGIN_GENERATED);
    int status = 0;
    for (int i = 0; i < j->s->steps && !status; i++) {
        char name[16];
        snprintf(name, sizeof name, "%03d.png", i);
        char *path = idem_path_in(dir, name);
        const idem_view frame = frame_at(j, i);
        status = path ? idem_write_view(j->context, path, &frame, &writing) : -1;
        free(path);
    }
    return status;
}

/* All frames side by side. */
static int write_strip(const job *j, const char *path) {
    const int side = j->size < STRIP_SIDE ? j->size : STRIP_SIDE, n = j->s->steps;
    const size_t row = 3 * (size_t)side, whole = row * (size_t)n;
    uint8_t *strip = idem_cli_table(whole, (size_t)side), *small = idem_cli_table(row, (size_t)side);
    int status = strip && small ? 0 : -1;
    for (int i = 0; i < n && !status; i++) {
        const idem_view frame = frame_at(j, i);
        if (j->size > side)
            status = idem_resize_view(&frame, side, side, small);
        for (int y = 0; y < side && !status; y++)
            memcpy(strip + (size_t)y * whole + (size_t)i * row, (j->size > side ? small : frame.rgb) + (size_t)y * row,
                   row);
    }
    const idem_writing writing = idem_cli_writing(IDEM_ORIGIN_GENERATED);
    if (!status)
        status = idem_write_view(j->context, path, &(idem_view){strip, side * n, side}, &writing);
    free(small);
    free(strip);
    return status;
}

/* Forwards, then backwards, so that the loop has no jump. */
static int write_animation(const job *j, const char *path) {
    idem_view list[2 * STEPS_MAX];
    const idem_writing writing = idem_cli_writing(IDEM_ORIGIN_GENERATED);
    int n = 0;
    for (int i = 0; i < j->s->steps; i++)
        list[n++] = frame_at(j, i);
    for (int i = j->s->steps - 2; i > 0; i--)
        list[n++] = frame_at(j, i);
    return idem_write_animation(j->context, path, list, n, j->s->delay, &writing);
}

static int write_all(const job *j) {
    const char *output = j->s->output;
    if (j->s->strip)
        return write_strip(j, output);
    if (j->s->animation)
        return write_animation(j, output);
    char *strip = idem_path_in(output, "strip.png"), *animation = idem_path_in(output, "animation.webp");
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
    /* An unwritable output is reported before the work. */
    if (!s->strip && !s->animation && idem_folder_make(s->output, NULL))
        return -1;
    idem_info model = {.struct_size = sizeof model};
    /* Poses are used only in notes. */
    if (!(j->context = idem_cli_open(&s->files, j->shared, !j->shared->quiet)) || idem_get_info(j->context, &model))
        return -1;
    j->size = model.size;
    if (!(j->id = read_ends(j, IDEM_CODE_OF_IDENTITY, &s->identity)) ||
        !(j->attr = read_ends(j, IDEM_CODE_OF_ATTRIBUTES, &s->attributes)) || make_frames(j))
        return -1;
    return write_all(j);
}

static void free_job(job *j) {
    free(j->frames);
    idem_free_faces(j->id);
    idem_free_faces(j->attr);
    idem_cli_close(j->context);
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
        return idem_cli_usage(
            "one side needs two pictures: --identity A B --attributes C, or --identity A --attributes B C");
    bool folder = idem_folder_exists(s->output);
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
    settings s = {
        .refine = IDEM_REFINE_BY_DEFAULT, .space = "w", .steps = 9, .delay = 80, .choice = IDEM_CHOICE_DEFAULT};
    idem_shared shared = IDEM_SHARED_DEFAULTS;
    const idem_option options[] = {
        {IDEM_OPT_TEXTS, "identity", 'i', "A [B]", &s.identity, .max = 2, .required = true,
         .help = "who: one picture, or two"},
        {IDEM_OPT_TEXTS, "attributes", 'a', "C [D]", &s.attributes, .max = 2, .required = true,
         .help = "pose, expression, hair, light, background: one picture, or two"},
        {IDEM_OPT_TEXT, "output", 'o', "FILE|DIR", &s.output, .required = true,
         .help = "NAME.png: the frames in a strip; NAME.webp: an animation, forwards and backwards in a loop; else a "
                 "folder for 000.png etc., strip.png and animation.webp. No other video formats"},
        {IDEM_OPT_INT, "steps", 'n', "N", &s.steps, .min = 2, .max = STEPS_MAX,
         .help = "number of frames, including both ends"},
        {IDEM_OPT_TEXT, "space", 0, "SPACE", &s.space, .choices = "w|z",
         .help = "space of the interpolation: w, the generator's codes, or z, the codes of identity (on the sphere) "
                 "and attributes"},
        {IDEM_OPT_INT, "delay", 0, "MS", &s.delay, .min = 10, .max = 10000,
         .help = "milliseconds per frame of the animation"},
        IDEM_CHOICE_ROWS(s.choice,
                         "which face of attribute photographs: largest, or a number from 1 in the order of size; "
                         "identities are the largest of theirs"),
        IDEM_REFINE_ROW(s.refine),
        IDEM_MODEL_ROWS(s.files),
        {0}};
    idem_command_line line = {.about =
                                  "Interpolates from one identity to another with the same attributes, or from one "
                                  "picture's attributes to another's with the same identity (or both at once). The "
                                  "first and the last frame equal idem compose's pictures of the ends to the byte.",
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
    double start = idem_cli_seconds();
    job j = {.s = &s, .shared = &shared};
    int status = run(&j);
    if (!status && shared.json)
        printf("{\n  \"frames\": %d,\n  \"space\": \"%s\",\n  \"seconds\": %.3f\n}\n", s.steps, s.space,
               idem_cli_seconds() - start);
    free_job(&j);
    return status ? idem_cli_failed() : 0;
}
