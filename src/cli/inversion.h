/* `idem evaluate-generator --invert`: how well a generator can paint portraits that it was not shown. */
#ifndef IDEM_CLI_INVERSION_H
#define IDEM_CLI_INVERSION_H

#include "cli/options.h"

typedef struct {
    const char *generator, *pictures, *output; /* file, folder of pictures, folder for inversion.json, inverted.png */
    int count;                                 /* pictures at most, random ones */
    int steps;
    idem_shared shared;
} idem_inversion;

/* Inverts, judges, writes and prints. bad: pictures that cannot be read, which were told. 0 or -1. */
int idem_cli_invert(const idem_inversion *about, int *bad);

#endif
