/* The instruction set for the choice of kernels: the widest of this processor, or a lesser one set by the environment
 * variable IDEM_MAX_ISA (plain, avx2, avx512, bf16), to test here what runs elsewhere. Results of two sets differ by
 * rounding. Plain loops (IDEM_MULTIVERSION of op.h) are chosen when the program is loaded and ignore the variable. */
#ifndef IDEM_ENGINE_ISA_H
#define IDEM_ENGINE_ISA_H

/* AVX2 is always with FMA; BF16 is AVX-512 with its instructions for bfloat16. */
typedef enum { IDEM_ISA_PLAIN, IDEM_ISA_AVX2, IDEM_ISA_AVX512, IDEM_ISA_BF16 } idem_isa;

idem_isa idem_isa_has(void); /* the processor */
idem_isa idem_isa_runs(void);
const char *idem_isa_name(idem_isa isa); /* "plain", "avx2", "avx512", "bf16" */

/* -1: the variable has an unknown value; all other functions then ignore it. */
int idem_isa_check(void);

#endif
