/* A studio: the networks for photographs and faces, opened once and prepared at their first use. The public library,
 * the commands and everything that changes faces use one.
 *
 *     const idem_studio_options o = {.generator = "g.safetensors", .mapper = "m.safetensors", .batch = 4};
 *     idem_studio *s = idem_studio_open(&o);
 *     idem_finder *f = idem_studio_finder(s);                          // faces of a decoded picture: finder.h
 *     n = idem_finder_run(f, &image, NULL, &faces);
 *     idem_align_frame(&frame, faces[0].points, image.width, image.height);
 *     idem_align_picture(&picture, &image, &frame, size);              // any size; needs no studio
 *     idem_studio_embed(s, &image, faces[0].points, feature, judge);   // the recognisers, on the photograph
 *     idem_studio_encode(s, IDEM_PIPE_IDENTITY, picture.rgb, 1, id);   // codes, of pictures in the frame
 *     idem_studio_encode(s, IDEM_PIPE_ATTRIBUTES, picture.rgb, 1, attr);
 *     idem_studio_paint_pairs(s, &pair, 1, NULL, rgb);                 // with refinement, if requested
 *     idem_paste(&image, &painted, &frame, faces[0].points);           // paste.h
 *     idem_studio_free(s);
 *
 * photograph.h does the first half for files, large ones and those that are aligned already; faces.h for many. Studios
 * of the same files share the weights of the model (model_store.h), but not prepared networks. Letters: S the
 * generator's side, L rows of ws, W the width of w. A studio is used by one thread at a time. */
#ifndef IDEM_COMPOSE_STUDIO_H
#define IDEM_COMPOSE_STUDIO_H

#include <signal.h>

#include "face/embed.h"
#include "face/finder.h"
#include "model/pipe.h"

typedef struct idem_studio idem_studio;

typedef enum {
    IDEM_POSE_NONE,
    IDEM_POSE_IF_THERE, /* where fr_pose is among the models */
    IDEM_POSE_ALWAYS
} idem_pose_wanted;

typedef struct {
    const char *generator; /* NULL: none; only photographs, alignment and the recognisers on photographs */
    const char *mapper;    /* NULL: none */
    const char *models;    /* folder of the fetched networks, as in base/models.h */
    const char *identity_net, *identity_preprocess; /* model.h; NULL: the mapper's */
    idem_attr_choice attributes;                    /* the mapper must have these */
    bool generator_only;                            /* without the frozen nets (model.h): only sampling and painting */
    int batch;                                      /* pictures at once, from 1 */
    int threads;                                    /* 0: all */
    idem_pose_wanted pose;
    const volatile sig_atomic_t *stop; /* nonzero ends running calls with IDEM_INTERRUPTED; may be NULL */
} idem_studio_options;

/* Texts are not needed afterwards. NULL with a message. */
idem_studio *idem_studio_open(const idem_studio_options *options);
void idem_studio_free(idem_studio *s); /* NULL is allowed */

const idem_model_info *idem_studio_about(const idem_studio *s); /* NULL without a generator */
idem_model *idem_studio_model(idem_studio *s);                  /* NULL without a generator; not to be changed */
int idem_studio_threads(const idem_studio *s);
int idem_studio_batch(const idem_studio *s);
bool idem_studio_stopped(const idem_studio *s);
idem_plan_options idem_studio_plan(const idem_studio *s); /* for other plans: its threads, its stop */

/* Sets the batch size; plans for another batch size are made again. Another batch size rounds differently. */
void idem_studio_set_batch(idem_studio *s, int batch);
/* Frees prepared networks (weights in the kernels' layout take most of the memory); the next use prepares them again.
 */
enum {
    IDEM_RELEASE_FINDER = 1,   /* networks that find faces */
    IDEM_RELEASE_REFINING = 2, /* networks that refine pairs */
    IDEM_RELEASE_PIPES = 4,    /* networks that encode and paint pictures in the frame */
    IDEM_RELEASE_EMBEDDER = 8, /* the recognisers on photographs */
    IDEM_RELEASE_ALL = 15
};
void idem_studio_release(idem_studio *s, unsigned what);

/* Called by the working thread when `done` of `of` pictures of a call are done. May be NULL. */
typedef void idem_studio_told(void *user, int done, int of);
void idem_studio_set_told(idem_studio *s, idem_studio_told *told, void *user);
void idem_studio_tell(const idem_studio *s, int done, int of);
/* Mutes progress, for calls that are steps of a larger one; returns the previous state. */
bool idem_studio_mute(idem_studio *s, bool muted);

/* -1 with a message if there is no generator or, if needed, no mapper. */
int idem_studio_need(const idem_studio *s, bool mapper);

/* NULL with a message naming the missing network. Owned by the studio. */
idem_finder *idem_studio_finder(idem_studio *s);
/* judge: also the second one, which no training uses. */
idem_embedder *idem_studio_embedder(idem_studio *s, bool judge);
/* idem_embedder_run with the studio's threads. */
int idem_studio_embed(idem_studio *s, const idem_image *photo, const float (*points)[2], float *feature, float *judge);
/* Numbers of fr_feature's vectors; -1 if it is missing. */
int idem_studio_feature_dim(idem_studio *s);

/* A pipe of this kind for the studio's batch; psi of the first two kinds (pipe.h). */
idem_pipe *idem_studio_pipe(idem_studio *s, idem_pipe_kind kind, float psi);

/* n pictures rgb [n, S, S, 3] -> codes [n, dim], by IDEM_PIPE_IDENTITY or IDEM_PIPE_ATTRIBUTES. */
int idem_studio_encode(idem_studio *s, idem_pipe_kind kind, const uint8_t *rgb, int n, float *codes);
/* One picture y [S, S, 3], clipped to [0, 1], as bytes. */
int idem_studio_to_bytes(const idem_studio *s, uint8_t *rgb, const float *y);
/* Painted pictures rgb [n, S, S, 3] by a pipe whose last output is a picture; codes: its other output, or NULL. */
int idem_studio_paint(idem_studio *s, idem_pipe *pipe, const float *const *in, int n, float *codes, uint8_t *rgb);

/* One picture to paint. */
typedef struct {
    const float *id, *attr;           /* codes [id_dim], [attr_dim]; read only without refinement */
    const uint8_t *id_rgb, *attr_rgb; /* pictures [S, S, 3]; read only with refinement */
    int refine;                       /* refinement steps (refine.h); 0: none */
} idem_sitting;

/* n sittings -> codes ws [n, L, W] and pictures rgb [n, S, S, 3]; either may be NULL. Consecutive sittings without
 * refinement run through the networks batch by batch; refined ones one by one. rgb may be one of the inputs only if
 * each sitting reads only its own picture of it. */
int idem_studio_paint_pairs(idem_studio *s, const idem_sitting *sittings, int n, float *ws, uint8_t *rgb);

/* Default refinement steps: for photographs, and not for pictures drawn by idem. */
enum { IDEM_REFINE_BY_MARK = -1, IDEM_REFINE_STEPS = 25, IDEM_REFINE_MOST = 1000 };
/* refine, or for IDEM_REFINE_BY_MARK: IDEM_REFINE_STEPS, but 0 if idem drew both pictures. */
int idem_refine_steps(int refine, bool id_drawn, bool attr_drawn);

#endif
