/* The faces of photographs, each as a PNG of 256 x 256 pixels in the frame of face generators, and the similarity of
 * each two of them. No generator is needed.
 *
 *     cc faces.c $(pkg-config --cflags --libs idem) -lm -o faces
 *     ./faces OUT-PREFIX PHOTOGRAPH...
 *
 * The networks are looked for in $IDEM_MODELS, else in idem's own folder. */
#include <idem.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIDE = 256 };

typedef struct {
    idem_context *context;
    const char *prefix;
    int dim, n;
    float *vectors; /* [n, dim] */
    uint8_t rgb[SIDE * SIDE * 3];
} job;

static void print_note(void *user, int level, const char *line) {
    (void)user;
    fprintf(stderr, "%s%s\n", level == IDEM_LOG_LINE_WARNING ? "warning: " : "", line);
}

static int take_face(job *j, const idem_photograph *photograph, int face) {
    char path[4096];
    const idem_view view = {j->rgb, SIDE, SIDE};
    float *more = realloc(j->vectors, ((size_t)j->n + 1) * (size_t)j->dim * sizeof *more);
    if (!more)
        return -1;
    j->vectors = more;
    snprintf(path, sizeof path, "%s%d.png", j->prefix, j->n + 1);
    if (idem_align_face_at(j->context, photograph, face, SIDE, j->rgb) || idem_write_view(NULL, path, &view, NULL) ||
        idem_recognise(j->context, photograph, face, j->vectors + (size_t)j->n * (size_t)j->dim, NULL))
        return -1;
    j->n++;
    return 0;
}

static int take_photographs(job *j, const char *const *paths, int n) {
    idem_reader *reader = idem_open_reader(j->context, paths, n, NULL);
    int status = reader ? 0 : -1;
    for (int i = 0; i < n && !status; i++) {
        idem_photograph_info info = {.struct_size = sizeof info};
        idem_photograph *photograph = idem_next_photograph(reader);
        if (!photograph && idem_error_kind() == IDEM_ERROR_INPUT) {
            fprintf(stderr, "passed over: %s\n", idem_last_error());
            continue;
        }
        status = photograph ? idem_get_photograph_info(photograph, &info) : -1;
        for (int face = info.first; face < info.first + info.taken && !status; face++)
            status = take_face(j, photograph, face);
        idem_free_photograph(photograph);
    }
    idem_close_reader(reader);
    return status;
}

/* Cosines of the recogniser's vectors: strangers are around 0. */
static void print_likeness(const job *j) {
    for (int a = 0; a < j->n; a++)
        for (int b = a + 1; b < j->n; b++) {
            double sum = 0;
            for (int k = 0; k < j->dim; k++)
                sum += (double)j->vectors[a * j->dim + k] * (double)j->vectors[b * j->dim + k];
            printf("%d and %d: %.2f\n", a + 1, b + 1, sum);
        }
}

int main(int argc, char **argv) {
    static job j;
    if (argc < 3) {
        fprintf(stderr, "usage: %s OUT-PREFIX PHOTOGRAPH...\n", argv[0]);
        return 2;
    }
    idem_set_log(print_note, NULL);
    idem_options options;
    idem_options_default(&options);
    j.context = idem_open(&options);
    j.prefix = argv[1];
    j.dim = j.context ? idem_feature_dim(j.context) : -1;
    int status = j.dim > 0 ? take_photographs(&j, (const char *const *)argv + 2, argc - 2) : -1;
    if (status)
        fprintf(stderr, "%s\n", idem_last_error());
    else
        print_likeness(&j);
    free(j.vectors);
    idem_close(j.context);
    return status ? 1 : 0;
}
