/* Pictures in memory and in files (part of idem.h). Photographs are read by faces.h. */
#ifndef IDEM_PICTURES_H
#define IDEM_PICTURES_H

#include "idem/context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reads a picture (PNG, JPEG, WebP; HEIC and AVIF where the plug-in for them is) and resizes it to size x size; a
 * picture that is not square is stretched. */
IDEM_API int idem_read_picture(idem_context *context, const char *path, uint8_t *rgb);
/* Writes a PNG, whole or not at all; its metadata says that it is synthetic (IPTC's trainedAlgorithmicMedia) and names
 * the models. */
IDEM_API int idem_write_picture(idem_context *context, const char *path, const uint8_t *rgb);

/* ---- pictures of any size ---- */

/* A picture in the caller's memory: rgb [height][width][3]. rgb NULL: no picture. */
typedef struct {
    const uint8_t *rgb;
    int width, height;
} idem_view;

enum { IDEM_FORMAT_BY_NAME, IDEM_FORMAT_AS_PNG, IDEM_FORMAT_AS_JPEG, IDEM_FORMAT_AS_WEBP };

/* Origin in a picture's metadata, beside the tool's name: none; painted by a generator; a composite of a photograph and
 * painted faces. */
enum { IDEM_ORIGIN_UNSAID, IDEM_ORIGIN_GENERATED, IDEM_ORIGIN_COMPOSITE };

/* How a picture is written; idem_writing_default sets all to 0 but struct_size. */
typedef struct {
    size_t struct_size;
    int format;           /* IDEM_FORMAT_...; by name: .jpg, .jpeg, .webp, anything else PNG */
    int quality;          /* of JPEG and WebP, 1 .. 100; 0: 92 */
    int origin;           /* IDEM_ORIGIN_...: written as IPTC's DigitalSourceType, with the models' hashes */
    const uint64_t *seed; /* written with the origin; NULL: none */
    int nothing_random;   /* 1: the seed is written as "none" */
    const char *const *
        texts; /* written with the origin: at most two pairs of key, value, then NULL; keys are XML names. NULL: none */
} idem_writing;
IDEM_API void idem_writing_init(idem_writing *writing, size_t struct_size);
static inline void idem_writing_default(idem_writing *writing) {
    idem_writing_init(writing, sizeof *writing);
}

/* Write to a file, whole or not at all; to memory, to be freed with idem_free_bytes. context: its models are named by
 * the origin; may be NULL with IDEM_ORIGIN_UNSAID. writing NULL: the default. */
IDEM_API int idem_write_view(idem_context *context, const char *path, const idem_view *view,
                             const idem_writing *writing);
IDEM_API int idem_encode_view(idem_context *context, const idem_view *view, const idem_writing *writing,
                              unsigned char **bytes, size_t *size);
IDEM_API void idem_free_bytes(unsigned char *bytes); /* NULL is allowed */

/* Resizes with antialiasing: rgb [height][width][3]. */
IDEM_API int idem_resize_view(const idem_view *view, int width, int height, uint8_t *rgb);

/* Whether a file's metadata (PNG, WebP, JPEG) says that idem made the picture; 0 if it is unreadable. */
IDEM_API int idem_is_synthetic(const char *path);

/* ---- lists of picture files ---- */

/* The formats that idem reads, for messages: "PNG, JPEG, WebP, HEIC or AVIF". */
IDEM_API const char *idem_picture_formats(void);

/* Files in the order of adding. A file of a folder is a picture by its extension, or without one by its first bytes;
 * names that begin with a dot are skipped. */
typedef struct idem_file_list idem_file_list;
IDEM_API idem_file_list *idem_new_file_list(void);
IDEM_API void idem_free_file_list(idem_file_list *list); /* NULL is allowed */
/* Adds a file of any kind, or the pictures of a folder, sorted by name, without its subfolders. */
IDEM_API int idem_list_files(idem_file_list *list, const char *path);
/* Adds the pictures of a folder and its subfolders, sorted by path. Other files are logged. */
IDEM_API int idem_list_files_below(idem_file_list *list, const char *folder);
IDEM_API int idem_count_files(const idem_file_list *list);
/* [count], then NULL; valid until files are added. Names, for results: without the folder, and without the extension
 * unless two files of the folder differ only in it; after idem_list_files_below the path below the folder. */
IDEM_API const char *const *idem_file_paths(const idem_file_list *list);
IDEM_API const char *const *idem_file_names(const idem_file_list *list);
/* Number of other files that idem_list_files found in folders; text [size]: one sentence on these and on subfolders: "3
 * files of other kinds and 1 folder passed over: a.txt, b.md, sub/, ...", or "". text may be NULL. */
IDEM_API size_t idem_files_passed_over(const idem_file_list *list, char *text, size_t size);

/* ---- several in one file ---- */

/* A WebP animation of n pictures of equal size, looped, each shown for `milliseconds`; of `writing` only the origin is
 * used. */
IDEM_API int idem_write_animation(idem_context *context, const char *path, const idem_view *views, int n,
                                  int milliseconds, const idem_writing *writing);

/* A page of pictures with captions. Texts may be NULL. */
typedef struct {
    size_t struct_size; /* set by the caller to sizeof(idem_page) */
    const char *title, *footer;
    int columns; /* 0: as many columns as rows */
} idem_page;
IDEM_API int idem_write_page(idem_context *context, const char *path, const idem_view *views, int n,
                             const idem_page *page, const idem_writing *writing);

/* A grid of all combinations: identities [rows] at the left, attributes [columns] at the top, cells [rows][columns].
 * Rows are labelled 1, 2, ..., columns A, B, ... Pictures are at most IDEM_GRID_PIXELS wide and high. */
enum { IDEM_GRID_PIXELS = 256 };
IDEM_API int idem_write_grid(idem_context *context, const char *path, const idem_view *identities, int rows,
                             const idem_view *attributes, int columns, const idem_view *cells,
                             const idem_writing *writing);
/* The same into memory, to be freed with idem_free_bytes. */
IDEM_API int idem_encode_grid(idem_context *context, const idem_view *identities, int rows, const idem_view *attributes,
                              int columns, const idem_view *cells, const idem_writing *writing, unsigned char **bytes,
                              size_t *size);

#ifdef __cplusplus
}
#endif

#endif
