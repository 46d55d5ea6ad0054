# names of up to 255 bytes are done; an output name that would be longer is said before the work, the others are done
mkdir "$W/l"
a246=$(printf 'a%.0s' {1..246})
$MK canvas "$W/l/z.png" 200 200 $S/1.png 36 36 128 0
cp "$W/l/z.png" "$W/l/$a246.png"
cp "$W/l/z.png" "$W/l/${a246}bbbbb.png"
$I align -q "$W/l" -o "$W/cut" >"$W/said" 2>&1 || { echo "align: $(cat "$W/said")"; return 1; }
[ "$(ls "$W/cut" | wc -l)" = 3 ] || { echo "align: not 3 faces"; return 1; }
[ "$(ls -A "$W/cut" | grep -c part)" = 0 ] || { echo "align: aside files stay"; return 1; }
$I compose -q -i "$W/l" -a $A/a.png --no-grid -o "$W/made" >"$W/said" 2>&1
[ $? = 1 ] && grep -q "258 bytes, at most 255" "$W/said" || { echo "compose: $(cut -c1-300 "$W/said")"; return 1; }
[ "$(ls "$W/made" | wc -l)" = 2 ] || { echo "compose: the two legal results are not there"; return 1; }
$I compose -q -i "$W/l/z.png" -a $A/a.png -o "$W/${a246}bbbbbbbbb.png" >"$W/said" 2>&1
[ $? = 2 ] || { echo "compose to an illegal name: $(cut -c1-300 "$W/said")"; return 1; }
# A second face would have a name that is too long: the first is done, the second said.
$MK canvas "$W/two.png" 400 200 $S/1.png 36 36 128 0 $S/2.png 236 36 120 0
mkdir "$W/m" && cp "$W/two.png" "$W/m/${a246}bbbbb.png"
$I align -q -A "$W/m" -o "$W/second" >"$W/said" 2>&1
[ $? = 1 ] && [ "$(ls "$W/second" | wc -l)" = 1 ] || { echo "align -A: $(cut -c1-300 "$W/said")"; return 1; }
