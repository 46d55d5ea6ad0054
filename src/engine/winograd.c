#include "engine/winograd.h"

#include <omp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/conv_taps.h"
#include "engine/op.h"
#include "engine/winograd_private.h"

/* Transformed values of a block of patches, before and after the products: a core's second-level cache, and a thread's
 * part of the last-level cache, assumed as MOST_BYTES if unknown. MOST_ROWS: patches of one point, which stay in the
 * second level. */
enum { LEAST_BYTES = 384 << 10, MOST_BYTES = 8 << 20, MOST_ROWS = 192 };

/* Along one axis: numbers in a transformed patch, sides of the patches read and written, and inputs from one patch to
 * the next. */
static const struct {
    int points, in, out, step;
} forms[WINOGRAD_FORMS] = {
    [WINOGRAD_SAME] = {6, 6, 4, 4}, [WINOGRAD_DOWN] = {9, 9, 4, 8}, [WINOGRAD_UP] = {9, 5, 8, 4}};

/* Sizes as the kernel sees them: from `from` channels at [h, w] to `to` channels at [oh, ow]. */
struct idem_winograd {
    const idem_winograd_kernels *kernels;
    const idem_winograd_numbers *numbers;
    winograd_form form;
    int points;
    int64_t n, from, h, w, to, oh, ow, top, left;
    int64_t dilation;               /* dilation^2 interleaved pictures, each convolved separately */
    bool turned;                    /* data gradient: filters are turned by 180 degrees and swap their channels */
    int64_t rows, columns, patches; /* patches down and across one (interleaved) picture; of all pictures */
    int64_t cut_h, cut_w; /* outputs that the patches compute; one or two lines beyond are computed by the edge */
    idem_conv_taps *edge;
    int threads;
    bool past;      /* results are written past the caches */
    bool shared;    /* all threads share one block at a time and divide the output channels */
    int64_t block;  /* patches in a block */
    int nr;         /* columns of a product: one vector if these are all output channels, or two */
    int64_t panels; /* of nr output channels */
    int64_t group;  /* largest number of panels of one part of a shared block */
    int sharing[WINOGRAD_POINTS], sharers[WINOGRAD_POINTS][16]; /* points that share each filter */
    int64_t v_stride; /* numbers between points of V; odd multiples of a cache line keep them in different cache sets */
    int64_t m_stride, u_panel, m_floats;
    size_t v_bytes, u_bytes;
    float *zeros; /* pixels outside the picture */
    idem_pack *pack;
};

static winograd_form form_of(const idem_conv_dims *d) {
    return d->win.stride[0] == 1 ? WINOGRAD_SAME : d->way == IDEM_CONV_DATA ? WINOGRAD_UP : WINOGRAD_DOWN;
}

bool idem_winograd_fits(const idem_conv_dims *d) {
    const idem_window *win = &d->win;
    if (d->way == IDEM_CONV_WEIGHT || win->groups != 1 || d->i % 8 || d->o % 8 || win->stride[0] != win->stride[1] ||
        win->stride[0] > 2)
        return false;
    for (int a = 0; a < 2; a++)
        if (win->kernel[a] != 3 || win->dilation[a] != win->dilation[0] || win->pad[a] % win->dilation[a] ||
            win->pad[a] > 2 * win->dilation[a] || win->pad[a + 2] > 2 * win->dilation[a] ||
            (form_of(d) == WINOGRAD_UP && win->pad[a] % 2) || (win->stride[a] > 1 && win->dilation[a] > 1))
            return false;
    return true;
}

