#define _GNU_SOURCE
#include "support/http.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { WAIT = 120000 /* ms */, SLOW_MOST = 25 /* s */ };

static char host[64], token[64];
static int port;

/* ---- bytes ---- */

http_blob http_blob_of(const void *bytes, size_t size) {
    http_blob b = {malloc(size + 1), size};
    if (!b.bytes)
        exit(2);
    memcpy(b.bytes, bytes, size);
    b.bytes[size] = 0;
    return b;
}

http_blob http_join(http_blob a, http_blob b) {
    a.bytes = realloc(a.bytes, a.size + b.size + 1);
    if (!a.bytes)
        exit(2);
    memcpy(a.bytes + a.size, b.bytes, b.size);
    a.size += b.size;
    a.bytes[a.size] = 0;
    free(b.bytes);
    return a;
}

http_blob http_text(const char *format, ...) {
    http_blob b = {0};
    va_list list;
    va_start(list, format);
    const int n = vasprintf(&b.bytes, format, list);
    va_end(list);
    if (n < 0)
        exit(2);
    b.size = (size_t)n;
    return b;
}

http_blob http_repeated(const char *what, int n) {
    const size_t k = strlen(what);
    http_blob b = {malloc(k * (size_t)n + 1), k * (size_t)n};
    if (!b.bytes)
        exit(2);
    for (int i = 0; i < n; i++)
        memcpy(b.bytes + k * (size_t)i, what, k);
    b.bytes[b.size] = 0;
    return b;
}

/* ---- requests ---- */

int http_open(const char *url) {
    if (sscanf(url, "http://%60[^/]/?t=%60s", host, token) != 2 || !strchr(host, ':'))
        return -1;
    port = atoi(strchr(host, ':') + 1);
    return 0;
}

const char *http_token(void) {
    return token;
}

http_blob http_request(const char *head, http_blob body) {
    http_blob out = http_text("%s", "");
    while (*head) {
        const size_t plain = strcspn(head, "{");
        out = http_join(out, http_text("%.*s", (int)plain, head));
        head += plain;
        if (!strncmp(head, "{host}", 6))
            out = http_join(out, http_text("Host: %s\r\n", host));
        else if (!strncmp(head, "{auth}", 6))
            out = http_join(out, http_text("Host: %s\r\nAuthorization: Bearer %s\r\n", host, token));
        else if (!strncmp(head, "{length}", 8))
            out = http_join(out, http_text("Content-Length: %zu\r\n", body.size));
        head += *head ? strcspn(head, "}") + 1 : 0;
    }
    return http_join(out, body);
}

/* ---- sending ---- */

double http_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int connect_to(void) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    const struct timeval limit = {.tv_sec = WAIT / 1000};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (!connect(fd, (struct sockaddr *)&to, sizeof to))
        return fd;
    close(fd);
    return -1;
}

static void send_all(int fd, const char *bytes, size_t size) {
    while (size) {
        const ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);
        if (n <= 0)
            return; /* it was closed: the answer is looked at all the same */
        bytes += n;
        size -= (size_t)n;
    }
}

static bool is_closed(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 400) > 0;
}

/* The status; HTTP_CLOSED, HTTP_HANGS. answer: all of it; may be NULL. */
static int take_answer(int fd, http_blob *answer) {
    static const size_t most = 8 << 20;
    char *all = malloc(most);
    size_t size = 0;
    int status = HTTP_CLOSED;
    if (!all)
        exit(2);
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, WAIT) <= 0) {
            free(all);
            return HTTP_HANGS;
        }
        const ssize_t n = recv(fd, all + size, most - 1 - size, 0);
        if (n <= 0)
            break;
        size += (size_t)n;
    }
    all[size] = 0;
    if (size && sscanf(all, "HTTP/1.%*c %d", &status) != 1)
        status = HTTP_CLOSED;
    if (answer)
        *answer = (http_blob){all, size};
    else
        free(all);
    return status;
}

int http_ask(http_blob request, http_manner how, http_blob *answer) {
    const int fd = connect_to();
    if (fd < 0)
        return HTTP_NOT_THERE;
    int status = HTTP_CLOSED;
    if (how == HTTP_DRIPS) {
        const double start = http_now();
        for (size_t i = 0; i < request.size && !is_closed(fd) && http_now() - start < SLOW_MOST; i++)
            send_all(fd, request.bytes + i, 1);
        status = is_closed(fd) ? take_answer(fd, answer) : HTTP_HANGS;
    } else {
        send_all(fd, request.bytes, request.size);
        if (how == HTTP_HALF)
            shutdown(fd, SHUT_WR);
        if (how != HTTP_CUT)
            status = take_answer(fd, answer);
    }
    close(fd);
    return status;
}
