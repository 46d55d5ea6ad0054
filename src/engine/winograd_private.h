/* The vector kernels of one instruction set; see winograd_simd.h for what each does. */
#ifndef IDEM_ENGINE_WINOGRAD_PRIVATE_H
#define IDEM_ENGINE_WINOGRAD_PRIVATE_H

#include <stdint.h>

enum { WINOGRAD_POINTS = 36, WINOGRAD_MAX_NR = 32 };

typedef struct {
    const char *name;
    int width, nr, mr; /* floats in a vector; columns and rows of the product's register tile */
    void (*input)(const float *const pixel[36], int64_t channels, float *v, int64_t stride);
    void (*output)(const float *m, int64_t stride, int vectors, const float *bias, float *y, int64_t row,
                   int64_t column, int rows, int columns);
    void (*weight)(const float *g, float *u, int64_t stride);
    void (*product)(const float *a, int64_t lda, const float *b, int64_t k, float *c, int64_t rows);
} idem_winograd_kernels;

/* The widest set that this CPU has and that is not wider than `width` floats. */
const idem_winograd_kernels *idem_winograd_kernels_for(int width);

#endif
