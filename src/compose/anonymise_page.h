/* The report of an anonymising run as a page. */
#ifndef IDEM_COMPOSE_ANONYMISE_PAGE_H
#define IDEM_COMPOSE_ANONYMISE_PAGE_H

#include <jansson.h>

/* report: from idem_anonymise_run. Every face has a row, up to IDEM_PAGE_FACES. */
enum { IDEM_PAGE_FACES = 5000 };
int idem_anonymise_page_write(const char *path, const json_t *report);

#endif
