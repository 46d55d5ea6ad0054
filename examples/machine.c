/* The machine's capabilities, and the time of a generator's operators, with only the public library.
 *
 *     cc machine.c $(pkg-config --cflags --libs idem) -o machine
 *     ./machine [GENERATOR] */
#include <idem.h>
#include <stdio.h>
#include <stdlib.h>

static int failed(void) {
    fprintf(stderr, "%s\n", idem_last_error());
    return 1;
}

static int print_machine(void) {
    idem_machine_info m = {.struct_size = sizeof m};
    idem_kernel_speed speed[IDEM_KERNELS];
    if (idem_get_machine(&m) || idem_measure_kernels(speed, 0.6, NULL))
        return -1;
    printf("%s: %d threads, %s of %s, oneDNN %s, %.1f GB free\n", m.cpu, m.threads, m.isa, m.isa_of_cpu, m.onednn,
           m.available * 1e-9);
    for (int i = 0; i < IDEM_KERNELS; i++)
        printf("  %-36s %-20s %6.1f GFLOP/s\n", speed[i].what, speed[i].kernel, speed[i].gflops);
    return 0;
}

/* Four pictures, and the operators they took. */
static int print_times(const char *generator) {
    idem_options o;
    idem_options_default(&o);
    o.generator = generator;
    o.generator_only = 1;
    idem_start_profile();
    idem_context *c = idem_open(&o);
    idem_info info = {.struct_size = sizeof info};
    if (!c || idem_get_info(c, &info))
        return -1;
    uint8_t *rgb = malloc(4 * 3 * (size_t)info.size * (size_t)info.size);
    const int status = rgb ? idem_sample(c, 1, 0.7f, 4, NULL, rgb) : -1;
    idem_close(c); /* the profile contains a context's networks only after closing it */
    free(rgb);
    idem_profile *p = status ? NULL : idem_get_profile();
    if (!p)
        return -1;
    printf("%d plan%s, %.0f ms\n", p->plans, p->plans == 1 ? "" : "s", 1e3 * p->seconds);
    for (int i = 0; i < p->ops; i++)
        printf("  %-16s %8.2f ms\n", p->op[i].op, 1e3 * p->op[i].seconds);
    idem_free_profile(p);
    idem_stop_profile();
    return 0;
}

int main(int argc, char **argv) {
    if (idem_check_machine() || print_machine() || (argc > 1 && print_times(argv[1])))
        return failed();
    return 0;
}
