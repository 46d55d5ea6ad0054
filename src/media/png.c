#include <png.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"
#include "media/codec.h"

/* Pictures with more pixels are compressed fast rather than small: otherwise a photograph of 12 megapixels takes
 * seconds. */
enum { PHOTOGRAPH = 2000000 };

/* Everything that must survive libpng's longjmp is stored here, not in locals. */
typedef struct {
    const unsigned char *bytes;
    size_t size, at;
    const char *what;
    png_structp png;
    png_infop info;
    idem_decoded *into; /* reader: the picture */
    uint8_t *row;       /* writer: a row with its transparency */
    unsigned char *out; /* writer: bytes so far */
    size_t out_size, out_capacity;
    const idem_image *im;    /* writer: the picture */
    const idem_marks *marks; /* writer: or NULL */
    char *packet;            /* writer: XMP, or NULL */
    const char *key;         /* text reader: the key and the buffer for its text */
    char *text;
    size_t text_capacity;
    char message[200];
} job;

static void on_error(png_structp png, png_const_charp message) {
    job *j = png_get_error_ptr(png);
    strncpy(j->message, message, sizeof j->message - 1);
    longjmp(png_jmpbuf(png), 1);
}

/* libpng only warns about an invalid profile and drops it. */
static void on_warning(png_structp png, png_const_charp message) {
    job *j = png_get_error_ptr(png);
    if (j->into && !strncmp(message, "iCCP", 4))
        j->into->notes |= IDEM_NOTE_PROFILE;
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
    png_set_chunk_malloc_max(j->png, IDEM_PROFILE_MAX); /* an unpacked profile or text */
    png_set_chunk_cache_max(j->png, 64);
    return 0;
}

/* deflate expands one byte to at most 1032: a header that promises more is refused before memory is allocated for it.
 */
static int check_promise(const job *j, uint64_t width, uint64_t height, int bits_per_pixel) {
    uint64_t promised = (width * (uint64_t)bits_per_pixel + 7) / 8 * height;
    if (promised / 1032 > j->size)
        return idem_fail(
            "%s: the header promises %llu x %llu pixels, but the file has only %zu bytes: it is truncated or damaged",
            j->what, (unsigned long long)width, (unsigned long long)height, j->size);
    return 0;
}

/* Besides the pixels, keeps only chunks that affect their colours or orientation. */
static void choose_chunks(png_structp png) {
    static const png_byte known[] = "iCCP\0sRGB\0gAMA\0cHRM", others[] = "eXIf\0acTL\0cICP";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_AS_DEFAULT, known, (int)sizeof known / 5);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_ALWAYS, others, (int)sizeof others / 5);
}

/* Chunks that are read here: animations, colours by H.273, EXIF (libpng refuses some that other programs accept). */
static void take_others(job *j) {
    png_unknown_chunkp chunks;
    const int n = png_get_unknown_chunks(j->png, j->info, &chunks);
    for (int i = 0; i < n; i++) {
        const png_byte *data = chunks[i].data;
        const size_t size = chunks[i].size;
        if (!memcmp(chunks[i].name, "acTL", 4) && size >= 4 && png_get_uint_32(data) > 1)
            j->into->notes |= IDEM_NOTE_FRAMES;
        if (!memcmp(chunks[i].name, "cICP", 4) && size >= 2) {
            j->into->tags.primaries = data[0];
            j->into->tags.transfer = data[1];
        }
        if (!memcmp(chunks[i].name, "eXIf", 4) && !j->into->orientation)
            j->into->orientation = idem_exif_orientation(data, size);
    }
}

