/* src/train/events: what is written is read back by a reader of this file's own, down to the check sums. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/status.h"
#include "train/events.h"
#include "support/origin.h"
#include "support/xmp.h"

/* ---- the reader ---- */

static uint32_t crc32c(const unsigned char *p, size_t n) {
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < n; i++) {
        for (int bit = 0; bit < 8; bit++) {
            uint32_t in = (p[i] >> bit & 1) ^ (crc & 1);
            crc = crc >> 1 ^ (in ? 0x82f63b78 : 0);
        }
    }
    return crc ^ 0xffffffff;
}

static uint32_t masked(const unsigned char *p, size_t n) {
    uint32_t crc = crc32c(p, n);
    return (crc >> 15 | crc << 17) + 0xa282ead8;
}

static uint64_t little(const unsigned char *p, int n) {
    return n ? p[0] | little(p + 1, n - 1) << 8 : 0;
}

typedef struct {
    double wall;
    int64_t step;
    char version[32], tag[64];
    float scalar;
    int width, height, colours;
    unsigned char *png;
    size_t png_size;
} record;

typedef struct {
    unsigned char *bytes;
    size_t size;
    record list[64];
    int count;
} event_file;

typedef struct {
    const unsigned char *at, *end;
} span;

static uint64_t varint(span *s) {
    uint64_t v = 0;
    for (int shift = 0;; shift += 7) {
        assert_true(s->at < s->end);
        unsigned char b = *s->at++;
        v |= (uint64_t)(b & 127) << shift;
        if (b < 128)
            return v;
    }
}

static void parse(span s, record *r, const char *where);

static void parse_field(span *s, record *r, const char *where) {
    uint64_t key = varint(s), number = 0;
    span inner = {0};
    int wire = (int)(key & 7);
    if (wire == 0) {
        number = varint(s);
    } else {
        size_t n = wire == 1 ? 8 : wire == 5 ? 4 : varint(s);
        assert_true(wire == 1 || wire == 2 || wire == 5);
        assert_true(n <= (size_t)(s->end - s->at));
        inner = (span){s->at, s->at + n};
        s->at += n;
        if (wire != 2)
            number = little(inner.at, (int)n);
    }
    char name[64];
    snprintf(name, sizeof name, "%s.%d/%d", where, (int)(key >> 3), wire);
    size_t length = (size_t)(inner.end - inner.at);
    if (strcmp(name, "event.1/1") == 0)
        memcpy(&r->wall, &number, 8);
    else if (strcmp(name, "event.2/0") == 0)
        r->step = (int64_t)number;
    else if (strcmp(name, "event.3/2") == 0)
        snprintf(r->version, sizeof r->version, "%.*s", (int)length, (const char *)inner.at);
    else if (strcmp(name, "event.5/2") == 0)
        parse(inner, r, "summary");
    else if (strcmp(name, "summary.1/2") == 0)
        parse(inner, r, "value");
    else if (strcmp(name, "value.1/2") == 0)
        snprintf(r->tag, sizeof r->tag, "%.*s", (int)length, (const char *)inner.at);
    else if (strcmp(name, "value.2/5") == 0)
        memcpy(&r->scalar, &(uint32_t){(uint32_t)number}, 4);
    else if (strcmp(name, "value.4/2") == 0)
        parse(inner, r, "image");
    else if (strcmp(name, "image.1/0") == 0)
        r->height = (int)number;
    else if (strcmp(name, "image.2/0") == 0)
        r->width = (int)number;
    else if (strcmp(name, "image.3/0") == 0)
        r->colours = (int)number;
    else if (strcmp(name, "image.4/2") == 0) {
        r->png = (unsigned char *)inner.at;
        r->png_size = length;
    } else
        fail_msg("unexpected field %s", name);
}

static void parse(span s, record *r, const char *where) {
    while (s.at < s.end)
        parse_field(&s, r, where);
}

