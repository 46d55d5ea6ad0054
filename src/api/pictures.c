/* The public library's pictures in memory and in files (include/idem/pictures.h). */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/pictures.h"
#include "base/file.h"
#include "base/status.h"
#include "compose/grid.h"
#include "media/animation.h"
#include "media/marked.h"
#include "media/sheet.h"

enum { QUALITY = 92, TEXTS_MAX = 2 };

_Static_assert((int)IDEM_GRID_PIXELS == (int)IDEM_GRID_SIDE, "sides of grids in pictures.h and grid.h");

int idem_read_picture(idem_context *c, const char *path, uint8_t *rgb) {
    idem_image file, small = {0};
    if (idem_context_check("idem_read_picture", c, path && rgb, 1) || idem_studio_need(c->studio, false) ||
        idem_image_load(&file, path))
        return -1;
    int size = idem_studio_about(c->studio)->size, status = idem_image_resize(&small, &file, size, size);
    if (!status)
        memcpy(rgb, small.rgb, (size_t)size * (size_t)size * 3);
    idem_image_free(&file);
    idem_image_free(&small);
    return status;
}

int idem_write_picture(idem_context *c, const char *path, const uint8_t *rgb) {
    if (idem_context_check("idem_write_picture", c, path && rgb, 1) || idem_studio_need(c->studio, false))
        return -1;
    const idem_model_info *m = idem_studio_about(c->studio);
    idem_image im = {.width = m->size, .height = m->size, .rgb = (uint8_t *)rgb};
    idem_origin origin;
    idem_origin_of(&origin, IDEM_SOURCE_GENERATED, idem_studio_model(c->studio), NULL);
    return idem_image_save_png(&im, path, &origin.marks);
}

/* ---- how it is written ---- */

void idem_writing_init(idem_writing *writing, size_t struct_size) {
    if (!writing || struct_size < sizeof writing->struct_size)
        return;
    memset(writing, 0, struct_size);
    writing->struct_size = struct_size;
}

static int take_writing(idem_writing *w, const char *call, const idem_context *c, const idem_writing *given) {
    idem_writing_init(w, sizeof *w);
    if (given && given->struct_size != sizeof *w)
        return idem_fail("%s: writing has %zu bytes, expected %zu; call idem_writing_default first", call,
                         given->struct_size, sizeof *w);
    if (given)
        *w = *given;
    if (w->format < 0 || w->format > IDEM_FORMAT_AS_WEBP || w->quality < 0 || w->quality > 100 || w->origin < 0 ||
        w->origin > IDEM_ORIGIN_COMPOSITE)
        return idem_fail("%s: writing has format %d, quality %d and origin %d, expected 0 to %d, 0 to 100 and 0 to %d",
                         call, w->format, w->quality, w->origin, IDEM_FORMAT_AS_WEBP, IDEM_ORIGIN_COMPOSITE);
    for (int i = 0; w->texts && w->texts[i]; i++)
        if (i >= 2 * TEXTS_MAX || (i % 2 == 0 && !w->texts[i + 1]))
            return idem_fail("%s: writing.texts must have the form key, value, ..., NULL with at most %d keys", call,
                             TEXTS_MAX);
    if (w->origin && (!c || !idem_studio_about(c->studio)))
        return idem_fail("%s: the origin names the models, but there is no context with a generator", call);
    return 0;
}

int idem_marks_open(idem_made *m, const char *call, const idem_context *c, const idem_writing *given) {
    static const idem_source_type sources[] = {IDEM_SOURCE_UNSAID, IDEM_SOURCE_GENERATED, IDEM_SOURCE_COMPOSITE};
    if (take_writing(&m->writing, call, c, given))
        return -1;
    m->marks = &idem_marks_no_source;
    if (!m->writing.origin)
        return 0;
    idem_origin_of(&m->origin, sources[m->writing.origin], idem_studio_model(c->studio), m->writing.seed);
    if (m->writing.nothing_random)
        idem_origin_no_seed(&m->origin);
    for (int i = 0; m->writing.texts && m->writing.texts[i]; i += 2)
        idem_origin_add(&m->origin, m->writing.texts[i], m->writing.texts[i + 1]);
    m->marks = &m->origin.marks;
    return 0;
}

