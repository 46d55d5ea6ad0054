#include <png.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"
#include "media/codec.h"

/* Pixels above which a picture is written fast rather than small: a photograph of 12 megapixels takes seconds else. */
enum { PHOTOGRAPH = 2000000 };

/* Everything that must survive libpng's longjmp lives here, not in locals. */
typedef struct {
    const unsigned char *bytes;
    size_t size, at;
    const char *what;
    png_structp png;
    png_infop info;
    uint32_t width, height;
    uint8_t *rgb;       /* the result so far */
    uint8_t *rgba;      /* one row, or all rows of an interlaced picture with alpha */
    png_bytep *rows;    /* interlaced pictures: where each row goes */
    unsigned char *out; /* writer: bytes so far */
    size_t out_size, out_room;
    const idem_image *im;     /* writer: the picture */
    const char *const *texts; /* writer: keys and values, or NULL */
    const char *key;          /* text reader: what to look for and where to put it */
    char *text;
    size_t text_room;
    char message[200];
} job;

static void on_error(png_structp png, png_const_charp message) {
    job *j = png_get_error_ptr(png);
    strncpy(j->message, message, sizeof j->message - 1);
    longjmp(png_jmpbuf(png), 1);
}

static void on_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static void read_bytes(png_structp png, png_bytep to, size_t n) {
    job *j = png_get_io_ptr(png);
    if (n > j->size - j->at)
        png_error(png, "the file ends too early");
    memcpy(to, j->bytes + j->at, n);
    j->at += n;
}

static void close_reader(job *j) {
    png_destroy_read_struct(&j->png, &j->info, NULL);
    free(j->rgb);
    free(j->rgba);
    free(j->rows);
}

static int open_reader(job *j, const unsigned char *bytes, size_t size, const char *what) {
    *j = (job){.bytes = bytes, .size = size, .what = what};
    j->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, j, on_error, on_warning);
    j->info = j->png ? png_create_info_struct(j->png) : NULL;
    if (!j->info) {
        png_destroy_read_struct(&j->png, NULL, NULL);
        return idem_fail("%s: no memory for the PNG reader", what);
    }
    png_set_read_fn(j->png, j, read_bytes);
    png_set_user_limits(j->png, IDEM_IMAGE_MAX_PIXELS, IDEM_IMAGE_MAX_PIXELS);
    png_set_chunk_malloc_max(j->png, 1u << 20); /* an unpacked text */
    png_set_chunk_cache_max(j->png, 64);
    return 0;
}

/* deflate makes at most 1032 bytes of one: a header that promises more is refused before memory is taken for it. */
static int check_promise(const job *j, uint64_t width, uint64_t height, int bits_per_pixel) {
    uint64_t promised = (width * (uint64_t)bits_per_pixel + 7) / 8 * height;
    if (promised / 1032 > j->size)
        return idem_fail(
            "%s: the header promises %llu x %llu pixels, but the file has only %zu bytes: it is truncated or damaged",
            j->what, (unsigned long long)width, (unsigned long long)height, j->size);
    return 0;
}

static int decode(job *j) {
    png_structp png = j->png;
    png_infop info = j->info;
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1); /* pixels only: no texts, no profiles */
    png_read_info(png, info);
    uint32_t width = j->width = png_get_image_width(png, info);
    uint32_t height = j->height = png_get_image_height(png, info);
    int bits = png_get_bit_depth(png, info) * png_get_channels(png, info);
    if (idem_image_check_size(width, height, j->what) < 0 || check_promise(j, width, height, bits) < 0)
        return -1;
    png_set_scale_16(png);
    png_set_expand(png); /* palette to colours, 1 to 4 bits to 8, transparent colour to alpha */
    png_set_gray_to_rgb(png);
    bool interlaced = png_set_interlace_handling(png) > 1;
    png_read_update_info(png, info);
    bool alpha = png_get_channels(png, info) == 4;
    size_t row_bytes = png_get_rowbytes(png, info), pixels = (size_t)width * height;
    if (row_bytes != (size_t)width * (alpha ? 4 : 3))
        png_error(png, "unexpected row size");
    j->rgb = malloc(pixels * 3);
    if (alpha)
        j->rgba = malloc(interlaced ? pixels * 4 : row_bytes);
    if (interlaced)
        j->rows = malloc(height * sizeof *j->rows);
    if (!j->rgb || (alpha && !j->rgba) || (interlaced && !j->rows))
        return idem_fail("%s: no memory for a picture of %u x %u", j->what, width, height);
    if (interlaced) {
        for (uint32_t y = 0; y < height; y++)
            j->rows[y] = alpha ? j->rgba + y * row_bytes : j->rgb + y * row_bytes;
        png_read_image(png, j->rows);
        if (alpha)
            idem_image_over_white(j->rgb, j->rgba, pixels);
    } else {
        for (uint32_t y = 0; y < height; y++) {
            uint8_t *row = j->rgb + (size_t)y * width * 3;
            png_read_row(png, alpha ? j->rgba : row, NULL);
            if (alpha)
                idem_image_over_white(row, j->rgba, width);
        }
    }
    png_read_end(png, NULL); /* a file that ends before IEND is truncated */
    return 0;
}

