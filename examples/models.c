/* Models on this machine, the contents of a file of weights, and its conversion to another format, with only the public
 * library.
 *
 *     cc models.c $(pkg-config --cflags --libs idem) -o models
 *     ./models                models that can be fetched, and those that are here
 *     ./models FILE           its contents
 *     ./models FILE OUT       also writes it as OUT.safetensors or OUT.pt */
#include <idem.h>
#include <stdio.h>

static int print_list(void) {
    static const char *const states[] = {"absent", "ok", "wrong hash"};
    char folder[4096];
    int state = 0, status = 0;
    idem_model_list *list = idem_find_models(NULL, folder, sizeof folder) ? NULL : idem_read_model_list(NULL);
    for (int i = 0; list && i < list->models && !status; i++) {
        status = idem_check_listed_model(&list->model[i], folder, &state);
        if (!status)
            printf("%-12s %-10s %s\n", list->model[i].name, states[state], list->model[i].what);
    }
    status = list ? status : -1;
    idem_free_model_list(list);
    return status;
}

static int print_contents(const char *path) {
    idem_contents *c = idem_inspect(path);
    if (!c)
        return -1;
    printf("%s, %lld bytes, SHA-256 %s\n", c->format, (long long)c->bytes, c->sha256);
    for (size_t i = 0; i < c->networks; i++)
        printf("%s: %s%s\n", c->network[i].fits ? "fits" : "does not fit", c->network[i].name,
               *c->network[i].prefix ? " (below a prefix)" : "");
    for (size_t i = 0; i < c->tensors && i < 5; i++) {
        printf("  rank %d %s [", c->tensor[i].rank, c->tensor[i].dtype);
        for (int k = 0; k < c->tensor[i].rank; k++)
            printf(k ? ", %lld" : "%lld", (long long)c->tensor[i].shape[k]);
        printf("]\n");
    }
    printf("%lld numbers in %zu tensors\n", (long long)c->numbers, c->tensors);
    idem_free_contents(c);
    return 0;
}

int main(int argc, char **argv) {
    size_t tensors = 0;
    if (argc > 3) {
        fprintf(stderr, "usage: models [FILE [OUT]]\n");
        return 2;
    }
    if ((argc == 1 && print_list()) || (argc > 1 && print_contents(argv[1])) ||
        (argc > 2 && idem_convert(NULL, argv[1], argv[2], &tensors))) {
        fprintf(stderr, "%s\n", idem_last_error());
        return 1;
    }
    if (argc > 2)
        printf("%s: %zu tensors\n", argv[2], tensors);
    return 0;
}
