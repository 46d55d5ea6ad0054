/* Template: what the kernels of every instruction set share; see simd_sets.h. */

static inline __attribute__((always_inline)) TARGET VEC NAME(load)(const float *p) {
    VEC v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

static inline __attribute__((always_inline)) TARGET void NAME(store)(float *p, VEC v) {
    __builtin_memcpy(p, &v, sizeof v);
}

/* past: the caches, where a vector is a whole line of them, and p at the start of one. No line is read before it is
 * written then, which is half of what a result costs that is too large to be found in a cache later. */
static inline __attribute__((always_inline)) TARGET void NAME(write)(float *p, VEC v, bool past) {
    if (past)
        STREAM(p, v);
    else
        NAME(store)(p, v);
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
