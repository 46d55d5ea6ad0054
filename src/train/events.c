#define _POSIX_C_SOURCE 200809L
#include "train/events.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"
#include "format/bytes.h"

struct idem_events {
    FILE *stream;
    char *path;
    int64_t step; /* of the last record */
    uint32_t crc_table[256];
};

/* ---- frames ---- */

enum { FRAME_HEAD = 12, FRAME_TAIL = 4 };

/* CRC-32C (Castagnoli), bits reflected. */
static void make_crc_table(uint32_t *table) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = c & 1 ? 0x82f63b78u ^ c >> 1 : c >> 1;
        table[i] = c;
    }
}

/* The rotation and the constant are TFRecord's: data that contain CRCs remain well distributed. */
static uint32_t masked_crc(const uint32_t *table, const unsigned char *bytes, size_t n) {
    uint32_t c = 0xffffffffu;
    for (size_t i = 0; i < n; i++)
        c = table[(c ^ bytes[i]) & 255] ^ c >> 8;
    c = ~c;
    return (c >> 15 | c << 17) + 0xa282ead8u;
}

static int append_frame(idem_events *e, const unsigned char *bytes, size_t n) {
    unsigned char head[FRAME_HEAD], tail[FRAME_TAIL];
    idem_le_put(head, n, 8);
    idem_le_put(head + 8, masked_crc(e->crc_table, head, 8), 4);
    idem_le_put(tail, masked_crc(e->crc_table, bytes, n), 4);
    if (fwrite(head, 1, sizeof head, e->stream) != sizeof head || fwrite(bytes, 1, n, e->stream) != n ||
        fwrite(tail, 1, sizeof tail, e->stream) != sizeof tail)
        return idem_fail_as(IDEM_INTERNAL, "%s: cannot write: %s", e->path, strerror(errno));
    return 0;
}

/* ---- protobuf, only as needed for these messages ---- */

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

typedef struct {
    unsigned char *bytes;
    size_t size, capacity;
    bool failed; /* out of memory: checked once, at the end */
} message;

static void put_bytes(message *m, const void *bytes, size_t n) {
    if (n > m->capacity - m->size) {
        size_t capacity = 2 * m->capacity + n + 64;
        unsigned char *more = realloc(m->bytes, capacity);
        if (!more) {
            m->failed = true;
            return;
        }
        m->bytes = more;
        m->capacity = capacity;
    }
    if (n)
        memcpy(m->bytes + m->size, bytes, n);
    m->size += n;
}

static void put_varint(message *m, uint64_t v) {
    unsigned char b[10];
    size_t n = 0;
    for (; v >= 128; v >>= 7)
        b[n++] = (unsigned char)(v | 128);
    b[n++] = (unsigned char)v;
    put_bytes(m, b, n);
}

static void put_field(message *m, int number, int wire) {
    put_varint(m, (uint64_t)(number << 3 | wire));
}

static void put_fixed(message *m, int number, uint64_t bits, int n) {
    unsigned char b[8];
    idem_le_put(b, bits, n);
    put_field(m, number, n == 8 ? WIRE_FIXED64 : WIRE_FIXED32);
    put_bytes(m, b, (size_t)n);
}

static void put_int(message *m, int number, int64_t v) {
    put_field(m, number, WIRE_VARINT);
    put_varint(m, (uint64_t)v);
}

static void put_block(message *m, int number, const void *bytes, size_t n) {
    put_field(m, number, WIRE_BYTES);
    put_varint(m, n);
    put_bytes(m, bytes, n);
}

static void put_message(message *m, int number, message *inner) {
    put_block(m, number, inner->bytes, inner->size);
    m->failed |= inner->failed;
    free(inner->bytes);
}

static bool get_varint(const unsigned char *bytes, size_t n, size_t *at, uint64_t *v) {
    *v = 0;
    for (int shift = 0; shift < 64 && *at < n; shift += 7) {
        unsigned char b = bytes[(*at)++];
        *v |= (uint64_t)(b & 127) << shift;
        if (b < 128)
            return true;
    }
    return false;
}

