# the help's first examples name files that are there; -h; several outputs and "all.png"; -q says nothing; 1 face
for c in align compose distance doctor encode evaluate evaluate-generator interpolate sample train train-generator verify model "model inspect"; do
    $I $c -h >"$W/h" 2>&1 && $I $c --help >"$W/help" 2>&1 && cmp -s "$W/h" "$W/help" || { echo "$c -h is not --help"; return 1; }
done
first=$($I compose --help | sed -n '/^Examples:/{n;N;p}' | grep -m1 -oE 'compose -i [^ ]+ +-a [^ ]+')
$I $first -o "$W/out.png" >"$W/said" 2>&1 && [ -s "$W/out.png" ] || { echo "the help's \"$first\": $(cat "$W/said")"; return 1; }
for c in align encode interpolate verify; do
    $I $c --help | sed -n '/^Examples:/{n;N;p}' | grep -oE 'samples/[a-z]+/[0-9a-z]+\.png' >"$W/named"
    [ -s "$W/named" ] && ls $(cat "$W/named") >"$W/said" 2>&1 || { echo "$c: the first example names what is not there"; return 1; }
done
$I compose -q -i $S -a $A/a.png -o "$W/all.png" >"$W/said" 2>&1
[ $? = 2 ] && [ ! -e "$W/all.png" ] && grep -q folder "$W/said" || { echo "-o all.png: $(cat "$W/said")"; return 1; }
$I align -q $S -o "$W/all.png" >"$W/said" 2>&1
[ $? = 2 ] && [ ! -e "$W/all.png" ] || { echo "align -o all.png: $(cat "$W/said")"; return 1; }
$I compose -q -i $S -a $A/a.png -o "$W/made" >"$W/said" 2>&1
[ ! -s "$W/said" ] || { echo "compose -q: $(cat "$W/said")"; return 1; }
mkdir "$W/many"
for i in {1..40}; do ln -s "$PWD/$S/1.png" "$W/many/$i.png"; done
$I compose -q --input aligned -i "$W/many" -a $A/a.png -o "$W/none" >"$W/said" 2>&1
[ ! -s "$W/said" ] || { echo "compose -q without a grid: $(cat "$W/said")"; return 1; }
$MK canvas "$W/one.png" 200 200 $S/1.png 36 36 128 0
$I align "$W/one.png" -o "$W/cut" >"$W/said" 2>&1
grep -q "^1 face of 1 photograph in" "$W/said" || { echo "align: $(cat "$W/said")"; return 1; }
