#define _GNU_SOURCE
#include "measure/pair_list.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"

enum { LIST_MAX = 1 << 26 /* bytes */, FIELDS = 4, TOO_MANY = FIELDS + 1 };

typedef struct {
    const char *name, *root;
    int line;
    bool lfw;
} reader;

static int out_of_memory(const reader *r) {
    return idem_fail_as(IDEM_MEMORY, "%s: out of memory for its pairs", r->name);
}

/* ---- fields of a line ---- */

/* A quoted field, after its opening quote; unquoted in place. NULL: no closing quote. */
static char *unquote(char *at) {
    char *to = at;
    for (; *at; at++) {
        if (*at == '"' && *++at != '"') {
            *to = 0;
            return at;
        }
        *to++ = *at;
    }
    return NULL;
}

/* The separators: tabs if there are two or more, so that names may have blanks; else both. */
static const char *separators(const char *line) {
    int tabs = 0;
    for (const char *at = line; (at = strchr(at, '\t')); at += strspn(at, " \t"))
        tabs++;
    return tabs >= 2 ? "\t" : " \t";
}

static void drop_blanks(char *begin, char *end) {
    while (end > begin && (end[-1] == ' ' || end[-1] == '\t'))
        *--end = 0;
}

/* Splits the line. Returns the number of fields; TOO_MANY; -1: a quote without its partner, or an empty name. */
static int split(char *line, char *field[FIELDS]) {
    drop_blanks(line, line + strlen(line));
    line += strspn(line, " \t");
    const char *between = separators(line);
    int n = 0;
    for (char *at = line; *at && !(*at == '#' && (n == 0 || n >= 3)); at += strspn(at, " \t")) {
        if (n == FIELDS)
            return TOO_MANY;
        const bool quoted = *at == '"';
        char *end = quoted ? unquote(at + 1) : at + strcspn(at, between);
        if (!end || !strchr(" \t", *end)) /* strchr also finds the line's end */
            return -1;
        field[n] = at + quoted;
        at = *end ? end + 1 : end;
        *end = 0;
        if (!quoted)
            drop_blanks(field[n], end);
        if (!*field[n++])
            return -1;
    }
    return n;
}

/* A whole number from 1; 0: none. */
static int count_of(const char *text) {
    char *end;
    const long n = *text >= '0' && *text <= '9' ? strtol(text, &end, 10) : 0;
    return n >= 1 && n <= 100000000 && !*end ? (int)n : 0;
}

/* ---- pairs ---- */

static char *path_of(const reader *r, const char *path) {
    return *path == '/' ? strdup(path) : idem_path_join(r->root, path);
}

static char *lfw_path(const reader *r, const char *name, int number) {
    char *path, *full;
    if (asprintf(&path, "%s/%s_%04d.jpg", name, name, number) < 0)
        return NULL;
    full = path_of(r, path);
    free(path);
    return full;
}

static int add_paths(idem_listed_pair *p, const reader *r, char *field[FIELDS], int n) {
    if (n != 3 || (strcmp(field[2], "0") && strcmp(field[2], "1")))
        return idem_fail(
            "%s: line %d is not two paths and 1 (one person) or 0 (two), between blanks or tabs; a path with "
            "blanks goes between tabs or in double quotes",
            r->name, r->line);
    *p = (idem_listed_pair){.path = {path_of(r, field[0]), path_of(r, field[1])}, .same = *field[2] == '1'};
    return p->path[0] && p->path[1] ? 0 : out_of_memory(r);
}

static int add_lfw(idem_listed_pair *p, const reader *r, char *field[FIELDS], int n) {
    const int a = n >= 3 ? count_of(field[1]) : 0, b = n == 3 ? count_of(field[2]) : n == 4 ? count_of(field[3]) : 0;
    if (!a || !b)
        return idem_fail(
            "%s: line %d is not \"Name 1 4\" or \"Name 1 Other 2\", as a list that begins with numbers has", r->name,
            r->line);
    *p = (idem_listed_pair){.path = {lfw_path(r, field[0], a), lfw_path(r, field[n == 3 ? 0 : 2], b)}, .same = n == 3};
    return p->path[0] && p->path[1] ? 0 : out_of_memory(r);
}

