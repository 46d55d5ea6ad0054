#include "media/canvas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "media/codec.h"
#include "media/font.h"

static const double LINE_HEIGHT = 1.35; /* in ems */
enum { TEXT_MAX = 1000 };               /* bytes of one line */

int idem_canvas_open(idem_canvas *c, int width, int height) {
    *c = (idem_canvas){0};
    if (width <= 0 || height <= 0 || width > 32767 || height > 32767)
        return idem_fail(
            "a drawing of %d x %d pixels cannot be made, expected sides of 1 to 32767: draw fewer or smaller "
            "pictures",
            width, height);
    if (idem_image_check_size((uint64_t)width, (uint64_t)height, "drawing") < 0)
        return -1;
    c->width = width;
    c->height = height;
    c->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    c->cr = cairo_create(c->surface);
    /* The same letters for all settings of the desktop. */
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_SLIGHT);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_ON);
    cairo_set_font_options(c->cr, options);
    cairo_font_options_destroy(options);
    idem_canvas_fill(c, 0, 0, width, height, 0, 0xffffff);
    if (cairo_status(c->cr) != CAIRO_STATUS_SUCCESS)
        return idem_canvas_close(c, NULL);
    return 0;
}

int idem_canvas_close(idem_canvas *c, idem_image *out) {
    cairo_status_t status = cairo_status(c->cr);
    int result = status == CAIRO_STATUS_SUCCESS
                     ? 0
                     : idem_fail("drawing %d x %d pixels: %s", c->width, c->height, cairo_status_to_string(status));
    if (result == 0 && out)
        result = idem_image_new(out, c->width, c->height);
    if (result == 0 && out) {
        cairo_surface_flush(c->surface);
        const unsigned char *data = cairo_image_surface_get_data(c->surface);
        size_t stride = (size_t)cairo_image_surface_get_stride(c->surface);
        for (int y = 0; y < c->height; y++) {
            uint8_t *to = out->rgb + (size_t)y * (size_t)c->width * 3;
            for (int x = 0; x < c->width; x++) {
                uint32_t p;
                memcpy(&p, data + (size_t)y * stride + (size_t)x * 4, 4);
                to[3 * x] = (uint8_t)(p >> 16);
                to[3 * x + 1] = (uint8_t)(p >> 8);
                to[3 * x + 2] = (uint8_t)p;
            }
        }
    }
    cairo_destroy(c->cr);
    cairo_surface_destroy(c->surface);
    *c = (idem_canvas){0};
    return result;
}

void idem_canvas_colour(idem_canvas *c, uint32_t colour, double opacity) {
    cairo_set_source_rgba(c->cr, (colour >> 16 & 255) / 255.0, (colour >> 8 & 255) / 255.0, (colour & 255) / 255.0,
                          opacity);
}

void idem_canvas_fill(idem_canvas *c, double x, double y, double width, double height, double radius, uint32_t colour) {
    const double quarter = acos(0.0);
    cairo_new_path(c->cr);
    cairo_arc(c->cr, x + width - radius, y + radius, radius, -quarter, 0);
    cairo_arc(c->cr, x + width - radius, y + height - radius, radius, 0, quarter);
    cairo_arc(c->cr, x + radius, y + height - radius, radius, quarter, 2 * quarter);
    cairo_arc(c->cr, x + radius, y + radius, radius, 2 * quarter, 3 * quarter);
    cairo_close_path(c->cr);
    idem_canvas_colour(c, colour, 1);
    cairo_fill(c->cr);
}

void idem_canvas_picture(idem_canvas *c, int x, int y, const idem_image *im) {
    cairo_surface_flush(c->surface);
    unsigned char *data = cairo_image_surface_get_data(c->surface);
    size_t stride = (size_t)cairo_image_surface_get_stride(c->surface);
    if (!data)
        return;
    for (int v = y < 0 ? -y : 0; v < im->height && y + v < c->height; v++) {
        for (int u = x < 0 ? -x : 0; u < im->width && x + u < c->width; u++) {
            const uint8_t *s = im->rgb + ((size_t)v * (size_t)im->width + (size_t)u) * 3;
            uint32_t p = (uint32_t)s[0] << 16 | (uint32_t)s[1] << 8 | s[2];
            memcpy(data + (size_t)(y + v) * stride + (size_t)(x + u) * 4, &p, 4);
        }
    }
    cairo_surface_mark_dirty(c->surface);
}

