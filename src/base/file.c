#define _GNU_SOURCE
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/status.h"

/* ---- reading ---- */

/* Reads up to size bytes; -1 on a system error. */
static ssize_t read_fully(int fd, unsigned char *to, size_t size) {
    size_t got = 0;
    while (got < size) {
        ssize_t n = read(fd, to + got, size - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

static int read_open(int fd, const char *path, size_t max, unsigned char **data, size_t *size) {
    struct stat st;
    if (fstat(fd, &st))
        return idem_fail("%s: cannot read: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return idem_fail("%s: is a folder, expected a file", path);
    if (!S_ISREG(st.st_mode))
        return idem_fail("%s: is not a regular file", path);
    if ((uintmax_t)st.st_size > max || (uintmax_t)st.st_size >= SIZE_MAX / 2)
        return idem_fail("%s: has %jd bytes, at most %zu are accepted here", path, (intmax_t)st.st_size, max);
    size_t bytes = (size_t)st.st_size;
    unsigned char *p = malloc(bytes + 1);
    if (!p)
        return idem_fail_as(IDEM_MEMORY, "%s: out of memory for its %zu bytes", path, bytes);
    ssize_t got = read_fully(fd, p, bytes);
    if (got < 0 || (size_t)got < bytes) {
        int error = errno;
        free(p);
        return got < 0 ? idem_fail("%s: cannot read: %s", path, strerror(error))
                       : idem_fail("%s: became shorter while it was read", path);
    }
    p[bytes] = 0;
    *data = p;
    *size = bytes;
    return 0;
}

int idem_file_read(const char *path, size_t max, unsigned char **data, size_t *size) {
    *data = NULL;
    *size = 0;
    /* Without O_NONBLOCK, open would block on a pipe named as a picture. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return idem_fail("%s: cannot open: %s", path, strerror(errno));
    int status = read_open(fd, path, max, data, size);
    close(fd);
    return status;
}

/* ---- writing ---- */

size_t idem_path_name_most(const char *path) {
    const char *slash = strrchr(path, '/');
    char *dir = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    long most = dir ? pathconf(dir, _PC_NAME_MAX) : -1;
    free(dir);
    return most > 0 ? (size_t)most : NAME_MAX;
}

/* FNV-1a */
static uint64_t hash_name(const char *name) {
    uint64_t h = 0xCBF29CE484222325u;
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 0x100000001B3u;
    return h;
}

/* "dir/.name.part": hidden, so that a killed write is never listed as a result; always the same name, so that killed
 * writes do not accumulate. A name too long for that keeps its beginning, followed by its hash. */
static char *aside_name(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t all = strlen(path), most = idem_path_name_most(path);
    int dir = (int)(name - path);
    char *p = malloc(all + sizeof ".-0123456789abcdef.part");
    if (!p)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a file name");
    if (strlen(name) + strlen("..part") <= most || most < 64)
        sprintf(p, "%.*s.%s.part", dir, path, name);
    else
        sprintf(p, "%.*s.%.*s-%016jx.part", dir, path, (int)(most - strlen(".-0123456789abcdef.part")), name,
                (uintmax_t)hash_name(name));
    return p;
}

int idem_file_claim(const char *path, const char *name, const char *busy) {
    for (;;) {
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (fd < 0)
            return idem_fail_as(IDEM_INTERNAL, "%s: cannot write: %s", name,
                                errno == ENOENT ? "its folder does not exist" : strerror(errno));
        struct stat mine, named;
        if (flock(fd, LOCK_EX | LOCK_NB)) {
            close(fd);
            return idem_fail("%s: %s", name, busy);
        }
        /* Between open and lock its former owner may have renamed or removed the file: then open it again. */
        if (fstat(fd, &mine) == 0 && stat(path, &named) == 0 && mine.st_ino == named.st_ino &&
            mine.st_dev == named.st_dev)
            return fd;
        close(fd);
    }
}

/* Two writers of one path would mix their bytes: the second is refused. */
static int aside_open(const char *path, const char *aside) {
    int fd = idem_file_claim(aside, path, "is being written by another process");
    if (fd < 0 || ftruncate(fd, 0) == 0)
        return fd;
    int error = errno;
    close(fd);
    return idem_fail_as(IDEM_INTERNAL, "%s: cannot write: %s", path, strerror(error));
}

int idem_writer_open(idem_writer *w, const char *path) {
    *w = (idem_writer){0};
    struct stat st;
    if (!*path || path[strlen(path) - 1] == '/')
        return idem_fail("\"%s\": is not a file name", path);
    /* A rename would replace the device or pipe itself. */
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return idem_fail("%s: is %s, expected a file name", path,
                         S_ISDIR(st.st_mode) ? "a folder" : "not a regular file");
    w->path = strdup(path);
    w->aside = aside_name(path);
    int fd = -1;
    if (!w->path || !w->aside)
        idem_fail_as(IDEM_MEMORY, "%s: out of memory for a file name", path);
    else
        fd = aside_open(path, w->aside);
    if (fd >= 0 && !(w->stream = fdopen(fd, "wb"))) {
        idem_fail_as(IDEM_MEMORY, "%s: out of memory for a stream", path);
        unlink(w->aside);
        close(fd);
    }
    if (w->stream)
        return 0;
    free(w->path);
    free(w->aside);
    *w = (idem_writer){0};
    return -1;
}

void idem_writer_make_private(idem_writer *w) {
    if (fchmod(fileno(w->stream), S_IRUSR | S_IWUSR))
        idem_log(IDEM_LOG_WARNING,
                 "%s: others may be able to read it (%s); keep it on a file system with access rights", w->path,
                 strerror(errno));
}

static void sync_folder(const char *path) {
    const char *slash = strrchr(path, '/');
    char *dir = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        fsync(fd); /* some file systems cannot; the file itself is synced */
        close(fd);
    }
    free(dir);
}

int idem_writer_commit(idem_writer *w) {
    bool ok = !ferror(w->stream);
    /* The stream remembers a failed write but not its reason: another write fails for the same reason. */
    if (!ok) {
        clearerr(w->stream);
        fputc(0, w->stream);
    }
    errno = 0;
    ok = fflush(w->stream) == 0 && ok && fsync(fileno(w->stream)) == 0 && rename(w->aside, w->path) == 0;
    if (!ok) {
        int error = errno ? errno : EIO;
        idem_fail_as(IDEM_INTERNAL, "%s: cannot write: %s; nothing was changed", w->path, strerror(error));
        idem_writer_abort(w);
        return -1;
    }
    sync_folder(w->path);
    fclose(w->stream);
    free(w->path);
    free(w->aside);
    *w = (idem_writer){0};
    return 0;
}

void idem_writer_abort(idem_writer *w) {
    if (!w->stream)
        return;
    unlink(w->aside);
    fclose(w->stream);
    free(w->path);
    free(w->aside);
    *w = (idem_writer){0};
}

int idem_file_write(const char *path, const void *data, size_t size) {
    idem_writer w;
    if (idem_writer_open(&w, path))
        return -1;
    if (size)
        fwrite(data, 1, size, w.stream); /* commit sees a failure in the stream */
    return idem_writer_commit(&w);
}

/* ---- folders ---- */

bool idem_path_is_dir(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool idem_path_exists(const char *path) {
    struct stat st;
    return stat(path, &st) == 0;
}

bool idem_path_same(const char *a, const char *b) {
    struct stat one, other;
    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_ino == other.st_ino && one.st_dev == other.st_dev;
}

int idem_dir_make(const char *path) {
    if (!*path)
        return idem_fail("\"\": is not a folder name");
    char *p = strdup(path);
    if (!p)
        return idem_fail_as(IDEM_MEMORY, "%s: out of memory for a folder name", path);
    for (char *c = p + 1;; c++) {
        if (*c && *c != '/')
            continue;
        char end = *c;
        *c = 0;
        int error = mkdir(p, 0777) ? errno : 0; /* before stat() changes errno */
        if (error && !idem_path_is_dir(p)) {
            if (error == EEXIST || error == ENOTDIR)
                idem_fail("%s: is not a folder, but a file of that name", p);
            else
                idem_fail_as(IDEM_INTERNAL, "%s: cannot make the folder: %s", p, strerror(error));
            free(p);
            return -1;
        }
        *c = end;
        if (!end)
            break;
    }
    free(p);
    return 0;
}

int idem_dir_enter(const char *path, bool *made) {
    const bool missing = !idem_path_exists(path);
    const int status = idem_dir_make(path);
    *made = missing && !status;
    return status;
}

void idem_dir_leave(const char *path, bool made) {
    if (made)
        rmdir(path); /* fails if anything is in it */
}

static bool has_suffix(const char *name, const char *suffixes) {
    if (!suffixes)
        return true;
    size_t n = strlen(name);
    for (const char *s = suffixes;; s++) {
        size_t k = strcspn(s, "|");
        if (k && k <= n && strncasecmp(name + n - k, s, k) == 0)
            return true;
        s += k;
        if (!*s)
            return false;
    }
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int idem_dir_list(const char *path, const char *suffixes, char ***names, size_t *count) {
    *names = NULL;
    *count = 0;
    DIR *dir = opendir(path);
    if (!dir)
        return idem_fail("%s: cannot list the folder: %s", path, strerror(errno));
    char **list = NULL;
    size_t n = 0, capacity = 0;
    bool memory = true;
    errno = 0;
    for (struct dirent *e; memory && (e = readdir(dir));) {
        if (e->d_name[0] != '.' && has_suffix(e->d_name, suffixes)) {
            if (n == capacity) {
                capacity = capacity ? capacity * 2 : 64;
                char **more = realloc(list, capacity * sizeof *list);
                if (!more) {
                    memory = false;
                    break;
                }
                list = more;
            }
            if ((list[n] = strdup(e->d_name)))
                n++;
            else
                memory = false;
        }
        errno = 0;
    }
    int error = errno;
    closedir(dir);
    if (!memory || error) {
        idem_names_free(list, n);
        return memory ? idem_fail("%s: cannot list the folder: %s", path, strerror(error))
                      : idem_fail_as(IDEM_MEMORY, "%s: out of memory for the list of its files", path);
    }
    if (n)
        qsort(list, n, sizeof *list, by_name);
    *names = list;
    *count = n;
    return 0;
}

void idem_names_free(char **names, size_t count) {
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

/* ---- paths ---- */

char *idem_path_join(const char *dir, const char *name) {
    size_t n = strlen(dir);
    bool slash = n && dir[n - 1] != '/';
    char *p = malloc(n + strlen(name) + 2);
    if (!p)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a path");
    sprintf(p, "%s%s%s", dir, slash ? "/" : "", name);
    return p;
}

char *idem_path_stem(const char *path) {
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path, *dot = strrchr(base, '.');
    char *p = dot && dot != base ? strndup(base, (size_t)(dot - base)) : strdup(base);
    if (!p)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a path");
    return p;
}
