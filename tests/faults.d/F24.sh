# Ctrl-C in encode, compose and align: what is done stays, and is said
mkdir "$W/many"
for i in {1..400}; do ln -s "$PWD/$S/$((i % 6 + 1)).png" "$W/many/$i.png"; done
# until COMMAND's output has a line that matches, then SIGINT; its status in $status
interrupted() { # PROOF COMMAND...: when the test PROOF holds
    local proof=$1
    shift
    "$@" >"$W/out" 2>"$W/said" &
    local child=$!
    for _ in {1..300}; do
        eval "$proof" && break
        sleep .1
    done
    kill -INT $child
    wait $child
    status=$?
}
interrupted '[ -s "$W/codes/.list.json.part" ] && [ "$(stat -c %s "$W/codes/.identity.npy.part")" -gt 4096 ]' \
    $I encode --input aligned --batch 2 "$W/many" -o "$W/codes"
[ $status = 130 ] || { echo "encode: status $status: $(cat "$W/said")"; return 1; }
rows=$(jq '.rows | length' "$W/codes/list.json" 2>/dev/null)
[ "${rows:-0}" -gt 0 ] && jq -e .ended_early "$W/codes/list.json" >/dev/null || { echo "encode: nothing stays"; return 1; }
[ "$(stat -c %s "$W/codes/identity.npy")" -ge $((rows * 512 * 4)) ] || { echo "encode: fewer codes than rows"; return 1; }
grep -q "interrupted; the codes of $rows faces are in" "$W/said" || { echo "encode: does not say it: $(cat "$W/said")"; return 1; }
interrupted 'ls "$W/made/"*.png >/dev/null 2>&1' $I compose --input aligned --batch 1 --json -i $S -a "$W/many" --no-grid -o "$W/made"
n=$(ls "$W/made" | wc -l)
[ $status = 130 ] && [ "$n" -gt 0 ] && grep -q "interrupted; $n of 2400 pictures are done, in" "$W/said" &&
    [ -s "$W/out" ] && jq -e ".ended_early and .pictures == $n" "$W/out" >/dev/null || { echo "compose: status $status, $n pictures: $(cat "$W/said")"; return 1; }
interrupted 'ls "$W/cut/"*.png >/dev/null 2>&1' $I align "$W/many" -o "$W/cut"
n=$(ls "$W/cut" | wc -l)
[ $status = 130 ] && [ "$n" -gt 0 ] && grep -q "interrupted; $n face" "$W/said" || { echo "align: status $status, $n faces: $(cat "$W/said")"; return 1; }
