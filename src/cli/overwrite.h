/* Outputs that cannot be, or that would replace what they are made of: looked for before any work. Files count as the
 * same by device and inode, whatever their paths. */
#ifndef IDEM_CLI_OVERWRITE_H
#define IDEM_CLI_OVERWRITE_H

#include <stddef.h>

/* 0, or 2 with the explanation when the folder for results has the name of a file ("out.png") and is not there yet. */
int idem_output_folder(const char *path);
/* 0, or 2 with the explanation when the file name is longer than its folder takes. */
int idem_output_name(const char *path);

/* Each 0, or 2 with the explanation of wrong usage. An input may be NULL or missing. */
int idem_overwrite_file(const char *output, const char *input);
/* Results go into `folder` under names that `results` matches: "*.png", "@(grid|strip).png". */
int idem_overwrite_folder(const char *folder, const char *const *inputs, size_t n, const char *results);

#endif
