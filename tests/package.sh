#!/usr/bin/env bash
# Packages and the tarball serve a stranger: they hold what belongs into them and depend on what they link to; unpacked anywhere, the
# program composes from another folder, finds its plug-ins, writes nothing into its own tree and fetches into the user's cache.
#   tests/package.sh BUILD
set -eu -o pipefail
cd "$(dirname "$0")/.."
build=$(cd "$1" && pwd)
source=$PWD
for tool in dpkg-deb dpkg-shlibdeps file patchelf cpack; do
    command -v $tool >/dev/null || {
        echo "skip: $tool is not installed (scripts/setup does)"
        exit 77
    }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

failed() {
    echo "package: $*" >&2
    exit 1
}

scripts/package --built "$build" --debian --output "$work/out" >"$work/list" || failed "scripts/package --debian"
cd "$work/out"
plugins=$(cd "$build" && ls idem-*.so 2>/dev/null | sed 's/\.so$//')
for package in idem libidem0 libidem-dev $plugins; do
    [ -e "$(echo "$package"_*.deb)" ] || failed "no package $package, only $(echo *.deb)"
    dpkg-deb -f "$package"_*.deb Version Description >"$work/about"
    grep -q "^Version: $("$build/idem" --version | sed 's/idem //')" "$work/about" || failed "$package: $(cat "$work/about")"
done

# holds PACKAGE PATTERN...: each matches a path of the package
holds() {
    local package=$1 pattern
    shift
    dpkg-deb -c "$package"_*.deb | sed 's/^\(.*\) \.\//\//; s/ -> .*//' >"$work/paths"
    for pattern in "$@"; do
        grep -qx -- "$pattern" "$work/paths" || failed "$package: nothing is $pattern"
    done
}
for package in idem libidem0 libidem-dev $plugins; do
    holds "$package" "/usr/share/doc/$package/copyright"
done
holds idem /usr/bin/idem /usr/share/idem/models/generator-128.safetensors /usr/share/idem/models/mapper-128.safetensors \
    /usr/share/idem/models/mapper-128.md /usr/share/idem/samples/identities/1.png /usr/share/man/man1/idem.1.gz \
    /usr/share/man/man1/idem-compose.1.gz /usr/share/bash-completion/completions/idem /usr/share/zsh/vendor-completions/_idem
holds libidem0 '/usr/lib/.*/libidem\.so\.0' '/usr/lib/.*/libidem\.so\.0\.[0-9.]*'
holds libidem-dev /usr/include/idem.h /usr/include/idem/context.h '/usr/lib/.*/libidem\.so' '/usr/lib/.*/libidem\.a' '/usr/lib/.*/pkgconfig/idem\.pc'
for plugin in $plugins; do
    holds "$plugin" "/usr/lib/.*/idem/$plugin\.so"
done
# Whatever is installed goes when the package goes: nothing is made or kept by a script. (The library's renew ldconfig's cache.)
for package in idem $plugins; do
    [ -z "$(dpkg-deb --ctrl-tarfile "$package"_*.deb | tar -tf - | grep -vxE './(md5sums|control)?')" ] || failed "$package has scripts"
done

mkdir "$work/root" "$work/home" "$work/here"
for file in *.deb; do
    dpkg-deb -x "$file" "$work/root"
done
root=$work/root/usr
library=$(find "$root/lib" -name 'libidem.so.0')
[[ $(readelf -d "$library") = *"Library soname: [libidem.so.0]"* ]] || failed "libidem.so.0 has another soname"

# What a file links to is from a package that its package depends on.
links() {
    local depends soname path package
    depends=" $(dpkg-deb -f "$1"_*.deb Depends | tr -d ',') "
    for soname in $(readelf -d "$2" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
        case $soname in
        ld-linux*) continue ;;
        esac
        # All of it is read: who writes into a closed pipe fails.
        path=$(ldd "$2" | awk -v name="$soname" '$1 == name && !path { path = $3 } END { print path }')
        path=$(realpath "$path")
        package=$({ dpkg -S "$path" || dpkg -S "${path#/usr}"; } 2>/dev/null | sed -n '1s/:.*//p') || continue
        # one that stands for several (libopenblas0-pthread) by its beginning
        [[ $depends = *" $package "* || $depends = *" ${package%-pthread} "* ]] || failed "$1 does not depend on $package, which has $soname:$depends"
    done
}
links idem "$root/bin/idem"
links libidem0 "$library"
for plugin in $plugins; do
    links "$plugin" "$(find "$root/lib" -name "$plugin.so")"
done

# ---- completion, as an interactive shell would ask for it ----

