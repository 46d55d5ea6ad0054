/* Training curves: metrics.jsonl as a page of charts. */
#ifndef IDEM_TRAIN_CURVES_H
#define IDEM_TRAIN_CURVES_H

/* Draws the losses and the evaluations of RUN/metrics.jsonl to a PNG. -1: no readable line, or the picture cannot be
 * written. */
int idem_curves_draw(const char *run, const char *png);

#endif
