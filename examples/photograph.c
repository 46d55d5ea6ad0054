/* One person's identity on every face of a photograph, which keeps its size: photographs in and out, without aligning
 * by hand.
 *
 *     cc photograph.c $(pkg-config --cflags --libs idem) -o photograph
 *     ./photograph GENERATOR MAPPER PERSON.jpg PHOTOGRAPH.jpg OUT.png
 *
 * Besides the recogniser, the networks that find faces are looked for in $IDEM_MODELS, else in idem's own folder. */
#include <idem.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The largest face of a photograph, aligned for the generator; the caller frees it. */
static uint8_t *largest_face(idem_context *context, const char *path) {
    idem_info info = {.struct_size = sizeof info};
    idem_photograph *photograph = idem_read_photograph(context, path);
    if (!photograph || idem_get_info(context, &info)) {
        idem_free_photograph(photograph);
        return NULL;
    }
    uint8_t *rgb = malloc((size_t)info.size * (size_t)info.size * 3);
    if (rgb && idem_align_face(context, photograph, 0, rgb)) {
        free(rgb);
        rgb = NULL;
    }
    idem_free_photograph(photograph);
    return rgb;
}

static int compose(idem_context *context, const char *person, const char *path, const char *out) {
    uint8_t *who = largest_face(context, person);
    idem_photograph *photograph = who ? idem_read_photograph(context, path) : NULL;
    int status = photograph && !idem_compose_photograph(context, who, photograph, IDEM_ALL_FACES) &&
                         !idem_write_photograph(context, out, photograph)
                     ? 0
                     : -1;
    idem_free_photograph(photograph);
    free(who);
    return status;
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: %s GENERATOR MAPPER PERSON PHOTOGRAPH OUT.png\n", argv[0]);
        return 2;
    }
    idem_options options;
    idem_options_default(&options);
    options.generator = argv[1];
    options.mapper = argv[2];
    options.batch = 1;
    idem_context *context = idem_open(&options);
    int status = context ? compose(context, argv[3], argv[4], argv[5]) : -1;
    if (status)
        fprintf(stderr, "%s\n", idem_last_error());
    idem_close(context);
    return status ? 1 : 0;
}