static bool ends_in(const char *path, const char *suffix) {
    const size_t n = strlen(path), k = strlen(suffix);
    return n > k && !strcasecmp(path + n - k, suffix);
}

static int format_of(const char *path, int format) {
    if (format || !path)
        return format ? format : IDEM_FORMAT_AS_PNG;
    return ends_in(path, ".jpg") || ends_in(path, ".jpeg") ? IDEM_FORMAT_AS_JPEG
           : ends_in(path, ".webp")                        ? IDEM_FORMAT_AS_WEBP
                                                           : IDEM_FORMAT_AS_PNG;
}

static int encode(const idem_image *im, int format, const idem_made *m, unsigned char **bytes, size_t *size) {
    const int quality = m->writing.quality ? m->writing.quality : QUALITY;
    switch (format) {
    case IDEM_FORMAT_AS_JPEG:
        return idem_image_encode_jpeg(im, quality, m->marks, bytes, size);
    case IDEM_FORMAT_AS_WEBP:
        return idem_image_encode_webp(im, quality, m->marks, bytes, size);
    default:
        return idem_image_encode_png(im, m->marks, bytes, size);
    }
}

int idem_image_to_file(const idem_image *im, const char *path, const idem_made *m) {
    unsigned char *bytes = NULL;
    size_t size;
    const int format = format_of(path, m->writing.format);
    if (format == IDEM_FORMAT_AS_PNG)
        return idem_image_save_png(im, path, m->marks);
    const int status = encode(im, format, m, &bytes, &size) || idem_file_write(path, bytes, size) ? -1 : 0;
    free(bytes);
    return status;
}

int idem_image_to_bytes(const idem_image *im, const idem_made *m, unsigned char **bytes, size_t *size) {
    return encode(im, format_of(NULL, m->writing.format), m, bytes, size);
}

void idem_free_bytes(unsigned char *bytes) {
    free(bytes);
}

/* ---- views ---- */

static int check_view(const char *call, const idem_view *v) {
    if (!v || !v->rgb)
        return idem_fail("%s: there is no picture", call);
    if (v->width < 1 || v->height < 1)
        return idem_fail("%s: the picture is %d x %d, expected positive sides", call, v->width, v->height);
    return 0;
}

static idem_image image_of(const idem_view *v) {
    return (idem_image){.width = v->width, .height = v->height, .rgb = (uint8_t *)v->rgb};
}

int idem_write_view(idem_context *c, const char *path, const idem_view *view, const idem_writing *writing) {
    static const char call[] = "idem_write_view";
    idem_made made;
    if (!path)
        return idem_fail("%s: an argument is NULL", call);
    if (check_view(call, view) || idem_marks_open(&made, call, c, writing))
        return -1;
    const idem_image im = image_of(view);
    return idem_image_to_file(&im, path, &made);
}

int idem_encode_view(idem_context *c, const idem_view *view, const idem_writing *writing, unsigned char **bytes,
                     size_t *size) {
    static const char call[] = "idem_encode_view";
    idem_made made;
    if (!bytes || !size)
        return idem_fail("%s: an argument is NULL", call);
    if (check_view(call, view) || idem_marks_open(&made, call, c, writing))
        return -1;
    const idem_image im = image_of(view);
    return idem_image_to_bytes(&im, &made, bytes, size);
}

int idem_resize_view(const idem_view *view, int width, int height, uint8_t *rgb) {
    static const char call[] = "idem_resize_view";
    idem_image out;
    if (!rgb)
        return idem_fail("%s: an argument is NULL", call);
    if (check_view(call, view))
        return -1;
    const idem_image im = image_of(view);
    if (idem_image_resize(&out, &im, width, height))
        return -1;
    memcpy(rgb, out.rgb, (size_t)width * (size_t)height * 3);
    idem_image_free(&out);
    return 0;
}

int idem_is_synthetic(const char *path) {
    return path && idem_image_says_synthetic(path);
}

/* ---- several in one file ---- */

/* Images of n views, including those without pixels; NULL with a message. */
static idem_image *images_of(const char *call, const idem_view *views, int n, bool all) {
    if (!views || n < 1)
        return idem_fail_null("%s: no pictures", call);
    idem_image *images = calloc((size_t)n, sizeof *images);
    if (!images)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for %d pictures", n);
    for (int i = 0; i < n; i++) {
        if ((views[i].rgb || all) && check_view(call, &views[i])) {
            free(images);
            return NULL;
        }
        images[i] = image_of(&views[i]);
    }
    return images;
}

