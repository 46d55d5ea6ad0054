#include "media/video_part.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "format/bytes.h"

enum { HEAD = 16, PACKET = 16, STAMP = 16, TAIL = 8 + 4 + 4 + 8, SUM = 64 };
static const unsigned char head[HEAD] = {'i', 'd', 'e', 'm', 'p', 'a', 'r', 't', 1};

/* ---- writing; errors stay in the stream until commit ---- */

static void write_bytes(idem_part_writer *p, const void *data, size_t size) {
    fwrite(data, 1, size, p->file.stream);
    idem_sha256_add(&p->sum, data, size);
    p->bytes += size;
}

int idem_part_begin(idem_part_writer *p, const char *path) {
    *p = (idem_part_writer){.sum = idem_sha256_make()};
    if (idem_writer_open(&p->file, path))
        return -1;
    p->open = true;
    write_bytes(p, head, HEAD);
    return 0;
}

int idem_part_stamp_add(idem_part_writer *p, int64_t pts, int64_t ticks) {
    if (p->frames == IDEM_PART_FRAMES)
        return idem_fail_as(IDEM_INTERNAL, "%s: a part holds %d pictures", p->file.path, IDEM_PART_FRAMES);
    p->stamps[p->frames++] = (idem_part_stamp){pts, ticks};
    return 0;
}

int idem_part_packet(idem_part_writer *p, int64_t pts, bool key, const void *data, size_t size) {
    unsigned char start[PACKET];
    if (size > UINT32_MAX)
        return idem_fail_as(IDEM_INTERNAL, "%s: a picture of %zu bytes", p->file.path, size);
    idem_le_put(start, (uint64_t)pts, 8);
    idem_le_put(start + 8, key, 4);
    idem_le_put(start + 12, size, 4);
    write_bytes(p, start, PACKET);
    write_bytes(p, data, size);
    p->packets++;
    return ferror(p->file.stream) ? idem_fail_as(IDEM_INTERNAL, "%s: cannot be written", p->file.path) : 0;
}

int idem_part_commit(idem_part_writer *p, const void *state, size_t size) {
    unsigned char bytes[TAIL];
    char sum[SUM + 1];
    const uint64_t packets_end = p->bytes;
    for (uint32_t i = 0; i < p->frames; i++) {
        idem_le_put(bytes, (uint64_t)p->stamps[i].pts, 8);
        idem_le_put(bytes + 8, (uint64_t)p->stamps[i].ticks, 8);
        write_bytes(p, bytes, STAMP);
    }
    if (size)
        write_bytes(p, state, size);
    idem_le_put(bytes, packets_end, 8);
    idem_le_put(bytes + 8, p->frames, 4);
    idem_le_put(bytes + 12, p->packets, 4);
    idem_le_put(bytes + 16, size, 8);
    write_bytes(p, bytes, TAIL);
    idem_sha256_end(&p->sum, sum);
    fwrite(sum, 1, SUM, p->file.stream);
    p->open = false;
    return idem_writer_commit(&p->file);
}

void idem_part_abort(idem_part_writer *p) {
    if (p->open)
        idem_writer_abort(&p->file);
    p->open = false;
}

/* ---- reading ---- */

/* Checks the sum over all other bytes. */
static int check_sum(FILE *f, uint64_t size, const char *path) {
    idem_sha256 sum = idem_sha256_make();
    char hex[SUM + 1], stored[SUM];
    unsigned char block[1 << 14];
    rewind(f);
    for (uint64_t left = size - SUM; left;) {
        const size_t n = fread(block, 1, left < sizeof block ? (size_t)left : sizeof block, f);
        if (!n)
            return idem_fail("%s: cannot be read", path);
        idem_sha256_add(&sum, block, n);
        left -= n;
    }
    idem_sha256_end(&sum, hex);
    if (fread(stored, 1, SUM, f) != SUM || memcmp(hex, stored, SUM))
        return idem_fail("%s: is damaged: its checksum does not match", path);
    return 0;
}

