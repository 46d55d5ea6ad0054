/* The form of idem serve through libmicrohttpd, as a request brings it: the first byte chooses the kind and the size of
 * the pieces, the rest is the body. Seeds: multipart, words. */
#define _GNU_SOURCE
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>

#include "serve/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    idem_form form;
    size_t piece; /* bytes that the form gets at a time */
    int begun, done;
} request;

static void check_picture(idem_form *f, int i) {
    const idem_form_picture *p = &f->pictures[i];
    if (p->size > p->capacity || (p->size && !p->bytes) || !idem_form_wants(f, i) != (p->size > 0))
        abort();
}

/* What is taken from it is in its range. */
static void check_settings(idem_form *f) {
    static const char *const choices[] = {"auto", "photo", "aligned"};
    for (int i = 0; i < IDEM_FORM_SETTINGS; i++) {
        int n;
        double x;
        if (strnlen(f->settings[i], IDEM_FORM_SETTING) == IDEM_FORM_SETTING)
            abort();
        if (!idem_form_number(f, i, -1, 200, 7, &n) && (n < -1 || n > 200))
            abort();
        if (!idem_form_real(f, i, -0.2, 1, &x) && !(isnan(x) ? !*f->settings[i] : x >= -0.2 && x <= 1))
            abort();
        if (!idem_form_choice(f, i, choices, 3, &n) && (n < 0 || n > 2))
            abort();
    }
    for (int i = 0; i < IDEM_FORM_PICTURES; i++)
        check_picture(f, i);
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *c, const char *path, const char *method,
                                  const char *version, const char *bytes, size_t *size, void **context) {
    (void)path, (void)method, (void)version, (void)context;
    request *q = user;
    if (!q->begun) {
        q->begun = 1;
        q->done = idem_form_open(&q->form, c) != 0;
        return q->done ? MHD_NO : MHD_YES;
    }
    for (size_t at = 0; at < *size; at += q->piece)
        idem_form_add(&q->form, bytes + at, *size - at < q->piece ? *size - at : q->piece);
    if (*size) {
        *size = 0;
        return MHD_YES;
    }
    if (!idem_form_finish(&q->form) != !*q->form.error)
        abort();
    check_settings(&q->form);
    q->done = 1;
    return MHD_NO; /* closes it */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const types[] = {"multipart/form-data; boundary=xx", "application/x-www-form-urlencoded"};
    static struct MHD_Daemon *daemon;
    static request q;
    if (!daemon)
        daemon = MHD_start_daemon(MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, on_request, &q, MHD_OPTION_END);
    const struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char head[200];
    int fd[2];
    if (!daemon || size < 1 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd))
        return 0;
    const int n =
        snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                 types[data[0] & 1], size - 1);
    q = (request){.piece = (size_t)(data[0] >> 1) + 1};
    if (send(fd[1], head, (size_t)n, MSG_NOSIGNAL) == n && send(fd[1], data + 1, size - 1, MSG_NOSIGNAL) >= 0 &&
        MHD_add_connection(daemon, fd[0], (const struct sockaddr *)&from, sizeof from) == MHD_YES)
        for (int i = 0; i < 100 && !q.done; i++)
            MHD_run(daemon);
    close(fd[1]);
    MHD_run(daemon);
    idem_form_free(&q.form);
    return 0;
}