/* The order of the standard: cICP, iCCP, sRGB, gAMA with cHRM. */
static int take_colours(job *j) {
    idem_colour_tags *tags = &j->into->tags;
    png_charp name;
    png_bytep profile;
    png_uint_32 size;
    int compression, intent;
    bool srgb = png_get_sRGB(j->png, j->info, &intent) != 0;
    bool has_profile = png_get_iCCP(j->png, j->info, &name, &compression, &profile, &size) != 0;
    if (srgb || has_profile)
        j->into->notes &= ~(unsigned)IDEM_NOTE_PROFILE; /* libpng also warns about profiles that it accepts */
    take_others(j);
    if (srgb || tags->primaries)
        return 0;
    if (has_profile)
        return idem_decoded_set_profile(j->into, profile, size, j->what);
    if (png_get_gAMA(j->png, j->info, &tags->gamma)) {
        double *p = tags->points;
        tags->has_points = png_get_cHRM(j->png, j->info, &p[0], &p[1], &p[2], &p[3], &p[4], &p[5], &p[6], &p[7]) != 0;
    }
    return 0;
}

static int decode(job *j) {
    png_structp png = j->png;
    png_infop info = j->info;
    idem_decoded *into = j->into;
    choose_chunks(png);
    png_read_info(png, info);
    uint32_t width = png_get_image_width(png, info), height = png_get_image_height(png, info);
    int bits = png_get_bit_depth(png, info) * png_get_channels(png, info);
    if (idem_image_check_size(width, height, j->what) < 0 || check_promise(j, width, height, bits) < 0 ||
        take_colours(j) < 0)
        return -1;
    into->grey = !(png_get_color_type(png, info) & PNG_COLOR_MASK_COLOR);
    png_set_scale_16(png);
    png_set_expand(png); /* palette to colours, 1 to 4 bits to 8, transparent colour to alpha */
    png_set_gray_to_rgb(png);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    into->channels = png_get_channels(png, info);
    into->width = (int)width;
    into->height = (int)height;
    size_t row_bytes = png_get_rowbytes(png, info);
    if (into->channels < 3 || into->channels > 4 || row_bytes != (size_t)width * (size_t)into->channels)
        png_error(png, "unexpected row size");
    if (!(into->pixels = malloc(row_bytes * height)))
        return idem_fail_as(IDEM_MEMORY, "%s: no memory for a picture of %u x %u", j->what, width, height);
    for (int pass = 0; pass < passes; pass++)
        for (uint32_t y = 0; y < height; y++)
            png_read_row(png, into->pixels + y * row_bytes, NULL);
    png_read_end(png, info); /* a file that ends before IEND is truncated */
    take_others(j);          /* those after the pixels */
    return 0;
}

/* libpng's errors jump from `work` to here; other errors return -1. */
static int guarded(job *j, int (*work)(job *)) {
    if (setjmp(png_jmpbuf(j->png)))
        return idem_fail("%s: the PNG picture cannot be %s: %s", j->what, j->im ? "written" : "read", j->message);
    return work(j);
}

int idem_png_parse(idem_decoded *d, const unsigned char *bytes, size_t size, const char *what) {
    job j;
    if (open_reader(&j, bytes, size, what) < 0)
        return -1;
    j.into = d;
    int status = guarded(&j, decode);
    close_reader(&j);
    return status;
}

/* Texts before the pixels, where idem_image_save_png writes them. */
static int find_text(job *j) {
    png_textp texts;
    int count;
    png_read_info(j->png, j->info);
    png_get_text(j->png, j->info, &texts, &count);
    for (int i = 0; i < count; i++) {
        if (strcmp(texts[i].key, j->key) != 0)
            continue;
        size_t length = strlen(texts[i].text);
        if (length >= j->text_capacity)
            return idem_fail("%s: the text \"%s\" has %zu bytes, but the caller's capacity is %zu", j->what, j->key,
                             length + 1, j->text_capacity);
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
        j.text_capacity = n;
        status = guarded(&j, find_text);
        close_reader(&j);
    }
    free(bytes);
    return status;
}

