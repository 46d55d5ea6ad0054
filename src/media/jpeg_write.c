#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "base/status.h"
#include "media/image.h"

/* libjpeg's structure is the first member, so that a pointer to it is a pointer to this struct. */
typedef struct {
    struct jpeg_error_mgr errors;
    jmp_buf jump;
    char message[JMSG_LENGTH_MAX];
} handler;

static void fail(j_common_ptr jpeg) {
    handler *h = (handler *)(void *)jpeg->err;
    jpeg->err->format_message(jpeg, h->message);
    longjmp(h->jump, 1);
}

static void ignore(j_common_ptr jpeg, int level) {
    (void)jpeg;
    (void)level;
}

/* XMP is stored in an APP1 segment after its name including the NUL (XMP specification, part 3). */
static unsigned char *segment_of(const idem_marks *marks, size_t *size) {
    static const char name[] = "http://ns.adobe.com/xap/1.0/";
    enum { SEGMENT_MOST = 65533 };
    size_t n;
    char *packet = idem_xmp_packet(marks, &n);
    if (!packet)
        return NULL;
    *size = sizeof name + n;
    unsigned char *segment = *size <= SEGMENT_MOST ? malloc(*size) : NULL;
    if (segment) {
        memcpy(segment, name, sizeof name);
        memcpy(segment + sizeof name, packet, n);
    }
    free(packet);
    return segment ? segment : idem_fail_null_as(IDEM_MEMORY, "out of memory for a JPEG picture");
}

static int encode(const idem_image *im, int quality, const unsigned char *segment, size_t segment_size,
                  unsigned char **bytes, unsigned long *size) {
    struct jpeg_compress_struct jpeg;
    handler on_error;
    jpeg.err = jpeg_std_error(&on_error.errors);
    on_error.errors.error_exit = fail;
    on_error.errors.emit_message = ignore;
    if (setjmp(on_error.jump)) {
        jpeg_destroy_compress(&jpeg);
        return idem_fail_as(IDEM_INTERNAL, "a JPEG picture of %d x %d cannot be written: %s", im->width, im->height,
                            on_error.message);
    }
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, bytes, size);
    jpeg.image_width = (JDIMENSION)im->width;
    jpeg.image_height = (JDIMENSION)im->height;
    jpeg.input_components = 3;
    jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, quality, TRUE);
    jpeg.optimize_coding = TRUE;
    jpeg_start_compress(&jpeg, TRUE);
    if (segment)
        jpeg_write_marker(&jpeg, JPEG_APP0 + 1, segment, (unsigned)segment_size);
    while (jpeg.next_scanline < jpeg.image_height) {
        JSAMPROW row = im->rgb + (size_t)jpeg.next_scanline * (size_t)im->width * 3;
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return 0;
}

int idem_image_encode_jpeg(const idem_image *im, int quality, const idem_marks *marks, unsigned char **data,
                           size_t *size) {
    size_t segment_size = 0;
    unsigned char *segment = marks ? segment_of(marks, &segment_size) : NULL, *bytes = NULL;
    unsigned long n = 0;
    if (marks && !segment)
        return -1;
    const int status = encode(im, quality, segment, segment_size, &bytes, &n);
    free(segment);
    if (status) {
        free(bytes);
        return -1;
    }
    *data = bytes;
    *size = n;
    return 0;
}
