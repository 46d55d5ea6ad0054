#define _POSIX_C_SOURCE 200809L
#include "measure/html.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"

struct idem_html {
    FILE *stream;
    char *text;
    size_t size;
    int status;
};

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1d2430;--soft:#5b6675;--line:#d8dde5;--page:#fbfbfd;--card:#fff;"
    "--s0:#2563c9;--s1:#c2410c;--s2:#15803d;--s3:#9333ea;--s4:#b45309;--s5:#0e7490;--s6:#be185d;--s7:#4d7c0f}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e4e8ee;--soft:#9aa6b6;--line:#303846;--page:#12161d;--card:#1a2029;"
    "--s0:#7aa7f5;--s1:#f59e6b;--s2:#6bd08c;--s3:#c79bf7;--s4:#e9b949;--s5:#5cc6dd;--s6:#f18bbb;--s7:#b3d163}}"
    "body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}"
    "main{max-width:76rem;margin:0 auto;padding:2rem 1.25rem 4rem}"
    "h1{font-size:1.7rem;margin:0 0 .6rem}h2{font-size:1.2rem;margin:2.4rem 0 .7rem}p{max-width:60rem;margin:.5rem 0}"
    ".card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.9rem 1rem;margin:1rem 0;"
    "overflow-x:auto}figure{margin:1rem 0}figure img{max-width:100%;height:auto;display:block;border-radius:6px}"
    "figcaption,.note{color:var(--soft);font-size:.87rem;margin:.45rem 0 0}"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9rem}"
    "caption{text-align:left;font-weight:600;padding-bottom:.5rem}"
    "th,td{padding:.28rem .7rem;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}"
    "th{font-weight:600;color:var(--soft)}th:first-child,td:first-child{text-align:left}"
    ".plots{display:flex;flex-wrap:wrap;gap:1rem}.plots .card{margin:0}"
    "svg text{fill:var(--ink);font:12px system-ui,sans-serif}svg .soft{fill:var(--soft)}"
    "svg .axis{stroke:var(--line);fill:none}";

void idem_html_escape(FILE *to, const char *text) {
    for (; text && *text; text++)
        if (*text == '&')
            fputs("&amp;", to);
        else if (*text == '<')
            fputs("&lt;", to);
        else if (*text == '>')
            fputs("&gt;", to);
        else if (*text == '"')
            fputs("&quot;", to);
        else
            fputc(*text, to);
}

/* A paragraph per line. */
static void paragraphs(FILE *to, const char *text) {
    while (text && *text) {
        const char *end = strchr(text, '\n');
        char *line = end ? strndup(text, (size_t)(end - text)) : strdup(text);
        fputs("<p>", to);
        idem_html_escape(to, line ? line : "");
        fputs("</p>\n", to);
        free(line);
        text = end ? end + 1 : NULL;
    }
}

idem_html *idem_html_new(const char *title, const char *lead) {
    idem_html *h = calloc(1, sizeof *h);
    if (h && (h->stream = open_memstream(&h->text, &h->size))) {
        fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
              h->stream);
        idem_html_escape(h->stream, title);
        fprintf(h->stream, "</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n<h1>", style);
        idem_html_escape(h->stream, title);
        fputs("</h1>\n", h->stream);
        paragraphs(h->stream, lead);
        return h;
    }
    free(h);
    return idem_fail_null_as(IDEM_MEMORY, "out of memory for a page");
}

void idem_html_free(idem_html *h) {
    if (!h)
        return;
    if (h->stream)
        fclose(h->stream);
    free(h->text);
    free(h);
}

FILE *idem_html_stream(idem_html *h) {
    return h->stream;
}

void idem_html_heading(idem_html *h, const char *text) {
    fputs("<h2>", h->stream);
    idem_html_escape(h->stream, text);
    fputs("</h2>\n", h->stream);
}

void idem_html_text(idem_html *h, const char *text) {
    paragraphs(h->stream, text);
}

void idem_html_table(idem_html *h, const idem_text_table *t) {
    fputs("<div class=\"card\"><table><caption>", h->stream);
    idem_html_escape(h->stream, t->title);
    fputs("</caption>\n", h->stream);
    for (int row = 0; row <= t->rows; row++) {
        fputs(row ? "<tr>" : "<thead><tr>", h->stream);
        for (int k = 0; k < t->columns; k++) {
            fputs(row ? "<td>" : "<th>", h->stream);
            idem_html_escape(h->stream, idem_text_table_cell(t, row, k));
            fputs(row ? "</td>" : "</th>", h->stream);
        }
        fputs(row ? "</tr>\n" : "</tr></thead>\n<tbody>\n", h->stream);
    }
    fputs("</tbody></table>\n<p class=\"note\">", h->stream);
    idem_html_escape(h->stream, t->note);
    fputs("</p></div>\n", h->stream);
}

static int put_base64(FILE *to, const unsigned char *bytes, size_t n) {
    const size_t size = sodium_base64_encoded_len(n, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(size);
    if (!text)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a picture of a page");
    fputs(sodium_bin2base64(text, size, bytes, n, sodium_base64_VARIANT_ORIGINAL), to);
    free(text);
    return 0;
}

void idem_html_picture(idem_html *h, const idem_image *im, const idem_marks *marks, const char *caption) {
    unsigned char *png;
    size_t size;
    if (h->status)
        return;
    if (idem_image_encode_png(im, marks, &png, &size)) {
        h->status = -1;
        return;
    }
    fprintf(h->stream, "<figure class=\"card\"><img width=\"%d\" height=\"%d\" alt=\"", im->width, im->height);
    idem_html_escape(h->stream, caption);
    fputs("\" src=\"data:image/png;base64,", h->stream);
    h->status = put_base64(h->stream, png, size);
    fputs("\"><figcaption>", h->stream);
    idem_html_escape(h->stream, caption);
    fputs("</figcaption></figure>\n", h->stream);
    free(png);
}

int idem_html_write(idem_html *h, const char *path) {
    if (h->status)
        return -1;
    fputs("</main>\n</body>\n</html>\n", h->stream);
    const int lost = ferror(h->stream) | fclose(h->stream);
    h->stream = NULL;
    h->status = -1; /* a page can be written only once */
    return lost ? idem_fail_as(IDEM_MEMORY, "out of memory for a page") : idem_file_write(path, h->text, h->size);
}