/* libpng's errors jump out of `work` to here; our own return -1. */
static int guarded(job *j, int (*work)(job *)) {
    if (setjmp(png_jmpbuf(j->png)))
        return idem_fail("%s: the PNG picture cannot be %s: %s", j->what, j->im ? "written" : "read", j->message);
    return work(j);
}

int idem_png_parse(idem_image *im, const unsigned char *bytes, size_t size, const char *what) {
    job j;
    if (open_reader(&j, bytes, size, what) < 0)
        return -1;
    int status = guarded(&j, decode);
    if (status == 0) {
        *im = (idem_image){(int)j.width, (int)j.height, j.rgb};
        j.rgb = NULL;
    }
    close_reader(&j);
    return status;
}

/* Texts in front of the pixels: where idem_image_save_png puts them. */
static int find_text(job *j) {
    png_textp texts;
    int count;
    png_read_info(j->png, j->info);
    png_get_text(j->png, j->info, &texts, &count);
    for (int i = 0; i < count; i++) {
        if (strcmp(texts[i].key, j->key) != 0)
            continue;
        size_t length = strlen(texts[i].text);
        if (length >= j->text_room)
            return idem_fail("%s: the text \"%s\" has %zu bytes, but the caller has room for %zu", j->what, j->key,
                             length + 1, j->text_room);
        memcpy(j->text, texts[i].text, length + 1);
        return 0;
    }
    return idem_fail("%s: the PNG file has no text named \"%s\"", j->what, j->key);
}

int idem_png_text(const char *path, const char *key, char *out, size_t n) {
    unsigned char *bytes;
    size_t size;
    if (idem_file_read(path, (size_t)1 << 30, &bytes, &size) < 0)
        return -1;
    job j;
    int status = open_reader(&j, bytes, size, path);
    if (status == 0) {
        j.key = key;
        j.text = out;
        j.text_room = n;
        status = guarded(&j, find_text);
        close_reader(&j);
    }
    free(bytes);
    return status;
}

static void write_bytes(png_structp png, png_bytep from, size_t n) {
    job *j = png_get_io_ptr(png);
    if (n > j->out_room - j->out_size) {
        size_t room = 2 * j->out_room + n + 4096;
        unsigned char *more = realloc(j->out, room);
        if (!more)
            png_error(png, "no memory");
        j->out = more;
        j->out_room = room;
    }
    memcpy(j->out + j->out_size, from, n);
    j->out_size += n;
}

static void flush_bytes(png_structp png) {
    (void)png;
}

static bool is_ascii(const char *s) {
    for (; *s; s++) {
        if ((unsigned char)*s >= 0x80)
            return false;
    }
    return true;
}

static int check_texts(const char *const *texts) {
    for (; texts && texts[0]; texts += 2) {
        size_t length = strlen(texts[0]);
        if (length < 1 || length > 79 || !is_ascii(texts[0]))
            return idem_fail("PNG text key \"%s\": expected 1 to 79 ASCII characters", texts[0]);
        if (!texts[1])
            return idem_fail("PNG text key \"%s\" has no value", texts[0]);
    }
    return 0;
}

static int encode(job *j) {
    const idem_image *im = j->im;
    png_structp png = j->png;
    png_set_IHDR(png, j->info, (uint32_t)im->width, (uint32_t)im->height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if ((int64_t)im->width * im->height > PHOTOGRAPH) {
        png_set_compression_level(png, 1);
        png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB);
    }
    for (const char *const *texts = j->texts; texts && texts[0]; texts += 2) {
        png_text text = {0};
        /* tEXt is Latin-1; what is not ASCII goes into iTXt, which is UTF-8. */
        text.compression = is_ascii(texts[1]) ? PNG_TEXT_COMPRESSION_NONE : PNG_ITXT_COMPRESSION_NONE;
        text.key = (char *)texts[0];
        text.text = (char *)texts[1];
        text.text_length = strlen(texts[1]);
        png_set_text(png, j->info, &text, 1);
    }
    png_write_info(png, j->info);
    for (int y = 0; y < im->height; y++)
        png_write_row(png, im->rgb + (size_t)y * (size_t)im->width * 3);
    png_write_end(png, NULL);
    return 0;
}

int idem_image_encode_png(const idem_image *im, const char *const *texts, unsigned char **data, size_t *size) {
    *data = NULL;
    *size = 0;
    if (im->width < 0 || im->height < 0 ||
        idem_image_check_size((uint64_t)im->width, (uint64_t)im->height, "picture to write") < 0 ||
        check_texts(texts) < 0)
        return -1;
    job j = {.what = "new file", .im = im, .texts = texts};
    j.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &j, on_error, on_warning);
    j.info = j.png ? png_create_info_struct(j.png) : NULL;
    if (!j.info) {
        png_destroy_write_struct(&j.png, NULL);
        return idem_fail("no memory for the PNG writer");
    }
    png_set_write_fn(j.png, &j, write_bytes, flush_bytes);
    int status = guarded(&j, encode);
    png_destroy_write_struct(&j.png, &j.info);
    if (status < 0) {
        free(j.out);
        return -1;
    }
    *data = j.out;
    *size = j.out_size;
    return 0;
}

int idem_image_save_png(const idem_image *im, const char *path, const char *const *texts) {
    unsigned char *data;
    size_t size;
    if (idem_image_encode_png(im, texts, &data, &size) < 0)
        return -1;
    int status = idem_file_write(path, data, size);
    free(data);
    return status;
}
