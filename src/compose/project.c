#define _GNU_SOURCE
#include "compose/project.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sodium.h>

#include "base/file.h"
#include "base/status.h"
#include "format/bytes.h"

enum {
    FILE_MOST = 256 << 20,
    HEAD = 8 + crypto_pwhash_SALTBYTES + 4 + 4, /* magic, salt, operations, memory in KiB */
    HEADER = crypto_secretstream_xchacha20poly1305_HEADERBYTES,
    TAG = crypto_secretstream_xchacha20poly1305_ABYTES,
    KEY = crypto_secretstream_xchacha20poly1305_KEYBYTES,
    OPERATIONS = 3,
    MEMORY_KIB = 64 << 10,
    OPERATIONS_MOST = 16,
    MEMORY_KIB_MOST = 1 << 20, /* limit for hostile files */
    FIXED = 4 + IDEM_SECRET + 16 + 3 * 4,
    VERSION = 1,
    WIDTH_MOST = 1 << 16,
    PERSONS_MOST = 1 << 20
};
static const char magic[8] = "idemkey1";

void idem_project_free(idem_project *p) {
    const size_t n = p->persons;
    if (p->person_rows)
        explicit_bzero(p->person_rows, n * p->person_width * sizeof(float));
    free(p->person_rows);
    free(p->surrogate_rows);
    explicit_bzero(p, sizeof *p);
}

static int ready(void) {
    return sodium_init() < 0 ? idem_fail_as(IDEM_INTERNAL, "libsodium cannot be used") : 0;
}

static void put32(uint8_t *to, uint32_t value) {
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

static int derive(uint8_t key[KEY], const uint8_t head[HEAD], const void *passphrase, size_t n, const char *path) {
    const uint32_t operations = idem_le32(head + 8 + crypto_pwhash_SALTBYTES),
                   memory = idem_le32(head + 12 + crypto_pwhash_SALTBYTES);
    if (operations < 1 || operations > OPERATIONS_MOST || memory < 8 || memory > MEMORY_KIB_MOST)
        return idem_fail("%s: the project file is damaged", path);
    return crypto_pwhash(key, KEY, passphrase, n, head + 8, operations, (size_t)memory * 1024,
                         crypto_pwhash_ALG_ARGON2ID13)
               ? idem_fail_as(IDEM_MEMORY, "%s: no memory (%u MiB) to derive its key", path, memory >> 10)
               : 0;
}

/* ---- what is encrypted ---- */

static float *take_rows(const uint8_t *from, size_t n) {
    float *rows = malloc((n ? n : 1) * sizeof *rows);
    for (size_t i = 0; i < n && rows; i++) {
        const uint32_t bits = idem_le32(from + 4 * i);
        memcpy(&rows[i], &bits, sizeof bits);
        if (!isfinite(rows[i])) {
            free(rows);
            return NULL;
        }
    }
    return rows;
}

int idem_project_parse(idem_project *p, const uint8_t *bytes, size_t size, const char *what) {
    *p = (idem_project){0};
    if (size < FIXED || idem_le32(bytes) != VERSION)
        return idem_fail("%s: the project file is of another version of idem, or damaged", what);
    const uint8_t *numbers = bytes + 4 + IDEM_SECRET + 16;
    const uint32_t persons = idem_le32(numbers), width = idem_le32(numbers + 4), surrogate = idem_le32(numbers + 8);
    if (persons > PERSONS_MOST || width > WIDTH_MOST || surrogate > WIDTH_MOST ||
        (uint64_t)persons * ((uint64_t)width + surrogate) * 4 != size - FIXED)
        return idem_fail("%s: the project file is damaged: %u persons do not fit its %zu bytes", what, persons, size);
    memcpy(p->secret, bytes + 4, IDEM_SECRET);
    memcpy(p->generator, bytes + 4 + IDEM_SECRET, 16);
    p->persons = persons;
    p->person_width = width;
    p->surrogate_width = surrogate;
    p->person_rows = take_rows(bytes + FIXED, (size_t)persons * width);
    p->surrogate_rows = take_rows(bytes + FIXED + (size_t)persons * width * 4, (size_t)persons * surrogate);
    if (p->person_rows && p->surrogate_rows)
        return 0;
    idem_project_free(p);
    return idem_fail("%s: the project file is damaged, or memory is short", what);
}

static void put_rows(uint8_t *to, const float *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &rows[i], sizeof bits);
        put32(to + 4 * i, bits);
    }
}

static void put_plain(uint8_t *to, const idem_project *p) {
    const size_t n = p->persons;
    put32(to, VERSION);
    memcpy(to + 4, p->secret, IDEM_SECRET);
    memcpy(to + 4 + IDEM_SECRET, p->generator, 16);
    put32(to + 4 + IDEM_SECRET + 16, p->persons);
    put32(to + 4 + IDEM_SECRET + 20, p->person_width);
    put32(to + 4 + IDEM_SECRET + 24, p->surrogate_width);
    put_rows(to + FIXED, p->person_rows, n * p->person_width);
    put_rows(to + FIXED + n * p->person_width * 4, p->surrogate_rows, n * p->surrogate_width);
}

/* ---- files ---- */

