#!/usr/bin/env bash
# An installed tree serves a stranger: the example compiles against it with pkg-config, shared and static, and runs; the
# library exports what idem.h declares and nothing else.
#   tests/install.sh BUILD [COMPILER]
set -eu -o pipefail
cd "$(dirname "$0")/.."
build=$1
cc=${2:-cc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree

failed() {
    echo "install: $*" >&2
    exit 1
}

cmake --install "$build" --prefix "$tree" >"$work/log" || failed "cmake --install: $(tail -n 3 "$work/log")"
mv "$tree" "$work/moved" # what was written down at configuration must not matter
tree=$work/moved
pc=$(find "$tree" -name idem.pc)
[ -n "$pc" ] || failed "no idem.pc"
export PKG_CONFIG_PATH=${pc%/*}
lib=$(pkg-config --variable=libdir idem)
[ -e "$lib/libidem.a" ] || failed "no libidem.a in $lib"
for file in bin/idem include/idem.h include/idem/context.h share/man/man1/idem.1 share/man/man1/idem-compose.1 \
    share/idem/models/generator-128.safetensors; do
    [ -e "$tree/$file" ] || failed "no $file"
done
[ ! -e "$build/idem-heif.so" ] || [ -e "$lib/idem/idem-heif.so" ] || failed "no idem-heif.so in $lib/idem"
[ "$("$tree/bin/idem" --version)" = "idem $(pkg-config --modversion idem)" ] || failed "versions differ"

# Exported symbols against declarations.
nm -D --defined-only "$lib/libidem.so" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort >"$work/exported"
cat include/idem/*.h | tr -d '\n' | sed 's/;/;\n/g' | sed -n 's/.*IDEM_API [^(]*\b\(idem_[a-z0-9_]*\)(.*/\1/p' | sort >"$work/declared"
[ "$(wc -l <"$work/declared")" -ge 14 ] || failed "found only $(wc -l <"$work/declared") declarations in idem.h"
diff "$work/declared" "$work/exported" || failed "declared (<) and exported (>) symbols differ"

# The header and each of its parts alone, in the oldest C that has its types, and in C++.
strict=(-Wall -Wextra -pedantic -Werror -fsyntax-only)
for header in idem.h $(cd include && echo idem/*.h); do
    [ "$header" = idem.h ] || grep -q "^#include \"$header\"" include/idem.h || failed "idem.h does not include $header"
    echo "#include <$header>" >"$work/user.c"
    $cc -std=c99 "${strict[@]}" $(pkg-config --cflags idem) "$work/user.c"
    if command -v c++ >/dev/null; then
        c++ -std=c++11 "${strict[@]}" -x c++ $(pkg-config --cflags idem) "$work/user.c"
    fi
done

# Other compilers' OpenMP runtime would be a second one in the process: the static link is for the library's own.
$cc -std=c99 -Wall -Wextra -Werror examples/compose.c $(pkg-config --cflags --libs idem) -o "$work/shared"
mkdir "$work/archive"
cp "$lib/libidem.a" "$work/archive"
$cc -std=c99 examples/compose.c -L"$work/archive" $(pkg-config --static --cflags --libs idem) -o "$work/static"
export LD_LIBRARY_PATH=$lib
# Not `ldd | grep -q`: grep leaves at the first match, and ldd dies of a closed pipe.
[[ $(ldd "$work/shared") = *libidem.so* ]] || failed "the shared example does not use libidem.so"
[[ $(ldd "$work/static") != *libidem.so* ]] || failed "the static example uses libidem.so"

for program in "$build/examples/example_compose" "$work/shared" "$work/static"; do
    status=0
    "$program" 2>/dev/null || status=$?
    [ $status = 2 ] || failed "$program without arguments exits $status, expected 2"
    status=0
    message=$("$program" /nowhere/g /nowhere/m a b "$work/out.png" 2>&1) || status=$?
    [ $status = 1 ] && [[ $message = */nowhere/g* ]] || failed "$program with files that are not there: $status, $message"
done

"$build/tests/check-tiny" "$work" || exit 0 # without the fetched models that is all
export IDEM_MODELS=${IDEM_MODELS:-models/cache} # a program elsewhere would look into the user's cache
face=$(find tests/fixtures fuzz/seeds -name rgb.png -print -quit)
for program in "$build/examples/example_compose" "$work/shared" "$work/static"; do
    "$program" "$work/generator.safetensors" "$work/mapper.safetensors" "$face" "$face" "$work/${program##*/}.png"
done
cmp "$work/shared.png" "$work/static.png"
cmp "$work/shared.png" "$work/example_compose.png"
echo "install: all is well"
