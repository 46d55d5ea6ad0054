#define _GNU_SOURCE
#include "cli/models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *idem_cli_model_state(int state) {
    static const char *const text[] = {
        [IDEM_LISTED_ABSENT] = "absent", [IDEM_LISTED_OK] = "ok", [IDEM_LISTED_WRONG] = "wrong hash"};
    return text[state];
}

idem_model_list *idem_cli_models(const char *path, char folder[IDEM_CLI_FOLDER_BYTES]) {
    return idem_find_models(NULL, folder, IDEM_CLI_FOLDER_BYTES) ? NULL : idem_read_model_list(path);
}

/* The message names this file in this folder. */
static bool is_about(const char *message, const char *folder, const char *file) {
    size_t n = strcspn(message, ":");
    char *path = message[n] ? strndup(message, n) : NULL, *slash = path ? strrchr(path, '/') : NULL;
    bool about = slash && !strcmp(slash + 1, file);
    if (about) {
        *slash = 0;
        about = idem_file_same(path, folder);
    }
    free(path);
    return about;
}

bool idem_cli_model_damaged(const char *message, char name[IDEM_CLI_MODEL_BYTES]) {
    char folder[IDEM_CLI_FOLDER_BYTES];
    idem_model_list *list = idem_cli_models(NULL, folder);
    bool damaged = false;
    for (int i = 0; list && i < list->models && !damaged; i++)
        for (int k = 0; k < list->model[i].files && !damaged; k++) {
            const idem_listed_file *f = &list->model[i].file[k];
            int state;
            damaged = is_about(message, folder, f->file) && !idem_check_listed_file(f, folder, &state) &&
                      state == IDEM_LISTED_WRONG;
            if (damaged)
                snprintf(name, IDEM_CLI_MODEL_BYTES, "%s", list->model[i].name);
        }
    idem_free_model_list(list);
    return damaged;
}
