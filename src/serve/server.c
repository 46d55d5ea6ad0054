#define _GNU_SOURCE
#include "serve/server.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <malloc.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "serve/files.h"
#include "serve/form.h"
#include "serve/guard.h"
#include "serve/jobs.h"
#include "serve/work.h"

enum {
    CONNECTIONS = 96,        /* at the same time; further ones are closed */
    BODY_MOST = 64 << 20,    /* bytes of one request */
    BODIES_MOST = 192 << 20, /* of all current requests */
    RECEIVE_SECONDS = 10,    /* for a request to arrive */
    SEND_SECONDS = 60,       /* for sending an answer */
    STACK_BYTES = 2 << 20,   /* of a connection's thread: libraries need more than MHD's default */
    WATCH_MILLISECONDS = 200,
    PATH_MOST = 64
};

/* A connection, for the watch. */
typedef struct peer {
    struct peer *next;
    int fd;
    enum { RECEIVES, WORKS, SENDS } state;
    double since;  /* start of the state, seconds */
    idem_job *job; /* in the state WORKS */
} peer;

struct idem_server {
    struct MHD_Daemon *daemon;
    idem_guard guard;
    idem_jobs *jobs;
    idem_served_samples samples;
    char url[160];
    int loopback;         /* the address is this machine's alone */
    pthread_mutex_t lock; /* protects the fields below */
    peer *peers;
    size_t bodies; /* bytes announced by current requests */
    int ends;
    pthread_t watch;
};

typedef struct {
    idem_form form;
    idem_work *work;
    size_t size, received; /* of the body: announced, received */
    int answered;
} request;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- connections ---- */

static void enter_state(idem_server *s, peer *p, int state, idem_job *job) {
    pthread_mutex_lock(&s->lock);
    p->state = state;
    p->since = now();
    p->job = job;
    pthread_mutex_unlock(&s->lock);
}

static void on_connection(void *user, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code) {
    idem_server *s = user;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        peer *p = calloc(1, sizeof *p);
        *context = p;
        if (!p || !info)
            return;
        pthread_mutex_lock(&s->lock);
        *p = (peer){.next = s->peers, .fd = info->connect_fd, .since = now()};
        s->peers = p;
        pthread_mutex_unlock(&s->lock);
    } else if (*context) {
        pthread_mutex_lock(&s->lock);
        for (peer **at = &s->peers; *at; at = &(*at)->next)
            if (*at == *context) {
                *at = (*at)->next;
                break;
            }
        pthread_mutex_unlock(&s->lock);
        free(*context);
        *context = NULL;
    }
}

/* Under the lock. Closes slow connections; cancels work of disconnected clients. */
static void look_at(idem_server *s, peer *p, double time) {
    struct pollfd gone = {.fd = p->fd, .events = POLLRDHUP};
    if (p->state == WORKS) {
        if (p->job && poll(&gone, 1, 0) > 0 && gone.revents & (POLLRDHUP | POLLHUP | POLLERR))
            idem_jobs_cancel(s->jobs, p->job);
    } else if (time - p->since > (p->state == SENDS ? SEND_SECONDS : RECEIVE_SECONDS)) {
        shutdown(p->fd, SHUT_RDWR);
    }
}

static void *watch(void *user) {
    idem_server *s = user;
    for (;;) {
        pthread_mutex_lock(&s->lock);
        const int ends = s->ends;
        for (peer *p = s->peers; p; p = p->next)
            look_at(s, p, now());
        pthread_mutex_unlock(&s->lock);
        if (ends)
            return NULL;
        nanosleep(&(struct timespec){.tv_nsec = WATCH_MILLISECONDS * 1000000L}, NULL);
    }
}

