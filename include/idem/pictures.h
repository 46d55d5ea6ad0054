/* Pictures in memory and in files (part of idem.h). Photographs are read by faces.h. */
#ifndef IDEM_PICTURES_H
#define IDEM_PICTURES_H

#include "idem/context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reads a picture (PNG, JPEG, WebP; HEIC and AVIF where the plug-in for them is) and resizes it to size x size; one
 * that is not square is stretched. */
IDEM_API int idem_read_picture(idem_context *context, const char *path, uint8_t *rgb);
/* Writes a PNG whose metadata says that it is synthetic, painted whole (IPTC's trainedAlgorithmicMedia), and by what
 * model; whole or not at all. */
IDEM_API int idem_write_picture(idem_context *context, const char *path, const uint8_t *rgb);

/* ---- pictures of any size ---- */

/* A picture in the caller's memory: rgb [height][width][3]. Where rgb is NULL there is none. */
typedef struct {
    const uint8_t *rgb;
    int width, height;
} idem_view;

enum { IDEM_FORMAT_BY_NAME, IDEM_FORMAT_AS_PNG, IDEM_FORMAT_AS_JPEG, IDEM_FORMAT_AS_WEBP };

/* What a picture says of where it comes from, beside the tool: nothing; that a generator painted all of it; that
 * photographs and painted faces are in one picture. */
enum { IDEM_ORIGIN_UNSAID, IDEM_ORIGIN_GENERATED, IDEM_ORIGIN_COMPOSITE };

/* How a picture is written. All zero but struct_size is a good choice: idem_writing_init. */
typedef struct {
    size_t struct_size;
    int format;               /* IDEM_FORMAT_...; by name: .jpg, .jpeg, .webp, anything else PNG */
    int quality;              /* of JPEG and WebP, 1 .. 100; 0: 92 */
    int origin;               /* IDEM_ORIGIN_...: said as IPTC's DigitalSourceType, with the models' hashes */
    const uint64_t *seed;     /* said with the origin; NULL: not */
    int nothing_random;       /* the seed is said to be "none" */
    const char *const *texts; /* said with the origin: at most two times key, value, then NULL; keys are XML names.
                                 NULL: none */
} idem_writing;
IDEM_API void idem_writing_init(idem_writing *writing, size_t struct_size);
static inline void idem_writing_default(idem_writing *writing) {
    idem_writing_init(writing, sizeof *writing);
}

/* To a file, whole or not at all; to memory, to be freed with idem_free_bytes. context: whose models the origin names;
 * may be NULL where it is unsaid. writing NULL: all zero. */
IDEM_API int idem_write_view(idem_context *context, const char *path, const idem_view *view,
                             const idem_writing *writing);
IDEM_API int idem_encode_view(idem_context *context, const idem_view *view, const idem_writing *writing,
                              unsigned char **bytes, size_t *size);
IDEM_API void idem_free_bytes(unsigned char *bytes); /* NULL is allowed */

/* Antialiased: rgb [height][width][3]. */
IDEM_API int idem_resize_view(const idem_view *view, int width, int height, uint8_t *rgb);

/* Whether a file says that idem made what it shows: PNG, WebP, JPEG. One that cannot be read says nothing. */
IDEM_API int idem_is_synthetic(const char *path);

/* ---- files that are pictures ---- */

/* The formats that are read, for messages: "PNG, JPEG, WebP, HEIC or AVIF". */
IDEM_API const char *idem_picture_formats(void);

/* Files in the order that they were added in. A file of a folder is a picture by its ending, or without any ending by
 * its first bytes; names that begin with a dot are not looked at. */
typedef struct idem_file_list idem_file_list;
IDEM_API idem_file_list *idem_new_file_list(void);
IDEM_API void idem_free_file_list(idem_file_list *list); /* NULL is allowed */
/* Adds a file, whatever it is, or the pictures of a folder, sorted by name; folders in it are not looked into. */
IDEM_API int idem_list_files(idem_file_list *list, const char *path);
/* Adds the pictures of a folder and of those below it, sorted by path. What else is there is said in the log. */
IDEM_API int idem_list_files_below(idem_file_list *list, const char *folder);
IDEM_API int idem_count_files(const idem_file_list *list);
/* [count], then NULL; valid until files are added. Names, for results: without folder, and without the ending unless
 * two files of the folder differ in nothing else; of idem_list_files_below the path below the folder. */
IDEM_API const char *const *idem_file_paths(const idem_file_list *list);
IDEM_API const char *const *idem_file_names(const idem_file_list *list);
/* How many other files idem_list_files found in folders, and one sentence on these and on folders in them: "3 files of
 * other kinds and 1 folder passed over: a.txt, b.md, sub/, ..."; "" when there are none. text may be NULL. */
IDEM_API size_t idem_files_passed_over(const idem_file_list *list, char *text, size_t size);

/* ---- several in one file ---- */

/* A WebP animation of n pictures of one size that plays for ever, each for so many milliseconds; of writing only what
 * is said of the origin counts. */
IDEM_API int idem_write_animation(idem_context *context, const char *path, const idem_view *views, int n,
                                  int milliseconds, const idem_writing *writing);

/* A page of pictures with captions. Texts may be NULL. */
typedef struct {
    size_t struct_size; /* set by the caller to sizeof(idem_page) */
    const char *title, *footer;
    int columns; /* 0: as many as rows */
} idem_page;
IDEM_API int idem_write_page(idem_context *context, const char *path, const idem_view *views, int n,
                             const idem_page *page, const idem_writing *writing);

/* Every combination: identities [rows] down the side, attributes [columns] along the top, cells [rows][columns]. Rows
 * are called 1, 2, ..., columns A, B, ... Pictures are shown with at most IDEM_GRID_PIXELS a side. */
enum { IDEM_GRID_PIXELS = 256 };
IDEM_API int idem_write_grid(idem_context *context, const char *path, const idem_view *identities, int rows,
                             const idem_view *attributes, int columns, const idem_view *cells,
                             const idem_writing *writing);

#ifdef __cplusplus
}
#endif

#endif
