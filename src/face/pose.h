/* The head pose network (fr_pose, Hopenet): its input and its bins. */
#ifndef IDEM_FACE_POSE_H
#define IDEM_FACE_POSE_H

enum { IDEM_POSE_SIDE = 224, IDEM_POSE_BINS = 66 };

/* Degrees from one angle's logits [66]: the expectation over bins of 3 degrees, minus 99 (Ruiz, Chong, Rehg 2018). */
float idem_pose_angle(const float *logits);

#endif
