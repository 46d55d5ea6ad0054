/* Pictures in memory and in files through include/idem.h: written in every format with what they say of their origin,
 * read back, resized, laid out. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "idem.h"
#include "support/origin.h"
#include "support/blob.h"
#include "support/tiny.h"
#include "support/xmp.h"

enum { WIDTH = 70, HEIGHT = 50, SIDE = 64 };

static const char *dir; /* NULL: models are missing, what needs a generator is skipped */
static const char *folder;
static idem_context *painter; /* the generator alone */
static idem_context *bare;    /* without one */
static uint8_t rgb[WIDTH * HEIGHT * 3];
static const idem_view view = {rgb, WIDTH, HEIGHT};

static char *in_folder(const char *name) {
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static int set_up(void **state) {
    (void)state;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int c = 0; c < 3; c++)
                rgb[(y * WIDTH + x) * 3 + c] = (uint8_t)(20 + x + (c + 1) * y);
    folder = strdup(tiny_folder());
    idem_options o;
    idem_options_default(&o);
    if (!(bare = idem_open(&o)) || tiny_make(&dir))
        return -1;
    char path[256];
    snprintf(path, sizeof path, "%s/generator.safetensors", dir ? dir : "");
    o.generator = path;
    o.generator_only = 1;
    return dir && !(painter = idem_open(&o)) ? -1 : 0;
}

static int tear_down(void **state) {
    idem_close(painter);
    idem_close(bare);
    tiny_remove(folder);
    free((char *)folder);
    return tiny_leave(state);
}

static void assert_says(const char *text) {
    if (strstr(idem_last_error(), text))
        return;
    print_message("the message is: %s\nexpected in it: %s\n", idem_last_error(), text);
    fail();
}

static idem_writing writing_as(int format, int origin) {
    idem_writing w;
    idem_writing_default(&w);
    w.format = format;
    w.origin = origin;
    return w;
}

/* Its pixels, by the library's own reader. */
static void assert_reads(const char *path, int width, int height, int tolerance) {
    idem_reading reading;
    idem_reading_default(&reading);
    reading.input = IDEM_INPUT_PIXELS;
    idem_photograph *p = idem_read_photograph_as(bare, path, &reading);
    idem_photograph_info info = {.struct_size = sizeof info};
    assert_non_null(p);
    assert_int_equal(idem_get_photograph_info(p, &info), 0);
    assert_true(info.width == width && info.height == height && info.faces == 0 && info.taken == 0);
    uint8_t *back = malloc((size_t)width * (size_t)height * 3);
    assert_int_equal(idem_copy_pixels(p, back), 0);
    for (size_t i = 0; width == WIDTH && i < sizeof rgb; i++)
        assert_true(abs(back[i] - rgb[i]) <= tolerance);
    free(back);
    idem_free_photograph(p);
}

static void every_format_is_read_back(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int format, tolerance;
        const char *begins;
    } cases[] = {
        {"a.png", IDEM_FORMAT_BY_NAME, 0, "\x89PNG"},        {"a.jpg", IDEM_FORMAT_BY_NAME, 16, "\xff\xd8\xff"},
        {"a.JPEG", IDEM_FORMAT_BY_NAME, 16, "\xff\xd8\xff"}, {"a.webp", IDEM_FORMAT_BY_NAME, 16, "RIFF"},
        {"a.other", IDEM_FORMAT_BY_NAME, 0, "\x89PNG"},      {"b.png", IDEM_FORMAT_AS_WEBP, 16, "RIFF"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const idem_writing w = writing_as(cases[i].format, IDEM_ORIGIN_UNSAID);
        char *path = in_folder(cases[i].name);
        assert_int_equal(idem_write_view(NULL, path, &view, &w), 0);
        assert_reads(path, WIDTH, HEIGHT, cases[i].tolerance);
        size_t size;
        unsigned char *bytes = origin_read(folder, cases[i].name, &size);
        assert_memory_equal(bytes, cases[i].begins, strlen(cases[i].begins));
        free(bytes);
        assert_int_equal(idem_is_synthetic(path), 0);
    }
}

