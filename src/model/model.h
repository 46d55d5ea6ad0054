/* The ensemble: a frozen generator G, frozen E_id (recogniser) and E_lnd (landmarks), the trained E_attr and M ("the
 * mapper"), and the critic D_W. An idem_model owns all weights; graphs borrow them, so it must outlive every graph.
 *
 *     idem_model *m = idem_model_open("models/generator-128.safetensors");
 *     if (!m || idem_model_load_mapper(m, "models/mapper-128.safetensors") || idem_model_load_frozen(m, NULL)) ...
 *     idem_graph *g = idem_graph_new();
 *     idem_node *x = idem_input(g, "x", IDEM_SHAPE(4, 3, 64, 64)); // [0, 1], memory N, H, W, C
 *     idem_node *w = idem_model_map(m, idem_model_identity(m, x), idem_model_attributes(m, x, NULL), false);
 *     idem_node *y = idem_model_picture(m, w);                     // [0, 1] with overshoots
 *
 * pipe.h runs such parts on any number of pictures without exposing graphs. Letters: N pictures, S the generator's
 * side, Z, W widths of z and w, L layers (rows of ws). */
#ifndef IDEM_MODEL_MODEL_H
#define IDEM_MODEL_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/graph.h"
#include "face/frame.h"
#include "format/weights.h"
#include "model/attr_encoder.h"
#include "nets/norm_conv.h"

typedef struct idem_model idem_model;

typedef struct {
    int size;            /* S: side of the generator's pictures */
    int z_dim, w_dim;    /* Z, W */
    int layers;          /* L = 2 log2(S) - 2 */
    int id_dim;          /* of E_id; 0 until the frozen nets are loaded */
    int attr_dim;        /* of E_attr; 0 until there is a mapper */
    const float *mean_w; /* [W] */
    const char *hash;    /* 16 hex digits, of the generator's tensors that paint; the same for every file format */
    const char *mapper;  /* the same for the mapper; NULL unless loaded from a file */
    const char *path;    /* the generator's file */
    bool has_mapper, has_frozen;
    bool bf16; /* the generator's larger convolutions multiply in bfloat16: idem_bf16() at open */
} idem_model_info;

enum { IDEM_LANDMARKS = 51 }; /* of 68: the 17 jaw points are dropped */

/* ---- life ---- */
/* Any weight file of StyleGAN2 in the layout of the widespread PyTorch conversion or of StyleGAN2-ADA. The mean w is
 * the file's, or the mean of 10,000 mapped z of a fixed seed. NULL with a message. */
idem_model *idem_model_open(const char *generator);
void idem_model_free(idem_model *m); /* NULL is allowed */
const idem_model_info *idem_model_about(const idem_model *m);
/* Whether a hash is this generator's: the current hash, or the older one of all tensors with the mean w. */
bool idem_model_is(const idem_model *m, const char *hash);

/* Chooses another recogniser than fr_feature for E_id (face/recogniser.h lists networks and preprocessings); before
 * load_frozen. It is saved with the mapper: a mapper needs the recogniser it was trained with, which is found by its
 * file name in the folder of the downloaded nets, or must be chosen again. preprocess NULL: the mapper's, or the
 * network's own. */
int idem_model_choose_recogniser(idem_model *m, const char *path, const char *preprocess);
/* First step of load_mapper and adopt: load_frozen will load the recogniser of these trained tensors, or refuse
 * another, and use their frame. */
int idem_model_expect(idem_model *m, const idem_weights *trained);
/* E_id, E_lnd (fr_landmark) and, if the frame is not stored with the generator or the mapper, fr_detect to find it on
 * generated pictures. `models`: the folder of the downloaded nets; NULL: as in base/models.h. */
int idem_model_load_frozen(idem_model *m, const char *models);
/* Only E_id, for likeness. */
int idem_model_load_recogniser(idem_model *m, const char *models);
/* Its file name without folder; NULL before it is loaded. */
const char *idem_model_recogniser_file(const idem_model *m);
/* Stores it in the metadata of trained tensors (nothing for fr_feature). */
int idem_model_store_recogniser(const idem_model *m, idem_weights *trained);
/* The place of the face in this generator's pictures; NULL without a message before load_frozen. */
const idem_frame *idem_model_frame(const idem_model *m);