/* Event.step of a message; 0 if absent. false: not a protobuf message. */
static bool get_step(const unsigned char *bytes, size_t n, int64_t *step) {
    *step = 0;
    for (size_t at = 0; at < n;) {
        uint64_t key, v = 0;
        if (!get_varint(bytes, n, &at, &key))
            return false;
        int wire = (int)(key & 7);
        if ((wire == WIRE_VARINT || wire == WIRE_BYTES) && !get_varint(bytes, n, &at, &v))
            return false;
        uint64_t skip = wire == WIRE_BYTES ? v : wire == WIRE_FIXED64 ? 8 : wire == WIRE_FIXED32 ? 4 : 0;
        if ((wire != WIRE_VARINT && !skip && wire != WIRE_BYTES) || skip > n - at)
            return false;
        at += (size_t)skip;
        if (key >> 3 == 2 && wire == WIRE_VARINT)
            *step = (int64_t)v;
    }
    return true;
}

/* ---- events ---- */

static void begin_event(message *m, int64_t step) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    double seconds = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    uint64_t bits;
    memcpy(&bits, &seconds, sizeof bits);
    put_fixed(m, 1, bits, 8);
    put_int(m, 2, step);
}

static int end_event(idem_events *e, message *m, int64_t step) {
    int status = m->failed ? idem_fail("%s: no memory for a record", e->path) : append_frame(e, m->bytes, m->size);
    free(m->bytes);
    if (status == 0)
        e->step = step;
    return status;
}

/* Event{summary{value{tag, field: the caller's content}}} */
static int append_value(idem_events *e, int64_t step, const char *tag, message *content) {
    message value = {0}, summary = {0}, event = {0};
    put_block(&value, 1, tag, strlen(tag));
    put_bytes(&value, content->bytes, content->size);
    value.failed |= content->failed;
    free(content->bytes);
    put_message(&summary, 1, &value);
    begin_event(&event, step);
    put_message(&event, 5, &summary);
    return end_event(e, &event, step);
}

static int check_step(const idem_events *e, int64_t step, const char *tag) {
    if (step < e->step)
        return idem_fail("%s: \"%s\" is for step %" PRId64 ", but step %" PRId64
                         " is logged already: steps must not fall",
                         e->path, tag, step, e->step);
    return 0;
}

int idem_events_scalar(idem_events *e, int64_t step, const char *tag, double value) {
    if (check_step(e, step, tag) < 0)
        return -1;
    message content = {0};
    float number = (float)value;
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    put_fixed(&content, 2, bits, 4); /* Value.simple_value */
    return append_value(e, step, tag, &content);
}

int idem_events_image(idem_events *e, int64_t step, const char *tag, const idem_image *im, const idem_marks *marks) {
    unsigned char *png;
    size_t size;
    if (check_step(e, step, tag) < 0 || idem_image_encode_png(im, marks, &png, &size) < 0)
        return -1;
    message image = {0}, content = {0};
    put_int(&image, 1, im->height);
    put_int(&image, 2, im->width);
    put_int(&image, 3, 3); /* RGB */
    put_block(&image, 4, png, size);
    free(png);
    put_message(&content, 4, &image); /* Value.image */
    return append_value(e, step, tag, &content);
}

/* ---- files ---- */

/* Sets *keep to the length of the leading whole records up to `step`, and e->step to the last one's step. */
static int measure(idem_events *e, int64_t step, off_t *keep) {
    struct stat st;
    if (fstat(fileno(e->stream), &st) < 0)
        return idem_fail("%s: cannot be examined: %s", e->path, strerror(errno));
    off_t left = st.st_size;
    unsigned char head[FRAME_HEAD], *bytes = NULL;
    int status = 0;
    *keep = 0;
    while (left >= FRAME_HEAD + FRAME_TAIL && fread(head, 1, sizeof head, e->stream) == sizeof head) {
        uint64_t n = idem_le64(head);
        if (idem_le32(head + 8) != masked_crc(e->crc_table, head, 8) || n > (uint64_t)left - FRAME_HEAD - FRAME_TAIL)
            break;
        unsigned char *more = realloc(bytes, (size_t)n + FRAME_TAIL);
        if (!more) {
            status = idem_fail("%s: no memory for a record of %" PRIu64 " bytes", e->path, n);
            break;
        }
        bytes = more;
        int64_t of_record;
        if (fread(bytes, 1, (size_t)n + FRAME_TAIL, e->stream) != n + FRAME_TAIL ||
            idem_le32(bytes + n) != masked_crc(e->crc_table, bytes, (size_t)n) ||
            !get_step(bytes, (size_t)n, &of_record) || of_record > step)
            break;
        *keep += (off_t)(n + FRAME_HEAD + FRAME_TAIL);
        left -= (off_t)(n + FRAME_HEAD + FRAME_TAIL);
        e->step = of_record;
    }
    free(bytes);
    if (status == 0 && ferror(e->stream))
        return idem_fail("%s: cannot read: %s", e->path, strerror(errno));
    return status;
}

