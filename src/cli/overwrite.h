/* Outputs that would replace what they are made of: looked for before any work. Files count as the same by device and
 * inode, whatever their paths. */
#ifndef IDEM_CLI_OVERWRITE_H
#define IDEM_CLI_OVERWRITE_H

#include <stddef.h>

/* Each 0, or 2 with the explanation of wrong usage. An input may be NULL or missing. */
int idem_overwrite_file(const char *output, const char *input);
/* Results go into `folder` under names that `results` matches: "*.png", "@(grid|strip).png". */
int idem_overwrite_folder(const char *folder, const char *const *inputs, size_t n, const char *results);

#endif
