/* The shipped models and folders of pictures, as commands need them. */
#ifndef IDEM_CLI_ASSETS_H
#define IDEM_CLI_ASSETS_H

#include <stddef.h>
#include <stdint.h>

#include "cli/photos.h"
#include "learn/model.h"
#include "media/image.h"

#define IDEM_DEFAULT_GENERATOR "generator-64.safetensors"
#define IDEM_DEFAULT_MAPPER "mapper-64.safetensors"

/* Finds a file of models/: in the current folder, beside the program's folder, or where it is installed; path[4096]. -1
 * with a message. */
int idem_asset_find(char path[4096], const char *file);

/* Opens generator and mapper (NULL: the shipped ones) and the downloaded networks. mapper "": none. */
idem_model *idem_asset_model(const char *generator, const char *mapper);

/* A picture, or the pictures of a folder (sorted by name), resized to size x size. In a folder, files that cannot be
 * read are passed over with a note each and counted in `bad`. */
typedef struct {
    int n, size, bad;
    uint8_t *rgb; /* [n, S, S, 3] */
    char **names; /* without folder; without extension too, unless two files differ in nothing else */
    idem_place *places;
} idem_pictures;
int idem_pictures_load(idem_pictures *p, const char *path, int size);
/* The same from photographs too, as photos.h says. */
int idem_pictures_choose(idem_pictures *p, const char *path, int size, idem_choice *c);
void idem_pictures_free(idem_pictures *p);
/* The picture of that name; -1 (no message) when there is none. */
int idem_pictures_find(const idem_pictures *p, const char *name);
/* Picture i, in p's own memory. */
idem_image idem_pictures_at(const idem_pictures *p, int i);
/* Pictures first .. first + n - 1 as floats [n, S, S, 3] in [0, 1]. */
void idem_pictures_to_float(const idem_pictures *p, int first, int n, float *x);

/* Writes a picture as a PNG with its origin in its metadata. */
int idem_picture_save(const char *path, const idem_image *im, const idem_model *m);

#endif
