#include "compose/hide.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "face/align.h"

/* Cells per side of the region, each the mean of its pixels. A blur is also computed from cells, so that its cost does
 * not grow with the photograph. */
enum { CELLS_BLUR = 16, CELLS_PIXELS = 5, LATTICE = 33 /* points per side at which the blur is computed */ };

idem_region idem_region_of_box(const idem_box *box, double turn, int width, int height) {
    const double w = (double)(box->x1 - box->x0) * width, h = (double)(box->y1 - box->y0) * height;
    return (idem_region){.x = (double)(box->x0 + box->x1) / 2 * width,
                         .y = (double)(box->y0 + box->y1) / 2 * height - 0.05 * h,
                         .radius_x = 0.72 * fmax(w, 0.75 * h),
                         .radius_y = 0.72 * fmax(h, w),
                         .turn = turn};
}

idem_region idem_region_of_frame(const idem_crop *frame, int width, int height) {
    float middle[1][2] = {{0.5f, 0.52f}};
    idem_crop_points(middle, (const float(*)[2])middle, 1, frame);
    const double side = idem_align_side(frame, width, height);
    return (idem_region){.x = (double)middle[0][0] * width,
                         .y = (double)middle[0][1] * height,
                         .radius_x = 0.38 * side,
                         .radius_y = 0.46 * side,
                         .turn = atan2((double)frame->m[3] * height, (double)frame->m[0] * width)};
}

typedef struct {
    double sum[3], n;
} cell;

/* Position in the region: -1 .. 1 along both axes. */
static void place(double at[2], const idem_region *r, double x, double y) {
    const double dx = x + 0.5 - r->x, dy = y + 0.5 - r->y, c = cos(r->turn), s = sin(r->turn);
    at[0] = (dx * c + dy * s) / r->radius_x;
    at[1] = (dy * c - dx * s) / r->radius_y;
}

bool idem_region_has(const idem_region *region, double x, double y, double shrunk) {
    double at[2];
    place(at, region, x - 0.5, y - 0.5);
    return at[0] * at[0] + at[1] * at[1] <= shrunk * shrunk;
}

static int cell_of(const double at[2], int cells) {
    const int i = (int)((at[0] + 1) / 2 * cells), k = (int)((at[1] + 1) / 2 * cells);
    return (k < 0 ? 0 : k >= cells ? cells - 1 : k) * cells + (i < 0 ? 0 : i >= cells ? cells - 1 : i);
}

typedef struct {
    idem_image *photo;
    const idem_region *region;
    int x0, y0, x1, y1;
    int cells;
    cell *cell; /* [cells, cells] */
    const idem_region *but;
    int n_but;
} job;

static void gather(const job *j) {
    for (int y = j->y0; y < j->y1; y++)
        for (int x = j->x0; x < j->x1; x++) {
            double at[2];
            place(at, j->region, x, y);
            if (at[0] * at[0] + at[1] * at[1] > 1)
                continue;
            cell *to = &j->cell[cell_of(at, j->cells)];
            const uint8_t *from = j->photo->rgb + 3 * ((size_t)y * (size_t)j->photo->width + (size_t)x);
            for (int c = 0; c < 3; c++)
                to->sum[c] += from[c];
            to->n++;
        }
}

/* A pixel's position in the region, unless it is excluded. */
static bool is_hidden(double at[2], const job *j, int x, int y) {
    place(at, j->region, x, y);
    bool hidden = at[0] * at[0] + at[1] * at[1] <= 1;
    for (int i = 0; i < j->n_but && hidden; i++)
        hidden = !idem_region_has(&j->but[i], x + 0.5, y + 0.5, 1);
    return hidden;
}

static cell mean_of_all(const job *j) {
    cell all = {0};
    for (int i = 0; i < j->cells * j->cells; i++) {
        for (int c = 0; c < 3; c++)
            all.sum[c] += j->cell[i].sum[c];
        all.n += j->cell[i].n;
    }
    return all;
}