/* ---- the trained nets: E_attr.*, mapper.*, and during training critic.* and the optimisers' moments ---- */
/* A mapper trained for another generator is refused by hash. Half-precision files are widened. */
int idem_model_load_mapper(idem_model *m, const char *path);
/* Loads a mapper of any generator with the same width of w, to continue its training for this one. It takes this
 * generator's frame, which must be stored in the generator's file (`idem model convert --frame`). side: at which its
 * E_attr sees pictures, preferably that of its old generator; 0: as stored in its file. */
int idem_model_adapt_mapper(idem_model *m, const char *path, int side);
/* New weights. attr: the E_attr and its start (a ResNet trained with ImageNet's normalisation is converted to [-1, 1]);
 * NULL: a new ResNet-18. mean_bias: the last bias of M starts at the mean w. Needs E_id. */
int idem_model_new_mapper(idem_model *m, uint64_t seed, bool mean_bias, const idem_attr_choice *attr);
/* -1 if E_attr differs from the choice. */
int idem_model_check_attributes(const idem_model *m, const idem_attr_choice *attr);
int idem_model_new_critic(idem_model *m, uint64_t seed); /* after new_mapper or load_mapper */
/* Takes the tensors of a checkpoint as the trained nets; on success they belong to the model. */
int idem_model_adopt(idem_model *m, idem_weights *trained);
/* All trained tensors and their metadata, in one container; NULL before any of the above. */
idem_weights *idem_model_trained(const idem_model *m);
/* Only E_attr.* and mapper.* (their averages if the run keeps them, see average.h), with the metadata of the networks
 * they need. */
int idem_model_save_mapper(const idem_model *m, const char *path, idem_dtype dtype);

/* Graphs of a model that threads share must be built one at a time, as binding converts tensors to the kernels' order;
 * bound tensors are not changed again, so that plans may run while others build. pipe.h and refine.h use this. */
void idem_model_build_begin(idem_model *m);
void idem_model_build_end(idem_model *m);

/* ---- nodes; each may be used many times and in many graphs; NULL passes through ---- */
idem_node *idem_model_mapping(idem_model *m, idem_node *z);             /* z [N, Z] -> w [N, W], not truncated */
idem_node *idem_model_truncate(idem_model *m, idem_node *w, float psi); /* mean + psi (w - mean), for all layers */
idem_node *idem_model_generate(idem_model *m, idem_node *w); /* w [N, W] or ws [N, L, W] -> [N, 3, S, S] in [-1, 1] */
idem_node *idem_model_picture(idem_model *m, idem_node *w);  /* the same mapped to [0, 1], never clipped */
idem_node *idem_model_identity(idem_model *m, idem_node *x); /* x [N, 3, S, S] in [0, 1] -> unit vectors [N, id_dim] */
/* E_id of the whole picture instead of the face: x [N, 3, H, W] in [0, 1] -> unit vectors [N, id_dim] */
idem_node *idem_model_likeness(idem_model *m, idem_node *x);
idem_node *idem_model_landmarks(idem_model *m,
                                idem_node *x); /* x as above -> [N, 51, 2] (x, y), the whole picture is 0 .. 1 */

/* E_attr of x [N, 3, S, S] in [0, 1] -> [N, attr_dim]. running NULL: evaluation, with running averages, nothing
 * trainable, averaged weights if the run keeps them. Else training: frozen statistics, or the batch's, with which
 * idem_running_update updates the averages after each step. */
idem_node *idem_model_attributes(idem_model *m, idem_node *x, idem_running_list *running);
/* M and D_W; trainable: their tensors become trainable leaves; else M has averaged weights if the run keeps them. */
idem_node *idem_model_map(idem_model *m, idem_node *id, idem_node *attr,
                          bool trainable);                 /* [N, id_dim], [N, attr_dim] -> w [N, W] */
idem_node *idem_model_critic(idem_model *m, idem_node *w); /* trainable: w [N, W] -> logits [N, 1] */

#endif
