/* A study as files: report.html, report.md, report.tex, pairs.csv. */
#ifndef IDEM_MEASURE_STUDY_FILES_H
#define IDEM_MEASURE_STUDY_FILES_H

#include "measure/study.h"

/* Writes into an existing folder. The page also has the applications, which are painted here. */
int idem_study_write(const idem_study *s, idem_model *m, idem_pairs *pairs, const char *folder, int batch,
                     const idem_plan_options *plan);

#endif