static void quality_counts_and_memory_holds_what_a_file_would(void **state) {
    (void)state;
    for (int format = IDEM_FORMAT_AS_PNG; format <= IDEM_FORMAT_AS_WEBP; format++) {
        idem_writing w = writing_as(format, IDEM_ORIGIN_UNSAID);
        unsigned char *low, *high, *file;
        size_t n_low, n_high, n_file;
        w.quality = 20;
        assert_int_equal(idem_encode_view(NULL, &view, &w, &low, &n_low), 0);
        w.quality = 98;
        assert_int_equal(idem_encode_view(NULL, &view, &w, &high, &n_high), 0);
        assert_true(format == IDEM_FORMAT_AS_PNG ? n_low == n_high : n_low < n_high);
        assert_int_equal(idem_write_view(NULL, in_folder("same"), &view, &w), 0);
        file = origin_read(folder, "same", &n_file);
        assert_int_equal(n_file, n_high);
        assert_memory_equal(file, high, n_high);
        /* And it is read from memory. */
        idem_reading reading;
        idem_reading_default(&reading);
        reading.input = IDEM_INPUT_PIXELS;
        idem_photograph *p = idem_decode_photograph(bare, high, n_high, &reading);
        assert_non_null(p);
        idem_free_photograph(p);
        assert_null(idem_decode_photograph(bare, high, n_high / 2, &reading));
        assert_int_equal(idem_error_kind(), IDEM_ERROR_INPUT);
        idem_free_bytes(low);
        idem_free_bytes(high);
        free(file);
    }
}

/* The packet of a JPEG stands behind the name of XMP, that of a WebP in a chunk of its own. */
static void check_packet(const char *name, const char *source) {
    static const char begin[] = "<?xpacket begin", end[] = "<?xpacket end=\"r\"?>";
    size_t size;
    unsigned char *bytes = origin_read(folder, name, &size);
    unsigned char *from = memmem(bytes, size, begin, strlen(begin)), *to = memmem(bytes, size, end, strlen(end));
    assert_true(from && to && to > from);
    xmp_check(name, from, (size_t)(to - from) + strlen(end), source);
    free(bytes);
}

static void the_origin_is_said_in_every_format(void **state) {
    (void)state;
    tiny_need(dir);
    static const char *const names[] = {"o.png", "o.jpg", "o.webp"};
    static const uint64_t seed = 77;
    static const char *const texts[] = {"index", "5", NULL};
    for (int i = 0; i < 3; i++) {
        idem_writing w = writing_as(IDEM_FORMAT_BY_NAME, i == 1 ? IDEM_ORIGIN_COMPOSITE : IDEM_ORIGIN_GENERATED);
        w.seed = &seed;
        w.texts = texts;
        assert_int_equal(idem_write_view(painter, in_folder(names[i]), &view, &w), 0);
        assert_int_equal(idem_is_synthetic(in_folder(names[i])), 1);
        if (i)
            check_packet(names[i], i == 1 ? XMP_COMPOSITE : XMP_GENERATED);
    }
    origin_text(folder, "o.png", "seed", "77");
    origin_text(folder, "o.png", "index", "5");
    idem_writing w = writing_as(IDEM_FORMAT_BY_NAME, IDEM_ORIGIN_GENERATED);
    w.nothing_random = 1;
    assert_int_equal(idem_write_view(painter, in_folder("n.png"), &view, &w), 0);
    origin_text(folder, "n.png", "seed", "none");
    assert_int_equal(idem_is_synthetic(in_folder("nothing.png")), 0);
}

static void resizing_keeps_an_even_picture(void **state) {
    (void)state;
    static uint8_t grey[40 * 30 * 3], out[7 * 90 * 3];
    memset(grey, 90, sizeof grey);
    assert_int_equal(idem_resize_view(&(idem_view){grey, 40, 30}, 7, 90, out), 0);
    for (size_t i = 0; i < sizeof out; i++)
        assert_int_equal(out[i], 90);
    assert_int_equal(idem_resize_view(&(idem_view){grey, 40, 30}, 0, 5, out), -1);
    assert_int_equal(idem_resize_view(&(idem_view){NULL, 40, 30}, 5, 5, out), -1);
    assert_says("there is no picture");
}