static peer *peer_of(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

/* ---- answers ---- */

static void add_headers(struct MHD_Response *r, const char *type) {
    static const char *const headers[][2] = {
        {"Content-Security-Policy", "default-src 'self'; img-src 'self' blob:; base-uri 'none'; form-action 'self'; "
                                    "frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Cache-Control", "no-store"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        MHD_add_response_header(r, headers[i][0], headers[i][1]);
    MHD_add_response_header(r, "Content-Type", type);
}

static enum MHD_Result send_response(idem_server *s, struct MHD_Connection *c, int status, struct MHD_Response *r) {
    peer *p = peer_of(c);
    if (!r)
        return MHD_NO;
    if (p)
        enter_state(s, p, SENDS, NULL);
    const enum MHD_Result queued = MHD_queue_response(c, (unsigned)status, r);
    MHD_destroy_response(r);
    return queued;
}

/* Takes ownership of the answer's bytes. */
static enum MHD_Result send_answer(idem_server *s, struct MHD_Connection *c, idem_answer *a) {
    struct MHD_Response *r = MHD_create_response_from_buffer(a->size, a->bytes, MHD_RESPMEM_MUST_FREE);
    if (r) {
        add_headers(r, a->type);
        if (a->status == MHD_HTTP_SERVICE_UNAVAILABLE)
            MHD_add_response_header(r, "Retry-After", "2");
    } else {
        free(a->bytes);
    }
    return send_response(s, c, a->status, r);
}

static enum MHD_Result send_error(idem_server *s, struct MHD_Connection *c, int status, const char *kind,
                                  const char *message) {
    idem_answer a;
    idem_answer_error(&a, status, kind, message);
    return send_answer(s, c, &a);
}

static enum MHD_Result send_constant(idem_server *s, struct MHD_Connection *c, const idem_served_file *file) {
    struct MHD_Response *r = MHD_create_response_from_buffer(file->size, (void *)file->bytes, MHD_RESPMEM_PERSISTENT);
    if (r)
        add_headers(r, file->type);
    return send_response(s, c, MHD_HTTP_OK, r);
}

/* The printed address: the token moves into a cookie, and out of the browser's history. */
static enum MHD_Result send_cookie(idem_server *s, struct MHD_Connection *c) {
    char cookie[128];
    struct MHD_Response *r = MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
    snprintf(cookie, sizeof cookie, IDEM_GUARD_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict", s->guard.token);
    if (r) {
        add_headers(r, "text/plain");
        MHD_add_response_header(r, "Set-Cookie", cookie);
        MHD_add_response_header(r, "Location", "/");
    }
    return send_response(s, c, MHD_HTTP_SEE_OTHER, r);
}

/* ---- GET ---- */

static enum MHD_Result send_state(idem_server *s, struct MHD_Connection *c, const char *name) {
    idem_job_state state;
    int length;
    idem_answer a;
    const int found = !idem_jobs_look(s->jobs, name, &state, &length);
    idem_answer_json(&a, found ? json_pack("{s:i, s:i, s:s, s:i, s:i}", "queue", length, "before", state.before,
                                           "doing", state.doing, "done", state.done, "of", state.of)
                               : json_pack("{s:i}", "queue", length));
    return send_answer(s, c, &a);
}

static enum MHD_Result answer_get(idem_server *s, struct MHD_Connection *c, const char *path) {
    static const char jobs[] = "/jobs/";
    const char *token = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "t");
    if (!strcmp(path, "/") && idem_guard_knows(&s->guard, token))
        return send_cookie(s, c);
    if (!strncmp(path, jobs, sizeof jobs - 1))
        return send_state(s, c, path + sizeof jobs - 1);
    const idem_served_file *file = idem_served_find(&s->samples, path);
    if (file)
        return send_constant(s, c, file);
    if (idem_work_find(path))
        return send_error(s, c, MHD_HTTP_METHOD_NOT_ALLOWED, "request", "this path wants POST");
    return send_error(s, c, MHD_HTTP_NOT_FOUND, "request", "there is nothing at this path");
}

/* ---- POST ---- */

/* Reserves memory for the body among all current bodies; 0: not available now. */
static int reserve(idem_server *s, request *q, size_t size) {
    pthread_mutex_lock(&s->lock);
    const int there = s->bodies + size <= BODIES_MOST;
    if (there) {
        s->bodies += size;
        q->size = size;
    }
    pthread_mutex_unlock(&s->lock);
    return there;
}

static enum MHD_Result begin_post(idem_server *s, struct MHD_Connection *c, request *q, const char *path) {
    const char *length = MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    q->answered = 1; /* unless all checks pass */
    if (!(q->work = idem_work_find(path)))
        return send_error(s, c, MHD_HTTP_NOT_FOUND, "request", "there is nothing at this path");
    if (!length)
        return send_error(s, c, MHD_HTTP_LENGTH_REQUIRED, "request", "the request has no Content-Length");
    char *end;
    const unsigned long long size = strtoull(length, &end, 10);
    if (*end || size > BODY_MOST)
        return send_error(s, c, MHD_HTTP_CONTENT_TOO_LARGE, "request", "a request may have 64 MB at most");
    if (!reserve(s, q, (size_t)size))
        return send_error(s, c, MHD_HTTP_SERVICE_UNAVAILABLE, "busy", "too many pictures are being sent, try again");
    if (idem_form_open(&q->form, c))
        return send_error(s, c, MHD_HTTP_BAD_REQUEST, "request",
                          "the request is neither multipart/form-data nor application/x-www-form-urlencoded");
    q->answered = 0;
    return MHD_YES;
}

static enum MHD_Result finish_post(idem_server *s, struct MHD_Connection *c, request *q) {
    idem_job job = {0};
    idem_answer answer = {0};
    peer *p = peer_of(c);
    q->answered = 1;
    if (idem_form_finish(&q->form))
        return send_error(s, c, MHD_HTTP_BAD_REQUEST, "request", q->form.error);
    snprintf(job.name, sizeof job.name, "%.*s", IDEM_JOB_NAME - 1, q->form.settings[IDEM_FIELD_JOB]);
    if (p)
        enter_state(s, p, WORKS, &job);
    int full;
    idem_context *context = idem_jobs_enter(s->jobs, &job, &full);
    if (context) {
        q->work(context, &job, &q->form, &answer);
        idem_jobs_leave(&job);
    }
    if (p)
        enter_state(s, p, SENDS, NULL); /* the watch drops the job, which ends here */
    idem_form_free(&q->form);
    malloc_trim(0); /* pictures are large and rare */
    if (context)
        return send_answer(s, c, &answer);
    return full ? send_error(s, c, MHD_HTTP_SERVICE_UNAVAILABLE, "busy", "too many requests wait, try again")
                : send_error(s, c, MHD_HTTP_SERVICE_UNAVAILABLE, "interrupted", "the request was cancelled");
}

static enum MHD_Result add_body(request *q, const char *bytes, size_t *size) {
    q->received += *size;
    if (q->received > q->size)
        return MHD_NO; /* more than was announced */
    idem_form_add(&q->form, bytes, *size);
    *size = 0;
    return MHD_YES;
}

/* ---- every request ---- */

static const char *refuses(idem_server *s, struct MHD_Connection *c) {
    const idem_guard_request r = {
        .host = MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST),
        .origin = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Origin"),
        .site = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Sec-Fetch-Site"),
        .cookie = MHD_lookup_connection_value(c, MHD_COOKIE_KIND, IDEM_GUARD_COOKIE),
        .authorization = MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION),
        .query = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "t"),
    };
    return idem_guard_refuses(&s->guard, &r);
}

