/* make-input: small odd files for tests/faults, from drawn faces. It writes them itself and not with idem's encoders,
 * so that a fault of those cannot hide one of the decoders.
 *
 *   make-input canvas OUT.png|OUT.ppm W H [FACE.png X Y SIDE QUARTERS]...
 *                                        faces (left, top, side, quarter turns to the right) on plain ground
 *   make-input part IN.png OUT.png X Y W H          a rectangle of an 8-bit RGB picture
 *   make-input kind IN.png OUT.png rgba|la|g16|rgb16|pal|bw|level0   the same picture as another kind of PNG
 *   make-input png-exif IN.png OUT.png N            an eXIf chunk with orientation N
 *   make-input jpg-exif IN.jpg OUT.jpg N [long|second]   APP1 with orientation N (long: of TIFF type LONG; second:
 *                                                   after an APP1 that says 1)
 *   make-input webp-exif IN.webp OUT.webp N         VP8X and an EXIF chunk
 *   make-input apng A.png B.png OUT.png             two pictures of equal size and kind as an animated PNG
 *   make-input st IN OUT EDIT...                    safetensors: drop:NAME prefix:P widen:NAME rows:NAME:N tail:N
 *                                                   empty-meta
 *   make-input pickle OUT MODULE NAME               a pickle {'G_ema': {'x': MODULE.NAME}} of names alone
 *
 * Any failure ends it with one line and status 1. */
#include <stdio.h>
#include <string.h>

#include "make_input/bytes.h"

static const struct {
    const char *name;
    sub_command *run;
    int least, most; /* arguments; most 0: any number */
} table[] = {
    {"canvas", make_canvas, 3, 0},     {"part", make_part, 6, 6},
    {"kind", make_kind, 3, 3},         {"png-exif", make_png_exif, 3, 3},
    {"jpg-exif", make_jpg_exif, 3, 4}, {"webp-exif", make_webp_exif, 3, 3},
    {"apng", make_apng, 3, 3},         {"st", make_st, 2, 0},
    {"pickle", make_pickle, 3, 3},
};

int main(int argc, char **argv) {
    int n = argc - 2;
    for (size_t i = 0; n >= 0 && i < sizeof table / sizeof *table; i++)
        if (!strcmp(table[i].name, argv[1])) {
            if (n < table[i].least || (table[i].most && n > table[i].most))
                quit("%s: %d arguments (the head of tests/make-input.c says which)", argv[1], n);
            table[i].run(n, argv + 2);
            return 0;
        }
    fprintf(stderr, "make-input: no such sub-command; the head of tests/make-input.c lists them\n");
    return 2;
}
