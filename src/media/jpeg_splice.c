#include "media/jpeg_splice.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "base/status.h"

enum { QUALITY = 95, APP1_MOST = 65533 - 29 };
static const char xmp_name[29] = "http://ns.adobe.com/xap/1.0/"; /* with its zero */

typedef struct {
    struct jpeg_error_mgr errors;
    jmp_buf jump;
    char message[JMSG_LENGTH_MAX];
} handler;

/* Must survive the library's jumps. */
typedef struct {
    const idem_jpeg_job *job;
    handler on_error;
    struct jpeg_decompress_struct source, made; /* the file, and the new picture read back */
    struct jpeg_compress_struct encoder, writer;
    bool usable; /* the source's tables and colours allow keeping its coefficients */
    unsigned char *encoded, *out;
    unsigned long encoded_size, out_size;
    char *packet;
    size_t packet_size;
    int replaced, of;
} work;

static void fail(j_common_ptr jpeg) {
    handler *h = (handler *)(void *)jpeg->err;
    jpeg->err->format_message(jpeg, h->message);
    longjmp(h->jump, 1);
}

/* Suppresses warnings: they were reported when the file was first decoded. */
static void on_message(j_common_ptr jpeg, int level) {
    (void)jpeg;
    (void)level;
}

static void on_output(j_common_ptr jpeg) {
    (void)jpeg;
}

/* ---- encoding ---- */

static void copy_table(struct jpeg_compress_struct *to, const JQUANT_TBL *from, int i, bool exchanged) {
    if (!to->quant_tbl_ptrs[i])
        to->quant_tbl_ptrs[i] = jpeg_alloc_quant_table((j_common_ptr)to);
    for (int y = 0; y < DCTSIZE; y++)
        for (int x = 0; x < DCTSIZE; x++)
            to->quant_tbl_ptrs[i]->quantval[y * DCTSIZE + x] =
                from->quantval[exchanged ? x * DCTSIZE + y : y * DCTSIZE + x];
    to->quant_tbl_ptrs[i]->sent_table = FALSE;
}

/* Colours, tables and subsampling of the source. */
static void set_like(work *w) {
    struct jpeg_compress_struct *to = &w->encoder;
    const struct jpeg_decompress_struct *from = &w->source;
    jpeg_set_colorspace(to, from->jpeg_color_space);
    for (int i = 0; i < NUM_QUANT_TBLS; i++)
        if (from->quant_tbl_ptrs[i])
            copy_table(to, from->quant_tbl_ptrs[i], i, w->job->exchanged);
    for (int i = 0; i < to->num_components; i++) {
        const jpeg_component_info *c = &from->comp_info[i];
        to->comp_info[i].h_samp_factor = w->job->exchanged ? c->v_samp_factor : c->h_samp_factor;
        to->comp_info[i].v_samp_factor = w->job->exchanged ? c->h_samp_factor : c->v_samp_factor;
        to->comp_info[i].quant_tbl_no = c->quant_tbl_no;
    }
}

static void set_plain(work *w) {
    jpeg_set_quality(&w->encoder, QUALITY, TRUE);
    for (int i = 0; i < w->encoder.num_components; i++)
        w->encoder.comp_info[i].h_samp_factor = w->encoder.comp_info[i].v_samp_factor = 1;
}

static void write_markers(work *w, struct jpeg_compress_struct *to) {
    const idem_jpeg_job *j = w->job;
    if (w->packet && w->packet_size <= APP1_MOST) {
        jpeg_write_m_header(to, JPEG_APP0 + 1, (unsigned)(sizeof xmp_name + w->packet_size));
        for (size_t i = 0; i < sizeof xmp_name; i++)
            jpeg_write_m_byte(to, xmp_name[i]);
        for (size_t i = 0; i < w->packet_size; i++)
            jpeg_write_m_byte(to, w->packet[i]);
    }
    if (j->profile)
        jpeg_write_icc_profile(to, j->profile, (unsigned)j->profile_size);
}

static void encode(work *w) {
    struct jpeg_compress_struct *to = &w->encoder;
    const idem_jpeg_job *j = w->job;
    jpeg_mem_dest(to, &w->encoded, &w->encoded_size);
    to->image_width = (JDIMENSION)j->width;
    to->image_height = (JDIMENSION)j->height;
    to->input_components = 3;
    to->in_color_space = JCS_RGB;
    jpeg_set_defaults(to);
    (w->usable ? set_like : set_plain)(w);
    to->optimize_coding = TRUE;
    to->dct_method = JDCT_ISLOW;
    jpeg_start_compress(to, TRUE);
    if (!j->touched || !w->usable)
        write_markers(w, to);
    while (to->next_scanline < to->image_height) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(j->rgb + (size_t)to->next_scanline * (size_t)j->width * 3);
        jpeg_write_scanlines(to, &row, 1);
    }
    jpeg_finish_compress(to);
}

/* ---- splicing ---- */

/* Whether a pixel of the MCU in column x, row y was changed. */
static bool is_touched(const work *w, JDIMENSION x, JDIMENSION y, int mcu_width, int mcu_height) {
    const idem_jpeg_job *j = w->job;
    const int left = (int)x * mcu_width, top = (int)y * mcu_height;
    const int width = j->width - left < mcu_width ? j->width - left : mcu_width;
    for (int row = top; row < top + mcu_height && row < j->height; row++)
        for (int i = 0; i < width; i++)
            if (j->touched[(size_t)row * (size_t)j->width + (size_t)(left + i)])
                return true;
    return false;
}

