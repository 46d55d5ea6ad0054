/* The machine, by /proc and cpuid. */
#ifndef IDEM_BASE_MACHINE_H
#define IDEM_BASE_MACHINE_H

#include <stdint.h>

typedef struct {
    char cpu[128];      /* model name; "unknown" */
    char features[160]; /* those that decide between kernels: "sse4.1 avx avx2 fma" */
    int cores, online;  /* cores that this process may use; cores of the machine */
    double memory;      /* bytes installed, or the control group's limit if that is lower; 0: unknown */
    double available;   /* bytes available now; 0: unknown */
} idem_machine;

void idem_machine_read(idem_machine *m);

#endif
