/* Treats numbers below 2^-126 as zero. A black or blank picture causes such activations, and a gradient that has become
 * zero such moments; on many processors every such operand costs more than a hundred cycles. Results from normal
 * numbers are the same to the last bit. */
#ifndef IDEM_ENGINE_DENORMAL_H
#define IDEM_ENGINE_DENORMAL_H

#include <stdint.h>

/* Switches the calling thread and its team of `threads`. Returns the team's size; *before: the previous floating-point
 * environment, for idem_denormals_restore. */
int idem_denormals_flush(int threads, uint64_t *before);
void idem_denormals_restore(uint64_t before, int threads);

#endif
