/* The shipped models and folders of pictures, as commands need them. */
#ifndef IDEM_CLI_ASSETS_H
#define IDEM_CLI_ASSETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"
#include "media/image.h"

#define IDEM_DEFAULT_GENERATOR "generator-128.safetensors"
#define IDEM_DEFAULT_MAPPER "mapper-128.safetensors"

/* What a model is made of. NULL: the shipped generator and mapper, the recogniser the mapper was trained with. */
typedef struct {
    const char *generator, *mapper, *identity_net;
} idem_model_files;
/* Rows of an option table. */
#define IDEM_MODEL_ROWS(f)                                                                                             \
    {IDEM_OPT_HEADER, .help = "Model"},                                                                                \
        {IDEM_OPT_TEXT, "generator",    'g',                                                                           \
         "FILE",        &(f).generator, .help = "StyleGAN2 weights; the shipped one if not given"},                    \
        {IDEM_OPT_TEXT, "mapper",    'm',                                                                              \
         "FILE",        &(f).mapper, .help = "what idem train made; the shipped one if not given"},                    \
    {                                                                                                                  \
        IDEM_OPT_TEXT, "identity-net", 0, "FILE", &(f).identity_net,                                                   \
            .help = "the recogniser the mapper was trained with; looked for by name among the downloaded networks if " \
                    "not given"                                                                                        \
    }

/* Opens all of it and the downloaded networks. mapper "": none. */
idem_model *idem_asset_model(const idem_model_files *files);

/* The files of a side: one, or the pictures of a folder, sorted by name. */
typedef struct {
    int n;
    bool folder;
    const char *given; /* borrowed */
    char **paths;
    char **names; /* without folder; without extension too, unless two files differ in nothing else */
} idem_files;
int idem_files_list(idem_files *f, const char *path);
void idem_files_free(idem_files *f);
/* -1 with a message unless there are files of which `good` could be read. */
int idem_files_check(const idem_files *f, int good);
/* The file of that name; -1 (no message) when there is none. */
int idem_files_find(const idem_files *f, const char *name);
static inline const char *const *idem_files_paths(const idem_files *f) {
    return (const char *const *)f->paths;
}

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
