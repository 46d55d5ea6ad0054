/* Which convolution kernels run on this machine, and how fast: a few sizes of a 64-pixel StyleGAN2, each measured for a
 * fraction of a second. */
#ifndef IDEM_CLI_KERNELS_H
#define IDEM_CLI_KERNELS_H

typedef struct {
    const char *what; /* "3x3, 128 channels, 32x32, forward" */
    char kernel[64];  /* the kernel library's own name: "jit:avx2" */
    double gflops;    /* 1e9 multiplications and additions a second, counted as a direct convolution's */
} idem_kernel_row;

enum { IDEM_KERNEL_ROWS = 6 };

/* Fills the rows in about `seconds`. 0, -1 with a message, also when idem_cli_stop was set. */
int idem_kernels_measure(idem_kernel_row rows[IDEM_KERNEL_ROWS], double seconds);

#endif