static void write_bytes(png_structp png, png_bytep from, size_t n) {
    job *j = png_get_io_ptr(png);
    if (n > j->out_capacity - j->out_size) {
        size_t capacity = 2 * j->out_capacity + n + 4096;
        unsigned char *more = realloc(j->out, capacity);
        if (!more)
            png_error(png, "no memory");
        j->out = more;
        j->out_capacity = capacity;
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

static int check_texts(const idem_marks *marks) {
    for (const char *const *texts = marks ? marks->texts : NULL; texts && texts[0]; texts += 2) {
        size_t length = strlen(texts[0]);
        if (length < 1 || length > 79 || !is_ascii(texts[0]))
            return idem_fail("PNG text key \"%s\": expected 1 to 79 ASCII characters", texts[0]);
        if (!texts[1])
            return idem_fail("PNG text key \"%s\" has no value", texts[0]);
    }
    return 0;
}

static void add_text(job *j, int compression, const char *key, const char *value) {
    png_text text = {0};
    text.compression = compression;
    text.key = (char *)key;
    text.text = (char *)value;
    text.text_length = strlen(value);
    png_set_text(j->png, j->info, &text, 1);
}

static int encode(job *j) {
    const idem_image *im = j->im;
    png_structp png = j->png;
    const size_t width = (size_t)im->width;
    png_set_IHDR(png, j->info, (uint32_t)im->width, (uint32_t)im->height, 8,
                 im->rgba ? PNG_COLOR_TYPE_RGB_ALPHA : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (im->rgba && !(j->row = malloc(width * 4)))
        return idem_fail_as(IDEM_MEMORY, "%s: no memory for a row of %d pixels", j->what, im->width);
    if ((int64_t)im->width * im->height > PHOTOGRAPH) {
        png_set_compression_level(png, 1);
        png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB);
    }
    /* tEXt is Latin-1; text that is not ASCII goes into iTXt, which is UTF-8. */
    for (const char *const *texts = j->marks ? j->marks->texts : NULL; texts && texts[0]; texts += 2)
        add_text(j, is_ascii(texts[1]) ? PNG_TEXT_COMPRESSION_NONE : PNG_ITXT_COMPRESSION_NONE, texts[0], texts[1]);
    if (j->packet)
        add_text(j, PNG_ITXT_COMPRESSION_NONE, IDEM_XMP_KEYWORD, j->packet);
    png_write_info(png, j->info);
    for (size_t y = 0; y < (size_t)im->height; y++) {
        const uint8_t *rgb = im->rgb + y * width * 3;
        if (im->rgba)
            idem_image_off_white(j->row, rgb, im->rgba + y * width * 4, width);
        png_write_row(png, im->rgba ? j->row : rgb);
    }
    png_write_end(png, NULL);
    return 0;
}

int idem_image_encode_png(const idem_image *im, const idem_marks *marks, unsigned char **data, size_t *size) {
    *data = NULL;
    *size = 0;
    if (im->width < 0 || im->height < 0 ||
        idem_image_check_size((uint64_t)im->width, (uint64_t)im->height, "picture to write") < 0 ||
        check_texts(marks) < 0)
        return -1;
    job j = {.what = "new file", .im = im, .marks = marks};
    j.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &j, on_error, on_warning);
    j.info = j.png ? png_create_info_struct(j.png) : NULL;
    if (!j.info) {
        png_destroy_write_struct(&j.png, NULL);
        return idem_fail("no memory for the PNG writer");
    }
    png_set_write_fn(j.png, &j, write_bytes, flush_bytes);
    size_t packet_size;
    int status =
        marks && marks->source && !(j.packet = idem_xmp_packet(marks, &packet_size)) ? -1 : guarded(&j, encode);
    png_destroy_write_struct(&j.png, &j.info);
    free(j.row);
    free(j.packet);
    if (status < 0) {
        free(j.out);
        return -1;
    }
    *data = j.out;
    *size = j.out_size;
    return 0;
}

int idem_image_save_png(const idem_image *im, const char *path, const idem_marks *marks) {
    unsigned char *data;
    size_t size;
    if (idem_image_encode_png(im, marks, &data, &size) < 0)
        return -1;
    int status = idem_file_write(path, data, size);
    free(data);
    return status;
}