static int cut_back(idem_events *e, int64_t step) {
    off_t keep = 0;
    if (measure(e, step, &keep) < 0)
        return -1;
    if (fseeko(e->stream, keep, SEEK_SET) < 0 || ftruncate(fileno(e->stream), keep) < 0)
        return idem_fail("%s: cannot be cut back to %lld bytes: %s", e->path, (long long)keep, strerror(errno));
    return 0;
}

static int begin_file(idem_events *e) {
    message event = {0};
    begin_event(&event, 0);
    put_block(&event, 3, "brain.Event:2", 13); /* file_version: readers require this one */
    return end_event(e, &event, e->step);
}

/* The newest event file of the folder, malloc'ed; NULL without an error if there is none. */
static int find_newest(const char *dir, char **path) {
    char **names;
    size_t count;
    *path = NULL;
    if (idem_dir_list(dir, "idem", &names, &count) < 0)
        return -1;
    for (size_t i = count; i-- > 0 && !*path;) {
        if (strncmp(names[i], "events.out.tfevents.", 20) == 0) {
            *path = idem_path_join(dir, names[i]);
            if (!*path) {
                idem_names_free(names, count);
                return idem_fail("%s: no memory for a path", dir);
            }
        }
    }
    idem_names_free(names, count);
    return 0;
}

/* A new file: names contain seconds, so a second run within one second uses the next. */
static int create(idem_events *e, const char *dir) {
    for (long long seconds = (long long)time(NULL);; seconds++) {
        char name[64];
        snprintf(name, sizeof name, "events.out.tfevents.%010lld.idem", seconds);
        e->path = idem_path_join(dir, name);
        if (!e->path)
            return idem_fail("%s: no memory for a path", dir);
        int fd = open(e->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0) {
            e->stream = fdopen(fd, "r+b");
            if (!e->stream)
                close(fd);
        }
        if (e->stream)
            return 0;
        if (errno != EEXIST)
            return idem_fail("%s: cannot be made: %s", e->path, strerror(errno));
        free(e->path);
        e->path = NULL;
    }
}

static int open_file(idem_events *e, const char *dir, int64_t step) {
    if (idem_dir_make(dir) < 0 || (step != IDEM_EVENTS_NEW && find_newest(dir, &e->path) < 0))
        return -1;
    if (!e->path)
        return create(e, dir) < 0 || begin_file(e) < 0 ? -1 : 0;
    e->stream = fopen(e->path, "r+b");
    if (!e->stream)
        return idem_fail("%s: cannot be opened to append: %s", e->path, strerror(errno));
    if (cut_back(e, step) < 0)
        return -1;
    return ftello(e->stream) == 0 ? begin_file(e) : 0;
}

idem_events *idem_events_open(const char *dir, int64_t step) {
    idem_events *e = calloc(1, sizeof *e);
    if (!e)
        return idem_fail_null("%s: no memory for the event log", dir);
    make_crc_table(e->crc_table);
    if (open_file(e, dir, step) < 0 || idem_events_flush(e) < 0) {
        if (e->stream)
            fclose(e->stream);
        free(e->path);
        free(e);
        return NULL;
    }
    return e;
}

int idem_events_flush(idem_events *e) {
    if (fflush(e->stream) != 0)
        return idem_fail_as(IDEM_INTERNAL, "%s: cannot write: %s", e->path, strerror(errno));
    return 0;
}

int idem_events_close(idem_events *e) {
    if (!e)
        return 0;
    int status =
        fclose(e->stream) == 0 ? 0 : idem_fail_as(IDEM_INTERNAL, "%s: cannot write: %s", e->path, strerror(errno));
    free(e->path);
    free(e);
    return status;
}

const char *idem_events_path(const idem_events *e) {
    return e->path;
}
