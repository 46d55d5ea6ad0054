/* The page and the samples: all answers to GET beside the interface. */
#ifndef IDEM_SERVE_FILES_H
#define IDEM_SERVE_FILES_H

#include <stddef.h>

enum { IDEM_SERVE_SAMPLES = 12 };

typedef struct {
    const char *path, *type; /* constant */
    const unsigned char *bytes;
    size_t size;
} idem_served_file;

typedef struct {
    char paths[IDEM_SERVE_SAMPLES][32];
    idem_served_file samples[IDEM_SERVE_SAMPLES];
    int n;
} idem_served_samples;

/* Reads existing samples; samples NULL: none. */
void idem_served_open(idem_served_samples *files, const char *samples);
void idem_served_close(idem_served_samples *files);

/* By the path of a request, which is not a path of the machine; NULL: none. */
const idem_served_file *idem_served_find(const idem_served_samples *files, const char *path);

#endif
