/* Files and folders of results (part of idem.h). Paths are bytes, as the system takes them. Texts that functions return
 * are malloc'ed; the caller frees them with free(). An argument that is NULL is a failure unless it may be NULL. */
#ifndef IDEM_FILES_H
#define IDEM_FILES_H

#include <stddef.h>
#include <stdio.h>

#include "idem/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- paths ---- */

/* 1 or 0, without a message; 0 for NULL. Links are followed. */
IDEM_API int idem_file_exists(const char *path);           /* a file of any kind, or a folder */
IDEM_API int idem_folder_exists(const char *path);         /* a folder */
IDEM_API int idem_file_same(const char *a, const char *b); /* both exist and are one, by device and inode */

/* "a" or "a/" and "b.png": "a/b.png". "" and "b.png": "b.png". */
IDEM_API char *idem_path_in(const char *folder, const char *name);
/* "a/b.c.png": "b.c". ".png": ".png". */
IDEM_API char *idem_file_stem(const char *path);
/* The longest file name, in bytes, in the folder of `path`: 255 on most file systems; 0 for NULL. */
IDEM_API size_t idem_file_name_most(const char *path);

/* A text from outside for terminals, JSON and pictures: UTF-8 without control characters. Each byte of a control
 * character, each byte outside UTF-8 characters and each backslash becomes \xHH; `printf %b` restores the text. */
IDEM_API char *idem_printable(const char *text);

/* ---- folders ---- */

/* Makes a folder with its parents; an existing one is no failure. made: 1 if it did not
 * exist and was made, else 0; a caller whose work fails can then rmdir() it. May be NULL. */
IDEM_API int idem_folder_make(const char *path, int *made);

/* Names of the entries of a folder that end in one of the |-separated suffixes ("png|jpg", any case; NULL: all), sorted
 * by strcmp, without those that begin with a dot: names [count], to be freed with idem_folder_list_free. On failure
 * names is NULL and count is 0. */
IDEM_API int idem_folder_list(const char *path, const char *suffixes, char ***names, size_t *count);
IDEM_API void idem_folder_list_free(char **names, size_t count); /* NULL with 0 is allowed */

/* ---- files ---- */

/* A file that appears when finished, whole or not at all: it is written to a hidden file beside it, synced and renamed.
 * Until then an older file of that name is unchanged, and other writers of it are refused. is_private: only its owner
 * may read it. NULL if the file cannot be written: the path is a folder or not a regular file, its folder is missing.
 */
typedef struct idem_new_file idem_new_file;
IDEM_API idem_new_file *idem_file_create(const char *path, int is_private);
IDEM_API FILE *idem_file_stream(idem_new_file *file); /* to write to; owned by `file`; idem_file_finish checks it */
IDEM_API int idem_file_finish(idem_new_file *file);   /* frees `file`, also on failure */
IDEM_API void idem_file_abandon(idem_new_file *file); /* frees `file` and writes nothing; NULL is allowed */

/* Opens a file for writing with an exclusive lock; creates it if it is missing, does not truncate it. Returns the
 * descriptor (close-on-exec), whose close() ends the lock, or -1 with a message: "PATH: BUSY" if another process has
 * the lock. A symbolic link is refused. */
IDEM_API int idem_file_lock(const char *path, const char *busy);

/* SHA-256 in 64 lower-case hex digits, NUL-terminated. bytes may be NULL if size is 0. */
IDEM_API int idem_file_sha256(const char *path, char hex[65]);
IDEM_API int idem_bytes_sha256(const void *bytes, size_t size, char hex[65]);

#ifdef __cplusplus
}
#endif

#endif
