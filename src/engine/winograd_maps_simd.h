/* Template of Winograd's transforms along one axis for one instruction set; see simd_sets.h.
 *
 * F(4x4, 3x3): a 6x6 patch d of the input and the 3x3 filter g give a 4x4 patch of the output,
 *     y = A' [(G g G') * (B' d B)] A
 * with * element by element, so 36 multiplications do the work of 144 (Lavin and Gray 2015). The matrices here come
 * from the points 0, +-3/4, +-3/2 and infinity instead of 0, +-1, +-2: every coefficient of A and B is still exact, and
 * the rounding error is a third (1.1e-6 of the output's size against 2.5e-6; a direct sum has 0.6e-6). */

/* r = B' d, one row or column of six */
static inline __attribute__((always_inline)) TARGET void NAME(input6)(const VEC d[6], VEC r[6]) {
    VEC e1 = FMA(d[2], SPLAT(2.25f), -d[4]), o1 = FMA(d[1], SPLAT(1.6875f), d[3] * -0.75f);
    VEC e2 = FMA(d[2], SPLAT(-0.5625f), d[4]), o2 = FMA(d[3], SPLAT(1.5f), d[1] * -0.84375f);
    r[0] = FMA(d[0], SPLAT(1.265625f), FMA(d[2], SPLAT(-2.8125f), d[4]));
    r[1] = e1 + o1;
    r[2] = e1 - o1;
    r[3] = e2 + o2;
    r[4] = e2 - o2;
    r[5] = FMA(d[1], SPLAT(1.265625f), FMA(d[3], SPLAT(-2.8125f), d[5]));
}

/* y = A' m */
static inline __attribute__((always_inline)) TARGET void NAME(output4)(const VEC m[6], VEC y[4]) {
    VEC s1 = m[1] + m[2], d1 = m[1] - m[2], s2 = m[3] + m[4], d2 = m[3] - m[4];
    y[0] = m[0] + s1 + s2;
    y[1] = FMA(d1, SPLAT(0.75f), d2 * 1.5f);
    y[2] = FMA(s1, SPLAT(0.5625f), s2 * 2.25f);
    y[3] = FMA(d1, SPLAT(0.421875f), FMA(d2, SPLAT(3.375f), m[5]));
}

/* u = G g */
static inline __attribute__((always_inline)) TARGET void NAME(weight6)(const VEC g[3], VEC u[6]) {
    VEC e1 = FMA(g[0], SPLAT(128.0f / 243), g[2] * (8.0f / 27)), o1 = g[1] * (32.0f / 81);
    VEC e2 = FMA(g[0], SPLAT(32.0f / 243), g[2] * (8.0f / 27)), o2 = g[1] * (16.0f / 81);
    u[0] = g[0] * (64.0f / 81);
    u[1] = e1 + o1;
    u[2] = e1 - o1;
    u[3] = e2 + o2;
    u[4] = e2 - o2;
    u[5] = g[2];
}

/* Stride 2 splits into even and odd positions: two taps apply to the even ones by F(4, 2), points +-1/2, +-5/4 and
 * infinity, five numbers; the tap between them applies directly to the odd ones, four numbers. So nine numbers give
 * four outputs of a convolution (from nine inputs) or eight of a transposed one (from five), 81 products instead of 144
 * in two dimensions; 36 filters are different. */
static inline __attribute__((always_inline)) TARGET void NAME(even5)(const VEC d[5], VEC r[5]) {
    VEC e1 = FMA(d[0], SPLAT(0.78125f), d[2] * -0.5f), o1 = FMA(d[1], SPLAT(1.5625f), -d[3]);
    VEC e2 = FMA(d[2], SPLAT(1.25f), d[0] * -0.3125f), o2 = FMA(d[1], SPLAT(-0.25f), d[3]);
    r[0] = e1 + o1;
    r[1] = e1 - o1;
    r[2] = e2 + o2;
    r[3] = e2 - o2;
    r[4] = FMA(d[0], SPLAT(0.390625f), FMA(d[2], SPLAT(-1.8125f), d[4]));
}

static inline __attribute__((always_inline)) TARGET void NAME(even4)(const VEC m[5], VEC y[4]) {
    VEC s1 = m[0] + m[1], d1 = m[0] - m[1], s2 = m[2] + m[3], d2 = m[2] - m[3];
    y[0] = s1 + s2;
    y[1] = FMA(d1, SPLAT(0.5f), d2 * 1.25f);
    y[2] = FMA(s1, SPLAT(0.25f), s2 * 1.5625f);
    y[3] = FMA(d1, SPLAT(0.125f), FMA(d2, SPLAT(1.953125f), m[4]));
}

static inline __attribute__((always_inline)) TARGET void NAME(half6)(const VEC g[3], VEC u[6]) {
    VEC e1 = g[0] * (16.0f / 21), e2 = g[0] * (32.0f / 105), o = g[2] * (8.0f / 21);
    u[0] = e1 + o;
    u[1] = e1 - o;
    u[2] = e2 + o;
    u[3] = e2 - o;
    u[4] = g[2];
    u[5] = g[1];
}

static inline __attribute__((always_inline)) TARGET void NAME(down9)(const VEC d[9], VEC r[9]) {
    const VEC even[5] = {d[0], d[2], d[4], d[6], d[8]};
    NAME(even5)(even, r);
    for (int i = 0; i < 4; i++)
        r[5 + i] = d[2 * i + 1];
}

