/* The public library's pictures in files (include/idem/pictures.h). */
#include <string.h>

#include "api/context.h"
#include "base/status.h"
#include "model/origin.h"

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
