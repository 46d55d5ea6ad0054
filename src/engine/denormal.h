/* Numbers below 2^-126 taken for zero. A black or blank picture drives activations there, and so do the moments of a
 * gradient that has become zero; on many processors every such operand costs more than a hundred cycles. What is
 * computed from normal numbers is the same to the last bit. */
#ifndef IDEM_ENGINE_DENORMAL_H
#define IDEM_ENGINE_DENORMAL_H

#include <stdint.h>

/* Switches the calling thread and the others of its team of `threads` over. Returns how many there were; *before:
 * what idem_denormals_restore needs to give the calling thread, and the team, the floating-point environment they had.
 */
int idem_denormals_flush(int threads, uint64_t *before);
void idem_denormals_restore(uint64_t before, int threads);

#endif
