/* What commands say of faces that reach beyond their photograph. */
#ifndef IDEM_CLI_OUTSIDE_H
#define IDEM_CLI_OUTSIDE_H

#include "face/crop.h"

/* Says that much of a face's frame is outside (face/align.h), if it is. face: of its photograph, from 0. */
void idem_outside_remark(const char *path, int face, const idem_crop *frame);

#endif
