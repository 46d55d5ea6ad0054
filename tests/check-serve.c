/* Stands before a running idem serve: 200 requests at once, then N that mean harm (slow, cut, huge, forged, crooked,
 * bombs). Each must be answered as it deserves or closed, and the server must afterwards give the same answer as
 * before, with little more memory.
 *     check-serve URL PID N MEGABYTES PICTURE     URL: as idem serve prints it; PICTURE: a PNG with a face */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/file.h"
#include "support/http.h"

enum { AT_ONCE = 200, WORKERS = 24 /* fewer than may wait in the queue */, BIG = 60 << 20 };

/* ---- requests ---- */

#define LAST "Connection: close\r\n\r\n"

#define FORM "{auth}Content-Type: multipart/form-data; boundary=xxxxxxxx\r\n{length}" LAST
#define PART(name) "--xxxxxxxx\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n"
#define END "\r\n--xxxxxxxx--\r\n"

static http_blob form(const char *name, http_blob picture) {
    return http_join(
        http_join(
            http_text("--xxxxxxxx\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"../../a.png\"\r\n\r\n",
                      name),
            picture),
        http_text(END));
}

/* ---- bombs ---- */

static http_blob chunk(const char *name, const void *bytes, size_t size) {
    http_blob b = http_join(http_blob_of(name, 4), http_blob_of(bytes, size));
    const uint32_t crc = htonl((uint32_t)crc32(0, (const Bytef *)b.bytes, (uInt)b.size)),
                   length = htonl((uint32_t)size);
    return http_join(http_blob_of(&length, 4), http_join(b, http_blob_of(&crc, 4)));
}

static http_blob squeezed(size_t size) { /* zeros */
    uLongf room = compressBound(size);
    Bytef *zeros = calloc(size, 1), *out = malloc(room);
    if (!zeros || !out || compress2(out, &room, zeros, size, 9))
        exit(2);
    http_blob b = http_blob_of(out, room);
    free(zeros);
    free(out);
    return b;
}

/* A grey PNG that says that it is so large, with so many bytes of zeros in its data, and of zeros in a text. */
static http_blob png(uint32_t width, uint32_t height, size_t data, size_t words) {
    uint8_t head[13] = {0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0};
    const uint32_t w = htonl(width), h = htonl(height);
    memcpy(head, &w, 4);
    memcpy(head + 4, &h, 4);
    http_blob b = http_join(http_blob_of("\x89PNG\r\n\x1a\n", 8), chunk("IHDR", head, sizeof head));
    if (words) {
        http_blob z = http_join(http_blob_of("Comment\0", 9), squeezed(words));
        b = http_join(b, chunk("zTXt", z.bytes, z.size));
        z = http_join(http_blob_of("icc\0", 5), squeezed(words));
        b = http_join(b, chunk("iCCP", z.bytes, z.size));
    }
    http_blob z = squeezed(data);
    b = http_join(b, chunk("IDAT", z.bytes, z.size));
    free(z.bytes);
    return http_join(b, chunk("IEND", "", 0));
}

/* ---- what means harm ---- */

typedef struct {
    const char *name;
    http_blob bytes;
    http_manner how;
    const char *right; /* statuses that are; it may also be closed, or 503 */
    int one_in;        /* how seldom it comes: it takes long */
} hostile;

static hostile list[100];
static int n_list;

static void add(const char *name, http_blob bytes, http_manner how, const char *right, int one_in) {
    list[n_list++] = (hostile){name, bytes, how, right, one_in};
}

