/* Writes the seeds of fuzz/fuzz_image.c into a folder: check-image-seeds fuzz/seeds/image */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <webp/encode.h>

#include "base/file.h"
#include "base/status.h"
#include "support/pictures.h"

static int write_seed(const char *dir, const char *name, blob b) {
    char *path = idem_path_join(dir, name);
    int status = path ? idem_file_write(path, b.data, b.size) : -1;
    if (status < 0)
        fprintf(stderr, "%s\n", idem_error());
    free(path);
    free(b.data);
    return status;
}

int main(int argc, char **argv) {
    static const char *const names[SMALL_FILES] = {
        "rgb.png", "rgba16-interlaced.png", "exif.jpg", "progressive.jpg", "ycck.jpg", "lossy.webp"};
    if (argc != 2) {
        fprintf(stderr, "usage: check-image-seeds DIR\n");
        return 2;
    }
    blob files[SMALL_FILES];
    make_small_files(files);
    int failed = idem_dir_make(argv[1]) < 0;
    for (int i = 0; i < SMALL_FILES; i++)
        failed |= write_seed(argv[1], names[i], files[i]) < 0;

    uint16_t samples[PNG_SIDE_X * PNG_SIDE_Y];
    png_color palette[4] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {9, 9, 9}};
    png_byte alpha[4] = {255, 128, 0, 1};
    for (int i = 0; i < PNG_SIDE_X * PNG_SIDE_Y; i++)
        samples[i] = (uint16_t)(i * 7 % 4);
    png_kind indexed = {PNG_COLOR_TYPE_PALETTE, 2, true, true}, grey = {PNG_COLOR_TYPE_GRAY, 4, false, true};
    failed |= write_seed(argv[1], "palette-alpha.png", png_write(&indexed, samples, palette, alpha)) < 0;
    failed |= write_seed(argv[1], "grey4.png", png_write(&grey, samples, NULL, NULL)) < 0;

    uint8_t rgba[16 * 8 * 4], *out = NULL;
    for (size_t i = 0; i < sizeof rgba; i++)
        rgba[i] = (uint8_t)(i * 37);
    blob webp = {.size = WebPEncodeLosslessRGBA(rgba, 16, 8, 16 * 4, &out)};
    webp.data = malloc(webp.size);
    memcpy(webp.data, out, webp.size);
    WebPFree(out);
    failed |= write_seed(argv[1], "alpha.webp", webp) < 0;
    return failed;
}
