/* Trains a mapper for a generator, with only libidem: progress on a terminal, Ctrl-C saves, the same command continues
 * from there.
 *
 *     cc train.c $(pkg-config --cflags --libs idem) -o train
 *     ./train GENERATOR RUN [SETTING=VALUE...]
 *     ./train --settings
 *
 * GENERATOR is a weight file (models/ in the project), RUN the folder of the run. The networks of the losses are looked
 * for in $IDEM_MODELS, else in idem's own folder; `idem model fetch` gets them. */
#define _GNU_SOURCE /* sigaltstack */
#include <idem.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

static volatile sig_atomic_t stop;

static void ask_to_stop(int signal) {
    (void)signal;
    stop = 1;
}

/* On a stack of its own: kernels may use the stack pointer for something else. */
static void catch_ctrl_c(void) {
    static char stack[1 << 16];
    struct sigaction action = {.sa_handler = ask_to_stop, .sa_flags = SA_ONSTACK};
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    sigaction(SIGINT, &action, NULL);
}

static int progress(void *user, const idem_train_progress *p) {
    (void)user;
    if (p->phase == IDEM_TRAIN_LEARNING)
        fprintf(stderr, "\r%lld of %lld iterations, %.0f s left  ", (long long)p->done, (long long)p->all,
                p->seconds_left > 0 ? p->seconds_left : 0);
    return 0;
}

static void evaluated(void *user, const idem_train_evaluation *e) {
    (void)user;
    for (int i = 0; i < e->figures; i++)
        if (!strcmp(e->figure[i].name, "id_kept") || !strcmp(e->figure[i].name, "attr_leak"))
            printf("iteration %lld: %s %.3f\n", (long long)e->iteration, e->figure[i].name, e->figure[i].value);
}

static void note(void *user, int kind, const char *text) {
    (void)user;
    fprintf(stderr, "%s%s\n", kind == IDEM_TRAIN_LEFT_OUT ? "left out: " : "", text);
}

static int list_settings(const idem_settings *s) {
    for (int i = 0; i < idem_settings_count(s); i++) {
        idem_setting_info info = {.struct_size = sizeof info};
        if (idem_settings_info(s, i, &info))
            return -1;
        printf("%-20s %-8s %s\n", info.name, info.preset, info.help);
    }
    return 0;
}

/* "NAME=VALUE" */
static int set(idem_settings *s, char *assignment) {
    char *value = strchr(assignment, '=');
    if (!value)
        return idem_settings_set(s, assignment, "1"); /* a flag */
    *value = 0;
    return idem_settings_set(s, assignment, value + 1);
}

static int train(idem_settings *s, int argc, char **argv) {
    for (int i = 3; i < argc; i++)
        if (set(s, argv[i]))
            return -1;
    idem_train_watch watch;
    idem_train_watch_default(&watch);
    watch.stop = &stop;
    watch.progress = progress;
    watch.evaluated = evaluated;
    watch.note = note;
    idem_train_mapper_options options;
    idem_train_mapper_options_default(&options);
    options.generator = argv[1];
    options.run = argv[2];
    options.resume = 1;
    options.settings = s;
    options.watch = &watch;
    catch_ctrl_c();
    return idem_train_mapper(&options, NULL);
}

int main(int argc, char **argv) {
    const int listing = argc == 2 && !strcmp(argv[1], "--settings");
    if (argc < 3 && !listing) {
        fprintf(stderr, "usage: %s GENERATOR RUN [SETTING=VALUE...]\n       %s --settings\n", argv[0], argv[0]);
        return 2;
    }
    idem_settings *s = idem_settings_new("paper");
    const int status = !s ? -1 : listing ? list_settings(s) : train(s, argc, argv);
    if (status)
        fprintf(stderr, "\n%s\n", idem_last_error());
    idem_settings_free(s);
    return status ? 1 : 0;
}
