/* Files: whole-file reads with a size limit, writes that appear complete or not at all (written aside, synced,
 * renamed), folders. Paths are bytes as the system takes them. */
#ifndef IDEM_BASE_FILE_H
#define IDEM_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Reads all of a regular file into malloc'ed memory with a 0 byte behind the end. Refuses folders and files above max.
 */
int idem_file_read(const char *path, size_t max, unsigned char **data, size_t *size);

/* Writes aside, syncs and renames: after 0 the file is whole; after -1 whatever was at `path` is untouched. */
int idem_file_write(const char *path, const void *data, size_t size);

/* The same in pieces. Between open and commit, write to w->stream; abort (or a failed commit) removes the aside file.
 */
typedef struct {
    FILE *stream;
    char *path, *aside;
} idem_writer;
int idem_writer_open(idem_writer *w, const char *path);
int idem_writer_commit(idem_writer *w);
void idem_writer_abort(idem_writer *w);

/* Opens `path` for writing, made if there is none and not emptied, under a lock that no other process holds; the
 * descriptor, which holds the lock and closes when a program is started, or -1: about `name`, `busy` when it is taken.
 */
int idem_file_claim(const char *path, const char *name, const char *busy);

bool idem_path_is_dir(const char *path);
bool idem_path_exists(const char *path);
/* Both exist and are one file or folder, by device and inode. */
bool idem_path_same(const char *a, const char *b);
int idem_dir_make(const char *path); /* with its parents; an existing folder is fine */

/* Names (no dots in front) of the entries of a folder that end in one of the |-separated suffixes ("png|jpg", any case;
 * NULL: all), sorted by strcmp; free with idem_names_free. */
int idem_dir_list(const char *path, const char *suffixes, char ***names, size_t *count);
void idem_names_free(char **names, size_t count);

/* The longest file name, in bytes, that the folder of `path` takes: 255 on most file systems. */
size_t idem_path_name_most(const char *path);

/* "a/b.c" and so on, malloc'ed; NULL when memory is short. */
char *idem_path_join(const char *dir, const char *name);
/* File name without folder and extension, malloc'ed. */
char *idem_path_stem(const char *path);

#endif