static inline __attribute__((always_inline)) TARGET void NAME(down4)(const VEC m[9], VEC y[4]) {
    NAME(even4)(m, y);
    for (int i = 0; i < 4; i++)
        y[i] += m[5 + i];
}

static inline __attribute__((always_inline)) TARGET void NAME(up9)(const VEC d[5], VEC r[9]) {
    NAME(even5)(d, r);
    for (int i = 0; i < 4; i++)
        r[5 + i] = d[1 + i];
}

static inline __attribute__((always_inline)) TARGET void NAME(up8)(const VEC m[9], VEC y[8]) {
    VEC e[4];
    NAME(even4)(m, e);
    for (int i = 0; i < 4; i++) {
        y[2 * i] = e[i];
        y[2 * i + 1] = m[5 + i];
    }
}

/* The transposed maps, for the weight gradient: e = A y, four to six, and g = G' s, six to three. */
static inline __attribute__((always_inline)) TARGET void NAME(expand6)(const VEC y[4], VEC e[6]) {
    VEC e1 = FMA(y[2], SPLAT(0.5625f), y[0]), o1 = FMA(y[1], SPLAT(0.75f), y[3] * 0.421875f);
    VEC e2 = FMA(y[2], SPLAT(2.25f), y[0]), o2 = FMA(y[1], SPLAT(1.5f), y[3] * 3.375f);
    e[0] = y[0];
    e[1] = e1 + o1;
    e[2] = e1 - o1;
    e[3] = e2 + o2;
    e[4] = e2 - o2;
    e[5] = y[3];
}

static inline __attribute__((always_inline)) TARGET void NAME(filter3)(const VEC s[6], VEC g[3]) {
    VEC s1 = s[1] + s[2], d1 = s[1] - s[2], s2 = s[3] + s[4], d2 = s[3] - s[4];
    g[0] = FMA(s[0], SPLAT(64.0f / 81), FMA(s1, SPLAT(128.0f / 243), s2 * (32.0f / 243)));
    g[1] = FMA(d1, SPLAT(32.0f / 81), d2 * (16.0f / 81));
    g[2] = FMA(s1 + s2, SPLAT(8.0f / 27), s[5]);
}

/* Filters in two dimensions: 3 x 3 at g (taps `stride` apart) to 36. */
#define WINOGRAD_FILTER(name, map)                                                                                     \
    static inline __attribute__((always_inline)) TARGET void NAME(name)(const float *g, int64_t stride, VEC u[36]) {   \
        VEC t[6][3];                                                                                                   \
        for (int j = 0; j < 3; j++) {                                                                                  \
            VEC d[3], r[6];                                                                                            \
            for (int i = 0; i < 3; i++)                                                                                \
                d[i] = NAME(load)(g + (3 * i + j) * stride);                                                           \
            NAME(map)(d, r);                                                                                           \
            for (int i = 0; i < 6; i++)                                                                                \
                t[i][j] = r[i];                                                                                        \
        }                                                                                                              \
        for (int i = 0; i < 6; i++)                                                                                    \
            NAME(map)(t[i], u + 6 * i);                                                                                \
    }
WINOGRAD_FILTER(weight36, weight6)
WINOGRAD_FILTER(half36, half6)
#undef WINOGRAD_FILTER

/* Defines the transform of one patch: the side * side pixels at pixel[] (rows of `channels` floats), times
 * factors[channel] unless NULL, to v[point * stride + channel], numbers of `type` that `keep` stores. */
#define WINOGRAD_INPUT(name, type, keep, map, side, points)                                                            \
    static TARGET void NAME(name)(const float *const *pixel, const float *factors, int64_t channels, void *numbers,    \
                                  int64_t stride) {                                                                    \
        type *v = numbers;                                                                                             \
        for (int64_t c = 0; c < channels; c += W) {                                                                    \
            const VEC factor = factors ? NAME(load)(factors + c) : SPLAT(1.0f);                                        \
            VEC t[points][side];                                                                                       \
            _Pragma("GCC unroll 9") for (int j = 0; j < side; j++) {                                                   \
                VEC d[side], r[points];                                                                                \
                for (int i = 0; i < side; i++)                                                                         \
                    d[i] = NAME(load)(pixel[side * i + j] + c) * factor;                                               \
                NAME(map)(d, r);                                                                                       \
                for (int i = 0; i < points; i++)                                                                       \
                    t[i][j] = r[i];                                                                                    \
            }                                                                                                          \
            _Pragma("GCC unroll 9") for (int i = 0; i < points; i++) {                                                 \
                VEC r[points];                                                                                         \
                NAME(map)(t[i], r);                                                                                    \
                for (int j = 0; j < points; j++)                                                                       \
                    NAME(keep)(v + (points * i + j) * stride + c, r[j]);                                               \
            }                                                                                                          \
        }                                                                                                              \
    }

/* For products: every number of rows below MR has separate code, so that the sums stay in registers. */
#if MR > 6
#define MORE_ROWS ROWS(6) ROWS(7) ROWS(8) ROWS(9) ROWS(10) ROWS(11)
#else
#define MORE_ROWS
#endif
#define ALL_ROWS ROWS(1) ROWS(2) ROWS(3) ROWS(4) ROWS(5) MORE_ROWS
