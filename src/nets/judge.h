/* The judge: a face recogniser of the dlib family (a ResNet with scale layers, 128 numbers out), used for evaluation
 * only. Tensors as in npm @vladmandic/face-api's face_recognition_model: filters H, W, I, O. */
#ifndef IDEM_NETS_JUDGE_H
#define IDEM_NETS_JUDGE_H

#include "nets/bind.h"

enum { IDEM_JUDGE_SIDE = 150, IDEM_JUDGE_DIM = 128 };

/* x [N, 3, 150, 150], RGB 0..255 -> [N, 128], not of unit length. The binder should be frozen. */
idem_node *idem_judge(idem_binder *b, idem_node *x);

#endif
