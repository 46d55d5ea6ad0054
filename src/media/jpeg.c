#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "base/status.h"
#include "media/codec.h"

enum { SCANS_MAX = 200 };

/* libjpeg's structures first, so that its pointers to them are pointers to ours. */
typedef struct {
    struct jpeg_error_mgr errors;
    jmp_buf jump;
    char message[JMSG_LENGTH_MAX];
} handler;

typedef struct {
    const unsigned char *bytes;
    size_t size;
    const char *what;
    struct jpeg_decompress_struct jpeg;
    handler on_error;
    struct jpeg_progress_mgr progress;
    idem_image im;
    uint8_t *row;
    int least, width, height; /* of the smaller side, 0 for the whole picture; what the whole is, upright */
} job;

static void fail(j_common_ptr jpeg) {
    handler *h = (handler *)(void *)jpeg->err;
    jpeg->err->format_message(jpeg, h->message);
    longjmp(h->jump, 1);
}

/* libjpeg fills what it cannot read with grey and only warns. A picture that is not all there is an error here; remarks
 * on harmless things (stray bytes between markers, odd Adobe tags) are not. */
static void on_message(j_common_ptr jpeg, int level) {
    if (level >= 0)
        return;
    switch (jpeg->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_BOGUS_PROGRESSION:
        fail(jpeg);
    }
}

static void on_output(j_common_ptr jpeg) {
    (void)jpeg;
}

/* A small progressive file can ask for thousands of passes over a large picture. */
static void on_progress(j_common_ptr jpeg) {
    if (jpeg->is_decompressor && ((j_decompress_ptr)jpeg)->input_scan_number > SCANS_MAX) {
        handler *h = (handler *)(void *)jpeg->err;
        snprintf(h->message, sizeof h->message, "more than %d scans", SCANS_MAX);
        longjmp(h->jump, 1);
    }
}

static int find_orientation(const struct jpeg_decompress_struct *jpeg) {
    for (jpeg_saved_marker_ptr m = jpeg->marker_list; m; m = m->next) {
        int orientation = idem_exif_orientation(m->data, m->data_length);
        if (orientation != 1)
            return orientation;
    }
    return 1;
}

/* A Huffman-coded file spends at least one bit on each block of 8 x 8: a header that promises more blocks is refused
 * before memory is taken for them. (Arithmetic coding has no such floor.) */
static int check_promise(const job *j) {
    const struct jpeg_decompress_struct *jpeg = &j->jpeg;
    uint64_t blocks = 0;
    for (int i = 0; i < jpeg->num_components; i++)
        blocks += (uint64_t)jpeg->comp_info[i].width_in_blocks * jpeg->comp_info[i].height_in_blocks;
    if (!jpeg->arith_code && blocks / 8 > j->size)
        return idem_fail("%s: the header promises %u x %u pixels, but the file has only %zu bytes: it is truncated or "
                         "damaged",
                         j->what, jpeg->image_width, jpeg->image_height, j->size);
    return 0;
}

/* As Adobe and with it every program that writes four-channel JPEG: 255 is no ink. */
static void cmyk_to_rgb(uint8_t *rgb, const uint8_t *cmyk, size_t n) {
    for (size_t i = 0; i < n; i++) {
        unsigned key = cmyk[4 * i + 3];
        for (int c = 0; c < 3; c++)
            rgb[3 * i + c] = (uint8_t)((cmyk[4 * i + c] * key + 127) / 255);
    }
}

/* The most that decoding can be reduced by with no side below `least`. */
static unsigned reduction(const job *j) {
    unsigned side = j->jpeg.image_width < j->jpeg.image_height ? j->jpeg.image_width : j->jpeg.image_height;
    unsigned by = 1;
    while (j->least > 0 && by < 8 && side / (2 * by) >= (unsigned)j->least)
        by *= 2;
    return by;
}

static int decode(job *j) {
    const char *what = j->what;
    struct jpeg_decompress_struct *jpeg = &j->jpeg;
    jpeg_create_decompress(jpeg);
    jpeg->progress = &j->progress;
    jpeg_mem_src(jpeg, j->bytes, j->size);
    jpeg_save_markers(jpeg, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(jpeg, TRUE);
    if (idem_image_check_size(jpeg->image_width, jpeg->image_height, what) < 0 || check_promise(j) < 0)
        return -1;
    int orientation = find_orientation(jpeg);
    bool four = jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
    jpeg->out_color_space = four ? JCS_CMYK : JCS_RGB;
    jpeg->scale_num = 1;
    jpeg->scale_denom = reduction(j);
    bool turned = orientation >= 5;
    j->width = (int)(turned ? jpeg->image_height : jpeg->image_width);
    j->height = (int)(turned ? jpeg->image_width : jpeg->image_height);
    jpeg_start_decompress(jpeg);
    size_t width = jpeg->output_width;
    if (idem_image_new(&j->im, (int)jpeg->output_width, (int)jpeg->output_height) < 0)
        return -1;
    j->row = four ? malloc(width * 4) : NULL;
    if (four && !j->row)
        return idem_fail("%s: no memory for a row of %zu pixels", what, width);
    while (jpeg->output_scanline < jpeg->output_height) {
        uint8_t *to = j->im.rgb + jpeg->output_scanline * width * 3;
        JSAMPROW row = four ? j->row : to;
        if (jpeg_read_scanlines(jpeg, &row, 1) == 1 && four)
            cmyk_to_rgb(to, j->row, width);
    }
    jpeg_finish_decompress(jpeg);
    return idem_image_orient(&j->im, orientation);
}

/* libjpeg's errors jump out of decode to here; our own return -1. */
static int guarded(job *j) {
    if (setjmp(j->on_error.jump))
        return idem_fail("%s: the JPEG picture cannot be decoded: %s", j->what, j->on_error.message);
    return decode(j);
}

int idem_jpeg_parse(idem_image *im, const unsigned char *bytes, size_t size, const char *what, int least, int *width,
                    int *height) {
    job j = {.bytes = bytes, .size = size, .what = what, .least = least};
    j.jpeg.err = jpeg_std_error(&j.on_error.errors);
    j.on_error.errors.error_exit = fail;
    j.on_error.errors.emit_message = on_message;
    j.on_error.errors.output_message = on_output;
    j.progress.progress_monitor = on_progress;
    int status = guarded(&j);
    jpeg_destroy_decompress(&j.jpeg);
    free(j.row);
    if (status == 0) {
        *im = j.im;
        *width = j.width;
        *height = j.height;
    } else {
        idem_image_free(&j.im);
    }
    return status;
}
