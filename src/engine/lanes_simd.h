/* Template: what the kernels of every instruction set share; see simd_sets.h. */

static inline __attribute__((always_inline)) TARGET VEC NAME(load)(const float *p) {
    VEC v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

static inline __attribute__((always_inline)) TARGET void NAME(store)(float *p, VEC v) {
    __builtin_memcpy(p, &v, sizeof v);
}

/* A value on its way to memory: times slope where negative. */
static inline __attribute__((always_inline)) TARGET VEC NAME(bend)(VEC v, VEC slope) {
    return FMA(MIN((VEC){0}, v), slope, MAX((VEC){0}, v));
}

/* The same after the value at residual is added; NULL: without. */
static inline __attribute__((always_inline)) TARGET VEC NAME(finish)(VEC v, const float *residual, const float *slope) {
    if (residual)
        v = v + NAME(load)(residual);
    return slope ? NAME(bend)(v, NAME(load)(slope)) : v;
}