/* ---- text ---- */

/* Bytes of the UTF-8 sequence at s; 0 if it is invalid (also for surrogates and overlong forms, which cairo refuses).
 */
static size_t sequence(const unsigned char *s) {
    if (s[0] < 0x80)
        return 1;
    size_t n = s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] >= 0x90))
        return 0;
    return n;
}

/* At most TEXT_MAX bytes of text, as UTF-8 that is valid for cairo. Returns the length. */
static size_t clean(char *out, const char *text, size_t size) {
    size_t n = 0;
    for (size_t i = 0; i < size && n + 4 <= TEXT_MAX;) {
        size_t bytes = sequence((const unsigned char *)text + i);
        bool control = (unsigned char)text[i] < 0x20;
        if (bytes == 0 || control || bytes > size - i) {
            out[n++] = control ? ' ' : '?';
            i++;
        } else {
            memcpy(out + n, text + i, bytes);
            n += bytes;
            i += bytes;
        }
    }
    out[n] = 0;
    return n;
}

static void choose(idem_canvas *c, const idem_pen *pen) {
    idem_font_ready();
    cairo_select_font_face(c->cr, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                           pen->bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(c->cr, pen->size);
}

static double advance(idem_canvas *c, const char *text) {
    cairo_text_extents_t extents;
    cairo_text_extents(c->cr, text, &extents);
    return extents.x_advance;
}

double idem_canvas_text_width(idem_canvas *c, const idem_pen *pen, const char *text) {
    char line[TEXT_MAX + 4];
    if (!text)
        return 0;
    clean(line, text, strlen(text));
    choose(c, pen);
    return advance(c, line);
}

static void show(idem_canvas *c, const idem_pen *pen, double max_width, idem_align align, const char *text) {
    char line[TEXT_MAX + 4];
    size_t n = clean(line, text, strlen(text));
    choose(c, pen);
    double width = advance(c, line);
    while (max_width > 0 && width > max_width && n > 0) {
        do
            n--;
        while (n > 0 && (line[n] & 0xc0) == 0x80);
        strcpy(line + n, "\xe2\x80\xa6");
        width = advance(c, line);
    }
    cairo_rel_move_to(c->cr, align == IDEM_LEFT ? 0 : align == IDEM_RIGHT ? -width : -width / 2, 0);
    idem_canvas_colour(c, pen->colour, 1);
    cairo_show_text(c->cr, line);
}

void idem_canvas_text(idem_canvas *c, const idem_pen *pen, double x, double y, double max_width, idem_align align,
                      const char *text) {
    if (!text || !*text)
        return;
    cairo_new_path(c->cr);
    cairo_move_to(c->cr, x, y);
    show(c, pen, max_width, align, text);
}

void idem_canvas_text_up(idem_canvas *c, const idem_pen *pen, double x, double y, double max_width, idem_align align,
                         const char *text) {
    if (!text || !*text)
        return;
    cairo_save(c->cr);
    cairo_translate(c->cr, x, y);
    cairo_rotate(c->cr, -acos(0.0));
    cairo_new_path(c->cr);
    cairo_move_to(c->cr, 0, 0);
    show(c, pen, max_width, align, text);
    cairo_restore(c->cr);
}

/* Length of the first line of text (without the space or newline it ends at), at least one word. */
static size_t line_length(idem_canvas *c, double max_width, const char *text) {
    char line[TEXT_MAX + 4];
    size_t best = 0;
    for (size_t i = 0;; i++) {
        if (text[i] != ' ' && text[i] != '\n' && text[i] != 0)
            continue;
        clean(line, text, i);
        if (best > 0 && advance(c, line) > max_width)
            return best;
        best = i;
        if (text[i] != ' ')
            return best;
    }
}

double idem_canvas_paragraph(idem_canvas *c, const idem_pen *pen, double x, double y, double max_width,
                             const char *text, bool draw) {
    double used = 0;
    char line[TEXT_MAX + 4];
    while (text && *text) {
        choose(c, pen);
        size_t n = line_length(c, max_width, text);
        clean(line, text, n);
        if (draw)
            idem_canvas_text(c, pen, x, y + used + pen->size, max_width, IDEM_LEFT, line);
        used += ceil(pen->size * LINE_HEIGHT);
        text += n;
        text += *text == ' ' || *text == '\n';
    }
    return used;
}
