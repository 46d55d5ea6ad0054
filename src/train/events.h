/* TensorBoard event files: scalars and pictures over steps. A file is a row of TFRecord frames (length, masked CRC-32C
 * of the length, bytes, masked CRC-32C of the bytes), each holding one protobuf message `tensorflow.Event`.
 *
 * Resuming: the log is cut back to the step of the checkpoint, then appended to, so that it shows one run without
 * doubled points. Where to cut is read from the file itself (the first record of a later step, or the first damaged
 * one, such as the half record a crash leaves): nothing about the log has to be kept in the checkpoint, and a lost log
 * starts anew. One thread at a time. */
#ifndef IDEM_TRAIN_EVENTS_H
#define IDEM_TRAIN_EVENTS_H

#include <stdint.h>

#include "media/image.h"

typedef struct idem_events idem_events;

enum { IDEM_EVENTS_NEW = -1, IDEM_EVENTS_NONE = -2 };

/* Opens the newest event file in folder `dir` (made when absent), keeping its records up to and including `step`, or
 * none (IDEM_EVENTS_NONE); starts a new file `events.out.tfevents.SECONDS.idem` when there is none or for
 * IDEM_EVENTS_NEW. NULL with a message on failure. */
idem_events *idem_events_open(const char *dir, int64_t step);

/* Each appends one record, timed by the clock; steps must not fall. `tag` groups by slashes ("loss/id"); marks: as
 * idem_image_save_png takes them. 0 or -1. */
int idem_events_scalar(idem_events *e, int64_t step, const char *tag, double value);
int idem_events_image(idem_events *e, int64_t step, const char *tag, const idem_image *im, const idem_marks *marks);

int idem_events_flush(idem_events *e); /* what was appended so far can be read by others */
int idem_events_close(idem_events *e); /* also after a failure; NULL is allowed */

const char *idem_events_path(const idem_events *e);

#endif
