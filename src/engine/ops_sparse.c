/* spatial_map: a sparse matrix applied to the pixels of every channel. */
#include <string.h>

#include "engine/op.h"
#include "engine/ops.h"
#include "engine/strided.h"

typedef struct {
    idem_sparse map; /* arrays in the graph's arena */
} map_attr;

/* One target pixel after another; channels are contiguous. */
IDEM_MULTIVERSION static void map_pixels(const idem_sparse *m, int64_t channels, const float *restrict x,
                                         float *restrict y, int from, int to) {
    for (int p = from; p < to; p++) {
        float *restrict out = y + p * channels;
        int k = m->start[p], end = m->start[p + 1];
        if (channels == 3) { /* pictures */
            float r = 0, g = 0, b = 0;
            for (; k < end; k++) {
                const float *in = x + (int64_t)m->column[k] * 3;
                r += m->value[k] * in[0];
                g += m->value[k] * in[1];
                b += m->value[k] * in[2];
            }
            out[0] = r;
            out[1] = g;
            out[2] = b;
            continue;
        }
        memset(out, 0, (size_t)channels * sizeof *out);
        for (; k < end; k++) {
            const float *restrict in = x + m->column[k] * channels;
            float v = m->value[k];
            for (int64_t c = 0; c < channels; c++)
                out[c] += v * in[c];
        }
    }
}

static void map_forward(const idem_step *s) {
    const idem_shape *shape = &s->node->shape;
    const idem_sparse *m = &((const map_attr *)s->node->attr)->map;
    int64_t channels = shape->d[1];
    int64_t work = shape->d[0] * channels * ((int64_t)m->start[m->rows] + m->rows);
    int threads = work < IDEM_PARALLEL_ELEMENTS ? 1 : idem_threads();
    enum { BLOCK = 256 };
    int64_t blocks = (m->rows + BLOCK - 1) / BLOCK;
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t t = 0; t < shape->d[0] * blocks; t++) {
        int64_t n = t / blocks, from = t % blocks * BLOCK;
        int64_t to = from + BLOCK < m->rows ? from + BLOCK : m->rows;
        map_pixels(m, channels, s->in[0] + n * m->columns * channels, s->out + n * m->rows * channels, (int)from,
                   (int)to);
    }
}

static void map_cost(const idem_node *n, double *flops, double *bytes) {
    const idem_sparse *m = &((const map_attr *)n->attr)->map;
    double planes = (double)(n->shape.d[0] * n->shape.d[1]);
    *flops = 2 * planes * m->start[m->rows];
    *bytes = 4 * planes * ((double)m->rows + m->columns) + 8.0 * m->start[m->rows];
}

static int map_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx);

const idem_op idem_op_spatial_map = {
    .name = "spatial_map", .forward = map_forward, .gradient = map_gradient, .cost = map_cost};

static idem_node *map_node(idem_node *x, const idem_sparse *map, int64_t h, int64_t w) {
    map_attr a = {*map};
    idem_shape shape = x->shape;
    shape.d[2] = h;
    shape.d[3] = w;
    return idem_node_new(&idem_op_spatial_map, shape, &x, 1, &a, sizeof a);
}

/* Arrays for `rows` rows and `entries` entries; start is zeroed. */
static int new_map(idem_arena *arena, int rows, int entries, int **start, int **column, float **value) {
    *start = idem_arena_array(arena, (size_t)rows + 1, sizeof **start);
    *column = idem_arena_array(arena, (size_t)entries, sizeof **column);
    *value = idem_arena_array(arena, (size_t)entries, sizeof **value);
    return *start && *column && *value ? 0 : -1;
}

static int transpose(idem_arena *arena, const idem_sparse *m, idem_sparse *out) {
    int *start, *column, entries = m->start[m->rows];
    float *value;
    if (new_map(arena, m->columns, entries, &start, &column, &value))
        return -1;
    int *next = idem_arena_array(arena, (size_t)m->columns, sizeof *next);
    if (!next)
        return -1;
    for (int k = 0; k < entries; k++)
        start[m->column[k] + 1]++;
    for (int c = 0; c < m->columns; c++) {
        start[c + 1] += start[c];
        next[c] = start[c];
    }
    for (int r = 0; r < m->rows; r++)
        for (int k = m->start[r]; k < m->start[r + 1]; k++) {
            int at = next[m->column[k]]++;
            column[at] = r;
            value[at] = m->value[k];
        }
    *out = (idem_sparse){m->columns, m->rows, start, column, value};
    return 0;
}

static int map_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    if (!want[0])
        return 0;
    idem_sparse turned;
    if (transpose(idem_graph_arena(n->graph), &((const map_attr *)n->attr)->map, &turned))
        return -1;
    dx[0] = map_node(dy, &turned, n->in[0]->shape.d[2], n->in[0]->shape.d[3]);
    return dx[0] ? 0 : -1;
}

static int check_map(const idem_node *x, const idem_sparse *map, int64_t h, int64_t w) {
    char text[64];
    if (x->shape.rank != 4)
        return idem_fail("spatial map of '%s' %s: expected rank 4", x->name, idem_shape_text(&x->shape, text));
    if (h < 1 || w < 1 || h > INT32_MAX / w || map->rows != h * w || map->columns != x->shape.d[2] * x->shape.d[3])
        return idem_fail("spatial map of '%s' %s to %lld x %lld: the map has %d targets and %d sources", x->name,
                         idem_shape_text(&x->shape, text), (long long)h, (long long)w, map->rows, map->columns);
    if (map->start[0] != 0)
        return idem_fail("spatial map of '%s': entries start at %d, expected 0", x->name, map->start[0]);
    for (int r = 0; r < map->rows; r++)
        if (map->start[r + 1] < map->start[r])
            return idem_fail("spatial map of '%s': entries of target %d end before they start", x->name, r);
    for (int k = 0; k < map->start[map->rows]; k++)
        if (map->column[k] < 0 || map->column[k] >= map->columns)
            return idem_fail("spatial map of '%s': entry %d reads source %d of %d", x->name, k, map->column[k],
                             map->columns);
    return 0;
}

idem_node *idem_spatial_map(idem_node *x, const idem_sparse *map, int64_t h, int64_t w) {
    if (!x || check_map(x, map, h, w))
        return NULL;
    int *start, *column, entries = map->start[map->rows];
    float *value;
    if (new_map(idem_graph_arena(x->graph), map->rows, entries, &start, &column, &value))
        return NULL;
    memcpy(start, map->start, ((size_t)map->rows + 1) * sizeof *start);
    if (entries) {
        memcpy(column, map->column, (size_t)entries * sizeof *column);
        memcpy(value, map->value, (size_t)entries * sizeof *value);
    }
    return map_node(x, &(idem_sparse){map->rows, map->columns, start, column, value}, h, w);
}
