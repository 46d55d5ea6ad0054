#define _GNU_SOURCE
#include "support/program.h"

#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "support/tiny.h"

char *program_output;
const char *program_folder;

int program_enter(void **state) {
    (void)state;
    program_folder = tiny_folder();
    return program_folder ? 0 : -1;
}

int program_leave(void **state) {
    (void)state;
    free(program_output);
    program_output = NULL;
    tiny_remove(program_folder);
    return 0;
}

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

/* "IDEM='...'; DIR='...'; { command; } 2>&1", malloc'ed */
static char *shell_command(const char *dir, const char *format, va_list args) {
    char program[PATH_MAX], *text, *command;
    if (vasprintf(&text, format, args) < 0)
        return NULL;
    if (find_program(program) || asprintf(&command, "IDEM='%s'; DIR='%s'; { %s; } 2>&1", program, dir, text) < 0)
        command = NULL;
    free(text);
    return command;
}

int program_run(const char *dir, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *command = shell_command(dir, format, args);
    va_end(args);
    free(program_output);
    program_output = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&program_output, &size), *pipe = command ? popen(command, "r") : NULL;
    free(command);
    if (!memory || !pipe)
        return -1;
    for (int c; (c = fgetc(pipe)) != EOF;)
        if (c) /* Open MPI 5 writes its own messages with their NUL, and what follows would be hidden */
            fputc(c, memory);
    fclose(memory);
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* In a process of its own, whose streams are ours. */
static pid_t start(const char *dir, const char *format, va_list args) {
    char *command = shell_command(dir, format, args);
    fflush(NULL);
    pid_t child = command ? fork() : -1;
    assert_true(child >= 0);
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    free(command);
    return child;
}

long program_peak(const char *dir, const char *format, ...) {
    va_list args;
    va_start(args, format);
    pid_t child = start(dir, format, args);
    va_end(args);
    int status;
    struct rusage usage;
    assert_int_equal(wait4(child, &status, 0, &usage), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return usage.ru_maxrss;
}

int program_interrupt(const char *dir, const char *sign, const char *format, ...) {
    enum { WAIT = 600 };
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", dir, sign);
    va_list args;
    va_start(args, format);
    pid_t child = start(dir, format, args);
    va_end(args);
    int status = 0;
    bool there = false, ended = false;
    for (int i = 0; i < WAIT * 100 && !there && !ended; i++) {
        usleep(10000);
        there = access(path, F_OK) == 0;
        ended = waitpid(child, &status, WNOHANG) == child;
    }
    assert_false(ended);
    kill(child, SIGINT);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(there);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void program_file(const char *dir, const char *name, const char *text, bool executable) {
    char *path = idem_path_join(dir, name);
    assert_int_equal(idem_file_write(path, text, strlen(text)), 0);
    if (executable)
        assert_int_equal(chmod(path, 0755), 0);
    free(path);
}

void program_expect(int code, int wanted) {
    if (code != wanted)
        print_message("exit code %d; the program said:\n%s\n", code, program_output);
    assert_int_equal(code, wanted);
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
