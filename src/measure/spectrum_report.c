#include "measure/spectrum_report.h"

#include <math.h>
#include <stdlib.h>

int idem_spectrum_report_make(idem_spectrum_report *sets, idem_spectrum_report *halves, const idem_spectrum *a,
                              idem_spectrum *const b[2]) {
    if (idem_spectrum_compare(b[0], b[1], halves->bands, &halves->peak))
        return -1;
    idem_spectrum_join(b[0], b[1]);
    return idem_spectrum_compare(a, b[0], sets->bands, &sets->peak);
}

/* Ratio of a band; 1 if neither has power. */
static double ratio(const idem_spectrum_band *band) {
    const double least = 1e-9;
    return fmax(band->a, least) / fmax(band->b, least);
}

static json_t *rings(const idem_spectrum *s) {
    const int n = idem_spectrum_rings(s);
    double *power = malloc((size_t)n * sizeof *power);
    json_t *list = json_array();
    if (power)
        idem_spectrum_radial(s, power);
    for (int i = 0; i < n && power; i++)
        json_array_append_new(list, json_real(power[i]));
    free(power);
    return list;
}

static json_t *peak_json(const idem_spectrum_peak *p) {
    return json_pack("{s:f, s:f, s:f}", "period", p->period, "degrees", p->degrees, "times", p->times);
}

json_t *idem_spectrum_report_json(const idem_spectrum_report *sets, const idem_spectrum_report *halves,
                                  const idem_spectrum *a, const idem_spectrum *b) {
    json_t *bands = json_array();
    for (int i = 0; i < IDEM_SPECTRUM_BANDS; i++) {
        const idem_spectrum_band *band = &sets->bands[i];
        json_array_append_new(bands, json_pack("{s:f, s:f, s:f, s:f, s:f, s:f}", "longest", band->longest, "shortest",
                                               band->shortest, "a", band->a, "b", band->b, "ratio", ratio(band),
                                               "halves_of_b", ratio(&halves->bands[i])));
    }
    return json_pack("{s:o, s:o, s:o, s:{s:o, s:o}}", "bands", bands, "peak", peak_json(&sets->peak),
                     "peak_of_halves_of_b", peak_json(&halves->peak), "rings", "a", rings(a), "b", rings(b));
}