words() { # what may follow these words
    bash --norc -uc '. "$1"; shift; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=(); _idem; echo "${COMPREPLY[*]}"' - \
        "$root/share/bash-completion/completions/idem" "$@"
}
[ "$(words idem inter)" = interpolate ] || failed "idem inter: $(words idem inter)"
[ "$(words idem model fe)" = fetch ] || failed "idem model fe: $(words idem model fe)"
[ "$(words idem compose --input ph)" = photo ] || failed "idem compose --input ph: $(words idem compose --input ph)"
[ "$(words idem compose --input = ph)" = photo ] || failed "idem compose --input=ph: $(words idem compose --input = ph)"
[ -z "$(words idem compose -o '')" ] || failed "idem compose -o: $(words idem compose -o '')"
for command in $(words idem '' | tr ' ' '\n' | grep -v '^-\|^help$'); do
    [ -e "$root/share/man/man1/idem-$command.1.gz" ] || failed "no manual page of $command"
    # The help is another writer of the same tables.
    diff <("$root/bin/idem" "$command" --help | grep -oE '^ +(-., )?--[a-z0-9-]+' | sed 's/.*--/--/' | grep -vxE -- '--(usage)' | sort -u) \
        <(words idem "$command" - | tr ' ' '\n' | grep '^--' | sort -u) >"$work/diff" || failed "$command: help (<) and completion (>): $(cat "$work/diff")"
done
if command -v zsh >/dev/null; then
    zsh -n "$root/share/zsh/vendor-completions/_idem" || failed "zsh does not take its completion"
else
    echo "skip: zsh is not installed, its completion is not parsed"
fi

# ---- the tarball's folder ----

tree=$("$source/scripts/package" --built "$build" --tree --output "$work/tree") || failed "scripts/package --tree"
mv "$tree" "$work/moved folder"
tree="$work/moved folder"
lib=$(dirname "$(find "$tree" -name libidem.so.0)")
for file in "$tree/bin/idem" "$lib/libidem.so.0" "$lib"/idem/idem-*.so "$lib"/idem/libheif/*.so; do
    [ -e "$file" ] || continue
    env -i ldd "$file" | grep -vE 'linux-vdso|/ld-linux|lib(c|m|dl|pthread|rt|resolv|mvec|util)\.so' | grep -vF "/moved folder/" >"$work/foreign" &&
        failed "${file##*/} takes libraries from elsewhere: $(cat "$work/foreign")"
done
while read -r _ _ package _; do
    [ -s "$tree/licences/${package%,}" ] || failed "no licence of ${package%,}"
done <"$tree/licences/libraries"
[ "$(wc -l <"$tree/licences/libraries")" = "$(find "$lib/idem" -name '*.so.*' -o -name 'libheif-*.so' | wc -l)" ] || failed "libraries and licences differ"

# ---- both, from another folder ----

cp "$source/samples/identities/1.png" "$source/samples/attributes/a.png" "$work/here/"
touch "$work/now"
alone() { # like a user who has nothing set
    (cd "$work/here" && env -i PATH="$PATH" HOME="$work/home" LD_LIBRARY_PATH= OMP_WAIT_POLICY=passive "$@")
}
for idem in "$root/bin/idem" "$tree/bin/idem"; do
    [ "$(alone "$idem" model list --json | jq -r '.folder, (.shipped | length)' | tr '\n' ' ')" = "$work/home/.cache/idem 2 " ] ||
        failed "$idem: models in $(alone "$idem" model list --json | jq -r .folder)"
    printf '\0\0\0\030ftypheic\0\0\0\0mif1heic' >"$work/here/cut.heic"
    alone "$idem" compose -q --input aligned -i 1.png -a a.png -o none.png 2>"$work/said" && failed "$idem composes without networks"
    grep -qF "$work/home/.cache/idem" "$work/said" || failed "$idem without networks: $(cat "$work/said")"
done
networks=$(cd "$source" && "$build/idem" doctor --json 2>/dev/null | jq -r .models_folder)
[[ $networks = /* ]] || networks=$source/$networks
if [ -e "$networks/fr_feature.onnx" ] && [ -e "$networks/fr_landmark.onnx" ] && [ -e "$networks/fr_detect.onnx" ]; then
    mkdir "$work/home/.cache"
    ln -s "$networks" "$work/home/.cache/idem"
    "$build/idem" compose -q -i "$work/here/1.png" -a "$work/here/a.png" -o "$work/expected.png"
    alone "$root/bin/idem" compose -q -i 1.png -a a.png -o package.png
    alone "$tree/bin/idem" compose -q -i 1.png -a a.png -o tarball.png
    cmp "$work/expected.png" "$work/here/package.png"
    cmp "$work/expected.png" "$work/here/tarball.png"
    for plugin in $plugins; do
        [ "$plugin" = idem-heif ] || continue
        for idem in "$root/bin/idem" "$tree/bin/idem"; do
            alone "$idem" align cut.heic -o cut 2>"$work/said" && failed "$idem takes a HEIC that is cut off"
            ! grep -q "plug-in" "$work/said" || failed "$idem does not find idem-heif.so: $(cat "$work/said")"
        done
    done
else
    echo "skip: without the fetched models nothing is composed"
fi
new=$(find "$root" "$tree" -newer "$work/now" -type f)
[ -z "$new" ] || failed "running idem wrote into its own tree: $new"
[ "$(cd "$work/home" && find . -mindepth 1 | sort | tr '\n' ' ')" = "./.cache ./.cache/idem " ] || [ ! -e "$work/home/.cache/idem" ] ||
    failed "idem left in the user's home: $(cd "$work/home" && find . -mindepth 1)"
echo "package: all is well"