static const idem_image **pointers_to(const idem_image *images, int n) {
    const idem_image **list = images ? calloc((size_t)n, sizeof(const idem_image *)) : NULL;
    for (int i = 0; i < n && list; i++)
        list[i] = images[i].rgb ? &images[i] : NULL;
    return list || !images ? list : idem_fail_null_as(IDEM_MEMORY, "out of memory for %d pictures", n);
}

int idem_write_animation(idem_context *c, const char *path, const idem_view *views, int n, int milliseconds,
                         const idem_writing *writing) {
    static const char call[] = "idem_write_animation";
    idem_made made;
    if (!path)
        return idem_fail("%s: an argument is NULL", call);
    if (idem_marks_open(&made, call, c, writing))
        return -1;
    idem_image *images = images_of(call, views, n, true);
    const idem_image **list = pointers_to(images, n);
    const int status = list ? idem_animation_save(path, list, n, milliseconds, made.marks) : -1;
    free(list);
    free(images);
    return status;
}

int idem_write_page(idem_context *c, const char *path, const idem_view *views, int n, const idem_page *page,
                    const idem_writing *writing) {
    static const char call[] = "idem_write_page";
    idem_made made;
    if (!path || !page)
        return idem_fail("%s: an argument is NULL", call);
    if (page->struct_size != sizeof *page)
        return idem_fail("%s: struct_size is %zu, expected %zu; set it to sizeof(idem_page)", call, page->struct_size,
                         sizeof *page);
    if (idem_marks_open(&made, call, c, writing))
        return -1;
    idem_image *images = images_of(call, views, n, false), drawn = {0};
    const idem_image **list = pointers_to(images, n);
    int columns = page->columns;
    while (page->columns < 1 && (int64_t)columns * columns < n)
        columns++;
    const idem_sheet sheet = {.title = page->title, .footer = page->footer};
    const int status =
        !list || idem_sheet_list(&drawn, &sheet, list, n, columns) || idem_image_to_file(&drawn, path, &made) ? -1 : 0;
    idem_image_free(&drawn);
    free(list);
    free(images);
    return status;
}

static int draw_grid(idem_image *page, const char *call, const idem_view *identities, int rows,
                     const idem_view *attributes, int columns, const idem_view *cells) {
    if (rows < 1 || columns < 1 || rows > INT16_MAX || columns > INT16_MAX)
        return idem_fail("%s: %d rows and %d columns, expected 1 to %d", call, rows, columns, INT16_MAX);
    idem_image *down = images_of(call, identities, rows, false), *along = NULL, *inner = NULL;
    int status = down && (along = images_of(call, attributes, columns, false)) &&
                         (inner = images_of(call, cells, rows * columns, false))
                     ? 0
                     : -1;
    if (!status)
        status = idem_grid_draw(page, down, rows, along, columns, inner);
    free(down);
    free(along);
    free(inner);
    return status;
}

int idem_write_grid(idem_context *c, const char *path, const idem_view *identities, int rows,
                    const idem_view *attributes, int columns, const idem_view *cells, const idem_writing *writing) {
    static const char call[] = "idem_write_grid";
    idem_made made;
    idem_image page = {0};
    if (!path)
        return idem_fail("%s: an argument is NULL", call);
    const int status = idem_marks_open(&made, call, c, writing) ||
                               draw_grid(&page, call, identities, rows, attributes, columns, cells) ||
                               idem_image_to_file(&page, path, &made)
                           ? -1
                           : 0;
    idem_image_free(&page);
    return status;
}

int idem_encode_grid(idem_context *c, const idem_view *identities, int rows, const idem_view *attributes, int columns,
                     const idem_view *cells, const idem_writing *writing, unsigned char **bytes, size_t *size) {
    static const char call[] = "idem_encode_grid";
    idem_made made;
    idem_image page = {0};
    if (!bytes || !size)
        return idem_fail("%s: an argument is NULL", call);
    const int status = idem_marks_open(&made, call, c, writing) ||
                               draw_grid(&page, call, identities, rows, attributes, columns, cells) ||
                               idem_image_to_bytes(&page, &made, bytes, size)
                           ? -1
                           : 0;
    idem_image_free(&page);
    return status;
}
