/* Template: shared by the kernels of every instruction set; see simd_sets.h. */

static inline __attribute__((always_inline)) TARGET VEC NAME(load)(const float *p) {
    VEC v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

static inline __attribute__((always_inline)) TARGET void NAME(store)(float *p, VEC v) {
    __builtin_memcpy(p, &v, sizeof v);
}

/* past: stores past the caches, if a vector is a whole cache line and p is at its start. The line is then not read
 * before it is written, which halves the cost of results too large for a cache. */
static inline __attribute__((always_inline)) TARGET void NAME(write)(float *p, VEC v, bool past) {
    if (past)
        STREAM(p, v);
    else
        NAME(store)(p, v);
}

/* Stores a value, times slope if negative. */
static inline __attribute__((always_inline)) TARGET VEC NAME(bend)(VEC v, VEC slope) {
    return FMA(MIN((VEC){0}, v), slope, MAX((VEC){0}, v));
}

/* The same after adding the value at residual; NULL: none. */
static inline __attribute__((always_inline)) TARGET VEC NAME(finish)(VEC v, const float *residual, const float *slope) {
    if (residual)
        v = v + NAME(load)(residual);
    return slope ? NAME(bend)(v, NAME(load)(slope)) : v;
}