/* LFW's first line. */
static bool announces(idem_pair_list *list, char *field[FIELDS], int n) {
    const int a = n >= 1 ? count_of(field[0]) : 0, b = n == 2 ? count_of(field[1]) : 1;
    if (n > 2 || !a || !b)
        return false;
    list->announced = 2 * (int64_t)a * b;
    return true;
}

static int add_line(idem_pair_list *list, reader *r, char *line, bool *first) {
    char *field[FIELDS];
    const int n = split(line, field);
    if (n < 0)
        return idem_fail(
            "%s: line %d has an empty name or a double quote without its partner; a name that begins with one "
            "is written \"\"\"name\"",
            r->name, r->line);
    if (n == 0)
        return 0;
    const bool begins = *first;
    *first = false;
    if (begins && (r->lfw = announces(list, field, n)))
        return 0;
    idem_listed_pair *p = &list->pairs[list->n++];
    return r->lfw ? add_lfw(p, r, field, n) : add_paths(p, r, field, n);
}

/* ---- text ---- */

/* The encoding of unsupported text, for the message. */
static int check_text(const char *name, const char *text, size_t size) {
    static const struct {
        const char *mark, *name;
        size_t size;
    } marks[] = {{"\xff\xfe\0\0", "UTF-32", 4},
                 {"\0\0\xfe\xff", "UTF-32", 4},
                 {"\xff\xfe", "UTF-16", 2},
                 {"\xfe\xff", "UTF-16", 2}};
    const char *kind = NULL;
    for (size_t i = 0; i < sizeof marks / sizeof *marks && !kind; i++)
        if (size >= marks[i].size && !memcmp(text, marks[i].mark, marks[i].size))
            kind = marks[i].name;
    if (!kind && size >= 2 && !text[0] != !text[1])
        kind = "UTF-16";
    if (kind)
        return idem_fail("%s: is text in %s, expected UTF-8; save it as that", name, kind);
    const char *zero = memchr(text, 0, size);
    int line = 1;
    for (const char *at = text; zero && at < zero; at++)
        line += *at == '\n';
    return zero ? idem_fail("%s: line %d has a 0 byte: it is no text", name, line) : 0;
}

static size_t count_lines(const char *text) {
    size_t n = 1;
    for (; *text; text++)
        n += *text == '\n' || *text == '\r';
    return n;
}

/* Cuts off the next line and advances *rest; NULL: no further line. */
static char *next_line(char **rest) {
    char *line = *rest;
    if (!line)
        return NULL;
    char *end = line + strcspn(line, "\r\n");
    *rest = !*end ? NULL : end + (end[0] == '\r' && end[1] == '\n' ? 2 : 1);
    *end = 0;
    return line;
}

int idem_pair_list_parse(idem_pair_list *list, char *text, size_t size, const char *name, const char *root) {
    *list = (idem_pair_list){0};
    reader r = {.name = name, .root = root};
    if (check_text(name, text, size))
        return -1;
    char *rest = text + (strncmp(text, "\xef\xbb\xbf", 3) ? 0 : 3);
    const size_t capacity = count_lines(rest);
    list->pairs = capacity <= INT_MAX ? calloc(capacity, sizeof *list->pairs) : NULL;
    int status = list->pairs ? 0 : out_of_memory(&r);
    bool first = true;
    for (char *line; !status && (line = next_line(&rest));) {
        r.line++;
        status = add_line(list, &r, line, &first);
    }
    if (status)
        idem_pair_list_free(list);
    return status;
}

int idem_pair_list_read(idem_pair_list *list, const char *file, const char *root) {
    *list = (idem_pair_list){0};
    unsigned char *text;
    size_t size;
    if (idem_file_read(file, LIST_MAX, &text, &size))
        return -1;
    const char *slash = strrchr(file, '/');
    char *folder = slash ? strndup(file, (size_t)(slash - file) + 1) : strdup("");
    int status = folder ? idem_pair_list_parse(list, (char *)text, size, file, root ? root : folder)
                        : idem_fail_as(IDEM_MEMORY, "%s: out of memory for its pairs", file);
    free(folder);
    free(text);
    return status;
}

void idem_pair_list_free(idem_pair_list *list) {
    for (int i = 0; i < list->n; i++)
        for (int k = 0; k < 2; k++)
            free(list->pairs[i].path[k]);
    free(list->pairs);
    *list = (idem_pair_list){0};
}