static int decrypt(uint8_t *plain, unsigned long long *length, const uint8_t *bytes, size_t size,
                   const void *passphrase, size_t n, const char *path) {
    uint8_t key[KEY], tag = 0;
    crypto_secretstream_xchacha20poly1305_state state;
    if (derive(key, bytes, passphrase, n, path))
        return -1;
    const int bad = crypto_secretstream_xchacha20poly1305_init_pull(&state, bytes + HEAD, key) ||
                    crypto_secretstream_xchacha20poly1305_pull(&state, plain, length, &tag, bytes + HEAD + HEADER,
                                                               size - HEAD - HEADER, bytes, HEAD) ||
                    tag != crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    sodium_memzero(key, sizeof key);
    sodium_memzero(&state, sizeof state);
    return bad ? idem_fail("%s: the passphrase is wrong, or the project file was damaged", path) : 0;
}

int idem_project_read(idem_project *p, const char *path, const void *passphrase, size_t n) {
    uint8_t *bytes;
    size_t size;
    *p = (idem_project){0};
    if (ready() || idem_file_read(path, FILE_MOST, &bytes, &size))
        return -1;
    if (size < HEAD + HEADER + TAG + FIXED || memcmp(bytes, magic, sizeof magic)) {
        free(bytes);
        return idem_fail("%s: is no project file of idem", path);
    }
    uint8_t *plain = malloc(size);
    unsigned long long length = 0;
    int status = !plain || decrypt(plain, &length, bytes, size, passphrase, n, path) ? -1 : 0;
    if (!plain)
        status = idem_fail_as(IDEM_MEMORY, "%s: out of memory", path);
    if (!status)
        status = idem_project_parse(p, plain, (size_t)length, path);
    if (plain)
        sodium_memzero(plain, size);
    free(plain);
    free(bytes);
    return status;
}

static int encrypt(uint8_t *bytes, const idem_project *p, uint8_t *plain, size_t n_plain, const void *passphrase,
                   size_t n, const char *path) {
    uint8_t key[KEY];
    crypto_secretstream_xchacha20poly1305_state state;
    memcpy(bytes, magic, sizeof magic);
    randombytes_buf(bytes + 8, crypto_pwhash_SALTBYTES);
    put32(bytes + 8 + crypto_pwhash_SALTBYTES, OPERATIONS);
    put32(bytes + 12 + crypto_pwhash_SALTBYTES, MEMORY_KIB);
    if (derive(key, bytes, passphrase, n, path))
        return -1;
    put_plain(plain, p);
    const int bad =
        crypto_secretstream_xchacha20poly1305_init_push(&state, bytes + HEAD, key) ||
        crypto_secretstream_xchacha20poly1305_push(&state, bytes + HEAD + HEADER, NULL, plain, n_plain, bytes, HEAD,
                                                   crypto_secretstream_xchacha20poly1305_TAG_FINAL);
    sodium_memzero(key, sizeof key);
    sodium_memzero(&state, sizeof state);
    return bad ? idem_fail_as(IDEM_INTERNAL, "%s: the project cannot be encrypted", path) : 0;
}

int idem_project_write(const idem_project *p, const char *path, const void *passphrase, size_t n) {
    const size_t n_plain = FIXED + (size_t)p->persons * (p->person_width + p->surrogate_width) * 4,
                 size = HEAD + HEADER + n_plain + TAG;
    if (ready())
        return -1;
    uint8_t *plain = malloc(n_plain), *bytes = malloc(size);
    int status = plain && bytes ? encrypt(bytes, p, plain, n_plain, passphrase, n, path)
                                : idem_fail_as(IDEM_MEMORY, "%s: out of memory", path);
    if (!status) {
        const mode_t before = umask(077);
        status = idem_file_write(path, bytes, size);
        umask(before);
    }
    if (plain)
        sodium_memzero(plain, n_plain);
    free(plain);
    free(bytes);
    return status;
}

/* ---- anonymisers ---- */

int idem_project_make(idem_project *p, const char *generator) {
    *p = (idem_project){0};
    memcpy(p->generator, generator, strnlen(generator, 16));
    return idem_secret_draw(p->secret, sizeof p->secret);
}

int idem_project_keep(idem_project *p, idem_anonymiser *a) {
    const idem_persons *persons = idem_anonymiser_persons(a);
    const idem_surrogates *surrogates = idem_anonymiser_surrogates(a);
    const size_t n = (size_t)idem_persons_count(persons), width = idem_persons_width(persons),
                 other = idem_surrogates_width(surrogates);
    float *rows = malloc((n * width + 1) * sizeof *rows), *faces = malloc((n * other + 1) * sizeof *faces);
    if (!rows || !faces) {
        free(rows);
        free(faces);
        return idem_fail_as(IDEM_MEMORY, "out of memory for a project of %zu persons", n);
    }
    idem_persons_copy(persons, rows);
    idem_surrogates_copy(surrogates, faces);
    free(p->person_rows);
    free(p->surrogate_rows);
    p->person_rows = rows;
    p->surrogate_rows = faces;
    p->persons = (uint32_t)n;
    p->person_width = (uint32_t)width;
    p->surrogate_width = (uint32_t)other;
    return 0;
}

int idem_project_take(const idem_project *p, idem_anonymiser *a) {
    if (!p->persons)
        return 0;
    if (p->person_width != idem_persons_width(idem_anonymiser_persons(a)) ||
        p->surrogate_width != idem_surrogates_width(idem_anonymiser_surrogates(a)))
        return idem_fail("the project was made with other recognisers");
    return idem_persons_take(idem_anonymiser_persons(a), p->person_rows, (int)p->persons) ||
                   idem_surrogates_take(idem_anonymiser_surrogates(a), p->surrogate_rows, (int)p->persons)
               ? -1
               : 0;
}
