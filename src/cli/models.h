/* How commands show models. */
#ifndef IDEM_CLI_MODELS_H
#define IDEM_CLI_MODELS_H

#include <stdbool.h>

#include "idem.h"

/* "absent", "ok", "wrong hash" */
const char *idem_cli_model_state(int state);

enum { IDEM_CLI_FOLDER_BYTES = 4096 };
/* The program's list or a file's, and the folder of its models; NULL with a message. */
idem_model_list *idem_cli_models(const char *path, char folder[IDEM_CLI_FOLDER_BYTES]);

/* Whether a message ("FILE: ...") is about a file of a model in the folder whose hash differs from the list; name: the
 * model to fetch again. */
enum { IDEM_CLI_MODEL_BYTES = 64 };
bool idem_cli_model_damaged(const char *message, char name[IDEM_CLI_MODEL_BYTES]);

/* Prints format, metadata, tensors and matching networks of a model file on standard output. */
int idem_cli_inspect(const char *path, bool as_json);

#endif