static void add_forged(void) {
    static const char *const heads[] = {
        "GET / HTTP/1.1\r\n{host}" LAST,
        "GET /?t=0123456789abcdef0123456789abcdef HTTP/1.1\r\n{host}" LAST,
        "GET / HTTP/1.1\r\n{host}Cookie: idem=0123456789abcdef0123456789abcdef\r\n" LAST,
        "GET / HTTP/1.1\r\n{host}Cookie: idem=; idem; =; ;;;\r\n" LAST,
        "GET / HTTP/1.1\r\n{auth}Origin: http://evil.example\r\n" LAST,
        "GET / HTTP/1.1\r\n{auth}Origin: null\r\n" LAST,
        "GET / HTTP/1.1\r\n{auth}Sec-Fetch-Site: cross-site\r\n" LAST,
        "POST /faces HTTP/1.1\r\n{host}Content-Length: 5\r\n" LAST "hello",
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        add("forged", http_request(heads[i], http_text("%s", "")), HTTP_PLAIN, "400 403", 1);
    add("wrong Host",
        http_text("GET / HTTP/1.1\r\nHost: evil.example\r\nAuthorization: Bearer %s\r\n" LAST, http_token()),
        HTTP_PLAIN, "403", 1);
    add("no Host", http_text("GET / HTTP/1.1\r\nAuthorization: Bearer %s\r\n" LAST, http_token()), HTTP_PLAIN,
        "400 403", 1);
}

static void add_paths(void) {
    static const char *const paths[] = {"/../../../../etc/passwd",
                                        "/%2e%2e/%2e%2e/etc/passwd",
                                        "/samples/..%2f..%2fREADME.md",
                                        "//etc/passwd",
                                        "/page.html",
                                        "/compose/../page.css/..",
                                        "/samples/identities/1.png/",
                                        "/%00",
                                        "/page.css%00.png",
                                        "/\\..\\..\\etc",
                                        "/~",
                                        "file:///etc/passwd"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        add("path",
            http_join(http_text("GET %s HTTP/1.1\r\n", paths[i]), http_request("{auth}" LAST, http_text("%s", ""))),
            HTTP_PLAIN, "400 403 404", 1);
    add("long path",
        http_join(http_join(http_text("GET "), http_repeated("/a", 9000)),
                  http_request(" HTTP/1.1\r\n{auth}" LAST, http_text("%s", ""))),
        HTTP_PLAIN, "400 403 414 431", 1);
}

static void add_lines(void) {
    static const char *const heads[] = {"PUT / HTTP/1.1\r\n{auth}" LAST,        "TRACE / HTTP/1.1\r\n{auth}" LAST,
                                        "CONNECT a:1 HTTP/1.1\r\n{auth}" LAST,  "OPTIONS * HTTP/1.1\r\n{auth}" LAST,
                                        "GET /compose HTTP/1.1\r\n{auth}" LAST, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                                        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc", "GET / HTTP/9.9\r\n{auth}" LAST,
                                        "\r\n\r\n\r\nnothing\r\n\r\n"};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        add("first line", http_request(heads[i], http_text("%s", "")), HTTP_HALF, "400 404 405 501 505", 1);
    add("long header", http_join(http_text("GET / HTTP/1.1\r\nX: "), http_repeated("abcdefgh", 20000)), HTTP_HALF,
        "400 413 431", 1);
    add("many headers", http_join(http_text("GET / HTTP/1.1\r\n"), http_repeated("A: b\r\n", 20000)), HTTP_HALF,
        "400 413 431", 1);
}

static void add_lengths(void) {
    static const char *const lengths[] = {"Content-Length: 67108865",
                                          "Content-Length: 99999999999999",
                                          "Content-Length: 18446744073709551617",
                                          "Content-Length: -5",
                                          "Content-Length: 12abc",
                                          "Content-Length: 5\r\nContent-Length: 70000000",
                                          "Transfer-Encoding: chunked",
                                          "Transfer-Encoding: chunked\r\nContent-Length: 5",
                                          "Content-Length: 67108865\r\nExpect: 100-continue"};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        add("length",
            http_join(http_request("POST /faces HTTP/1.1\r\n{auth}", http_text("%s", "")),
                      http_text("Content-Type: multipart/form-data; boundary=xxxxxxxx\r\n%s\r\n" LAST "5\r\nhello\r\n",
                                lengths[i])),
            HTTP_HALF, "400 411 413", 1);
    add("huge",
        http_request("POST /faces HTTP/1.1\r\n" FORM, form("attributes", http_repeated("0123456789", BIG / 10))),
        HTTP_PLAIN, "422", 40);
}

static void add_forms(void) {
    static const char *const bodies[] = {
        "",
        "--xxxxxxxx",
        "--xxxxxxxx--\r\n",
        PART("identity") "abc",
        PART("unknown") "abc" END,
        PART("attributes") "abc\r\n" PART("attributes") "abc" END,
        PART("attributes") "GIF89a" END,
        PART("face") "99999999999999999999999999999999999999999999999999999999999999" END,
        PART("similarity") "nan" END,
        "--xxxxxxxx\r\nContent-Disposition: form-data\r\n\r\nabc" END,
        "--xxxxxxxx\r\nContent-Disposition: form-data; name=\"\r\n\r\nabc" END,
        "--xxxxxxxx\r\nContent-Type: multipart/mixed; boundary=yyyy\r\nContent-Disposition: form-data; "
        "name=\"attributes\"\r\n\r\n--yyyy\r\n\r\nabc\r\n--yyyy--" END,
        "--xxxxxxxx\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: form-data; "
        "name=\"attributes\"\r\n\r\nQUJD" END,
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        add("form", http_request("POST /faces HTTP/1.1\r\n" FORM, http_text("%s", bodies[i])), HTTP_PLAIN, "400 422",
            1);
    add("many parts", http_request("POST /faces HTTP/1.1\r\n" FORM, http_repeated("--xxxxxxxx\r\n\r\n\r\n", 20000)),
        HTTP_PLAIN, "400", 1);
    add("long name",
        http_request(
            "POST /faces HTTP/1.1\r\n" FORM,
            http_join(http_text("--xxxxxxxx\r\nContent-Disposition: form-data; name=\""), http_repeated("a", 200000))),
        HTTP_PLAIN, "400", 1);
    static const char *const types[] = {"multipart/form-data",
                                        "multipart/form-data; boundary=", "multipart/form-data; boundary=\"",
                                        "application/json", "text/plain"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        add("type",
            http_join(http_request("POST /faces HTTP/1.1\r\n{auth}", http_text("%s", "")),
                      http_text("Content-Length: 8\r\nContent-Type: %s\r\n" LAST "--xxxxxx", types[i])),
            HTTP_PLAIN, "400", 1);
    add("words",
        http_request("POST /faces HTTP/1.1\r\n{auth}Content-Type: application/x-www-form-urlencoded\r\n{length}" LAST,
                     http_join(http_text("attributes=%%%%%%zz&&&=&"), http_repeated("attributes=%00&", 5000))),
        HTTP_PLAIN, "400 422", 1);
}

static void add_bombs(void) {
    static const char jpeg[] =
        "\xff\xd8\xff\xc0\x00\x0b\x08\xff\xdc\xff\xdc\x01\x01\x11\x00\xff\xda\x00\x08\x01\x01\x00\x00?\x00";
    static const char webp[] =
        "RIFF\x1e\x00\x00\x00WEBPVP8L\x11\x00\x00\x00\x2f\xff\xff\xff\x0f\x00\x00\x00\x00\x00\x00\x00";
    const char *const post = "POST /faces HTTP/1.1\r\n" FORM;
    add("bomb", http_request(post, form("attributes", png(65535, 65535, 1000, 0))), HTTP_PLAIN, "422", 1);
    add("bomb", http_request(post, form("attributes", png(20001, 10000, 200u << 20, 0))), HTTP_PLAIN, "422", 1);
    add("bomb", http_request(post, form("attributes", png(0x7fffffff, 0x7fffffff, 10, 0))), HTTP_PLAIN, "422", 1);
    add("bomb", http_request(post, form("attributes", png(9000, 9000, 1000, 0))), HTTP_PLAIN, "422", 10);
    add("bomb", http_request(post, form("attributes", png(4, 4, 200u << 20, 100u << 20))), HTTP_PLAIN, "200 422", 1);
    add("bomb", http_request(post, form("attributes", http_blob_of(jpeg, sizeof jpeg - 1))), HTTP_PLAIN, "422", 1);
    add("bomb", http_request(post, form("attributes", http_blob_of(webp, sizeof webp - 1))), HTTP_PLAIN, "422", 1);
    add("bomb", http_request("POST /anonymise HTTP/1.1\r\n" FORM, form("photograph", png(14000, 14000, 1000, 0))),
        HTTP_PLAIN, "422", 40);
    add("zipped",
        http_request("POST /faces HTTP/1.1\r\n{auth}Content-Encoding: gzip\r\nContent-Type: multipart/form-data; "
                     "boundary=xxxxxxxx\r\n{length}" LAST,
                     squeezed(50u << 20)),
        HTTP_PLAIN, "400", 1);
}

static void add_cut(http_blob good) {
    add("cut", http_blob_of(good.bytes, good.size / 2), HTTP_CUT, "", 1);
    add("cut", http_blob_of(good.bytes, good.size), HTTP_CUT, "", 1); /* whole, but nobody waits */
    add("cut", http_blob_of(good.bytes, good.size / 3), HTTP_HALF, "400", 5);
    add("slow", http_blob_of(good.bytes, 30), HTTP_DRIPS, "408", 20);
    add("slow",
        http_request("POST /faces HTTP/1.1\r\n{auth}Content-Type: multipart/form-data; boundary=xxxxxxxx\r\n"
                     "Content-Length: 99\r\n" LAST,
                     http_text("%s", "")),
        HTTP_PLAIN, "408", 20);
}

/* ---- runs ---- */

static int n_hostile, next_hostile, n_bad, counts[100][700];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static http_blob good;
static int at_once[3]; /* 200; 503; closed */

static bool is_right(const hostile *h, int status) {
    char word[16];
    snprintf(word, sizeof word, "%d", status);
    return status == HTTP_CLOSED || status == 503 || (status > 0 && strstr(h->right, word));
}

static void *be_hostile(void *unused) {
    for (;;) {
        pthread_mutex_lock(&lock);
        const int i = next_hostile++;
        pthread_mutex_unlock(&lock);
        if (i >= n_hostile)
            return unused;
        int k = i % n_list;
        if ((i / n_list) % list[k].one_in)
            k = i % 10; /* one of the quick ones instead */
        const int status = http_ask(list[k].bytes, list[k].how, NULL);
        pthread_mutex_lock(&lock);
        counts[k][status < 0 ? -status : status]++;
        if (!is_right(&list[k], status)) {
            if (n_bad++ < 20)
                printf("wrong: \"%s\" (%d) was answered %d, expected %s\n", list[k].name, k, status, list[k].right);
        }
        pthread_mutex_unlock(&lock);
    }
}

static void *be_good(void *gate) {
    pthread_barrier_wait(gate);
    const int status = http_ask(good, HTTP_PLAIN, NULL);
    pthread_mutex_lock(&lock);
    at_once[status == 200 ? 0 : status == 503 ? 1 : 2]++;
    if (status != 200 && status != 503 && status != HTTP_CLOSED) {
        n_bad++;
        printf("wrong: one of %d at once was answered %d\n", AT_ONCE, status);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void run(int n, void *(*work)(void *), void *with) {
    pthread_t threads[AT_ONCE];
    for (int i = 0; i < n; i++)
        if (pthread_create(&threads[i], NULL, work, with))
            exit(2);
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
}

/* Megabytes in memory; files that are open. */
static double memory_of(int pid, int *files) {
    char path[64], line[200];
    long kilobytes = 0;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        sscanf(line, "VmRSS: %ld", &kilobytes);
    if (f)
        fclose(f);
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *d = opendir(path);
    *files = 0;
    while (d && readdir(d))
        ++*files;
    if (d)
        closedir(d);
    return (double)kilobytes / 1024;
}

static int settled(int pid, double before, double most, int files_before) {
    double after = 0;
    int files = 0;
    for (int i = 0; i < 100; i++) { /* the last of those that left are still worked for */
        after = memory_of(pid, &files);
        if (after - before <= most && files <= files_before + 1)
            break;
        usleep(200000);
    }
    printf("memory %.0f MB before, %.0f MB after; %d files open before, %d after\n", before, after, files_before,
           files);
    return after > 0 && after - before <= most && files <= files_before + 1 ? 0 : -1;
}

static int body_differs(const http_blob *a, const http_blob *b) {
    const char *p = strstr(a->bytes, "\r\n\r\n"), *q = strstr(b->bytes, "\r\n\r\n");
    return !p || !q || strcmp(p, q);
}

static void print_counts(void) {
    for (int i = 0; i < n_list; i++) {
        int sum[700] = {0}, k = i;
        if (i && !strcmp(list[i].name, list[i - 1].name))
            continue;
        for (; k < n_list && !strcmp(list[k].name, list[i].name); k++)
            for (int s = 0; s < 700; s++)
                sum[s] += counts[k][s];
        printf("%-12s", list[i].name);
        for (int s = 0; s < 700; s++)
            if (sum[s])
                s == -HTTP_CLOSED ? printf("  closed: %d", sum[s]) : printf("  %d: %d", s, sum[s]);
        puts("");
    }
}

int main(int argc, char **argv) {
    if (argc != 6 || http_open(argv[1])) {
        fprintf(stderr, "check-serve URL PID N MEGABYTES PICTURE\n");
        return 2;
    }
    const int pid = atoi(argv[2]);
    unsigned char *bytes;
    size_t size;
    n_hostile = atoi(argv[3]);
    if (idem_file_read(argv[5], 1 << 24, &bytes, &size))
        return 2;
    good = http_request("POST /faces HTTP/1.1\r\n" FORM, form("attributes", http_blob_of(bytes, size)));
    add_forged();
    add_paths();
    add_lines();
    add_lengths();
    add_forms();
    add_bombs();
    add_cut(good);
    http_blob before, after;
    for (int i = 0; i < 3; i++)
        if (http_ask(good, HTTP_PLAIN, &before) != 200) {
            fprintf(stderr, "check-serve: the server does not answer what is right\n");
            return 1;
        }
    /* It has every network now, and keeps them. */
    const http_blob anonymise =
        http_request("POST /anonymise HTTP/1.1\r\n" FORM,
                     http_join(http_text(PART("refine") "0\r\n"), form("photograph", http_blob_of(bytes, size))));
    if (http_ask(anonymise, HTTP_PLAIN, NULL) != 200) {
        fprintf(stderr, "check-serve: the server does not anonymise\n");
        return 1;
    }
    int files;
    const double memory = memory_of(pid, &files), start = http_now();
    pthread_barrier_t gate;
    pthread_barrier_init(&gate, NULL, AT_ONCE);
    run(AT_ONCE, be_good, &gate);
    printf("%d at once: %d answered, %d busy, %d closed\n", AT_ONCE, at_once[0], at_once[1], at_once[2]);
    run(WORKERS, be_hostile, NULL);
    print_counts();
    printf("%d hostile requests in %.0f s, %d answered wrongly\n", n_hostile, http_now() - start, n_bad);
    int status = settled(pid, memory, atof(argv[4]), files) || n_bad || !at_once[0] ? 1 : 0;
    if (http_ask(good, HTTP_PLAIN, &after) != 200 || body_differs(&before, &after)) {
        puts("the server does not answer as before");
        status = 1;
    }
    return status;
}
