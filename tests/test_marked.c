/* What files say of being synthetic, read back: as idem wrote it, as other programs pass it on, and damaged. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "media/animation.h"
#include "media/marked.h"
#include "model/origin.h"
#include "support/pictures.h"
#include "support/tiny.h"
#include "support/xmp.h"

static const char *dir;
static char *path;

static int set_up(void **state) {
    (void)state;
    dir = tiny_folder();
    return dir && (path = idem_path_join(dir, "picture")) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    free(path);
    tiny_remove(dir);
    return 0;
}

static bool says(const void *bytes, size_t size) {
    unlink(path);
    FILE *f = fopen(path, "wb"); /* without waiting for the disk: thousands of times */
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
    return idem_image_says_synthetic(path);
}

static blob read_back(void) {
    blob b = {0};
    assert_int_equal(idem_file_read(path, 1 << 20, &b.data, &b.size), 0);
    return b;
}

/* A JPEG with this packet. */
static blob jpeg_with(const char *packet) {
    static const char head[] = "http://ns.adobe.com/xap/1.0/";
    const size_t n = strlen(packet);
    unsigned char block[4096];
    assert_true(sizeof head + n <= sizeof block);
    memcpy(block, head, sizeof head); /* its zero belongs to it */
    memcpy(block + sizeof head, packet, n);
    idem_image im = random_image(16, 16, "jpeg");
    const blob b = jpeg_write(
        &(jpeg_kind){
            .in = JCS_RGB, .stored = JCS_YCbCr, .quality = 90, .app1 = block, .app1_size = (unsigned)(sizeof head + n)},
        im.rgb, 16, 16);
    idem_image_free(&im);
    return b;
}

static char *packet_of(idem_source_type source) {
    idem_origin o;
    size_t size;
    idem_origin_by(&o, source, "0123456789abcdef", NULL, NULL);
    char *packet = idem_xmp_packet(&o.marks, &size);
    assert_non_null(packet);
    assert_int_equal(strlen(packet), size);
    return packet;
}

static void packets_are_xml(void **state) {
    (void)state;
    size_t size;
    const char *const texts[] = {"one", "<\"&'>", "two", "", NULL};
    for (int source = IDEM_SOURCE_UNSAID; source <= IDEM_SOURCE_COMPOSITE; source++) {
        const char *const names[] = {NULL, XMP_GENERATED, XMP_COMPOSITE};
        char *packet = idem_xmp_packet(&(const idem_marks){texts, (idem_source_type)source}, &size);
        xmp_check("packet", packet, size, names[source]);
        free(packet);
    }
}

static void every_format_says_it(void **state) {
    (void)state;
    idem_origin o;
    idem_image im = random_image(16, 16, "any");
    idem_origin_by(&o, IDEM_SOURCE_GENERATED, "0123456789abcdef", NULL, NULL);
    assert_int_equal(idem_image_save_png(&im, path, &o.marks), 0);
    assert_true(idem_image_says_synthetic(path));
    assert_int_equal(idem_animation_save(path, (const idem_image *const[]){&im}, 1, 40, &o.marks), 0);
    assert_true(idem_image_says_synthetic(path));
    char *packet = packet_of(IDEM_SOURCE_COMPOSITE);
    blob jpeg = jpeg_with(packet);
    assert_true(says(jpeg.data, jpeg.size));
    free(jpeg.data);
    free(packet);
    idem_image_free(&im);
}

/* Either mark of a PNG is enough. */
static void one_mark_of_two_is_enough(void **state) {
    (void)state;
    idem_image im = random_image(16, 16, "any");
    const char *const both[] = {"Software", "idem", "synthetic", "true", NULL};
    assert_int_equal(idem_image_save_png(&im, path, &(const idem_marks){.texts = both}), 0);
    assert_true(idem_image_says_synthetic(path));
    char *packet = packet_of(IDEM_SOURCE_GENERATED);
    const char *const xmp[] = {"Title", "x", IDEM_XMP_KEYWORD, packet, NULL};
    assert_int_equal(idem_image_save_png(&im, path, &(const idem_marks){.texts = xmp}), 0);
    blob b = read_back();
    char *text = memmem(b.data, b.size, "tEXt" IDEM_XMP_KEYWORD, 4 + strlen(IDEM_XMP_KEYWORD));
    assert_null(text); /* the byte order mark in it is not ASCII: iTXt */
    assert_true(idem_image_says_synthetic(path));
    free(b.data);
    free(packet);
    idem_image_free(&im);
}

