/* Parts of a clip: a fixed number of encoded pictures each, in a separate file, which is written whole or not at all.
 * An interrupted run continues after the last part.
 *
 * A file is "idempart", a version, the packets (int64 pts, uint32 key, uint32 size, bytes), the stamps of its pictures
 * (int64 pts, int64 ticks), the caller's state, and a tail of fixed size: the end of the packets, the counts, and the
 * SHA-256 of all preceding bytes. Numbers are little-endian. */
#ifndef IDEM_MEDIA_VIDEO_PART_H
#define IDEM_MEDIA_VIDEO_PART_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/file.h"
#include "base/sha256.h"

enum { IDEM_PART_FRAMES = 96 }; /* pictures of a part, and the largest distance of key frames */

typedef struct {
    int64_t pts, ticks;
} idem_part_stamp;

typedef struct {
    idem_writer file;
    idem_sha256 sum;
    uint64_t bytes;
    uint32_t frames, packets;
    idem_part_stamp stamps[IDEM_PART_FRAMES];
    bool open;
} idem_part_writer;

int idem_part_begin(idem_part_writer *p, const char *path);
int idem_part_stamp_add(idem_part_writer *p, int64_t pts, int64_t ticks);
int idem_part_packet(idem_part_writer *p, int64_t pts, bool key, const void *data, size_t size);
int idem_part_commit(idem_part_writer *p, const void *state, size_t size);
void idem_part_abort(idem_part_writer *p); /* does nothing if it is not open */

typedef struct {
    FILE *file;
    uint32_t frames, packets, read;
    uint64_t packets_end, at;
    idem_part_stamp stamps[IDEM_PART_FRAMES];
    unsigned char *state;
    size_t state_size;
    unsigned char *data; /* of the current packet */
    size_t capacity;
} idem_part;

enum { IDEM_PART_STATE_MOST = 64 << 20 };

/* Checks all of it. -1: incomplete or missing; the message names `path`. */
int idem_part_open(idem_part *p, const char *path);
/* The same of a stream, which is closed with the part. */
int idem_part_parse(idem_part *p, FILE *stream, const char *path);
/* 1 and the next packet, whose bytes are valid until the next call; 0: the end; -1. */
int idem_part_next(idem_part *p, int64_t *pts, bool *key, size_t *size);
void idem_part_close(idem_part *p);

#endif
