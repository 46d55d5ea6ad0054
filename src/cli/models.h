/* Models as commands show them. */
#ifndef IDEM_CLI_MODELS_H
#define IDEM_CLI_MODELS_H

#include <stdbool.h>

#include "idem.h"

/* "absent", "ok", "wrong hash" */
const char *idem_cli_model_state(int state);

enum { IDEM_CLI_FOLDER_BYTES = 4096 };
/* The program's list, or that of a file, and the folder of its models; NULL with a message. */
idem_model_list *idem_cli_models(const char *path, char folder[IDEM_CLI_FOLDER_BYTES]);

/* Whether a message is about ("FILE: ...") one of the models' files in their folder that is not what the list says;
 * the name of the model to fetch again. */
enum { IDEM_CLI_MODEL_BYTES = 64 };
bool idem_cli_model_damaged(const char *message, char name[IDEM_CLI_MODEL_BYTES]);

/* What a model file is: format, metadata, tensors, and which network it looks like, on standard output. */
int idem_cli_inspect(const char *path, bool as_json);

#endif
