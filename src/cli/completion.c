#define _GNU_SOURCE
#include "cli/completion.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/progress.h"

enum { VERBS = 8 };

/* ---- bash: words by the words before them ---- */

static const char bash_head[] =
    "# bash completion of idem, made from its option tables by `idem " IDEM_COMPLETION_OPTION " bash`\n"
    "\n"
    "# What may follow a command (\"model list\"), or an option of it (\"compose --input\").\n"
    "_idem_words() {\n"
    "    case $1 in\n";

static const char bash_tail[] =
    "    esac\n"
    "}\n"
    "\n"
    "_idem() {\n"
    "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command= next words i\n"
    "    if [ \"$word\" = = ]; then # bash takes --option=value for three words\n"
    "        word=\n"
    "    elif [ \"$before\" = = ] && [ \"$COMP_CWORD\" -gt 1 ]; then\n"
    "        before=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    fi\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        next=\"${command:+$command }${COMP_WORDS[i]}\"\n"
    "        [[ ${COMP_WORDS[i]} != -* ]] && [ -n \"$(_idem_words \"$next\")\" ] || break\n"
    "        command=$next\n"
    "    done\n"
    "    case $before in\n"
    "    -*) words=$(_idem_words \"$command $before\") ;;\n"
    "    esac\n"
    "    [ -n \"${words-}\" ] || words=$(_idem_words \"$command\")\n"
    "    [[ $word = -* || $words != -* ]] || words= # the names of files\n"
    "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
    "}\n"
    "complete -o bashdefault -o default -F _idem idem";

static void print_words(const char *text, const char *separators) {
    const char *space = "";
    while (*(text += strspn(text, separators))) {
        const int n = (int)strcspn(text, separators);
        printf("%s%.*s", space, n, text);
        space = " ";
        text += n;
    }
}

static void bash_command(const char *name, const char *verbs, const idem_option *rows, int n) {
    printf("    \"%s\") echo '%s%s--help", name, verbs, *verbs ? " " : "");
    for (int i = 0; i < n; i++)
        if (rows[i].kind != IDEM_OPT_HEADER) {
            printf(" --%s", rows[i].name);
            if (rows[i].letter)
                printf(" -%c", rows[i].letter);
        }
    puts("' ;;");
    for (int i = 0; i < n; i++)
        if (rows[i].kind != IDEM_OPT_HEADER && rows[i].choices) {
            printf("    \"%s --%s\"", name, rows[i].name);
            if (rows[i].letter)
                printf(" | \"%s -%c\"", name, rows[i].letter);
            fputs(") echo '", stdout);
            print_words(rows[i].choices, "|");
            puts("' ;;");
        }
}

/* ---- zsh: a function for each command ---- */

static const char zsh_head[] =
    "#compdef idem\n"
    "# zsh completion of idem, made from its option tables by `idem " IDEM_COMPLETION_OPTION " zsh`\n";

static const char zsh_tail[] = "\n"
                               "if [ \"$funcstack[1]\" = _idem ]; then\n"
                               "    _idem \"$@\"\n"
                               "else\n"
                               "    compdef _idem idem\n"
                               "fi";

static void print_quoted(const char *text) {
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\'", stdout);
        else if (strchr("[]\\:", *text))
            putchar('\\');
        putchar(*text);
    }
}

/* A function that offers words, and passes the words after one to that word's function. */
static void zsh_choice(const char *function, const char *const *words, const char *const *summaries, int n) {
    printf("\n%s() {\n    local -a commands=(\n", function);
    for (int i = 0; i < n; i++) {
        fputs("        '", stdout);
        print_quoted(words[i]);
        putchar(':');
        print_quoted(summaries[i]);
        puts("'");
    }
    printf("    )\n"
           "    if (( CURRENT == 2 )); then\n"
           "        _describe command commands\n"
           "    elif (( $+functions[%s_$words[2]] )); then\n"
           "        shift words\n"
           "        (( CURRENT-- ))\n"
           "        %s_$words[1]\n"
           "    fi\n"
           "}\n",
           function, function);
}

