#include "cli/man.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

/* Text for roff: no escapes, no requests, dashes that can be copied. */
static void print_escaped(const char *text) {
    bool at_start = true;
    for (const char *c = text; *c; c++) {
        if (at_start && (*c == '.' || *c == '\''))
            fputs("\\&", stdout);
        if (*c == '\\')
            fputs("\\e", stdout);
        else if (*c == '-')
            fputs("\\-", stdout);
        else
            putchar(*c);
        at_start = *c == '\n';
    }
}

static void print_section(const char *title, const char *text) {
    printf(".SH %s\n", title);
    print_escaped(text);
    putchar('\n');
}

static void print_option(const idem_option *o, const char *help) {
    if (o->kind == IDEM_OPT_HEADER) {
        fputs(".SS \"", stdout);
        print_escaped(help);
        fputs("\"\n", stdout);
        return;
    }
    fputs(".TP\n.B ", stdout);
    if (o->letter)
        printf("\\-%c, ", o->letter);
    fputs("\\-\\-", stdout);
    print_escaped(o->name);
    if (o->arg) {
        fputs(o->optional ? "[=\\fI" : "=\\fI", stdout);
        print_escaped(o->arg);
        fputs(o->optional ? "\\fR]" : "\\fR", stdout);
    }
    putchar('\n');
    print_escaped(help);
    putchar('\n');
}

void idem_man_print(const char *name, const idem_command_line *line, const idem_option *rows, char *const *help,
                    int n) {
    fputs(".TH ", stdout);
    for (const char *c = name; *c; c++)
        putchar(*c == ' ' ? '-' : toupper((unsigned char)*c));
    printf(" 1 \"\" \"idem %s\" \"User commands\"\n.SH NAME\n", IDEM_VERSION);
    for (const char *c = name; *c; c++)
        fputs(*c == ' ' ? "\\-" : (char[]){*c, 0}, stdout);
    fputs(" \\- ", stdout);
    print_escaped(idem_cli_summary(name));
    printf("\n.SH SYNOPSIS\n.B %s\n[OPTION...] ", name);
    print_escaped(line->args ? line->args : "");
    putchar('\n');
    print_section("DESCRIPTION", line->about);
    puts(".SH OPTIONS");
    for (int i = 0; i < n; i++)
        print_option(&rows[i], help[i]);
    if (line->examples) {
        puts(".SH EXAMPLES\n.nf");
        print_escaped(line->examples);
        puts("\n.fi");
    }
    print_section("EXIT STATUS", "0 ok, 1 failed, 2 wrong usage, 130 interrupted.");
}
