/* The vector kernels of one instruction set, described in winograd_simd.h. */
#ifndef IDEM_ENGINE_WINOGRAD_PRIVATE_H
#define IDEM_ENGINE_WINOGRAD_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/conv_end.h"

/* PATCH: side of an output patch of stride 1; POINTS: numbers in it transformed, and filters in every form. */
enum {
    WINOGRAD_PATCH = 4,
    WINOGRAD_POINTS = 36,
    WINOGRAD_MAX_POINTS = 81,
    WINOGRAD_MAX_NR = 32,
    WINOGRAD_MAX_DEPTH = 2
};

/* Stride 1; stride 2; stride 2 transposed. */
typedef enum { WINOGRAD_SAME, WINOGRAD_DOWN, WINOGRAD_UP, WINOGRAD_FORMS } winograd_form;

/* The numbers that are multiplied: how patches V and filters U are transformed to them, and their product. */
typedef struct {
    const char *name;
    int bytes; /* of a number */
    int depth; /* input channels that lie side by side in U */
    void (*input[WINOGRAD_FORMS])(const float *const *pixel, const float *factors, int64_t channels, void *v,
                                  int64_t stride);
    /* stride: in groups of depth numbers; nr: one or two vectors */
    void (*weight[WINOGRAD_FORMS])(const float *g, int nr, void *u, int64_t stride);
    void (*product)(const void *a, int64_t lda, const void *b, int64_t k, int nr, float *c, int64_t rows,
                    const void *next);
} idem_winograd_numbers;

typedef struct {
    int width, nr, mr; /* floats in a vector; most columns (two vectors) and rows of the product's register tile */
    idem_winograd_numbers floats;
    void (*output[WINOGRAD_FORMS])(const float *m, int64_t stride, int vectors, const idem_conv_end *end, float *y,
                                   int64_t row, int64_t column, int rows, int columns, bool past);
    void (*expand)(const float *const *pixel, int64_t channels, float *v, int64_t stride);
    void (*filter)(const float *s, int64_t stride, int64_t channels, float *g, int64_t tap_stride);
    void (*product_add)(const float *a, int64_t lda, const float *b, int64_t k, float *c, int64_t ldc, int64_t rows);
} idem_winograd_kernels;

/* The widest set of this CPU with at most `width` floats. */
const idem_winograd_kernels *idem_winograd_kernels_for(int width);
/* The same for convolutions between i and o channels: the widest set whose vectors divide both. */
static inline const idem_winograd_kernels *idem_winograd_kernels_between(int64_t i, int64_t o, int width) {
    return idem_winograd_kernels_for(i % 16 == 0 && o % 16 == 0 ? width : width < 8 ? width : 8);
}
/* bfloat16, for the tiles of that set. */
const idem_winograd_numbers *idem_winograd_bf16_for(int width);

#endif