static void several_go_into_one_file(void **state) {
    (void)state;
    tiny_need(dir);
    const idem_writing w = writing_as(IDEM_FORMAT_BY_NAME, IDEM_ORIGIN_GENERATED);
    const idem_view views[6] = {view, view, {NULL, 0, 0}, view, view, view};
    assert_int_equal(idem_write_animation(painter, in_folder("way.webp"), views, 2, 80, &w), 0);
    check_packet("way.webp", XMP_GENERATED);
    assert_reads(in_folder("way.webp"), WIDTH, HEIGHT, 20);
    assert_int_equal(idem_write_animation(painter, in_folder("way.webp"), views, 3, 80, &w), -1);
    assert_says("there is no picture");

    const idem_page page = {.struct_size = sizeof page, .title = "a title", .footer = "a footer", .columns = 2};
    assert_int_equal(idem_write_page(painter, in_folder("page.png"), views, 3, &page, &w), 0);
    assert_int_equal(idem_is_synthetic(in_folder("page.png")), 1);
    assert_int_equal(idem_write_page(painter, in_folder("page.png"), views, 3, &(idem_page){.struct_size = 3}, &w), -1);
    assert_says("struct_size is 3");

    assert_int_equal(idem_write_grid(painter, in_folder("grid.jpg"), views, 2, views, 3, views, &w), 0);
    assert_int_equal(idem_is_synthetic(in_folder("grid.jpg")), 1);
    assert_int_equal(idem_write_grid(painter, in_folder("grid.jpg"), views, 0, views, 3, views, &w), -1);

    /* In memory: the file's bytes. */
    const idem_writing png = writing_as(IDEM_FORMAT_AS_PNG, IDEM_ORIGIN_GENERATED);
    unsigned char *bytes;
    size_t size;
    assert_int_equal(idem_write_grid(painter, in_folder("grid.png"), views, 2, views, 3, views, &png), 0);
    assert_int_equal(idem_encode_grid(painter, views, 2, views, 3, views, &png, &bytes, &size), 0);
    blob file = blob_read(in_folder("grid.png"));
    assert_int_equal(size, file.size);
    assert_memory_equal(bytes, file.data, size);
    idem_free_bytes(bytes);
    blob_drop(&file);
    assert_int_equal(idem_encode_grid(painter, views, 1, views, 3, NULL, &png, &bytes, &size), -1);
    assert_int_equal(idem_write_grid(painter, in_folder("grid.jpg"), views, 1, views, 3, NULL, &w), -1);
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    idem_writing w = writing_as(9, 0);
    unsigned char *bytes;
    size_t size;
    assert_int_equal(idem_write_view(NULL, in_folder("x"), &view, &w), -1);
    assert_says("format 9");
    w = writing_as(0, 0);
    w.quality = 101;
    assert_int_equal(idem_encode_view(NULL, &view, &w, &bytes, &size), -1);
    assert_says("quality 101");
    w = writing_as(0, IDEM_ORIGIN_GENERATED);
    assert_int_equal(idem_write_view(NULL, in_folder("x"), &view, &w), -1);
    assert_says("no context with a generator");
    assert_int_equal(idem_write_view(bare, in_folder("x"), &view, &w), -1);
    w = writing_as(0, 0);
    w.struct_size--;
    assert_int_equal(idem_write_view(NULL, in_folder("x"), &view, &w), -1);
    assert_says("idem_writing_default");
    w = writing_as(0, 0);
    w.texts = (const char *const[]){"a", "1", "b", "2", "c", "3", NULL};
    assert_int_equal(idem_write_view(NULL, in_folder("x"), &view, &w), -1);
    assert_says("at most 2 keys");
    assert_int_equal(idem_write_view(NULL, NULL, &view, NULL), -1);
    assert_int_equal(idem_write_view(NULL, in_folder("x"), NULL, NULL), -1);
    assert_int_equal(idem_write_view(NULL, in_folder("x"), &(idem_view){rgb, -1, 4}, NULL), -1);
    assert_int_equal(idem_encode_view(NULL, &view, NULL, NULL, &size), -1);
    assert_int_equal(idem_write_view(NULL, "/nowhere/x.jpg", &view, NULL), -1);
    assert_says("/nowhere/x.jpg");
    assert_int_equal(access(in_folder("x"), F_OK), -1);
    idem_writing_init(NULL, sizeof w);
    idem_free_bytes(NULL);
}

