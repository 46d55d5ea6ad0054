/* TensorBoard event files: scalars and pictures over steps. A file is a sequence of TFRecord frames (length, masked
 * CRC-32C of the length, bytes, masked CRC-32C of the bytes), each with one protobuf message `tensorflow.Event`.
 *
 * Resuming: the log is truncated to the checkpoint's step, then appended to, so that it shows one run without duplicate
 * points. The position is found in the file (the first record of a later step, or the first damaged one, such as a
 * partial record after a crash): the checkpoint stores nothing about the log, and a lost log starts again. One thread
 * at a time. */
#ifndef IDEM_TRAIN_EVENTS_H
#define IDEM_TRAIN_EVENTS_H

#include <stdint.h>

#include "media/image.h"

typedef struct idem_events idem_events;

enum { IDEM_EVENTS_NEW = -1, IDEM_EVENTS_NONE = -2 };

/* Opens the newest event file in folder `dir` (created if missing), keeping its records up to and including `step`, or
 * none (IDEM_EVENTS_NONE); starts a new file `events.out.tfevents.SECONDS.idem` if there is none or for
 * IDEM_EVENTS_NEW. NULL with a message on failure. */
idem_events *idem_events_open(const char *dir, int64_t step);

/* Each appends one record, with the current time; steps must not decrease. `tag` groups by slashes ("loss/id"); marks:
 * as in idem_image_save_png. 0 or -1. */
int idem_events_scalar(idem_events *e, int64_t step, const char *tag, double value);
int idem_events_image(idem_events *e, int64_t step, const char *tag, const idem_image *im, const idem_marks *marks);

int idem_events_flush(idem_events *e); /* makes appended records readable by others */
int idem_events_close(idem_events *e); /* also after a failure; NULL is allowed */

const char *idem_events_path(const idem_events *e);

#endif
