/* A study as a page (html.h): tables, plots, the first pairs, and the applications. */
#ifndef IDEM_MEASURE_STUDY_PAGE_H
#define IDEM_MEASURE_STUDY_PAGE_H

#include "measure/study.h"

/* applications [IDEM_APPLICATIONS] (applications.h); marks: what the pictures say of their origin; either may be NULL.
 */
int idem_study_page(const idem_study *s, const idem_image *applications, const idem_marks *marks, const char *path);

#endif