static void other_spellings(void **state) {
    (void)state;
    static const struct {
        const char *packet;
        bool says;
    } cases[] = {
        {"<a xmlns:idem='urn:idem:origin' idem:synthetic='true'/>", true},
        {"<a xmlns:idem='urn:idem:origin'><idem:synthetic>true</idem:synthetic></a>", true},
        {"<a xmlns:idem='urn:idem:origin' idem:synthetic='false'/>", false},
        {"<a xmlns:idem='urn:another' idem:synthetic='true'/>", false},
        {"<a xmlns:idem='urn:idem:origin' idem:Software='idem'/>", false},
        {"<a xmlns:idem='urn:idem:origin' idem:synthetic", false},
        {"<a xmlns:idem='urn:idem:origin' idem:synthetic=", false},
        {"urn:idem:origin idem:synthetic=\"fals\" idem:synthetic=\"true\"", true},
        {"", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        blob jpeg = jpeg_with(cases[i].packet);
        assert_int_equal(says(jpeg.data, jpeg.size), cases[i].says);
        free(jpeg.data);
    }
}

static void others_do_not(void **state) {
    (void)state;
    idem_image im = random_image(16, 16, "any");
    const char *const elsewhere[] = {"Software", "idempotent", "synthetic", "true", NULL};
    assert_int_equal(idem_image_save_png(&im, path, &idem_marks_no_source), 0);
    assert_false(idem_image_says_synthetic(path));
    assert_int_equal(idem_image_save_png(&im, path, &(const idem_marks){.texts = elsewhere}), 0);
    assert_false(idem_image_says_synthetic(path));
    assert_int_equal(idem_image_save_png(&im, path, NULL), 0);
    assert_false(idem_image_says_synthetic(path));
    blob files[SMALL_FILES];
    make_small_files(files);
    for (int i = 0; i < SMALL_FILES; i++) {
        assert_false(says(files[i].data, files[i].size));
        free(files[i].data);
    }
    assert_false(says("idem:synthetic=\"true\" urn:idem:origin", 37));
    assert_false(says("", 0));
    assert_false(idem_image_says_synthetic("/nowhere/at/all.png"));
    idem_image_free(&im);
}

/* Cut anywhere, and with every byte in front of the pixels turned over: no read outside (the sanitizer's to see); a
 * file without its packet's end says nothing. */
static void damaged_files(void **state) {
    (void)state;
    idem_origin o;
    idem_image im = random_image(4, 4, "any");
    idem_origin_by(&o, IDEM_SOURCE_GENERATED, "0123456789abcdef", NULL, NULL);
    char *packet = packet_of(IDEM_SOURCE_GENERATED);
    for (int kind = 0; kind < 3; kind++) {
        blob b;
        if (kind == 2) {
            b = jpeg_with(packet);
        } else {
            assert_int_equal(kind ? idem_animation_save(path, (const idem_image *const[]){&im}, 1, 40, &o.marks)
                                  : idem_image_save_png(&im, path, &o.marks),
                             0);
            b = read_back();
        }
        size_t said = 0;
        for (size_t n = 0; n <= b.size; n++) {
            unsigned char *exact = malloc(n ? n : 1); /* so that nothing lies behind it */
            memcpy(exact, b.data, n);
            said += says(exact, n);
            free(exact);
        }
        assert_true(said > 0 && said < b.size);
        for (size_t i = 0; i < b.size && i < 1200; i++) {
            b.data[i] ^= 0xff;
            says(b.data, b.size);
            b.data[i] ^= 0xff;
        }
        free(b.data);
    }
    free(packet);
    idem_image_free(&im);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_are_xml),
        cmocka_unit_test(every_format_says_it),
        cmocka_unit_test(one_mark_of_two_is_enough),
        cmocka_unit_test(other_spellings),
        cmocka_unit_test(others_do_not),
        cmocka_unit_test(damaged_files),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
