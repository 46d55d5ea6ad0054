/* Files: whole-file reads with a size limit, writes that appear complete or not at all (written aside, synced,
 * renamed), folders. Paths are bytes as the system takes them. */
#ifndef IDEM_BASE_FILE_H
#define IDEM_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Reads a regular file into malloc'ed memory, NUL-terminated. Refuses folders and files above max. */
int idem_file_read(const char *path, size_t max, unsigned char **data, size_t *size);

/* Writes aside, syncs and renames: after 0 the file is complete; after -1 the old file at `path` is unchanged. */
int idem_file_write(const char *path, const void *data, size_t size);

/* The same in pieces. Between open and commit, write to w->stream; abort (or a failed commit) removes the aside file.
 */
typedef struct {
    FILE *stream;
    char *path, *aside;
} idem_writer;
int idem_writer_open(idem_writer *w, const char *path);
/* Only the owner may read the file; a file system without such rights is a warning. */
void idem_writer_make_private(idem_writer *w);
int idem_writer_commit(idem_writer *w);
void idem_writer_abort(idem_writer *w);

/* Opens `path` for writing with an exclusive lock; creates it if missing, does not truncate it. Returns the descriptor,
 * which holds the lock (close-on-exec), or -1 with a message about `name`: `busy` if another process holds the lock. */
int idem_file_claim(const char *path, const char *name, const char *busy);

bool idem_path_is_dir(const char *path);
bool idem_path_exists(const char *path);
/* Whether both exist and are the same file or folder, by device and inode. */
bool idem_path_same(const char *a, const char *b);
int idem_dir_make(const char *path); /* with its parents; an existing folder is fine */
/* The same for a folder of results: idem_dir_leave removes it if idem_dir_enter made it and it is still empty. */
int idem_dir_enter(const char *path, bool *made);
void idem_dir_leave(const char *path, bool made);

/* Names (without dot files) of the entries of a folder that end in one of the |-separated suffixes ("png|jpg", any
 * case; NULL: all), sorted by strcmp; free with idem_names_free. */
int idem_dir_list(const char *path, const char *suffixes, char ***names, size_t *count);
void idem_names_free(char **names, size_t count);

/* The longest file name, in bytes, in the folder of `path`: 255 on most file systems. */
size_t idem_path_name_most(const char *path);

/* "a/b.c" etc., malloc'ed; NULL if memory is short. */
char *idem_path_join(const char *dir, const char *name);
/* File name without folder and extension, malloc'ed. */
char *idem_path_stem(const char *path);

#endif
