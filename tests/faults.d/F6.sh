# a name that is not UTF-8, or has control characters, is done like any other; shown, it is escaped by one rule
mkdir "$W/in"
"$MK" canvas "$W/in/c.png" 200 200 $S/1.png 36 36 128 0
odd=$'b\xe9\x1b[31m\n\\'
shown='b\xE9\x1B[31m\x0A\x5C'
cp "$W/in/c.png" "$W/in/$odd.png"
# Whatever it says: the name as shown, nothing that is not UTF-8, no control characters.
clean() {
    tr -s '\\' <"$1" | grep -qF "$shown" || # JSON doubles the backslashes
        { echo "$2: does not show the name: $(head -c 300 "$1")"; return 1; }
    iconv -f UTF-8 -t UTF-8 "$1" >/dev/null 2>&1 || { echo "$2: prints what is not UTF-8"; return 1; }
    ! LC_ALL=C tr -d '\n' <"$1" | LC_ALL=C grep -q '[[:cntrl:]]' || { echo "$2: prints a control character"; return 1; }
}
cp "$G" "$W/$odd.safetensors"
mkdir "$W/$odd"
cp $S/[1-4].png "$W/$odd"
try() { # NAME STATUS COMMAND...
    local name=$1 want=$2
    shift 2
    "$@" >"$W/said" 2>&1
    [ $? = "$want" ] || { echo "$name: not status $want: $(head -c 300 "$W/said")"; return 1; }
    clean "$W/said" "$name"
}
try "align --json" 0 $I align -q --json "$W/in" -o "$W/cut" || return 1
[ -e "$W/cut/$odd.png" ] && jq -e .faces "$W/said" >/dev/null || { echo "align: no face, or no JSON"; return 1; }
[ "$(printf %b "$(jq -r '.photographs[].faces[].file' "$W/said" | grep 31m)")" = "$odd.png" ] || { echo "printf %b does not give the name back"; return 1; }
try "align of what is not there" 1 $I align "$W/$odd.jpg" -o "$W/cut" || return 1
$I encode -q "$W/in" -o "$W/codes" >"$W/said" 2>&1 || { echo "encode: $(cat "$W/said")"; return 1; }
clean "$W/codes/list.json" list.json || return 1
[ "$(jq '.rows | length' "$W/codes/list.json")" = 2 ] || { echo "encode: codes are missing"; return 1; }
try inspect 0 $I model inspect "$W/$odd.safetensors" || return 1
try "inspect --json" 0 $I model inspect --json "$W/$odd.safetensors" || return 1
try "sample --json" 0 $I sample -q --json -g "$G" -n 1 -o "$W/s$odd" || return 1
try "distance --json" 0 $I distance -q --json "$W/$odd" $S -n 4 --at 64 || return 1
try "an unknown command" 2 $I "$odd" || return 1
try "an argument too many" 2 $I distance a b "$odd" || return 1
