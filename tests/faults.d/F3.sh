# more than 64 faces are all found
faces=()
for i in {0..65}; do faces+=("$S/$((i % 6 + 1)).png" $((i % 9 * 70 + 2)) $((i / 9 * 70 + 2)) 66 0); done
$MK canvas "$W/many.png" 630 560 "${faces[@]}" || return
$I align -A -q --no-pose -s 32 "$W/many.png" -o "$W/o" || return
n=$(ls "$W/o" | wc -l)
[ "$n" = 66 ] || { echo "$n of 66"; return 1; }