static int read_tail(idem_part *p, uint64_t size, const char *path) {
    unsigned char bytes[TAIL];
    if (fseek(p->file, -(long)(TAIL + SUM), SEEK_END) || fread(bytes, 1, TAIL, p->file) != TAIL)
        return idem_fail("%s: cannot be read", path);
    p->packets_end = idem_le64(bytes);
    p->frames = idem_le32(bytes + 8);
    p->packets = idem_le32(bytes + 12);
    const uint64_t state = idem_le64(bytes + 16), fixed = HEAD + TAIL + SUM;
    if (p->frames < 1 || p->frames > IDEM_PART_FRAMES || state > IDEM_PART_STATE_MOST ||
        size < fixed + state + p->frames * STAMP || p->packets_end != size - TAIL - SUM - state - p->frames * STAMP)
        return idem_fail("%s: is not a part of a clip: its sizes do not add up", path);
    p->state_size = (size_t)state;
    if (fseek(p->file, (long)p->packets_end, SEEK_SET))
        return idem_fail("%s: cannot be read", path);
    for (uint32_t i = 0; i < p->frames; i++) {
        if (fread(bytes, 1, STAMP, p->file) != STAMP)
            return idem_fail("%s: cannot be read", path);
        p->stamps[i] = (idem_part_stamp){(int64_t)idem_le64(bytes), (int64_t)idem_le64(bytes + 8)};
    }
    if (!(p->state = malloc(p->state_size ? p->state_size : 1)))
        return idem_fail_as(IDEM_MEMORY, "%s: out of memory for a part", path);
    return fread(p->state, 1, p->state_size, p->file) == p->state_size ? 0 : idem_fail("%s: cannot be read", path);
}

int idem_part_parse(idem_part *p, FILE *stream, const char *path) {
    unsigned char start[HEAD];
    *p = (idem_part){.file = stream, .at = HEAD};
    const long size = fseek(stream, 0, SEEK_END) ? -1 : ftell(stream);
    int status = 0;
    if (size < HEAD + TAIL + SUM)
        status = idem_fail("%s: is not a part of a clip: it has %ld bytes", path, size);
    rewind(stream);
    if (!status && (fread(start, 1, HEAD, stream) != HEAD || memcmp(start, head, HEAD)))
        status = idem_fail("%s: is not a part of a clip, or comes from another version of idem", path);
    if (!status && (check_sum(stream, (uint64_t)size, path) || read_tail(p, (uint64_t)size, path)))
        status = -1;
    if (!status && fseek(stream, HEAD, SEEK_SET))
        status = idem_fail("%s: cannot be read", path);
    if (status)
        idem_part_close(p);
    return status;
}

int idem_part_open(idem_part *p, const char *path) {
    FILE *f = fopen(path, "rbe");
    *p = (idem_part){0};
    return f ? idem_part_parse(p, f, path) : idem_fail("%s: cannot be opened", path);
}

int idem_part_next(idem_part *p, int64_t *pts, bool *key, size_t *size) {
    unsigned char start[PACKET];
    if (p->read == p->packets)
        return p->at == p->packets_end ? 0 : idem_fail("a part of a clip has bytes after its packets");
    if (p->packets_end - p->at < PACKET || fread(start, 1, PACKET, p->file) != PACKET)
        return idem_fail("a part of a clip ends within its packets");
    *pts = (int64_t)idem_le64(start);
    *key = idem_le32(start + 8) != 0;
    *size = idem_le32(start + 12);
    p->at += PACKET;
    if (*size > p->packets_end - p->at)
        return idem_fail("a part of a clip has a packet of %zu bytes, more than it contains", *size);
    if (*size > p->capacity) {
        unsigned char *more = realloc(p->data, *size);
        if (!more)
            return idem_fail_as(IDEM_MEMORY, "out of memory for a packet of %zu bytes", *size);
        p->data = more;
        p->capacity = *size;
    }
    if (*size && fread(p->data, 1, *size, p->file) != *size)
        return idem_fail("a part of a clip cannot be read");
    p->at += *size;
    p->read++;
    return 1;
}

void idem_part_close(idem_part *p) {
    if (p->file)
        fclose(p->file);
    free(p->state);
    free(p->data);
    *p = (idem_part){0};
}
