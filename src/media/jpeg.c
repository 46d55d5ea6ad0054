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

/* libjpeg's structures are the first members, so that pointers to them are pointers to this struct. */
typedef struct {
    struct jpeg_error_mgr errors;
    jmp_buf jump;
    bool at_end; /* the decoder has requested bytes after the last */
    char message[JMSG_LENGTH_MAX];
} handler;

typedef struct {
    struct jpeg_progress_mgr progress;
    int scan;        /* the current one */
    unsigned so_far; /* components in the scans so far, a bit each */
} scans;

typedef struct {
    const unsigned char *bytes;
    size_t size;
    const char *what;
    struct jpeg_decompress_struct jpeg;
    handler on_error;
    scans scans;
    idem_decoded *out;
    unsigned char *profile; /* libjpeg's copy */
    int least;              /* of the smaller side, 0 for the whole picture */
} job;

static void fail(j_common_ptr jpeg) {
    handler *h = (handler *)(void *)jpeg->err;
    jpeg->err->format_message(jpeg, h->message);
    longjmp(h->jump, 1);
}

/* libjpeg fills unreadable parts with grey and only warns. An incomplete picture is an error here; harmless warnings
 * (stray bytes between markers, odd Adobe tags) are not. The early end of the file alone is none either: many programs
 * omit the end marker, two bytes without pixels. Missing pixels cause another warning (JWRN_HIT_MARKER), or
 * check_complete finds them. */
