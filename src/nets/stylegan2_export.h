/* A generator converted to the layout of the widespread PyTorch conversion, for programs that read no other. */
#ifndef IDEM_NETS_STYLEGAN2_EXPORT_H
#define IDEM_NETS_STYLEGAN2_EXPORT_H

#include "format/weights.h"

/* Both layouts describe the same function with the same numbers: only names and shapes differ. The blur kernels, which
 * a strict reader requires, are added. w is row-major and its names have no prefix (idem_weights_unwrap); metadata is
 * copied. The caller frees the result; NULL with a message. */
idem_weights *idem_stylegan2_export(const idem_weights *w);

#endif