static event_file read_events(const char *path) {
    event_file f = {0};
    assert_int_equal(idem_file_read(path, 1 << 24, &f.bytes, &f.size), 0);
    for (size_t at = 0; at < f.size; f.count++) {
        assert_true(f.size - at >= 16);
        size_t n = little(f.bytes + at, 8);
        assert_int_equal(little(f.bytes + at + 8, 4), masked(f.bytes + at, 8));
        assert_true(n <= f.size - at - 16);
        assert_int_equal(little(f.bytes + at + 12 + n, 4), masked(f.bytes + at + 12, n));
        record *r = &f.list[f.count];
        r->scalar = NAN;
        parse((span){f.bytes + at + 12, f.bytes + at + 12 + n}, r, "event");
        at += n + 16;
    }
    return f;
}

/* ---- tests ---- */

static int make_dir(void **state) {
    const char *tmp = getenv("TMPDIR");
    char *dir = NULL;
    if (asprintf(&dir, "%s/idem-events-XXXXXX", tmp && *tmp ? tmp : "/tmp") < 0 || !mkdtemp(dir))
        return -1;
    *state = dir;
    return 0;
}

static int remove_dir(void **state) {
    char **names;
    size_t count;
    if (idem_dir_list(*state, NULL, &names, &count) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        char *path = idem_path_join(*state, names[i]);
        unlink(path);
        free(path);
    }
    idem_names_free(names, count);
    int status = rmdir(*state);
    free(*state);
    return status;
}

static void reader_has_the_right_crc(void **state) {
    (void)state;
    assert_int_equal(crc32c((const unsigned char *)"123456789", 9), 0xe3069283); /* the check value of CRC-32C */
}

static void written_and_read(void **state) {
    idem_events *e = idem_events_open(*state, IDEM_EVENTS_NEW);
    assert_non_null(e);
    char *path = strdup(idem_events_path(e));
    assert_non_null(strstr(path, "/events.out.tfevents."));
    assert_string_equal(path + strlen(path) - 5, ".idem");
    idem_image im;
    assert_int_equal(idem_image_new(&im, 5, 3), 0);
    for (int i = 0; i < 45; i++)
        im.rgb[i] = (uint8_t)(5 * i);
    assert_int_equal(idem_events_scalar(e, 0, "loss/id", 0.75), 0);
    assert_int_equal(idem_events_scalar(e, 300, "loss/id", -1e-3), 0);
    assert_int_equal(idem_events_scalar(e, 300, "loss/lnd", INFINITY), 0);
    const char *const texts[] = {"synthetic", "true", NULL};
    assert_int_equal(
        idem_events_image(e, INT64_C(5000000000), "samples", &im, &(const idem_marks){texts, IDEM_SOURCE_GENERATED}),
        0);
    assert_int_equal(idem_events_scalar(e, 10, "loss/id", 1), -1);
    assert_non_null(strstr(idem_error(), "loss/id"));
    assert_int_equal(idem_events_flush(e), 0);
    event_file f = read_events(path);
    assert_int_equal(idem_events_close(e), 0);

    assert_int_equal(f.count, 5);
    assert_string_equal(f.list[0].version, "brain.Event:2");
    assert_string_equal(f.list[1].tag, "loss/id");
    assert_true(f.list[1].scalar == 0.75f && f.list[1].step == 0);
    assert_true(f.list[2].scalar == -1e-3f && f.list[2].step == 300);
    assert_string_equal(f.list[3].tag, "loss/lnd");
    assert_true(isinf(f.list[3].scalar));
    for (int i = 0; i < 5; i++)
        assert_true(fabs(f.list[i].wall - (double)time(NULL)) < 600);
    record *r = &f.list[4];
    assert_true(r->step == INT64_C(5000000000));
    assert_true(r->width == 5 && r->height == 3 && r->colours == 3);
    idem_image back;
    assert_int_equal(idem_image_parse(&back, r->png, r->png_size, "logged picture"), 0);
    assert_memory_equal(back.rgb, im.rgb, 45);
    assert_int_equal(origin_chunks("logged picture", r->png, r->png_size, XMP_GENERATED), 1);
    idem_image_free(&back);
    idem_image_free(&im);
    free(f.bytes);
    free(path);
}

static void log_to(idem_events *e, int from, int to) {
    for (int s = from; s <= to; s++) {
        assert_int_equal(idem_events_scalar(e, s, "a", s), 0);
        assert_int_equal(idem_events_scalar(e, s, "b", -s), 0);
    }
}

