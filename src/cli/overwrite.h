/* Checks before any work: outputs that cannot be written, or that would replace their inputs. Files are the same if
 * device and inode are. */
#ifndef IDEM_CLI_OVERWRITE_H
#define IDEM_CLI_OVERWRITE_H

#include <stddef.h>

/* 0, or 2 with an explanation if the folder for results has the name of a file ("out.png") and does not exist. */
int idem_output_folder(const char *path);
/* 0, or 2 with an explanation if the file name is too long for its folder. */
int idem_output_name(const char *path);

/* Each 0, or 2 with an explanation of wrong usage. An input may be NULL or missing. */
int idem_overwrite_file(const char *output, const char *input);
/* Results go into `folder` with names that match `results`: "*.png", "@(grid|strip).png". */
int idem_overwrite_folder(const char *folder, const char *const *inputs, size_t n, const char *results);

#endif
