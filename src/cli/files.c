#include "cli/files.h"

#include <string.h>

#include "cli/failure.h"
#include "cli/progress.h"

int idem_files_list(idem_file_list *list, idem_files *a, idem_files *b) {
    const int first = idem_count_files(list);
    if (idem_list_files(list, a->given))
        return -1;
    const int second = idem_count_files(list);
    if (idem_list_files(list, b->given))
        return -1;
    const char *const *paths = idem_file_paths(list), *const *names = idem_file_names(list);
    *a = (idem_files){second - first, idem_folder_exists(a->given), a->given, paths + first, names + first};
    *b = (idem_files){idem_count_files(list) - second, idem_folder_exists(b->given), b->given, paths + second,
                      names + second};
    return 0;
}

int idem_files_find(const idem_files *f, const char *name) {
    for (int i = 0; i < f->n; i++)
        if (!strcmp(f->names[i], name))
            return i;
    return -1;
}

static int no_picture(const char *folder) {
    return idem_cli_fail("%s: has no picture (%s)", folder, idem_picture_formats());
}

int idem_files_check(const idem_files *f, int good) {
    if (!f->n)
        return no_picture(f->given);
    return good ? 0
                : idem_cli_fail("%s: no readable picture (%s) among %d files", f->given, idem_picture_formats(), f->n);
}

int idem_photo_list(idem_file_list *list, char *const *paths, int n) {
    for (int i = 0; i < n; i++) {
        const int before = idem_count_files(list);
        if (idem_list_files(list, paths[i]))
            return -1;
        if (idem_count_files(list) == before)
            return no_picture(paths[i]);
    }
    return 0;
}

void idem_files_say_others(const idem_file_list *list, bool quiet) {
    char text[1000];
    idem_files_passed_over(list, text, sizeof text);
    if (!quiet && *text)
        idem_cli_say("idem: %s", text);
}
