/* Pictures from pictures: canvas, part, kind. */
#include "make_input/png.h"

#include <string.h>

static picture new_picture(int w, int h) {
    if (w < 1 || h < 1)
        quit("a picture of %d x %d", w, h);
    return (picture){w, h, take((size_t)w * (size_t)h * 3)};
}

static byte *pixel(const picture *p, int x, int y) {
    return p->rgb + ((size_t)y * (size_t)p->w + (size_t)x) * 3;
}

/* A quarter turn to the right. */
static picture turned(const picture *p) {
    picture out = new_picture(p->h, p->w);
    for (int y = 0; y < out.h; y++)
        for (int x = 0; x < out.w; x++)
            memcpy(pixel(&out, x, y), pixel(p, y, p->h - 1 - x), 3);
    return out;
}

/* Where a target's pixel lies between two of `n`. */
static double place(int i, int n, int side, int *from, int *to) {
    double v = (i + .5) * n / side - .5;
    v = v < 0 ? 0 : v > n - 1 ? n - 1 : v;
    *from = (int)v;
    *to = *from + 1 < n ? *from + 1 : n - 1;
    return v - *from;
}

static picture scaled(const picture *p, int side) {
    picture out = new_picture(side, side);
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            int x0, x1, y0, y1;
            double fx = place(x, p->w, side, &x0, &x1), fy = place(y, p->h, side, &y0, &y1);
            for (int c = 0; c < 3; c++) {
                double top = pixel(p, x0, y0)[c] * (1 - fx) + pixel(p, x1, y0)[c] * fx;
                double low = pixel(p, x0, y1)[c] * (1 - fx) + pixel(p, x1, y1)[c] * fx;
                pixel(&out, x, y)[c] = (byte)(top * (1 - fy) + low * fy + .5);
            }
        }
    return out;
}

void make_canvas(int n, char **args) {
    picture out = new_picture(number(args[1]), number(args[2]));
    for (int i = 0; i < out.w * out.h; i++)
        memcpy(out.rgb + (size_t)i * 3, (byte[]){122, 138, 106}, 3);
    for (char **face = args + 3; face < args + n; face += 5) {
        int left = number(face[1]), top = number(face[2]), quarters = ((number(face[4]) % 4) + 4) % 4;
        picture p = read_png(face[0]);
        while (quarters--)
            p = turned(&p);
        p = scaled(&p, number(face[3]));
        for (int y = 0; y < p.h; y++)
            for (int x = 0; x < p.w; x++)
                if (left + x >= 0 && left + x < out.w && top + y >= 0 && top + y < out.h)
                    memcpy(pixel(&out, left + x, top + y), pixel(&p, x, y), 3);
    }
    write_rgb(args[0], &out, 1);
}

void make_part(int n, char **args) {
    (void)n;
    picture in = read_png(args[0]), out = new_picture(number(args[4]), number(args[5]));
    int left = number(args[2]), top = number(args[3]);
    if (left < 0 || top < 0 || left + out.w > in.w || top + out.h > in.h)
        quit("the rectangle leaves %s", args[0]);
    for (int y = 0; y < out.h; y++)
        memcpy(pixel(&out, 0, y), pixel(&in, left, top + y), (size_t)out.w * 3);
    write_rgb(args[1], &out, 6);
}

static int grey(const byte *p) {
    return (p[0] + 2 * p[1] + p[2]) / 4;
}

/* One pixel as `what` stores it. Of rgba the upper eighth is clear, the left eighth of the rest half clear. */
static void add_pixel(buffer *out, const char *what, const picture *p, int x, int y) {
    const byte *at = pixel(p, x, y);
    if (!strcmp(what, "rgba")) {
        add(out, at, 3);
        add_big(out, y < p->h / 8 ? 0 : x < p->w / 8 ? 128 : 255, 1);
    } else if (!strcmp(what, "la"))
        add(out, (byte[]){(byte)grey(at), 255}, 2);
    else if (!strcmp(what, "g16"))
        add_big(out, (uint64_t)grey(at) * 257, 2);
    else if (!strcmp(what, "rgb16"))
        for (int c = 0; c < 3; c++)
            add_big(out, (uint64_t)at[c] * 257, 2);
    else /* 6 x 6 x 6 colours */
        add_big(out, (uint64_t)((at[0] + 25) / 51 * 36 + (at[1] + 25) / 51 * 6 + (at[2] + 25) / 51), 1);
}

static void add_bits(buffer *out, const picture *p, int y) {
    for (int x = 0; x < p->w; x += 8) {
        int bits = 0;
        for (int i = 0; i < 8; i++)
            bits = bits << 1 | (x + i < p->w && grey(pixel(p, x + i, y)) > 110);
        add_big(out, (uint64_t)bits, 1);
    }
}

void make_kind(int n, char **args) {
    (void)n;
    static const struct {
        const char *name, *kind;
    } kinds[] = {{"rgba", "\10\6"}, {"la", "\10\4"}, {"g16", "\20\0"},   {"rgb16", "\20\2"},
                 {"pal", "\10\3"},  {"bw", "\1\0"},  {"level0", "\10\2"}};
    picture p = read_png(args[0]);
    const char *what = args[2], *png = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(kinds[i].name, what))
            png = kinds[i].kind;
    if (!png)
        quit("no kind \"%s\"", what);
    if (!strcmp(what, "level0")) {
        write_rgb(args[1], &p, 0);
        return;
    }
    buffer rows = {0}, extra = {0};
    for (int y = 0; y < p.h; y++)
        if (!strcmp(what, "bw"))
            add_bits(&rows, &p, y);
        else
            for (int x = 0; x < p.w; x++)
                add_pixel(&rows, what, &p, x, y);
    if (!strcmp(what, "pal")) {
        buffer table = {0};
        for (int i = 0; i < 216; i++)
            add(&table, (byte[]){(byte)(51 * (i / 36)), (byte)(51 * (i / 6 % 6)), (byte)(51 * (i % 6))}, 3);
        add_chunk(&extra, "PLTE", table.data, table.size);
        add_chunk(&extra, "tRNS", "", 1); /* colour 0 is clear */
    }
    write_png(args[1], p.w, p.h, rows.data, rows.size / (size_t)p.h, png, &extra, 6);
}
