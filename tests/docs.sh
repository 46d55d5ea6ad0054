#!/usr/bin/env bash
# README, docs and cards against the program: every command line `idem ...` parses (it is run with --help at its end, which the program
# answers only if it has understood what is before), every other option that is named exists in a command or a script, every file that is
# linked is there. docs/lab-book.md is left out: its options are those of their time.
#   tests/docs.sh BUILD
set -eu -o pipefail
cd "$(dirname "$0")/.."
export PATH="$(cd "$1" && pwd):$PATH"
mapfile -t pages < <(printf '%s\n' README.md docs/*.md models/*.md training/*.md tests/fixtures/*.md | grep -vx docs/lab-book.md)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0 lines=0

wrong() {
    echo "docs: $*" >&2
    bad=1
}

# Every command line of a page: in indented blocks, continued by a backslash, and between backquotes; from "idem" to the end of
# the command.
command_lines() {
    sed -e ':more' -e '/\\$/{N;s/ *\\\n */ /;b more' -e '}' "$1" |
        sed -n -e '/^    /p' -e '/^    /!s/`\([^`]*\)`/\n    \1\n/gp' | grep '^    ' |
        sed -E -n 's/^    (nice |sudo |time |env |mpirun [^&|]*|srun [^&|]*|[A-Z_]+=[^ ]* )*(build\/)?idem( .*)?$/\3/p' |
        sed -E 's/ (\||&&|&|;|>|2>|#) ?.*$//; s/ #.*$//; s/;.*$//; s/ +$//'
}

# One line: its words are those of the shell, but with nothing expanded or run.
check_line() {
    local page=$1 text=$2 words
    [[ $text != *['$`(<>{}!']* ]] || { check_names "$@" && return; }
    [[ $text != *['[]|*']* && $text != *...* ]] || { check_names "$@" && return; }
    [[ $text =~ ^\ [a-z] ]] || return 0 # "idem", "idem COMMAND --help", "idem --help"
    eval "words=($text)"
    # The last option's argument may be left to the reader; a synopsis has words for numbers: then the names count.
    idem "${words[@]}" --help >/dev/null 2>"$work/said" </dev/null || idem "${words[@]}" x --help >/dev/null 2>&1 </dev/null || {
        grep -q 'is not a number\|expected' "$work/said" && [[ $text =~ \ [A-Z][A-Z]*( |$) ]] && check_names "$@" ||
            wrong "$page: idem$text: $(head -1 "$work/said")"
    }
}

# The names alone.
check_names() {
    local page=$1 command name
    command=$(sed -E 's/^ ([a-z-]+( (list|fetch|inspect|convert)\>)?).*/\1/' <<<"$2")
    for name in $(grep -oE -- '(^|[ [])--[a-z][a-z0-9-]*' <<<"$2" | tr -d ' ['); do
        has "$command" "$name" || wrong "$page: idem$2: there is no $name"
    done
}

. <(idem --completion bash) # _idem_words COMMAND prints its options
has() {
    local help=
    [ "$1" != train ] || help=$(idem train --recipe summary --help | grep -oE -- '--[a-z][a-z0-9-]*')
    grep -qxF -- "$2" < <(_idem_words "$1" | tr ' ' '\n') || grep -qxF -- "$2" <<<"$help"$'\n'--usage
}

for page in "${pages[@]}"; do
    while IFS= read -r text; do
        lines=$((lines + 1))
        check_line "$page" "$text"
    done < <(command_lines "$page")
done
[ $lines -ge 100 ] || wrong "only $lines command lines were found"

# Options in the text: of any command, of a script, or of a program that is called in the same line.
for command in $(_idem_words help) "model list" "model fetch" "model inspect" "model convert"; do
    _idem_words "$command"
done | tr ' ' '\n' >"$work/known"
for recipe in paper summary; do
    idem train --recipe $recipe --help
done | cat - scripts/* bench/run bench/compare bench/kill-ranks tests/variants.c | grep -oE -- '--[a-z][a-z0-9-]*' >>"$work/known"
printf '%s\n' --version --completion --man --usage >>"$work/known"
sort -u -o "$work/known" "$work/known"
for page in "${pages[@]}"; do
    grep -vE 'curl|cmake|ctest|mpirun|srun|sbatch|SBATCH|apt|ffmpeg|pkg-config' "$page" | grep -oE -- '(^|[ `(])--[a-z][a-z0-9-]*' | tr -d ' `(' | sort -u >"$work/named" || true
    for name in $(comm -13 "$work/known" "$work/named"); do
        wrong "$page: there is no $name"
    done
    for file in $(grep -oE '\]\([^)#:]+\)' "$page" | tr -d ']()'); do
        [ -e "$(dirname "$page")/$file" ] || wrong "$page: there is no $file"
    done
done
[ $bad = 0 ] && echo "docs: $lines command lines of ${#pages[@]} pages are right"
exit $bad