static void resumed_without_doubled_points(void **state) {
    idem_events *e = idem_events_open(*state, 0);
    assert_non_null(e);
    char *path = strdup(idem_events_path(e));
    log_to(e, 1, 9);
    assert_int_equal(idem_events_close(e), 0);
    /* A crash leaves half a record. */
    FILE *f = fopen(path, "ab");
    fwrite("\x20\0\0\0\0\0\0\0half", 1, 12, f);
    fclose(f);
    static const int resume_at[4] = {6, 20, 0, 9};
    for (int i = 0; i < 4; i++) {
        int kept = resume_at[i] < 9 ? resume_at[i] : 9;
        e = idem_events_open(*state, resume_at[i]);
        assert_non_null(e);
        assert_string_equal(idem_events_path(e), path);
        log_to(e, kept + 1, 9);
        assert_int_equal(idem_events_close(e), 0);
        event_file file = read_events(path);
        assert_int_equal(file.count, 19);
        assert_string_equal(file.list[0].version, "brain.Event:2");
        for (int s = 1; s <= 9; s++) {
            assert_int_equal(file.list[2 * s - 1].step, s);
            assert_true(file.list[2 * s - 1].scalar == (float)s && file.list[2 * s].scalar == (float)-s);
        }
        free(file.bytes);
    }
    free(path);
}

static void begun_again_is_as_new(void **state) {
    size_t sizes[2];
    for (int i = 0; i < 2; i++) {
        idem_events *e = idem_events_open(*state, i ? IDEM_EVENTS_NONE : IDEM_EVENTS_NEW);
        assert_non_null(e);
        assert_int_equal(idem_events_scalar(e, 0, "x", 1), 0);
        assert_int_equal(idem_events_flush(e), 0);
        struct stat st;
        assert_int_equal(stat(idem_events_path(e), &st), 0);
        sizes[i] = (size_t)st.st_size;
        assert_int_equal(idem_events_close(e), 0);
    }
    assert_int_equal(sizes[0], sizes[1]);
}

static void damage_is_cut_off(void **state) {
    idem_events *e = idem_events_open(*state, IDEM_EVENTS_NEW);
    char *path = strdup(idem_events_path(e));
    log_to(e, 1, 5);
    assert_int_equal(idem_events_close(e), 0);
    event_file whole = read_events(path);
    free(whole.bytes);
    unsigned char *bytes;
    size_t size;
    assert_int_equal(idem_file_read(path, 1 << 20, &bytes, &size), 0);
    /* A flipped bit anywhere: what was in front of its record stays, and the file is sound again. */
    for (size_t at = 0; at < size; at += 7) {
        bytes[at] ^= 16;
        assert_int_equal(idem_file_write(path, bytes, size), 0);
        bytes[at] ^= 16;
        e = idem_events_open(*state, 100);
        assert_non_null(e);
        assert_int_equal(idem_events_scalar(e, 100, "after", 1), 0);
        assert_int_equal(idem_events_close(e), 0);
        event_file f = read_events(path);
        assert_true(f.count < 12 && f.count >= 2);
        assert_string_equal(f.list[0].version, "brain.Event:2");
        assert_string_equal(f.list[f.count - 1].tag, "after");
        free(f.bytes);
    }
    free(bytes);
    free(path);
}

static void new_run_takes_a_new_file(void **state) {
    idem_events *a = idem_events_open(*state, IDEM_EVENTS_NEW), *b = idem_events_open(*state, IDEM_EVENTS_NEW);
    assert_non_null(a);
    assert_non_null(b);
    assert_string_not_equal(idem_events_path(a), idem_events_path(b));
    char *newest = strdup(idem_events_path(b));
    assert_int_equal(idem_events_close(a), 0);
    assert_int_equal(idem_events_close(b), 0);
    a = idem_events_open(*state, 0);
    assert_string_equal(idem_events_path(a), newest);
    assert_int_equal(idem_events_close(a), 0);
    free(newest);
    assert_null(idem_events_open("/dev/null/x", IDEM_EVENTS_NEW));
    assert_non_null(strstr(idem_error(), "/dev/null"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reader_has_the_right_crc),
        cmocka_unit_test_setup_teardown(written_and_read, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(resumed_without_doubled_points, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(begun_again_is_as_new, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(damage_is_cut_off, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(new_run_takes_a_new_file, make_dir, remove_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
