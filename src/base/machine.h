/* What this machine is, as /proc and the processor tell. */
#ifndef IDEM_BASE_MACHINE_H
#define IDEM_BASE_MACHINE_H

#include <stdint.h>

typedef struct {
    char cpu[128];      /* model name; "unknown" */
    char features[160]; /* those that kernels are chosen by: "sse4.1 avx avx2 fma" */
    int cores, online;  /* this process may use; the machine has */
    double memory;      /* bytes installed, or the control group's limit if that is lower; 0: unknown */
    double available;   /* bytes that can be had now; 0: unknown */
} idem_machine;

void idem_machine_read(idem_machine *m);

#endif
