#include "serve/grid.h"

#include <stdlib.h>
#include <string.h>

#include "serve/task.h"

enum { GRID = IDEM_FORM_GRID };

typedef struct {
    idem_task task;
    int rows, columns;
    uint8_t *cells;  /* [rows][columns][size][size][3] */
    uint8_t *shrunk; /* [rows + columns + rows * columns][side][side][3] */
    int side;        /* of a picture in the grid */
} grid;

/* Reads the sent pictures of one side, in the order of their fields. Returns their number, or -1. */
static int add_side(grid *g, idem_faces *faces, int first) {
    int n = 0;
    if (idem_task_wants(&g->task, first))
        return -1;
    for (int i = first; i < first + GRID; i++)
        if (g->task.form->pictures[i].size) {
            if (idem_task_add_face(&g->task, faces, i, IDEM_LARGEST_FACE, NULL))
                return -1;
            n++;
        }
    return n;
}

static int paint(grid *g) {
    const idem_task *t = &g->task;
    idem_pairing pairs[GRID * GRID];
    const int n = g->rows * g->columns;
    for (int i = 0; i < n; i++)
        pairs[i] = (idem_pairing){i / g->columns, i % g->columns};
    g->cells = malloc((size_t)n * (size_t)t->size * (size_t)t->size * 3);
    if (!g->cells)
        return idem_answer_no_memory(t->answer), -1;
    idem_jobs_say(t->job, "painting");
    return idem_compose_faces(t->id, t->attr, pairs, n, t->refine, NULL, g->cells)
               ? (idem_answer_library_error(t->answer, NULL), -1)
               : 0;
}

/* Picture i of the grid, at its size there. */
static int show(grid *g, idem_view *view, int i, const uint8_t *rgb) {
    uint8_t *to = g->shrunk + (size_t)i * (size_t)g->side * (size_t)g->side * 3;
    *view = (idem_view){rgb, g->task.size, g->task.size};
    if (g->side == g->task.size || !rgb)
        return rgb ? 0 : -1;
    if (idem_resize_view(view, g->side, g->side, to))
        return -1;
    *view = (idem_view){to, g->side, g->side};
    return 0;
}

/* 0, with *bytes; -1 with the library's message. */
static int draw(grid *g, unsigned char **bytes, size_t *size) {
    idem_view down[GRID], along[GRID], cells[GRID * GRID];
    const idem_task *t = &g->task;
    const idem_writing writing = idem_task_writing(IDEM_ORIGIN_COMPOSITE);
    int status = 0, n = 0;
    for (int i = 0; i < g->rows && !status; i++)
        status = show(g, &down[i], n++, idem_face_picture(t->id, i));
    for (int i = 0; i < g->columns && !status; i++)
        status = show(g, &along[i], n++, idem_face_picture(t->attr, i));
    for (int i = 0; i < g->rows * g->columns && !status; i++)
        status = show(g, &cells[i], n++, g->cells + (size_t)i * (size_t)t->size * (size_t)t->size * 3);
    return status ? -1 : idem_encode_grid(t->context, down, g->rows, along, g->columns, cells, &writing, bytes, size);
}

static void run(grid *g) {
    idem_task *t = &g->task;
    unsigned char *bytes;
    size_t size;
    if (idem_task_open_sets(t, 1) || (g->rows = add_side(g, t->id, IDEM_PICTURE_IDENTITY)) < 0 ||
        (g->columns = add_side(g, t->attr, IDEM_PICTURE_ATTRIBUTES)) < 0 || idem_task_encode_sets(t) || paint(g))
        return;
    g->side = t->size < IDEM_GRID_PIXELS ? t->size : IDEM_GRID_PIXELS;
    g->shrunk = malloc((size_t)(g->rows + g->columns + g->rows * g->columns) * (size_t)g->side * (size_t)g->side * 3);
    if (!g->shrunk)
        idem_answer_no_memory(t->answer);
    else if (draw(g, &bytes, &size))
        idem_answer_library_error(t->answer, NULL);
    else
        idem_answer_picture(t->answer, bytes, size);
}

void idem_work_grid(idem_context *context, idem_job *job, idem_form *form, idem_answer *answer) {
    grid g = {.task = {.context = context, .job = job, .form = form, .answer = answer}};
    if (idem_task_begin(&g.task))
        return;
    run(&g);
    free(g.cells);
    free(g.shrunk);
    idem_task_end(&g.task);
}
