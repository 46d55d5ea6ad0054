#define _GNU_SOURCE
#include "serve/form.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POST_BUFFER = 65536 };

static const char *const picture_names[IDEM_FORM_PICTURES] = {"identity",    "identity2",   "identity3",
                                                              "identity4",   "attributes",  "attributes2",
                                                              "attributes3", "attributes4", "photograph"};
static const char *const setting_names[IDEM_FORM_SETTINGS] = {
    "face", "refine", "keep_size", "input", "steps", "space", "job", "similarity", "hide", "seed", "report"};

static int find(const char *const *names, int n, const char *name) {
    for (int i = 0; i < n; i++)
        if (!strcmp(names[i], name))
            return i;
    return -1;
}

static void wrong(idem_form *f, const char *what, const char *name) {
    if (!*f->error)
        snprintf(f->error, sizeof f->error, "%s: %s", name, what);
}

static int add_picture(idem_form *f, int i, const char *data, uint64_t at, size_t size) {
    idem_form_picture *p = &f->pictures[i];
    if (at != p->size)
        return wrong(f, "sent twice", picture_names[i]), -1;
    if (p->size + size + 1 > p->capacity) {
        const size_t capacity = p->size + size + 1 > 2 * p->capacity ? p->size + size + 1 : 2 * p->capacity;
        unsigned char *more = realloc(p->bytes, capacity);
        if (!more)
            return wrong(f, "memory is short", picture_names[i]), -1;
        p->bytes = more;
        p->capacity = capacity;
    }
    memcpy(p->bytes + p->size, data, size);
    p->size += size;
    return 0;
}

static int add_setting(idem_form *f, int i, const char *data, uint64_t at, size_t size) {
    char *text = f->settings[i];
    if (at != strlen(text))
        return wrong(f, "sent twice", setting_names[i]), -1;
    if (at + size >= IDEM_FORM_SETTING || memchr(data, 0, size))
        return wrong(f, "is no such setting", setting_names[i]), -1;
    memcpy(text + at, data, size);
    text[at + size] = 0;
    return 0;
}

static enum MHD_Result take(void *user, enum MHD_ValueKind kind, const char *key, const char *filename,
                            const char *type, const char *encoding, const char *data, uint64_t at, size_t size) {
    (void)kind, (void)filename, (void)type, (void)encoding;
    idem_form *f = user;
    const int picture = find(picture_names, IDEM_FORM_PICTURES, key ? key : "");
    const int setting = find(setting_names, IDEM_FORM_SETTINGS, key ? key : "");
    int status = -1;
    if (*f->error)
        return MHD_NO;
    if (picture >= 0)
        status = add_picture(f, picture, data, at, size);
    else if (setting >= 0)
        status = add_setting(f, setting, data, at, size);
    else
        wrong(f, "has a field that no request knows (docs/serve.md)", "the form");
    return status ? MHD_NO : MHD_YES;
}

int idem_form_open(idem_form *f, struct MHD_Connection *connection) {
    *f = (idem_form){.post = MHD_create_post_processor(connection, POST_BUFFER, take, f)};
    return f->post ? 0 : -1;
}

void idem_form_add(idem_form *f, const char *bytes, size_t size) {
    if (!*f->error && MHD_post_process(f->post, bytes, size) != MHD_YES)
        wrong(f, "cannot be read", "the form");
}

int idem_form_finish(idem_form *f) {
    const enum MHD_Result whole = f->post ? MHD_destroy_post_processor(f->post) : MHD_YES;
    f->post = NULL;
    if (whole != MHD_YES)
        wrong(f, "it is cut off", "the form");
    return *f->error ? -1 : 0;
}

void idem_form_free(idem_form *f) {
    if (f->post)
        MHD_destroy_post_processor(f->post);
    for (int i = 0; i < IDEM_FORM_PICTURES; i++)
        free(f->pictures[i].bytes);
    *f = (idem_form){0};
}

int idem_form_number(idem_form *f, int setting, int least, int most, int otherwise, int *value) {
    const char *text = f->settings[setting];
    *value = otherwise;
    if (!*text)
        return 0;
    char *end;
    errno = 0;
    const long x = strtol(text, &end, 10);
    if (!*end && !errno && x >= least && x <= most) {
        *value = (int)x;
        return 0;
    }
    snprintf(f->error, sizeof f->error, "%s: is not a whole number from %d to %d", setting_names[setting], least, most);
    return -1;
}

int idem_form_real(idem_form *f, int setting, double least, double most, double *value) {
    const char *text = f->settings[setting];
    *value = NAN;
    if (!*text)
        return 0;
    char *end;
    const double x = strtod(text, &end);
    if (!*end && x >= least && x <= most) {
        *value = x;
        return 0;
    }
    snprintf(f->error, sizeof f->error, "%s: is not a number from %g to %g", setting_names[setting], least, most);
    return -1;
}

int idem_form_choice(idem_form *f, int setting, const char *const *choices, int n, int *value) {
    *value = *f->settings[setting] ? find(choices, n, f->settings[setting]) : 0;
    if (*value >= 0)
        return 0;
    snprintf(f->error, sizeof f->error, "%s: is none of %s%s%s%s%s", setting_names[setting], choices[0],
             n > 1 ? ", " : "", n > 1 ? choices[1] : "", n > 2 ? ", " : "", n > 2 ? choices[2] : "");
    return -1;
}

const char *idem_form_picture_name(int picture) {
    return picture_names[picture];
}

int idem_form_wants(idem_form *f, int picture) {
    if (f->pictures[picture].size)
        return 0;
    wrong(f, "a picture must be sent", picture_names[picture]);
    return -1;
}
