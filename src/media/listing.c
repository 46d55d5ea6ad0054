#define _GNU_SOURCE
#include "media/listing.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"
#include "media/format.h"

static bool has_ending(const char *name, const char *endings) {
    const size_t n = strlen(name);
    for (const char *e = endings; *e;) {
        const size_t k = strcspn(e, "|");
        if (k < n && strncasecmp(name + n - k, e, k) == 0)
            return true;
        e += k + (e[k] == '|');
    }
    return false;
}

static bool has_picture_ending(const char *name) {
    return has_ending(name, IDEM_ENDINGS);
}

bool idem_is_film(const char *path) {
    return has_ending(path, ".mp4|.mov|.mkv|.webm");
}

static bool starts_like_a_picture(const char *path) {
    unsigned char bytes[64];
    /* Without O_NONBLOCK, opening a pipe would block. */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    struct stat st;
    const ssize_t n = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read(fd, bytes, sizeof bytes) : -1;
    close(fd);
    return n > 0 && idem_image_format(bytes, (size_t)n) != IDEM_FORMAT_NONE;
}

bool idem_is_picture(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    return has_picture_ending(name) || (!strchr(name, '.') && starts_like_a_picture(path));
}

/* The list for a name. The ending of a picture is sufficient; problems are reported when the file is read. */
static int sort_name(idem_listing *l, const char *dir, char *name) {
    if (has_picture_ending(name)) {
        l->pictures[l->n_pictures++] = name;
        return 0;
    }
    char *path = idem_path_join(dir, name);
    if (!path)
        return -1;
    if (idem_path_is_dir(path))
        l->folders[l->n_folders++] = name;
    else if (idem_is_picture(path))
        l->pictures[l->n_pictures++] = name;
    else
        l->others[l->n_others++] = name;
    free(path);
    return 0;
}

int idem_listing_read(idem_listing *l, const char *dir) {
    *l = (idem_listing){0};
    char **names;
    size_t n, taken = 0;
    if (idem_dir_list(dir, NULL, &names, &n))
        return -1;
    l->pictures = calloc(n + 1, sizeof *l->pictures);
    l->others = calloc(n + 1, sizeof *l->others);
    l->folders = calloc(n + 1, sizeof *l->folders);
    int status = l->pictures && l->others && l->folders
                     ? 0
                     : idem_fail_as(IDEM_MEMORY, "%s: out of memory for the list of its files", dir);
    for (; taken < n && !status; taken++) {
        status = sort_name(l, dir, names[taken]);
        if (status)
            break;
    }
    for (size_t i = taken; i < n; i++)
        free(names[i]);
    free(names);
    if (status)
        idem_listing_free(l);
    return status;
}

void idem_listing_free(idem_listing *l) {
    idem_names_free(l->pictures, l->n_pictures);
    idem_names_free(l->others, l->n_others);
    idem_names_free(l->folders, l->n_folders);
    *l = (idem_listing){0};
}

static void name_some(idem_left_out *o, char *const *names, size_t n, const char *end) {
    for (size_t i = 0; i < n && o->named < IDEM_LEFT_OUT_NAMED; i++, o->named++)
        snprintf(o->first[o->named], sizeof o->first[0], "%.250s%s", names[i], end);
}

void idem_left_out_add_file(idem_left_out *o, const char *name) {
    o->files++;
    name_some(o, (char *const[]){(char *)name}, 1, "");
}

void idem_left_out_add(idem_left_out *o, const idem_listing *l, bool folders) {
    o->files += l->n_others;
    name_some(o, l->others, l->n_others, "");
    if (folders) {
        o->folders += l->n_folders;
        name_some(o, l->folders, l->n_folders, "/");
    }
}

const char *idem_left_out_text(const idem_left_out *o, char *text, size_t n) {
    char files[64] = "", folders[64] = "";
    *text = 0;
    if (!o->files && !o->folders)
        return text;
    if (o->files)
        snprintf(files, sizeof files, o->files == 1 ? "%zu file of another kind" : "%zu files of other kinds",
                 o->files);
    if (o->folders)
        snprintf(folders, sizeof folders, "%zu folder%s", o->folders, o->folders == 1 ? "" : "s");
    size_t at = (size_t)snprintf(text, n, "%s%s%s passed over:", files, o->files && o->folders ? " and " : "", folders);
    for (size_t i = 0; i < o->named && at < n; i++)
        at += (size_t)snprintf(text + at, n - at, "%s %s", i ? "," : "", o->first[i]);
    if (o->files + o->folders > o->named && at < n)
        snprintf(text + at, n - at, ", ...");
    return text;
}
