/* Files in the folders of a command that are no pictures: counted over all of them, told once at the end. */
#ifndef IDEM_CLI_LEFT_OUT_H
#define IDEM_CLI_LEFT_OUT_H

#include <stdbool.h>
#include <stddef.h>

#include "media/listing.h"

/* The pictures of a folder; what else is in it is counted. */
int idem_left_out_list(idem_listing *l, const char *dir);
/* What the library has counted. */
void idem_left_out_take(const idem_left_out *o);
/* "idem: 3 files of other kinds passed over: ..."; nothing when there were none, or quiet. */
void idem_left_out_say(bool quiet);
/* For reports. */
size_t idem_left_out_files(void);

#endif
