/* The shipped models and folders of pictures, as commands need them. */
#ifndef IDEM_CLI_ASSETS_H
#define IDEM_CLI_ASSETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/files.h"
#include "cli/library.h"
#include "model/model.h"
#include "media/image.h"

/* Opens all of it and the downloaded networks. mapper "": none. */
idem_model *idem_asset_model(const idem_model_files *files);

/* The pictures of a side resized to size x size, all in memory. In a folder, files that cannot be read are passed over
 * with a note each and counted in `bad`. */
typedef struct {
    int n, size, bad;
    uint8_t *rgb; /* [n, S, S, 3] */
    char **names; /* as those of files */
} idem_pictures;
int idem_pictures_load(idem_pictures *p, const char *path, int size);
void idem_pictures_free(idem_pictures *p);
/* The picture of that name; -1 (no message) when there is none. */
int idem_pictures_find(const idem_pictures *p, const char *name);
/* Picture i, in p's own memory. */
idem_image idem_pictures_at(const idem_pictures *p, int i);
/* Pictures first .. first + n - 1 as floats [n, S, S, 3] in [0, 1]. */
void idem_pictures_to_float(const idem_pictures *p, int first, int n, float *x);

/* Writes a picture as a PNG with its origin in its metadata. */
int idem_picture_save(const char *path, const idem_image *im, idem_source_type source, const idem_model *m);

#endif