/* The blocks of an MCU of one component; fewer at the right and lower edges. */
static void copy_blocks(work *w, jvirt_barray_ptr *to, jvirt_barray_ptr *from, int component, JDIMENSION x,
                        JDIMENSION y) {
    const jpeg_component_info *c = &w->source.comp_info[component];
    for (int v = 0; v < c->v_samp_factor; v++) {
        const JDIMENSION row = y * (JDIMENSION)c->v_samp_factor + (JDIMENSION)v;
        if (row >= c->height_in_blocks)
            break;
        JBLOCKARRAY a = w->source.mem->access_virt_barray((j_common_ptr)&w->source, to[component], row, 1, TRUE);
        JBLOCKARRAY b = w->made.mem->access_virt_barray((j_common_ptr)&w->made, from[component], row, 1, FALSE);
        for (int h = 0; h < c->h_samp_factor; h++) {
            const JDIMENSION column = x * (JDIMENSION)c->h_samp_factor + (JDIMENSION)h;
            if (column < c->width_in_blocks)
                memcpy(a[0][column], b[0][column], sizeof(JBLOCK));
        }
    }
}

static void splice(work *w) {
    jvirt_barray_ptr *was = jpeg_read_coefficients(&w->source);
    jpeg_mem_src(&w->made, w->encoded, w->encoded_size);
    jpeg_read_header(&w->made, TRUE);
    jvirt_barray_ptr *is = jpeg_read_coefficients(&w->made);
    const int mcu_width = w->source.max_h_samp_factor * DCTSIZE, mcu_height = w->source.max_v_samp_factor * DCTSIZE;
    const JDIMENSION columns = (JDIMENSION)((w->job->width + mcu_width - 1) / mcu_width),
                     rows = (JDIMENSION)((w->job->height + mcu_height - 1) / mcu_height);
    w->of = (int)(columns * rows);
    for (JDIMENSION y = 0; y < rows; y++)
        for (JDIMENSION x = 0; x < columns; x++) {
            if (!is_touched(w, x, y, mcu_width, mcu_height))
                continue;
            w->replaced++;
            for (int i = 0; i < w->source.num_components; i++)
                copy_blocks(w, was, is, i, x, y);
        }
    jpeg_mem_dest(&w->writer, &w->out, &w->out_size);
    jpeg_copy_critical_parameters(&w->source, &w->writer);
    w->writer.optimize_coding = TRUE;
    if (w->source.progressive_mode)
        jpeg_simple_progression(&w->writer);
    jpeg_write_coefficients(&w->writer, was);
    write_markers(w, &w->writer);
    jpeg_finish_compress(&w->writer);
    jpeg_finish_decompress(&w->made);
    jpeg_finish_decompress(&w->source);
}

/* ---- both ---- */

/* A coefficient is kept only if it has the same meaning in both files. */
static bool is_usable(const struct jpeg_decompress_struct *from) {
    bool usable =
        from->data_precision == 8 && (from->jpeg_color_space == JCS_YCbCr || from->jpeg_color_space == JCS_RGB ||
                                      from->jpeg_color_space == JCS_GRAYSCALE);
    for (int i = 0; i < from->num_components && usable; i++)
        usable = from->comp_info[i].quant_tbl_no >= 0 && from->comp_info[i].quant_tbl_no < NUM_QUANT_TBLS;
    return usable;
}

static void run(work *w) {
    const idem_jpeg_job *j = w->job;
    if (j->bytes) {
        jpeg_mem_src(&w->source, j->bytes, j->size);
        jpeg_read_header(&w->source, TRUE);
        w->usable = is_usable(&w->source);
    }
    /* Tables may be redefined between scans: the used ones are known only after reading the coefficients. */
    const bool spliced = w->usable && j->touched && !j->exchanged && (int)w->source.image_width == j->width &&
                         (int)w->source.image_height == j->height;
    if (w->usable && !w->source.quant_tbl_ptrs[w->source.comp_info[0].quant_tbl_no])
        w->usable = false;
    for (int i = 1; i < w->source.num_components && w->usable; i++)
        w->usable = w->source.quant_tbl_ptrs[w->source.comp_info[i].quant_tbl_no] != NULL;
    encode(w);
    if (spliced && w->usable)
        splice(w);
}

static int guarded(work *w) {
    if (!setjmp(w->on_error.jump)) {
        run(w);
        return 0;
    }
    return idem_fail("%s: the JPEG picture cannot be written: %s", w->job->what, w->on_error.message);
}

int idem_jpeg_write(const idem_jpeg_job *job, unsigned char **data, size_t *size, int *replaced, int *of) {
    work *w = calloc(1, sizeof *w);
    if (!w)
        return idem_fail_as(IDEM_MEMORY, "%s: no memory for writing it", job->what);
    w->job = job;
    struct jpeg_error_mgr *errors = jpeg_std_error(&w->on_error.errors);
    errors->error_exit = fail;
    errors->emit_message = on_message;
    errors->output_message = on_output;
    w->source.err = w->made.err = w->encoder.err = w->writer.err = errors;
    jpeg_create_decompress(&w->source);
    jpeg_create_decompress(&w->made);
    jpeg_create_compress(&w->encoder);
    jpeg_create_compress(&w->writer);
    int status = job->marks && !(w->packet = idem_xmp_packet(job->marks, &w->packet_size)) ? -1 : guarded(w);
    unsigned char **result = w->out ? &w->out : &w->encoded;
    if (!status) {
        *size = w->out ? w->out_size : w->encoded_size;
        *of = w->out ? w->of : 1;
        *replaced = w->out ? w->replaced : 1;
        *data = *result;
        *result = NULL;
    }
    jpeg_destroy_compress(&w->writer);
    jpeg_destroy_compress(&w->encoder);
    jpeg_destroy_decompress(&w->made);
    jpeg_destroy_decompress(&w->source);
    free(w->encoded);
    free(w->out);
    free(w->packet);
    free(w);
    return status;
}
