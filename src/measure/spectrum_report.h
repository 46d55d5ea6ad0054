/* Comparison of the spectra of two sets, with that of two equal sets beside it. */
#ifndef IDEM_MEASURE_SPECTRUM_REPORT_H
#define IDEM_MEASURE_SPECTRUM_REPORT_H

#include <jansson.h>

#include "measure/spectrum.h"

typedef struct {
    idem_spectrum_band bands[IDEM_SPECTRUM_BANDS];
    idem_spectrum_peak peak;
} idem_spectrum_report;

/* Compares A with B, and B's halves with each other, as the value for equal sets. `b` are B's halves: b[0] becomes all
 * of B. 0 or -1. */
int idem_spectrum_report_make(idem_spectrum_report *sets, idem_spectrum_report *halves, const idem_spectrum *a,
                              idem_spectrum *const b[2]);
/* "bands", "peak", "rings", to add to the sets' JSON. NULL: out of memory. */
json_t *idem_spectrum_report_json(const idem_spectrum_report *sets, const idem_spectrum_report *halves,
                                  const idem_spectrum *a, const idem_spectrum *b);

#endif
