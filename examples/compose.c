/* One face's identity, another's everything else: pictures in, picture out, with nothing but libidem.
 *
 *     cc compose.c $(pkg-config --cflags --libs idem) -o compose
 *     ./compose GENERATOR MAPPER IDENTITY ATTRIBUTES OUT.png
 *
 * GENERATOR and MAPPER are weight files (models/ in the project), the others pictures aligned like the generator's own
 * pictures. The recogniser is looked for in $IDEM_MODELS, else in idem's own folder; `idem model fetch` gets it. */
#include <idem.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static int compose(idem_context *context, const char *identity, const char *attributes, const char *out) {
    idem_info info = {.struct_size = sizeof info};
    if (idem_get_info(context, &info))
        return -1;
    size_t bytes = (size_t)info.size * (size_t)info.size * 3;
    uint8_t *pictures = malloc(3 * bytes);
    if (!pictures)
        return -1;
    uint8_t *who = pictures, *how = pictures + bytes, *result = pictures + 2 * bytes;
    int status = idem_read_picture(context, identity, who) || idem_read_picture(context, attributes, how) ||
                 idem_compose(context, who, how, 1, result) || idem_write_picture(context, out, result);
    free(pictures);
    return status ? -1 : 0;
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: %s GENERATOR MAPPER IDENTITY ATTRIBUTES OUT.png\n", argv[0]);
        return 2;
    }
    idem_options options;
    idem_options_default(&options);
    options.generator = argv[1];
    options.mapper = argv[2];
    options.batch = 1; /* only one picture is made */
    idem_context *context = idem_open(&options);
    int status = context ? compose(context, argv[3], argv[4], argv[5]) : -1;
    if (status)
        fprintf(stderr, "%s\n", idem_last_error());
    idem_close(context);
    return status ? 1 : 0;
}
