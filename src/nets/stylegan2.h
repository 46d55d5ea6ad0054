/* StyleGAN2 generators (Karras et al. 2020): mapping network z -> w and synthesis network w -> picture. Side, widths,
 * dimensions and the number of mapping layers come from the tensors. Reads two layouts of the same network: the
 * widespread PyTorch conversion (style.N, input.input, conv1, to_rgb1, convs.N, to_rgbs.N, noises.noise_N) and
 * StyleGAN2-ADA's (mapping.fcN, synthesis.bR.*).
 *
 *     idem_stylegan2 s;
 *     if (idem_stylegan2_open(&s, weights, NULL)) ...
 *     idem_binder b = idem_binder_make(graph, weights, s.prefix, false);
 *     idem_node *w = idem_stylegan2_mapping(&b, &s, z);
 *     idem_node *picture = idem_stylegan2_synthesis(&b, &s, w, NULL);
 *     if (!picture || idem_stylegan2_finish(&b, &s)) ...
 *
 * Letters: N pictures, L = n_ws layers, D = w_dim, S = size. A frozen binder gives a network with gradients to w only;
 * a trainable one gives gradients of every weight too (once, or twice with `twice`; noise buffers and the blur stay
 * fixed). */
#ifndef IDEM_NETS_STYLEGAN2_H
#define IDEM_NETS_STYLEGAN2_H

#include "base/rng.h"
#include "nets/bind.h"

/* The published learning-rate multiplier of mapping layers, part of the weights' scale. */
#define IDEM_STYLEGAN2_MAPPING_RATE 0.01f

typedef enum { IDEM_STYLEGAN2_CONVERSION, IDEM_STYLEGAN2_ADA } idem_stylegan2_layout;

typedef struct {
    idem_stylegan2_layout layout;
    char prefix[IDEM_PREFIX_BYTES]; /* "g_ema.", "decoder." or "": of every name */
    int size;                       /* S: 8 .. 2048, a power of two */
    int n_ws;                       /* 2 log2(S) - 2: one w for every convolution and the last to-RGB */
    int n_noise;                    /* n_ws - 1 noise planes, the first 4x4, then two of each side 8 .. S */
    int z_dim, w_dim;
    int mapping_layers; /* 0: the file has no mapping network */
    bool twice;         /* set by the caller: synthesis can be differentiated twice, which costs time and memory */
    bool bf16;          /* convolutions of the four largest resolutions multiply in bfloat16: idem_bf16() at open */
} idem_stylegan2;

/* Reads dimensions from the tensors' shapes; the file's metadata must agree. prefix NULL: the first of "g_ema.",
 * "G_ema.", "" with a generator below it, else the only other prefix with one. */
int idem_stylegan2_open(idem_stylegan2 *s, const idem_weights *w, const char *prefix);

/* Removes everything but the only generator, by the rules of idem_weights_unwrap and open, and the prefix of its names.
 * -1: there is none, or several. */
int idem_stylegan2_unwrap(idem_weights *w);

/* Two hashes of 16 hex digits. paints: of the tensors of the mapping and the synthesis, without fixed filters and the
 * mean w. all: of all tensors, which earlier versions used to identify files. After unwrap, before any binding. */
void idem_stylegan2_hash(char paints[17], char all[17], const idem_weights *w);

/* The mean w stored with the generator (latent_avg, mapping.w_avg): D numbers, or NULL without a message. Marks it
 * used. */
const float *idem_stylegan2_mean_w(const idem_stylegan2 *s, const idem_weights *w);

/* z [N, z_dim], standard normal -> w [N, D]. */
idem_node *idem_stylegan2_mapping(idem_binder *b, const idem_stylegan2 *s, idem_node *z);

/* mean + psi (w - mean) for the first `cutoff` layers: w [N, D] -> [N, D] if every layer is truncated (cutoff < 0 or >=
 * L), [N, L, D] otherwise. mean is [D]. */
idem_node *idem_stylegan2_truncate(const idem_stylegan2 *s, idem_node *w, idem_node *mean, float psi, int cutoff);

/* ws [N, L, D], or [N, D]: the same w for every layer -> picture [N, 3, S, S], about [-1, 1]. noise: n_noise planes
 * [1, 1, side, side] shared by the batch or [N, 1, side, side], or NULL for the buffers stored with the weights
 * (noise of a fixed seed if there are none). */
idem_node *idem_stylegan2_synthesis(idem_binder *b, const idem_stylegan2 *s, idem_node *ws, idem_node *const *noise);

/* Side of noise plane i. */
int idem_stylegan2_noise_side(int i);

/* idem_binder_finish with the names this network may leave unused. */
int idem_stylegan2_finish(idem_binder *b, const idem_stylegan2 *s);

enum { IDEM_STYLEGAN2_RESOLUTIONS = 10 };
typedef struct {
    int size, z_dim, w_dim, mapping_layers;
    int widths[IDEM_STYLEGAN2_RESOLUTIONS]; /* channels at side 4 << r */
} idem_stylegan2_dims;

/* Adds the tensors of a generator before training, in the layout of the PyTorch conversion, below prefix: weights
 * standard normal (mapping layers over their rate), style biases 1, noise strengths and other biases 0. */
int idem_stylegan2_init(idem_weights *w, const char *prefix, const idem_stylegan2_dims *dims, idem_rng *rng);

#endif
