#include "cli/sources.h"

#include <stdlib.h>
#include <string.h>

#include "cli/failure.h"
#include "cli/progress.h"

int idem_sources_open(idem_sources *s, idem_context *context, const idem_choice *choice, int codes, bool keep) {
    idem_info info = {.struct_size = sizeof info};
    *s = (idem_sources){.choice = choice};
    if (idem_get_info(context, &info) || !(s->faces = idem_new_faces(context, codes, keep)))
        return -1;
    s->size = info.size;
    return 0;
}

void idem_sources_free(idem_sources *s) {
    idem_sources_clear(s);
    idem_free_faces(s->faces);
    free(s->at);
    free(s->outside);
    *s = (idem_sources){0};
}

void idem_sources_clear(idem_sources *s) {
    for (int i = 0; i < s->n; i++) {
        idem_free_photograph(s->at[i].photograph);
        free((uint8_t *)s->at[i].thumb.rgb);
    }
    if (s->faces)
        idem_clear_faces(s->faces);
    s->n = 0;
}

void idem_sources_keep_good(idem_sources *s) {
    int n = 0;
    for (int i = 0; i < s->n; i++)
        if (s->at[i].n)
            s->at[n++] = s->at[i];
    s->n = n;
}

/* The array of *capacity items of that size, grown to at least `need`, doubling; NULL: unchanged. */
static void *grow(void *array, int *capacity, int need, size_t size) {
    if (need <= *capacity)
        return array;
    int more = need > 2 * *capacity ? need : 2 * *capacity;
    if (!(array = realloc(array, (size_t)more * size))) {
        idem_cli_fail_as(IDEM_ERROR_MEMORY, "out of memory for %d pictures", more);
        return NULL;
    }
    *capacity = more;
    return array;
}

int idem_sources_thumb(idem_view *thumb, const uint8_t *picture, int size, int side) {
    const idem_view whole = {picture, size, size};
    const int small = size > side ? side : size;
    const size_t bytes = (size_t)small * (size_t)small * 3;
    uint8_t *rgb = idem_cli_table(bytes, 1);
    if (!rgb)
        return -1;
    *thumb = (idem_view){rgb, small, small};
    if (size > side)
        return idem_resize_view(&whole, small, small, rgb);
    memcpy(rgb, picture, bytes);
    return 0;
}

static int note_outside(idem_sources *s, const idem_photograph *p, const idem_photograph_info *info, int first) {
    double *outside = grow(s->outside, &s->rows, first + info->taken, sizeof *outside);
    if (!outside)
        return -1;
    s->outside = outside;
    for (int i = 0; i < info->taken; i++) {
        idem_face_info face = {.struct_size = sizeof face};
        if (idem_get_face(p, info->first + i, &face))
            return -1;
        outside[first + i] = face.outside;
        s->outside_most = face.outside > s->outside_most ? face.outside : s->outside_most;
    }
    return 0;
}

static int add_faces(idem_sources *s, idem_source *source, const idem_photograph *p) {
    idem_photograph_info info = {.struct_size = sizeof info};
    const int first = idem_count_faces(s->faces);
    if (idem_get_photograph_info(p, &info) || note_outside(s, p, &info, first) || idem_add_faces(s->faces, p))
        return -1;
    source->first = first;
    source->n = info.taken;
    const uint8_t *picture = s->thumbs ? idem_face_picture(s->faces, first) : NULL;
    return s->thumbs && (!picture || idem_sources_thumb(&source->thumb, picture, s->size, s->thumbs)) ? -1 : 0;
}

int idem_sources_read(idem_sources *s, idem_reader *reader, const char *path, const char *name, bool only) {
    idem_source *at = grow(s->at, &s->capacity, s->n + 1, sizeof *at);
    if (!at)
        return -1;
    s->at = at;
    idem_source *source = &s->at[s->n++];
    *source = (idem_source){.path = path, .name = name};
    idem_photograph *p = idem_choice_next(reader, s->choice, path, s->which, s->size);
    if (p && !add_faces(s, source, p)) {
        if (s->places && !idem_drop_pixels(p))
            source->photograph = p;
        else
            idem_free_photograph(p);
        return 0;
    }
    idem_free_photograph(p);
    if (only || idem_error_kind() != IDEM_ERROR_INPUT)
        return -1;
    idem_cli_say("idem: passed over: %s", idem_last_error());
    s->bad++;
    return 0;
}
