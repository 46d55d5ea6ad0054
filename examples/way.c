/* The way from one face's identity to another's as a WebP animation, refined at both ends, with its progress; Ctrl-C
 * stops it.
 *
 *     cc way.c $(pkg-config --cflags --libs idem) -o way
 *     ./way GENERATOR MAPPER FROM.jpg TO.jpg ATTRIBUTES.jpg OUT.webp */
#define _GNU_SOURCE /* sigaltstack */
#include <idem.h>

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { FRAMES = 12, STEPS = 25, MILLISECONDS = 80 };

static idem_context *context;

static void stop(int number) {
    (void)number;
    idem_cancel(context);
}

/* On a stack of its own: kernels may use the stack pointer for something else. */
static void catch_ctrl_c(void) {
    static char stack[1 << 16];
    struct sigaction action = {.sa_handler = stop, .sa_flags = SA_ONSTACK};
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    sigaction(SIGINT, &action, NULL);
}

static void print_progress(void *user, int done, int of) {
    (void)user;
    fprintf(stderr, "\r%d of %d%s", done, of, done == of ? "\n" : "");
}

/* The largest faces of the pictures; aligned pictures are used whole. */
static idem_faces *faces_of(int code, const char *const *paths, int n, int size) {
    idem_faces *faces = idem_new_faces(context, code, 1);
    idem_reading reading;
    idem_reading_default(&reading);
    reading.input = IDEM_INPUT_AUTO;
    reading.face = IDEM_LARGEST_FACE;
    reading.size = size;
    int status = faces ? 0 : -1;
    for (int i = 0; i < n && !status; i++) {
        idem_photograph *photograph = idem_read_photograph_as(context, paths[i], &reading);
        status = photograph ? idem_add_faces(faces, photograph) : -1;
        idem_free_photograph(photograph);
    }
    if (!status && !idem_encode_faces(faces))
        return faces;
    idem_free_faces(faces);
    return NULL;
}

/* Forwards and back, so that the animation repeats without a jump. */
static int write_way(const uint8_t *rgb, int size, const char *path) {
    idem_view views[2 * FRAMES - 2];
    idem_writing writing;
    idem_writing_default(&writing);
    writing.origin = IDEM_ORIGIN_GENERATED;
    writing.nothing_random = 1;
    for (int i = 0; i < 2 * FRAMES - 2; i++) {
        const int frame = i < FRAMES ? i : 2 * FRAMES - 2 - i;
        views[i] = (idem_view){rgb + (size_t)frame * (size_t)size * (size_t)size * 3, size, size};
    }
    return idem_write_animation(context, path, views, 2 * FRAMES - 2, MILLISECONDS, &writing);
}

static int run(const char *const *paths, const char *out) {
    idem_info info = {.struct_size = sizeof info};
    if (idem_get_info(context, &info))
        return -1;
    uint8_t *rgb = malloc(FRAMES * (size_t)info.size * (size_t)info.size * 3);
    idem_faces *who = rgb ? faces_of(IDEM_CODE_OF_IDENTITY, paths, 2, info.size) : NULL;
    idem_faces *how = who ? faces_of(IDEM_CODE_OF_ATTRIBUTES, paths + 2, 1, info.size) : NULL;
    int status = how && !idem_set_progress(context, print_progress, NULL) &&
                         !idem_interpolate(who, how, IDEM_SPACE_W, FRAMES, STEPS, rgb) &&
                         !write_way(rgb, info.size, out)
                     ? 0
                     : -1;
    idem_free_faces(who);
    idem_free_faces(how);
    free(rgb);
    return status;
}

int main(int argc, char **argv) {
    if (argc != 7) {
        fprintf(stderr, "usage: %s GENERATOR MAPPER FROM TO ATTRIBUTES OUT.webp\n", argv[0]);
        return 2;
    }
    idem_options options;
    idem_options_default(&options);
    options.generator = argv[1];
    options.mapper = argv[2];
    options.batch = 1;
    context = idem_open(&options);
    if (context)
        catch_ctrl_c();
    int status = context ? run((const char *const *)argv + 3, argv[6]) : -1;
    if (status)
        fprintf(stderr, "%s\n", idem_last_error());
    idem_close(context);
    return status ? 1 : 0;
}
