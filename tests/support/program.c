#define _GNU_SOURCE
#include "support/program.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

char *program_output;

/* BUILD/tests/test_x -> BUILD/idem */
static int find_program(char path[PATH_MAX]) {
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 16);
    if (n <= 0)
        return -1;
    path[n] = 0;
    for (int up = 0; up < 2; up++)
        *strrchr(path, '/') = 0;
    strcat(path, "/idem");
    return 0;
}

int program_run(const char *dir, const char *format, ...) {
    char program[PATH_MAX], *text, *command;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0 || find_program(program) ||
        asprintf(&command, "IDEM='%s'; DIR='%s'; { %s; } 2>&1", program, dir, text) < 0)
        return -1;
    free(text);
    free(program_output);
    program_output = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&program_output, &size), *pipe = popen(command, "r");
    free(command);
    if (!memory || !pipe)
        return -1;
    for (int c; (c = fgetc(pipe)) != EOF;)
        fputc(c, memory);
    fclose(memory);
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool program_says(const char *text) {
    if (strstr(program_output, text))
        return true;
    printf("expected: %s\nthe program said:\n%s\n", text, program_output);
    return false;
}

int program_lines(void) {
    int n = 0;
    for (const char *c = program_output; *c; c++)
        n += *c == '\n';
    return n;
}
