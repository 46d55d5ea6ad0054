# verify with two faces in a photograph: it is told, and which one can be chosen
"$MK" canvas "$W/two.png" 320 240 "$S/1.png" 10 50 130 0 "$S/4.png" 170 50 131 0
for k in 1 4; do
    "$I" verify --json "$W/two.png" "$S/$k.png" >"$W/said" 2>"$W/notes" || { head -1 "$W/notes"; return 1; }
    grep -q '"faces_a": 2' "$W/said" || { echo "two.png and $k.png: JSON does not say that there are two faces"; return 1; }
    grep -q 'two.png: has 2 faces' "$W/notes" || { echo "two.png and $k.png: no remark"; return 1; }
    ! grep -q '"verdict": "different"' "$W/said" || { echo "two.png and $k.png: different"; return 1; }
    "$I" verify -q --json --face any "$W/two.png" "$S/$k.png" >"$W/said" 2>&1
    grep -q '"verdict": "same"' "$W/said" || { echo "two.png and $k.png, any: $(grep verdict "$W/said")"; return 1; }
done
same=0
for face in 1 2; do
    "$I" verify -q --json --face $face "$W/two.png" "$S/1.png" >"$W/said" 2>&1
    ! grep -q '"verdict": "same"' "$W/said" || same=$((same + 1))
done
[ $same = 1 ] || { echo "face 1 and face 2 of two.png: $same of them are that of 1.png"; return 1; }
