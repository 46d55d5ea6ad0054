/* Writes the seeds of fuzz_image.c, fuzz_exif.c, fuzz_profile.c and fuzz_checkpoint.c: check-seeds fuzz/seeds */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lcms2.h>
#include <webp/encode.h>

#include "base/file.h"
#include "base/status.h"
#include "support/hostile.h"
#include "support/picture_chunks.h"
#include "support/pictures.h"

static int write_seed(const char *dir, const char *name, blob b) {
    char *path = idem_path_join(dir, name), *slash = path ? strrchr(path, '/') : NULL;
    int status = -1;
    if (slash) {
        *slash = 0;
        status = idem_dir_make(path);
        *slash = '/';
    }
    if (!status)
        status = idem_file_write(path, b.data, b.size);
    if (status < 0)
        fprintf(stderr, "%s\n", idem_error());
    free(path);
    free(b.data);
    return status;
}

/* What stands beside the pixels, in each format. */
static int write_chunks(const char *dir) {
    static const char *const names[FILE_FORMATS] = {"image/chunks.jpg", "image/chunks.png", "image/chunks.webp"};
    uint8_t rgb[16 * 8 * 3];
    unsigned char block[64], control[8] = {0, 0, 0, 2};
    int failed = 0;
    for (size_t i = 0; i < sizeof rgb; i++)
        rgb[i] = (uint8_t)(i * 37);
    for (int format = 0; format < FILE_FORMATS; format++) {
        blob b = file_encode(format, rgb, 16, 8), profile = p3_profile();
        file_add_exif(format, &b, block, tiff_block(block, 6, format == FILE_PNG, true), false);
        file_add_profile(format, &b, profile.data, profile.size);
        if (format == FILE_PNG)
            file_add_png_chunk(&b, "acTL", control, sizeof control);
        failed |= write_seed(dir, names[format], b) < 0;
        free(profile.data);
    }
    return failed;
}

/* The first byte says of what picture (fuzz_profile.c). */
static int write_profile(const char *dir, const char *name, int first, blob profile) {
    blob b = {0};
    blob_byte(&b, first);
    blob_put(&b, profile.data, profile.size);
    free(profile.data);
    return write_seed(dir, name, b);
}

static int write_profiles(const char *dir) {
    cmsToneCurve *curve = cmsBuildGamma(NULL, 1.4);
    blob grey = profile_bytes(cmsCreateGrayProfile(cmsD50_xyY(), curve));
    cmsFreeToneCurve(curve);
    const int failed = write_profile(dir, "profile/rgb", 0, p3_profile()) < 0;
    return write_profile(dir, "profile/grey", 0x80, grey) < 0 || failed;
}

int main(int argc, char **argv) {
    static const char *const names[SMALL_FILES] = {"image/rgb.png",  "image/rgba16-interlaced.png",
                                                   "image/exif.jpg", "image/progressive.jpg",
                                                   "image/ycck.jpg", "image/lossy.webp"};
    if (argc != 2) {
        fprintf(stderr, "usage: check-seeds DIR\n");
        return 2;
    }
    blob files[SMALL_FILES];
    make_small_files(files);
    int failed = 0;
    for (int i = 0; i < SMALL_FILES; i++)
        failed |= write_seed(argv[1], names[i], files[i]) < 0;

    uint16_t samples[PNG_SIDE_X * PNG_SIDE_Y];
    png_color palette[4] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {9, 9, 9}};
    png_byte alpha[4] = {255, 128, 0, 1};
    for (int i = 0; i < PNG_SIDE_X * PNG_SIDE_Y; i++)
        samples[i] = (uint16_t)(i * 7 % 4);
    png_kind indexed = {PNG_COLOR_TYPE_PALETTE, 2, true, true}, grey = {PNG_COLOR_TYPE_GRAY, 4, false, true};
    failed |= write_seed(argv[1], "image/palette-alpha.png", png_write(&indexed, samples, palette, alpha)) < 0;
    failed |= write_seed(argv[1], "image/grey4.png", png_write(&grey, samples, NULL, NULL)) < 0;

    uint8_t rgba[16 * 8 * 4], *out = NULL;
    for (size_t i = 0; i < sizeof rgba; i++)
        rgba[i] = (uint8_t)(i * 37);
    blob webp = {.size = WebPEncodeLosslessRGBA(rgba, 16, 8, 16 * 4, &out)};
    webp.data = malloc(webp.size);
    memcpy(webp.data, out, webp.size);
    WebPFree(out);
    failed |= write_seed(argv[1], "image/alpha.webp", webp) < 0;

    unsigned char block[64];
    for (int big = 0; big < 2; big++) {
        blob exif = {0};
        blob_put(&exif, block, exif_block(block, big ? 6 : 3, big));
        failed |= write_seed(argv[1], big ? "exif/big" : "exif/little", exif) < 0;
    }
    failed |= write_chunks(argv[1]);
    failed |= write_profiles(argv[1]);
    return write_seed(argv[1], "checkpoint/run.safetensors", hostile_checkpoint()) < 0 || failed;
}