/* A Gaussian over the cells' means; its standard deviation is a quarter of the region's sides. */
static void blurred(double colour[3], const job *j, const double at[2]) {
    double sum[3] = {0}, weight = 0;
    for (int k = 0; k < j->cells; k++)
        for (int i = 0; i < j->cells; i++) {
            const cell *from = &j->cell[k * j->cells + i];
            const double dx = (i + 0.5) * 2 / j->cells - 1 - at[0], dy = (k + 0.5) * 2 / j->cells - 1 - at[1];
            const double w = from->n > 0 ? exp(-(dx * dx + dy * dy) / (2 * 0.5 * 0.5)) : 0;
            weight += w;
            for (int c = 0; c < 3 && w > 0; c++)
                sum[c] += w * from->sum[c] / from->n;
        }
    for (int c = 0; c < 3; c++)
        colour[c] = weight > 0 ? sum[c] / weight : 0;
}

typedef double lattice[LATTICE][LATTICE][3];

static void make_lattice(lattice of, const job *j) {
    for (int k = 0; k < LATTICE; k++)
        for (int i = 0; i < LATTICE; i++)
            blurred(of[k][i], j, (const double[2]){2.0 * i / (LATTICE - 1) - 1, 2.0 * k / (LATTICE - 1) - 1});
}

/* Bilinear. */
static void between(double colour[3], lattice of, const double at[2]) {
    const double u = (at[0] + 1) / 2 * (LATTICE - 1), v = (at[1] + 1) / 2 * (LATTICE - 1);
    const int i = (int)fmin(fmax(u, 0), LATTICE - 2), k = (int)fmin(fmax(v, 0), LATTICE - 2);
    const double x = u - i, y = v - k;
    for (int c = 0; c < 3; c++)
        colour[c] = (1 - y) * ((1 - x) * of[k][i][c] + x * of[k][i + 1][c]) +
                    y * ((1 - x) * of[k + 1][i][c] + x * of[k + 1][i + 1][c]);
}

static void fill(const job *j, idem_hiding how) {
    const cell all = mean_of_all(j);
    lattice soft;
    if (how == IDEM_HIDE_BLUR)
        make_lattice(soft, j);
    for (int y = j->y0; y < j->y1; y++)
        for (int x = j->x0; x < j->x1; x++) {
            double at[2], colour[3];
            if (!is_hidden(at, j, x, y))
                continue;
            const cell *from = how == IDEM_HIDE_PIXELS ? &j->cell[cell_of(at, j->cells)] : &all;
            for (int c = 0; c < 3; c++)
                colour[c] = from->sum[c] / fmax(from->n, 1);
            if (how == IDEM_HIDE_BLUR)
                between(colour, soft, at);
            uint8_t *to = j->photo->rgb + 3 * ((size_t)y * (size_t)j->photo->width + (size_t)x);
            for (int c = 0; c < 3; c++)
                to[c] = (uint8_t)fmin(fmax(colour[c] + 0.5, 0), 255);
        }
}

int idem_hide(idem_image *photo, const idem_region *region, idem_hiding how, const idem_region *but, int n) {
    const double reach = fmax(region->radius_x, region->radius_y) + 1;
    if (!isfinite(region->x) || !isfinite(region->y) || !isfinite(reach) || !isfinite(region->turn) || reach <= 1)
        return idem_fail("a region to hide is not finite or has no area");
    job j = {.photo = photo,
             .region = region,
             .but = but,
             .n_but = n,
             .x0 = (int)fmin(fmax(region->x - reach, 0), photo->width),
             .y0 = (int)fmin(fmax(region->y - reach, 0), photo->height),
             .x1 = (int)fmin(fmax(region->x + reach, 0), photo->width),
             .y1 = (int)fmin(fmax(region->y + reach, 0), photo->height),
             .cells = how == IDEM_HIDE_PIXELS ? CELLS_PIXELS : CELLS_BLUR};
    j.cell = calloc((size_t)(j.cells * j.cells), sizeof *j.cell);
    if (!j.cell)
        return idem_fail_as(IDEM_MEMORY, "out of memory for hiding a face");
    gather(&j);
    fill(&j, how);
    free(j.cell);
    return 0;
}