static int64_t lesser(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

/* Patches for `size` outputs along an axis. */
static int64_t count_patches(winograd_form form, int64_t size) {
    int64_t out = forms[form].out, whole = size / out;
    /* StyleGAN2's transposed convolutions have 8 n + 1 outputs: computing the last line separately is cheaper. */
    return form == WINOGRAD_UP && whole > 0 && size % out <= 2 ? whole : ceil_div(size, out);
}

bool idem_winograd_pays(const idem_conv_dims *d, bool frozen) {
    if (!idem_winograd_fits(d))
        return false;
    winograd_form form = form_of(d);
    bool data = d->way == IDEM_CONV_DATA;
    int64_t h = data ? d->h : d->oh, w = data ? d->w : d->ow, to = data ? d->i : d->o, side = forms[form].out;
    int64_t apart = d->win.dilation[0];
    int64_t patches = apart * apart * count_patches(form, ceil_div(h, apart)) * count_patches(form, ceil_div(w, apart));
    /* Partly empty patches reduce the gain, which is smaller for stride 2; with few patches it does not pay to read
     * four times the weights, or to transform them at every run. A panel of the product that is half empty takes the
     * rest of the gain. */
    enum { WIDEST = 16 };
    int64_t percent = 100 * h * w / (patches * side * side), all = d->n * patches;
    if (form == WINOGRAD_SAME)
        return to >= 16 && percent >= 50 && all >= (frozen ? 2 : 16);
    const bool fills = form != WINOGRAD_UP || to >= idem_winograd_kernels_between(d->i, d->o, WIDEST)->nr;
    return to >= 16 && fills && percent >= 75 && all >= (frozen ? 4 : 32);
}

bool idem_winograd_whole(const idem_conv_dims *d) {
    bool data = d->way == IDEM_CONV_DATA;
    int64_t h = data ? d->h : d->oh, w = data ? d->w : d->ow;
    return form_of(d) != WINOGRAD_UP || (h % forms[WINOGRAD_UP].out == 0 && w % forms[WINOGRAD_UP].out == 0);
}

static int64_t clamp(int64_t v, int64_t low, int64_t high) {
    return v < low ? low : v > high ? high : v;
}

static int64_t most_bytes(int64_t threads) {
    int64_t cache = MOST_BYTES;
#if defined(_SC_LEVEL3_CACHE_SIZE)
    cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
#endif
    return clamp(cache / threads, MOST_BYTES / threads, MOST_BYTES);
}

/* Every block of patches reads all filters once, so blocks grow with the filters, up to a part of the last-level cache.
 */
static void choose_block(idem_winograd *w) {
    const idem_winograd_kernels *k = w->kernels;
    int64_t threads = w->threads;
    w->panels = ceil_div(w->to, w->nr);
    w->u_panel = w->from * w->nr;
    w->u_bytes = (size_t)(WINOGRAD_POINTS * w->panels * w->u_panel * w->numbers->bytes);
    int64_t per_patch = w->points * (w->from * w->numbers->bytes + w->panels * w->nr * (int64_t)sizeof(float));
    int64_t bytes = clamp((int64_t)w->u_bytes, LEAST_BYTES, most_bytes(threads));
    int64_t most = clamp(bytes / per_patch / k->mr, 1, MOST_ROWS / k->mr) * k->mr;
    w->shared = threads > 1 && w->patches < threads * 2 * k->mr && w->panels >= threads;
    int64_t workers = w->shared ? 1 : threads;
    /* Equal shares: the number of blocks is a multiple of the workers. */
    int64_t blocks = ceil_div(ceil_div(w->patches, most), workers) * workers;
    w->block = ceil_div(w->patches, blocks);
    int64_t whole = ceil_div(w->block, k->mr) * k->mr; /* whole tiles, unless shares become unequal */
    if (ceil_div(w->patches, whole) % workers == 0)
        w->block = whole;
    w->group = w->shared ? ceil_div(w->panels, threads) : w->panels;
    w->v_stride = w->block * w->from + 64 / w->numbers->bytes;
    w->m_stride = ceil_div(w->block, k->mr) * k->mr * w->nr + 16;
    w->v_bytes = (size_t)(w->points * w->v_stride * w->numbers->bytes);
    w->v_bytes = (w->v_bytes + 63) / 64 * 64;
    w->m_floats = w->group * w->points * w->m_stride;
}

/* ---- filters ---- */

/* U[filter][panel][from / depth][nr][depth] of panel p; output channels past the last are zero. */
static void transform_panel(const idem_winograd *w, const float *weight, int64_t p, char *u) {
    const int depth = w->numbers->depth;
    float g[WINOGRAD_MAX_DEPTH * 9 * WINOGRAD_MAX_NR] __attribute__((aligned(64)));
    int64_t first = p * w->nr, nr = w->to - first < w->nr ? w->to - first : w->nr;
    memset(g, 0, sizeof g);
    for (int64_t c = 0; c < w->from; c += depth) {
        for (int row = 0; row < 9 * depth; row++) {
            const int64_t tap = row % 9, from = c + row / 9;
            if (w->turned)
                memcpy(g + row * w->nr, weight + (from * 9 + 8 - tap) * w->to + first, (size_t)nr * sizeof *g);
            else
                for (int64_t o = 0; o < nr; o++)
                    g[row * w->nr + o] = weight[((first + o) * 9 + tap) * w->from + from];
        }
        w->numbers->weight[w->form](g, w->nr, u + (p * w->u_panel + c * w->nr) * w->numbers->bytes,
                                    w->panels * w->u_panel / depth);
    }
}

typedef struct {
    const idem_winograd *w;
    const float *weight;
} fill_order;

static int fill(void *order, void *values) {
    const fill_order *f = order;
#pragma omp parallel for num_threads(f->w->threads)
    for (int64_t p = 0; p < f->w->panels; p++)
        transform_panel(f->w, f->weight, p, values);
    return 0;
}

/* The transformed filter of a point: all odd positions of stride 2 share the sixth. */
static int64_t filter_of(const idem_winograd *w, int point) {
    if (w->form == WINOGRAD_SAME)
        return point;
    int i = point / 9, j = point % 9;
    return 6 * lesser(i, 5) + lesser(j, 5);
}

/* ---- making ---- */

idem_winograd *idem_winograd_new(const idem_conv_dims *d, idem_frozen weight, int width) {
    idem_winograd *w = calloc(1, sizeof *w);
    if (!w)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a convolution");
    *w = (idem_winograd){.n = d->n,
                         .from = d->i,
                         .h = d->h,
                         .w = d->w,
                         .to = d->o,
                         .oh = d->oh,
                         .ow = d->ow,
                         .top = d->win.pad[0],
                         .left = d->win.pad[1],
                         .dilation = d->win.dilation[0],
                         .threads = idem_threads()};
    w->form = form_of(d);
    w->points = forms[w->form].points * forms[w->form].points;
    if (d->way == IDEM_CONV_DATA) {
        w->from = d->o, w->h = d->oh, w->w = d->ow;
        w->to = d->i, w->oh = d->h, w->ow = d->w;
        w->top = w->form == WINOGRAD_UP ? 1 - d->win.pad[0] / 2 : 2 * w->dilation - d->win.pad[0];
        w->left = w->form == WINOGRAD_UP ? 1 - d->win.pad[1] / 2 : 2 * w->dilation - d->win.pad[1];
        w->turned = true;
    }
    const bool whole = w->from % 16 == 0 && w->to % 16 == 0;
    w->kernels = idem_winograd_kernels_between(w->from, w->to, width);
    w->nr = w->to <= w->kernels->width ? w->kernels->width : w->kernels->nr;
    w->numbers = d->win.bf16 && whole ? idem_winograd_bf16_for(w->kernels->width) : &w->kernels->floats;
    w->past = w->kernels->width == 16 && w->n * w->oh * w->ow * w->to * (int64_t)sizeof(float) >= IDEM_PAST_BYTES;
    w->rows = count_patches(w->form, ceil_div(w->oh, w->dilation));
    w->columns = count_patches(w->form, ceil_div(w->ow, w->dilation));
    w->patches = w->n * w->dilation * w->dilation * w->rows * w->columns;
    int64_t side = forms[w->form].out * w->dilation;
    w->cut_h = w->rows * side < w->oh ? w->rows * side : w->oh;
    w->cut_w = w->columns * side < w->ow ? w->columns * side : w->ow;
    if (w->cut_h < w->oh || w->cut_w < w->ow) {
        w->edge = idem_conv_taps_new_edge(d, w->cut_h, w->cut_w);
        if (!w->edge) {
            idem_winograd_free(w);
            return NULL;
        }
    }
    for (int point = 0; point < w->points; point++) {
        int64_t f = filter_of(w, point);
        w->sharers[f][w->sharing[f]++] = point;
    }
    choose_block(w);
    w->zeros = calloc((size_t)w->from, sizeof *w->zeros);
    if (!w->zeros) {
        idem_winograd_free(w);
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a convolution");
    }
    if (weight.values) {
        fill_order order = {w, weight.values};
        const struct {
            const char *name;
            int64_t way, form;
        } key = {w->numbers->name, d->way, w->form};
        w->pack = idem_pack_get(weight, &key, sizeof key, w->u_bytes, fill, &order);
        if (!w->pack) {
            idem_winograd_free(w);
            return NULL;
        }
    }
    return w;
}

void idem_winograd_free(idem_winograd *w) {
    if (!w)
        return;
    idem_conv_taps_free(w->edge);
    idem_pack_release(w->pack);
    free(w->zeros);
    free(w);
}

bool idem_winograd_reads_weight(const idem_winograd *w) {
    return !w->pack || w->edge;
}

const char *idem_winograd_kernel(const idem_winograd *w) {
    return w->numbers->name;
}

size_t idem_winograd_scratch(const idem_winograd *w) {
    const size_t threads = (size_t)w->threads, m_bytes = (size_t)w->m_floats * sizeof(float);
    const size_t blocks = w->shared ? w->v_bytes + threads * m_bytes : threads * (w->v_bytes + m_bytes);
    const size_t bytes = blocks + (w->pack ? 0 : w->u_bytes);
    size_t edge = w->edge ? idem_conv_taps_scratch(w->edge) : 0;
    return bytes > edge ? bytes : edge;
}

/* ---- running ---- */

/* A patch: its picture, and its first output there; the next ones are `dilation` pixels apart. */
typedef struct {
    int64_t n, row, column, r, c; /* row and column of the output; r and c count patches */
} patch_place;

static patch_place place_of(const idem_winograd *w, int64_t t) {
    int64_t d = w->dilation, each = w->rows * w->columns, phase = t / each % (d * d), out = forms[w->form].out;
    patch_place p = {.n = t / (each * d * d), .r = t / w->columns % w->rows, .c = t % w->columns};
    p.row = p.r * out * d + phase / d;
    p.column = p.c * out * d + phase % d;
    return p;
}

/* Patches first .. last-1 of x to V[point][patch][from]. */
static void transform_in(const idem_winograd *w, const float *x, const float *factors, int64_t first, int64_t last,
                         char *v) {
    int side = forms[w->form].in;
    int64_t step = forms[w->form].step;
    for (int64_t t = first; t < last; t++, v += w->from * w->numbers->bytes) {
        patch_place p = place_of(w, t);
        int64_t top = (w->dilation > 1 ? p.row : p.r * step) - w->top;
        int64_t left = (w->dilation > 1 ? p.column : p.c * step) - w->left;
        const float *pixel[WINOGRAD_MAX_POINTS];
        for (int i = 0; i < side; i++)
            for (int j = 0; j < side; j++) {
                int64_t y = top + i * w->dilation, z = left + j * w->dilation;
                bool inside = y >= 0 && y < w->h && z >= 0 && z < w->w;
                pixel[side * i + j] = inside ? x + ((p.n * w->h + y) * w->w + z) * w->from : w->zeros;
            }
        w->numbers->input[w->form](pixel, factors ? factors + p.n * w->from : NULL, w->from, v, w->v_stride);
    }
}

/* Outputs of a patch along an axis before `cut`; may be 0 with dilation. */
static int64_t count_inside(const idem_winograd *w, int64_t first, int64_t cut) {
    return cut > first ? lesser(ceil_div(cut - first, w->dilation), forms[w->form].out) : 0;
}

/* Panels first_panel .. last_panel-1 of patches first .. last-1 from M[panel][point][patch][nr]: patch by patch, so
 * that writes are contiguous. */
static void transform_out(const idem_winograd *w, const float *m, int64_t first, int64_t last, int64_t first_panel,
                          int64_t last_panel, const idem_conv_end *end, float *y) {
    const idem_winograd_kernels *k = w->kernels;
    bool past = w->past && (uintptr_t)y % 64 == 0;
    for (int64_t t = first; t < last; t++, m += w->nr) {
        patch_place p = place_of(w, t);
        int64_t rows = count_inside(w, p.row, w->cut_h), columns = count_inside(w, p.column, w->cut_w);
        for (int64_t q = first_panel; q < last_panel && rows && columns; q++) {
            int64_t channel = q * w->nr;
            int vectors = (int)lesser((w->to - channel) / k->width, w->nr / k->width);
            int64_t element = ((p.n * w->oh + p.row) * w->ow + p.column) * w->to + channel;
            idem_conv_end here = idem_conv_end_at(end, channel, element);
            k->output[w->form](m + (q - first_panel) * w->points * w->m_stride, w->m_stride, vectors, &here,
                               y + element, w->dilation * w->ow * w->to, w->dilation * w->to, (int)rows, (int)columns,
                               past);
        }
    }
}

/* Panels first_panel .. last_panel-1 of a block with V computed. A panel of a filter stays in the first-level cache for
 * all points that share it, the points' V in the second for all panels. */
static void multiply(const idem_winograd *w, const char *v, const char *u, float *m, int64_t patches,
                     int64_t first_panel, int64_t last_panel) {
    const int64_t bytes = w->numbers->bytes, u_panel = w->u_panel * bytes;
    for (int64_t f = 0; f < WINOGRAD_POINTS; f++)
        for (int64_t q = first_panel; q < last_panel; q++) {
            const char *panel = u + (f * w->panels + q) * u_panel;
            bool turn = q + 1 == last_panel;
            const char *next =
                turn ? u + ((f + 1) % WINOGRAD_POINTS * w->panels + first_panel) * u_panel : panel + u_panel;
            for (int i = 0; i < w->sharing[f]; i++) {
                int point = w->sharers[f][i];
                w->numbers->product(v + point * w->v_stride * bytes, w->from, panel, w->from, w->nr,
                                    m + ((q - first_panel) * w->points + point) * w->m_stride, patches, next);
            }
        }
}

void idem_winograd_run(const idem_winograd *w, const float *x, const float *weight, const float *factors,
                       const idem_conv_end *end, float *out, void *scratch) {
    if (w->edge)
        idem_conv_taps_run(w->edge, (const float *const[]){x, weight}, factors, out, scratch);
    const char *u = w->pack ? idem_pack_values(w->pack) : scratch;
    char *own = (char *)scratch + (w->pack ? 0 : w->u_bytes);
    const size_t m_bytes = (size_t)w->m_floats * sizeof(float);
    int64_t blocks = ceil_div(w->patches, w->block);
#pragma omp parallel num_threads(w->threads)
    {
        int64_t me = omp_get_thread_num(), team = omp_get_num_threads();
        char *v = w->shared ? own : own + (size_t)me * (w->v_bytes + m_bytes);
        float *m = (float *)(w->shared ? own + w->v_bytes + (size_t)me * m_bytes : v + w->v_bytes);
        if (!w->pack) {
#pragma omp for
            for (int64_t p = 0; p < w->panels; p++)
                transform_panel(w, weight, p, scratch);
        }
        if (w->shared) {
            for (int64_t b = 0; b < blocks; b++) {
                int64_t first = b * w->block, last = first + w->block < w->patches ? first + w->block : w->patches;
                int64_t a = first + (last - first) * me / team, z = first + (last - first) * (me + 1) / team;
                transform_in(w, x, factors, a, z, v + (a - first) * w->from * w->numbers->bytes);
#pragma omp barrier
                for (int64_t part = me; part < w->threads; part += team) { /* m has the panels of one part */
                    int64_t from = w->panels * part / w->threads, to = w->panels * (part + 1) / w->threads;
                    multiply(w, v, u, m, last - first, from, to);
                    transform_out(w, m, first, last, from, to, end, out);
                }
#pragma omp barrier
            }
        } else {
            for (int64_t b = me; b < blocks; b += team) {
                int64_t first = b * w->block, last = first + w->block < w->patches ? first + w->block : w->patches;
                transform_in(w, x, factors, first, last, v);
                multiply(w, v, u, m, last - first, 0, w->panels);
                transform_out(w, m, first, last, 0, w->panels, end, out);
            }
        }
        if (w->past)
            atomic_thread_fence(memory_order_seq_cst);
    }
}