static void on_message(j_common_ptr jpeg, int level) {
    handler *h = (handler *)(void *)jpeg->err;
    if (level >= 0)
        return;
    switch (jpeg->err->msg_code) {
    case JWRN_JPEG_EOF:
        h->at_end = true;
        break;
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

/* A small progressive file can require thousands of passes over a large picture. */
static void on_progress(j_common_ptr common) {
    handler *h = (handler *)(void *)common->err;
    scans *s = (scans *)(void *)common->progress;
    const struct jpeg_decompress_struct *jpeg = (j_decompress_ptr)common;
    if (!common->is_decompressor)
        return;
    if (jpeg->input_scan_number > SCANS_MAX) {
        snprintf(h->message, sizeof h->message, "more than %d scans", SCANS_MAX);
        longjmp(h->jump, 1);
    }
    if (jpeg->input_scan_number == s->scan)
        return;
    s->scan = jpeg->input_scan_number;
    for (int i = 0; i < jpeg->comps_in_scan; i++)
        s->so_far |= 1u << jpeg->cur_comp_info[i]->component_index;
}

static int find_orientation(const struct jpeg_decompress_struct *jpeg) {
    int orientation = 0;
    for (jpeg_saved_marker_ptr m = jpeg->marker_list; m && !orientation; m = m->next)
        if (m->marker == JPEG_APP0 + 1 && m->data_length >= 6 && memcmp(m->data, "Exif\0\0", 6) == 0)
            orientation = idem_exif_orientation(m->data, m->data_length);
    return orientation;
}

static bool has_profile(const struct jpeg_decompress_struct *jpeg) {
    static const char name[] = "ICC_PROFILE";
    for (jpeg_saved_marker_ptr m = jpeg->marker_list; m; m = m->next)
        if (m->marker == JPEG_APP0 + 2 && m->data_length >= sizeof name && memcmp(m->data, name, sizeof name) == 0)
            return true;
    return false;
}

static int take_profile(job *j) {
    unsigned size = 0;
    if (!has_profile(&j->jpeg))
        return 0;
    if (jpeg_read_icc_profile(&j->jpeg, &j->profile, &size))
        return idem_decoded_set_profile(j->out, j->profile, size, j->what);
    j->out->notes |= IDEM_NOTE_PROFILE; /* parts of it are missing */
    return 0;
}

/* For a file without its end marker: whether a scan is missing. */
static int check_complete(job *j) {
    struct jpeg_decompress_struct *jpeg = &j->jpeg;
    if (!j->on_error.at_end)
        return 0;
    bool complete = !jpeg->arith_code && /* its decoder cannot distinguish an end from zeros */
                    (!jpeg_has_multiple_scans(jpeg) || j->scans.so_far == (1u << jpeg->num_components) - 1);
    for (int i = 0; i < jpeg->num_components && jpeg->progressive_mode; i++)
        for (int k = 0; k < DCTSIZE2; k++)
            complete = complete && jpeg->coef_bits[i][k] == 0; /* -1: nothing of it yet, else bits to come */
    return complete ? 0 : idem_fail("%s: the JPEG picture is cut off: parts of its pixels are missing", j->what);
}

/* A Huffman-coded file spends at least one bit on each block of 8 x 8: a header that promises more blocks is refused
 * before memory is allocated for them. (Arithmetic coding has no such minimum.) */
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

/* The largest reduction in decoding with no side below `least`. */
static unsigned reduction(const job *j) {
    unsigned side = j->jpeg.image_width < j->jpeg.image_height ? j->jpeg.image_width : j->jpeg.image_height;
    unsigned by = 1;
    while (j->least > 0 && by < 8 && side / (2 * by) >= (unsigned)j->least)
        by *= 2;
    return by;
}

static int decode(job *j) {
    struct jpeg_decompress_struct *jpeg = &j->jpeg;
    idem_decoded *out = j->out;
    jpeg_create_decompress(jpeg);
    jpeg->progress = &j->scans.progress;
    jpeg_mem_src(jpeg, j->bytes, j->size);
    jpeg_save_markers(jpeg, JPEG_APP0 + 1, 0xffff);
    jpeg_save_markers(jpeg, JPEG_APP0 + 2, 0xffff);
    jpeg_read_header(jpeg, TRUE);
    if (idem_image_check_size(jpeg->image_width, jpeg->image_height, j->what) < 0 || check_promise(j) < 0 ||
        take_profile(j) < 0)
        return -1;
    out->orientation = find_orientation(jpeg);
    /* As in Adobe's programs and all others that write four-channel JPEG: 255 is no ink. */
    out->inks = jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
    out->grey = jpeg->jpeg_color_space == JCS_GRAYSCALE;
    out->channels = out->inks ? 4 : 3;
    jpeg->out_color_space = out->inks ? JCS_CMYK : JCS_RGB;
    jpeg->scale_num = 1;
    jpeg->scale_denom = reduction(j);
    out->whole_width = (int)jpeg->image_width;
    out->whole_height = (int)jpeg->image_height;
    jpeg_start_decompress(jpeg);
    out->width = (int)jpeg->output_width;
    out->height = (int)jpeg->output_height;
    const size_t row_bytes = (size_t)out->width * (size_t)out->channels;
    if (!(out->pixels = malloc(row_bytes * (size_t)out->height)))
        return idem_fail_as(IDEM_MEMORY, "%s: no memory for a picture of %d x %d", j->what, out->width, out->height);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = out->pixels + jpeg->output_scanline * row_bytes;
        jpeg_read_scanlines(jpeg, &row, 1);
    }
    if (check_complete(j))
        return -1;
    jpeg_finish_decompress(jpeg);
    return 0;
}

/* libjpeg's errors jump from decode to here; other errors return -1. */
static int guarded(job *j) {
    if (!setjmp(j->on_error.jump))
        return decode(j);
    const struct jpeg_decompress_struct *jpeg = &j->jpeg;
    if (j->on_error.at_end && jpeg->output_height)
        return idem_fail("%s: the JPEG picture is cut off: %u of its %u rows are there", j->what, jpeg->output_scanline,
                         jpeg->output_height);
    return idem_fail("%s: the JPEG picture cannot be decoded: %s%s", j->what, j->on_error.message,
                     j->on_error.at_end ? "; the file ends too early" : "");
}

int idem_jpeg_parse(idem_decoded *d, const unsigned char *bytes, size_t size, const char *what, int least) {
    job j = {.bytes = bytes, .size = size, .what = what, .least = least, .out = d};
    j.jpeg.err = jpeg_std_error(&j.on_error.errors);
    j.on_error.errors.error_exit = fail;
    j.on_error.errors.emit_message = on_message;
    j.on_error.errors.output_message = on_output;
    j.scans.progress.progress_monitor = on_progress;
    int status = guarded(&j);
    jpeg_destroy_decompress(&j.jpeg);
    free(j.profile);
    return status;
}
