/* E_id: a face recogniser from a file, with the preprocessing it was trained with, as part of a graph. Supported are
 * InceptionResnetV1 in any weight file (names of facenet-pytorch) and ONNX networks with one square picture [N, 3, S,
 * S], 32 <= S <= 512 (mostly 112 or 160), as input and one vector as output.
 *
 * Preprocessings, p = 0 .. 255:
 *     fr_feature   RGB (p - 127) / 128, five points on the 112 x 112 template (frame.h)
 *     insightface  RGB (p - 127.5) / 127.5, the same template: ArcFace and its kin
 *     facenet      RGB (p - 127.5) / 128, the wider crop a face detector's box gives (eyes at 40 % of the height)
 *     vggface2     BGR p - (91.4953, 103.8827, 131.0912), the published crop of aligned pictures: the middle 70 %
 * A network of another size than 112, 112, 160, 224 sees the same part of the picture at its size. */
#ifndef IDEM_FACE_RECOGNISER_H
#define IDEM_FACE_RECOGNISER_H

#include "face/frame.h"

typedef struct idem_recogniser idem_recogniser;

#define IDEM_PREPROCESS_CHOICES "fr_feature|insightface|facenet|vggface2"

/* preprocess NULL: facenet for an InceptionResnetV1; required for an ONNX network. NULL with a message. */
idem_recogniser *idem_recogniser_open(const char *path, const char *preprocess);
void idem_recogniser_free(idem_recogniser *r); /* NULL is allowed */

typedef struct {
    int side, dim;          /* of the picture it takes and of its vector */
    const char *preprocess; /* one of the above */
    const char *file;       /* name without folder */
    char hash[17];          /* of the weights (weights.h), in any file format; of an ONNX file's bytes */
    bool inception_resnet;
} idem_recogniser_info;
const idem_recogniser_info *idem_recogniser_about(const idem_recogniser *r);

/* Nodes; x [N, 3, H, W] in [0, 1]. The network's crop of the face: [N, 3, side, side]. */
idem_node *idem_recogniser_input(const idem_recogniser *r, idem_node *x, const idem_frame *frame);
/* Its vector: [N, dim], of any length. r must outlive the graph. */
idem_node *idem_recogniser_face(const idem_recogniser *r, idem_node *x, const idem_frame *frame);
/* The whole picture instead of the face, bilinear without antialiasing; an InceptionResnetV1 sees it in [-1, 1]. */
idem_node *idem_recogniser_whole(const idem_recogniser *r, idem_node *x);

#endif
