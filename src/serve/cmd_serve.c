/* idem serve: a page in the browser, served by this machine. */
#define _GNU_SOURCE
#include <malloc.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/command.h"
#include "cli/failure.h"
#include "cli/library.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "serve/server.h"

extern char **environ;

typedef struct {
    idem_model_files files;
    const char *listen;
    int port;
    bool open;
} settings;

static void open_browser(const char *url) {
    char program[] = "xdg-open", *argv[] = {program, (char *)url, NULL};
    pid_t child;
    if (posix_spawnp(&child, program, NULL, NULL, argv, environ))
        idem_cli_say("idem: xdg-open is missing: open the address yourself");
}

/* Until Ctrl-C. */
static void wait_for_end(void) {
    while (!idem_cli_stop)
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
}

static int serve(const settings *s, const idem_shared *shared, idem_context *context) {
    char samples[4096], error[300];
    idem_info model = {.struct_size = sizeof model};
    if (idem_get_info(context, &model))
        return -1;
    if (!*model.mapper)
        return idem_cli_fail("no mapper is loaded, and the page composes with one: --mapper is \"\", expected a file "
                             "that idem train made");
    const bool sampled = !idem_find_shipped("../samples", samples, sizeof samples);
    idem_server *server = idem_server_open(
        context, &(idem_server_options){s->listen, s->port, sampled ? samples : NULL}, error, sizeof error);
    if (!server)
        return idem_cli_fail("%s", error);
    if (!idem_server_is_local(server))
        idem_cli_say("idem: warning: other machines can reach %s, and traffic is not encrypted; anybody who has the "
                     "address below may use it",
                     s->listen);
    puts(idem_server_url(server));
    fflush(stdout);
    if (!shared->quiet)
        idem_cli_say("idem: open this address in a browser; pictures stay in this machine's memory; Ctrl-C ends it");
    if (s->open)
        open_browser(idem_server_url(server));
    wait_for_end();
    idem_server_close(server);
    return 0;
}

int idem_cmd_serve(int argc, char **argv) {
    settings s = {.listen = "127.0.0.1"};
    idem_shared shared = IDEM_SHARED_DEFAULTS;
    const idem_option options[] = {
        {IDEM_OPT_INT, "port", 'p', "N", &s.port, .max = 65535, .help = "port to listen on; 0: any free port"},
        {IDEM_OPT_FLAG, "open", 0, NULL, &s.open, .help = "open the page in the desktop's browser"},
        {IDEM_OPT_TEXT, "listen", 0, "ADDRESS", &s.listen,
         .help =
             "numeric address to listen on; any but those of 127.0.0.0/8 and ::1 lets other machines in, unencrypted"},
        IDEM_MODEL_ROWS(s.files),
        {0},
    };
    idem_command_line line = {.about =
                                  "Prints the address of a page on this machine: choose or drop two pictures there, "
                                  "see their faces, compose, move a slider from one person to another, download. Only "
                                  "requests with the address's token are answered; nothing is written to disk and "
                                  "nothing leaves this machine. The page's JSON interface is in docs/serve.md.",
                              .examples = "  idem serve --open\n  idem serve --port 8080",
                              .options = options,
                              .shared = IDEM_WITH_THREADS};
    idem_parse(&line, argc, argv, &shared, NULL);
    /* Each connection has a thread for a moment; heaps of their own would keep pieces of pictures. */
    mallopt(M_ARENA_MAX, 1);
    idem_context *context = idem_cli_open(&s.files, &shared, 1);
    const int status = context ? serve(&s, &shared, context) : -1;
    idem_cli_close(context);
    return status ? idem_cli_failed() : 0;
}