static enum MHD_Result begin(idem_server *s, struct MHD_Connection *c, request *q, const char *path,
                             const char *method) {
    const char *why = strlen(path) > PATH_MOST ? "the path is too long" : refuses(s, c);
    q->answered = 1;
    if (why)
        return send_error(s, c, MHD_HTTP_FORBIDDEN, "request", why);
    if (!strcmp(method, "POST"))
        return begin_post(s, c, q, path);
    if (!strcmp(method, "GET") || !strcmp(method, "HEAD"))
        return answer_get(s, c, path);
    return send_error(s, c, MHD_HTTP_METHOD_NOT_ALLOWED, "request", "only GET and POST are answered");
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *c, const char *path, const char *method,
                                  const char *version, const char *bytes, size_t *size, void **context) {
    (void)version;
    idem_server *s = user;
    request *q = *context;
    if (!q) {
        *context = q = calloc(1, sizeof *q);
        return q ? begin(s, c, q, path, method) : MHD_NO;
    }
    if (q->answered) {
        *size = 0;
        return MHD_YES;
    }
    return *size ? add_body(q, bytes, size) : finish_post(s, c, q);
}

static void on_end(void *user, struct MHD_Connection *c, void **context, enum MHD_RequestTerminationCode code) {
    (void)code;
    idem_server *s = user;
    request *q = *context;
    peer *p = peer_of(c);
    if (p)
        enter_state(s, p, RECEIVES, NULL); /* the next one */
    if (!q)
        return;
    idem_form_free(&q->form);
    pthread_mutex_lock(&s->lock);
    s->bodies -= q->size;
    pthread_mutex_unlock(&s->lock);
    free(q);
    *context = NULL;
}