/* ---- files ---- */

static void put(const char *name) {
    FILE *f = fopen(in_folder(name), "w");
    assert_non_null(f);
    fclose(f);
}

static void folders_are_listed(void **state) {
    (void)state;
    static const char *const files[] = {"l/b.png",       "l/a.jpg",      "l/a.png",     "l/a.b.png",
                                        "l/.hidden.png", "l/readme.txt", "l/in/c.webp", "l/in/x.md"};
    assert_int_equal(mkdir(in_folder("l"), 0700) | mkdir(in_folder("l/in"), 0700), 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        put(files[i]);
    idem_file_list *list = idem_new_file_list();
    assert_int_equal(idem_list_files(list, in_folder("l")), 0);
    static const char *const names[] = {"a.b", "a.jpg", "a.png", "b"};
    assert_int_equal(idem_count_files(list), 4);
    for (int i = 0; i < 4; i++)
        assert_string_equal(idem_file_names(list)[i], names[i]);
    assert_string_equal(idem_file_paths(list)[3], in_folder("l/b.png"));
    char text[200];
    assert_int_equal(idem_files_passed_over(list, text, sizeof text), 1);
    assert_string_equal(text, "1 file of another kind and 1 folder passed over: readme.txt, in/");

    assert_int_equal(idem_list_files(list, "/nowhere/some.png"), 0); /* reading it says that it is not there */
    assert_int_equal(idem_list_files_below(list, in_folder("l")), 0);
    assert_int_equal(idem_count_files(list), 4 + 1 + 5);
    assert_string_equal(idem_file_names(list)[4], "some");
    assert_string_equal(idem_file_names(list)[9], "in/c.webp");
    assert_string_equal(idem_file_paths(list)[9], in_folder("l/in/c.webp"));
    assert_null(idem_file_paths(list)[10]);
    assert_int_equal(idem_files_passed_over(list, NULL, 0), 1);
    idem_free_file_list(list);
}

static void what_is_no_folder_is_not_listed(void **state) {
    (void)state;
    idem_file_list *list = idem_new_file_list();
    assert_int_equal(idem_list_files_below(list, "/nowhere"), -1);
    assert_says("/nowhere: cannot list the folder");
    assert_int_equal(idem_list_files(list, NULL), -1);
    assert_says("idem_list_files: an argument is NULL");
    assert_int_equal(idem_list_files_below(NULL, "."), -1);
    char text[8] = "before";
    assert_int_equal(idem_files_passed_over(list, text, sizeof text), 0);
    assert_string_equal(text, "");
    assert_int_equal(idem_count_files(list), 0);
    assert_null(*idem_file_paths(list));
    idem_free_file_list(list);
    idem_free_file_list(NULL);
    assert_non_null(strstr(idem_picture_formats(), "WebP"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_format_is_read_back),
                                       cmocka_unit_test(quality_counts_and_memory_holds_what_a_file_would),
                                       cmocka_unit_test(the_origin_is_said_in_every_format),
                                       cmocka_unit_test(resizing_keeps_an_even_picture),
                                       cmocka_unit_test(several_go_into_one_file),
                                       cmocka_unit_test(wrong_arguments_are_refused),
                                       cmocka_unit_test(folders_are_listed),
                                       cmocka_unit_test(what_is_no_folder_is_not_listed)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
