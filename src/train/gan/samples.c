#include "train/gan/samples.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/status.h"
#include "model/origin.h"
#include "media/sheet.h"

enum { GRID = 40, GRID_COLUMNS = 8, STRIP = 8, SHEET_SEED = 7 };
#define SHEET_PSI 0.8f

/* hash: of the generator */
static int save_sheet(const idem_gan_samples *s, const char *what, const char *hash, const float *pictures, int n) {
    const int side = (int)s->recipe->size;
    idem_image cells[GRID] = {0}, page;
    const idem_image *list[GRID];
    char title[96], psi[16];
    int status = 0;
    for (int i = 0; i < n && !status; i++) {
        status =
            idem_image_from_float(&cells[i], pictures + (size_t)i * (size_t)side * (size_t)side * 3, side, side, -1, 1);
        list[i] = &cells[i];
    }
    snprintf(title, sizeof title, "%s after %" PRId64 " pictures, truncation %.1f", what, s->run->state->shown,
             (double)SHEET_PSI);
    snprintf(psi, sizeof psi, "%g", (double)SHEET_PSI);
    idem_origin origin;
    idem_origin_by(&origin, IDEM_SOURCE_GENERATED, hash, NULL, &(const uint64_t){SHEET_SEED});
    idem_origin_add(&origin, "truncation", psi);
    if (!status && !idem_sheet_list(&page, &(idem_sheet){.title = title}, list, n, GRID_COLUMNS)) {
        status = idem_run_sheet(s->run, what, what, s->run->state->shown, &page, &origin.marks);
        idem_image_free(&page);
    } else {
        status = -1;
    }
    for (int i = 0; i < n; i++)
        idem_image_free(&cells[i]);
    return status;
}

static int write_grid(const idem_gan_samples *s, const char *hash, const float *z, float *pictures) {
    return idem_gan_sampler_run(s->sampler, GRID, z, SHEET_PSI, pictures) || save_sheet(s, "grid", hash, pictures, GRID)
               ? -1
               : 0;
}

/* Interpolates from the first code to the second; written after both. */
static int write_strip(const idem_gan_samples *s, const char *hash, float *z, float *pictures) {
    const size_t z_dim = (size_t)s->recipe->z_dim;
    for (size_t i = 0; i < STRIP * z_dim; i++) {
        const float at = (float)(i / z_dim) / (STRIP - 1);
        z[2 * z_dim + i] = (1 - at) * z[i % z_dim] + at * z[z_dim + i % z_dim];
    }
    return idem_gan_sampler_run(s->sampler, STRIP, z + 2 * z_dim, SHEET_PSI, pictures) ||
                   save_sheet(s, "strip", hash, pictures, STRIP)
               ? -1
               : 0;
}

static int write_all(const idem_gan_samples *s) {
    const size_t z_dim = (size_t)s->recipe->z_dim, picture = (size_t)(s->recipe->size * s->recipe->size * 3);
    float *z = malloc(GRID * z_dim * sizeof *z), *pictures = malloc(GRID * picture * sizeof *pictures);
    char *path = idem_path_join(s->run->path, "generator.safetensors"), hash[17];
    int status = z && pictures && path ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for samples");
    if (!status) {
        idem_rng rng = idem_rng_make(SHEET_SEED, "gan.sheet");
        idem_rng_fill_normal(&rng, z, GRID * z_dim);
        status =
            !idem_gan_sampler_mean(s->sampler) ||
                    idem_gan_sampler_save(s->sampler, s->recipe, s->run->state->shown, path, IDEM_DTYPE_F16, hash) ||
                    write_grid(s, hash, z, pictures) || write_strip(s, hash, z, pictures)
                ? -1
                : 0;
    }
    free(z);
    free(pictures);
    free(path);
    return status;
}

int idem_gan_samples_write(const idem_gan_samples *s) {
    return s->run->path ? write_all(s) : 0;
}
