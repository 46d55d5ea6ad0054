#include "support/origin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "media/image.h"
#include "support/xmp.h"

unsigned char *origin_read(const char *dir, const char *name, size_t *size) {
    unsigned char *data = NULL;
    char *path = idem_path_join(dir, name);
    assert_int_equal(idem_file_read(path, 1 << 30, &data, size), 0);
    free(path);
    return data;
}

static uint32_t big(const unsigned char *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static bool is_known(const char *key) {
    static const char *const keys[] = {"Software", "synthetic", "generator", "mapper", "seed", "index", "truncation"};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        if (!strcmp(key, keys[k]))
            return true;
    return false;
}

int origin_chunks(const char *name, const unsigned char *data, size_t size, const char *source) {
    static const char xmp[] = "iTXtXML:com.adobe.xmp\0\0\0\0\0"; /* not compressed, of no language */
    int texts = 0, packets = 0;
    size_t at = 8;
    assert_true(size > at && !memcmp(data, "\x89PNG\r\n\x1a\n", at));
    for (; at + 12 <= size; at += 12 + big(data + at)) {
        const char *type = (const char *)data + at + 4;
        if (!memcmp(type, "IHDR", 4) || !memcmp(type, "IDAT", 4) || !memcmp(type, "IEND", 4))
            continue;
        if (!memcmp(type, xmp, sizeof xmp - 1) && source) {
            xmp_check(name, type + sizeof xmp - 1, big(data + at) + 4 - (sizeof xmp - 1), source);
            packets++;
            continue;
        }
        if (memcmp(type, "tEXt", 4) || !is_known(type + 4)) {
            print_message("%s has a chunk %.4s %.20s\n", name, type, type + 4);
            fail();
        }
        texts++;
    }
    assert_int_equal(at, size); /* nothing behind the end */
    assert_int_equal(packets, source != NULL);
    return texts;
}

int origin_file(const char *dir, const char *name, const char *source) {
    size_t size;
    unsigned char *data = origin_read(dir, name, &size);
    const int texts = origin_chunks(name, data, size, source);
    free(data);
    return texts;
}

void origin_text(const char *dir, const char *name, const char *key, const char *want) {
    char *path = idem_path_join(dir, name), text[64];
    assert_int_equal(idem_png_text(path, key, text, sizeof text), want ? 0 : -1);
    free(path);
    if (want)
        assert_string_equal(text, want);
}

void origin_synthetic(const char *dir, const char *name, const char *source, const char *generator, const char *mapper,
                      const char *seed, int texts) {
    assert_int_equal(origin_file(dir, name, source), texts);
    origin_text(dir, name, "Software", "idem");
    origin_text(dir, name, "synthetic", "true");
    origin_text(dir, name, "mapper", mapper);
    origin_text(dir, name, "seed", seed);
    if (generator) {
        origin_text(dir, name, "generator", generator);
        return;
    }
    char *path = idem_path_join(dir, name), hash[64];
    assert_int_equal(idem_png_text(path, "generator", hash, sizeof hash), 0);
    assert_int_equal(strlen(hash), 16);
    assert_int_equal(strspn(hash, "0123456789abcdef"), 16);
    free(path);
}
