/* Only for src/media: a white page to draw on with cairo, with the text functions shared by sheets and charts. Colours
 * are 0xRRGGBB, lengths pixels, y runs down. cairo's errors are kept and reported by idem_canvas_close. */
#ifndef IDEM_MEDIA_CANVAS_H
#define IDEM_MEDIA_CANVAS_H

#include <stdbool.h>

#include <cairo.h>

#include "media/image.h"

typedef struct {
    int width, height;
    cairo_surface_t *surface;
    cairo_t *cr;
} idem_canvas;

typedef struct {
    double size; /* of an em */
    bool bold;
    uint32_t colour;
} idem_pen;

typedef enum { IDEM_LEFT, IDEM_CENTRE, IDEM_RIGHT } idem_align;

int idem_canvas_open(idem_canvas *c, int width, int height);
/* The drawing as a picture; out NULL: discards it. Frees the canvas in any case. */
int idem_canvas_close(idem_canvas *c, idem_image *out);

void idem_canvas_colour(idem_canvas *c, uint32_t colour, double opacity);
void idem_canvas_fill(idem_canvas *c, double x, double y, double width, double height, double radius, uint32_t colour);
/* Copies pixels; those outside the page are skipped. */
void idem_canvas_picture(idem_canvas *c, int x, int y, const idem_image *im);

/* Text is UTF-8; invalid bytes become "?". NULL or "" draws nothing. */
double idem_canvas_text_width(idem_canvas *c, const idem_pen *pen, const char *text);
/* One line with its baseline at y; longer than `max_width` (> 0) it is cut and ends in an ellipsis. */
void idem_canvas_text(idem_canvas *c, const idem_pen *pen, double x, double y, double max_width, idem_align align,
                      const char *text);
/* The same, running upwards; the baseline is at x. */
void idem_canvas_text_up(idem_canvas *c, const idem_pen *pen, double x, double y, double max_width, idem_align align,
                         const char *text);
/* Text broken at spaces and newlines into lines no wider than `room`, except for longer words; y is the top of the
 * first line. Returns the height used (0 for no text). draw false: only measures. */
double idem_canvas_paragraph(idem_canvas *c, const idem_pen *pen, double x, double y, double max_width,
                             const char *text, bool draw);

#endif