/* Paths and the token need no escapes, and "/page.css%00.png" is not "/page.css". */
static size_t keep_escapes(void *user, struct MHD_Connection *c, char *text) {
    (void)user, (void)c;
    return strlen(text);
}

/* ---- the server ---- */

static int start(idem_server *s, const idem_server_options *o, char *error, size_t n) {
    struct sockaddr_storage address = {0};
    struct sockaddr_in *v4 = (void *)&address;
    struct sockaddr_in6 *v6 = (void *)&address;
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL;
    if (inet_pton(AF_INET, o->address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)o->port);
        s->loopback = ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    } else if (inet_pton(AF_INET6, o->address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)o->port);
        flags |= MHD_USE_IPv6;
        s->loopback = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
    } else {
        return snprintf(error, n, "\"%s\" is no address of IPv4 or IPv6 (127.0.0.1 is this machine alone)", o->address),
               -1;
    }
    static const struct in6_addr any = IN6ADDR_ANY_INIT;
    if (v4->sin_family == AF_INET ? !v4->sin_addr.s_addr : !memcmp(&v6->sin6_addr, &any, sizeof any))
        return snprintf(error, n,
                        "\"%s\" is every address of this machine, and requests must name the one in their Host: give "
                        "the address by which other machines reach this one",
                        o->address),
               -1;
    s->daemon = MHD_start_daemon(flags, (uint16_t)o->port, NULL, NULL, on_request, s, MHD_OPTION_SOCK_ADDR, &address,
                                 MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS, MHD_OPTION_NOTIFY_CONNECTION,
                                 on_connection, s, MHD_OPTION_NOTIFY_COMPLETED, on_end, s, MHD_OPTION_THREAD_STACK_SIZE,
                                 (size_t)STACK_BYTES, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
                                 MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    const union MHD_DaemonInfo *info = s->daemon ? MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (!info)
        return snprintf(error, n,
                        "cannot answer at %s, port %d: is another program there? --port 0 takes any that is "
                        "free",
                        o->address, o->port),
               -1;
    if (idem_guard_init(&s->guard, o->address, info->port, s->loopback))
        return snprintf(error, n, "the system gives no random numbers for the token"), -1;
    snprintf(s->url, sizeof s->url, "http://%s/?t=%s", s->guard.hosts[0], s->guard.token);
    return 0;
}

idem_server *idem_server_open(idem_context *context, const idem_server_options *o, char *error, size_t n) {
    idem_server *s = calloc(1, sizeof *s);
    if (!s || !(s->jobs = idem_jobs_new(context))) {
        snprintf(error, n, "memory is short");
        free(s);
        return NULL;
    }
    pthread_mutex_init(&s->lock, NULL);
    idem_served_open(&s->samples, o->samples);
    if (!start(s, o, error, n) && !pthread_create(&s->watch, NULL, watch, s))
        return s;
    s->ends = 1; /* there is no watch to wait for */
    idem_server_close(s);
    return NULL;
}

void idem_server_close(idem_server *s) {
    if (!s)
        return;
    const int watched = !s->ends;
    idem_jobs_end(s->jobs);
    if (s->daemon)
        MHD_stop_daemon(s->daemon);
    pthread_mutex_lock(&s->lock);
    s->ends = 1;
    pthread_mutex_unlock(&s->lock);
    if (watched)
        pthread_join(s->watch, NULL);
    idem_jobs_free(s->jobs);
    idem_served_close(&s->samples);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

const char *idem_server_url(const idem_server *s) {
    return s->url;
}

int idem_server_is_local(const idem_server *s) {
    return s->loopback;
}
