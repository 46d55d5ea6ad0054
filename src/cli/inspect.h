/* What a model file is: format, metadata, tensors, and which network it looks like. */
#ifndef IDEM_CLI_INSPECT_H
#define IDEM_CLI_INSPECT_H

#include <stdbool.h>

/* Prints on stdout, as text or as one JSON document. -1 with a message when the file is nothing idem reads. */
int idem_inspect(const char *path, bool as_json);

#endif