static void zsh_option(const idem_option *o, const char *help) {
    const char *value = o->arg ? (o->optional ? "=-" : "=") : "", *joined = o->arg ? "+" : "";
    if (o->letter && o->kind == IDEM_OPT_TEXTS)
        printf("        '*'{-%c%s,--%s%s}'[", o->letter, joined, o->name, value);
    else if (o->letter)
        printf("        '(-%c --%s)'{-%c%s,--%s%s}'[", o->letter, o->name, o->letter, joined, o->name, value);
    else
        printf("        '--%s%s[", o->name, value);
    print_quoted(help);
    putchar(']');
    if (o->arg) {
        fputs(o->optional ? "::" : ":", stdout);
        print_quoted(o->arg);
        putchar(':');
    }
    if (o->arg && o->choices) {
        putchar('(');
        print_words(o->choices, "|");
        putchar(')');
    } else if (o->arg && (o->kind == IDEM_OPT_TEXT || o->kind == IDEM_OPT_TEXTS)) {
        fputs("_files", stdout);
    }
    puts("' \\");
}

static void zsh_command(const char *function, const idem_command_line *line, const idem_option *rows, char *const *help,
                        int n) {
    printf("\n%s() {\n    _arguments -s -S \\\n", function);
    for (int i = 0; i < n; i++)
        if (rows[i].kind != IDEM_OPT_HEADER)
            zsh_option(&rows[i], help[i]);
    puts("        '(- *)'{-h,--help}'[give this help list]' \\");
    puts(line->args ? "        '*:argument:_files'\n}" : "        '*:argument:'\n}");
}

/* ---- both ---- */

static int is_bash(const char *shell) {
    return !strcmp(shell, "bash");
}

/* A command prints its part and exits, so it runs in a child. */
static int print_part(const char *shell, const char *command, const char *verb) {
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        char option[64], name[64], word[64];
        snprintf(option, sizeof option, IDEM_COMPLETION_OPTION "=%s", shell);
        snprintf(name, sizeof name, "%s", command);
        snprintf(word, sizeof word, "%s", verb ? verb : option);
        char *argv[] = {name, word, verb ? option : NULL, NULL};
        exit(idem_cli_run(verb ? 3 : 2, argv));
    }
    int status = 1;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status ? -1 : 0;
}

/* The first words of "list | fetch NAME... | inspect FILE", in `text`. */
static int find_verbs(char *text, const char *args, char *verbs[VERBS]) {
    int n = 0;
    if (!args || !strstr(args, " | "))
        return 0;
    for (char *part = text; part && n < VERBS; n++) {
        char *next = strstr(part, " | ");
        part += strspn(part, " ");
        verbs[n] = part;
        if (next)
            *next = 0;
        part[strcspn(part, " ")] = 0;
        part = next ? next + 3 : NULL;
    }
    return n;
}

void idem_completion_command(const char *shell, const char *name, const idem_command_line *line,
                             const idem_option *rows, char *const *help, int n) {
    const char *words = name + strlen("idem ");
    char text[200], list[200] = "", function[80], *verbs[VERBS];
    snprintf(text, sizeof text, "%s", line->args ? line->args : "");
    const int n_verbs = find_verbs(text, line->args, verbs);
    for (int i = 0; i < n_verbs; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? " " : "", verbs[i]);
    snprintf(function, sizeof function, "_%s", name);
    for (char *c = function; *c; c++)
        *c = *c == ' ' ? '_' : *c;
    const char *const about[VERBS] = {"", "", "", "", "", "", "", ""};
    if (is_bash(shell))
        bash_command(words, list, rows, n);
    else if (n_verbs)
        zsh_choice(function, (const char *const *)verbs, about, n_verbs);
    else
        zsh_command(function, line, rows, help, n);
    for (int i = 0; i < n_verbs; i++)
        if (print_part(shell, words, verbs[i]))
            exit(1);
}

int idem_completion_print(const char *shell, const char *const *names, const char *const *summaries, int n) {
    if (!is_bash(shell) && strcmp(shell, "zsh") != 0) {
        idem_cli_say("idem: " IDEM_COMPLETION_OPTION ": \"%s\" is neither bash nor zsh", shell);
        return 2;
    }
    fputs(is_bash(shell) ? bash_head : zsh_head, stdout);
    for (int i = 0; i < n; i++)
        if (print_part(shell, names[i], NULL))
            return 1;
    if (!is_bash(shell)) {
        zsh_choice("_idem", names, summaries, n);
        puts(zsh_tail);
        return 0;
    }
    for (int help = 0; help < 2; help++) {
        fputs(help ? "    help) echo '" : "    \"\") echo '", stdout);
        for (int i = 0; i < n; i++)
            printf("%s%s", i ? " " : "", names[i]);
        puts(help ? "' ;;" : " help --help --version' ;;");
    }
    puts(bash_tail);
    return 0;
}
