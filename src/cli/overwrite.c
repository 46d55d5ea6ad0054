#define _GNU_SOURCE
#include "cli/overwrite.h"

#include <fnmatch.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "idem.h"

int idem_output_folder(const char *path) {
    static const char files[] = "*.@(png|jpg|jpeg|webp|gif|mp4|npy|json|txt|safetensors|pt|pth)";
    const char *slash = strrchr(path, '/');
    if (idem_file_exists(path) || fnmatch(files, slash ? slash + 1 : path, FNM_EXTMATCH | FNM_CASEFOLD))
        return 0;
    return idem_cli_usage(
        "%s: results go into a folder, but this is the name of a file; give a folder (%s/ for a folder of that name)",
        path, path);
}

int idem_output_name(const char *path) {
    const char *slash = strrchr(path, '/');
    size_t length = strlen(slash ? slash + 1 : path), most = idem_file_name_most(path);
    return length <= most
               ? 0
               : idem_cli_usage("%s: the name has %zu bytes, at most %zu are legal there", path, length, most);
}

int idem_overwrite_file(const char *output, const char *input) {
    return input && idem_file_same(output, input)
               ? idem_cli_usage("%s: the output is the input %s itself, which is never overwritten; give another name",
                                output, input)
               : 0;
}

static bool is_result(char *path, const char *folder, const char *results) {
    char *slash = strrchr(path, '/');
    if (fnmatch(results, slash ? slash + 1 : path, FNM_EXTMATCH | FNM_CASEFOLD))
        return false;
    if (!slash)
        return idem_file_same(".", folder);
    slash[slash == path] = 0; /* "/x" is in "/" */
    return idem_file_same(path, folder);
}

int idem_overwrite_folder(const char *folder, const char *const *inputs, size_t n, const char *results) {
    if (!idem_folder_exists(folder))
        return 0;
    for (size_t i = 0; i < n; i++) {
        /* A link may be in the folder, or point into it. */
        char *named = strdup(inputs[i]), *real = realpath(inputs[i], NULL);
        bool lost = named && real && (is_result(named, folder, results) || is_result(real, folder, results));
        free(named);
        free(real);
        if (lost)
            return idem_cli_usage("%s: the output folder holds the input %s, which could be overwritten; give another "
                                  "folder",
                                  folder, inputs[i]);
    }
    return 0;
}
