#include "serve/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/page_files.h" /* made from page/ by CMake */

enum { SAMPLE_MOST = 1 << 20 };

static const idem_served_file page[] = {
    {"/", "text/html; charset=utf-8", page_html, sizeof page_html},
    {"/page.css", "text/css; charset=utf-8", page_css, sizeof page_css},
    {"/page.js", "text/javascript; charset=utf-8", page_js, sizeof page_js},
    {"/pictures.js", "text/javascript; charset=utf-8", pictures_js, sizeof pictures_js},
    {"/results.js", "text/javascript; charset=utf-8", results_js, sizeof results_js},
    {"/icon.svg", "image/svg+xml", icon_svg, sizeof icon_svg},
};

static unsigned char *read_file(const char *path, size_t *size) {
    FILE *f = fopen(path, "rb");
    unsigned char *bytes = f ? malloc(SAMPLE_MOST) : NULL;
    *size = bytes ? fread(bytes, 1, SAMPLE_MOST, f) : 0;
    if (f)
        fclose(f);
    unsigned char *fitting = *size ? realloc(bytes, *size) : NULL;
    if (!fitting)
        free(bytes);
    return fitting;
}

void idem_served_open(idem_served_samples *files, const char *samples) {
    *files = (idem_served_samples){0};
    for (int i = 0; i < IDEM_SERVE_SAMPLES && samples; i++) {
        const int half = IDEM_SERVE_SAMPLES / 2;
        char path[4096], *name = files->paths[files->n];
        snprintf(name, sizeof files->paths[0], "/samples/%s/%c.png", i < half ? "identities" : "attributes",
                 i < half ? '1' + i : 'a' + i - half);
        snprintf(path, sizeof path, "%s%s", samples, name + strlen("/samples"));
        size_t size;
        unsigned char *bytes = read_file(path, &size);
        if (bytes)
            files->samples[files->n++] = (idem_served_file){name, "image/png", bytes, size};
    }
}

void idem_served_close(idem_served_samples *files) {
    for (int i = 0; i < files->n; i++)
        free((unsigned char *)files->samples[i].bytes);
    files->n = 0;
}

const idem_served_file *idem_served_find(const idem_served_samples *files, const char *path) {
    for (size_t i = 0; i < sizeof page / sizeof *page; i++)
        if (!strcmp(page[i].path, path))
            return &page[i];
    for (int i = 0; i < files->n; i++)
        if (!strcmp(files->samples[i].path, path))
            return &files->samples[i];
    return NULL;
}
