# a photograph on its side or head shows the same person
for quarters in 1 2 3; do
    $MK canvas "$W/t.png" 200 200 $S/1.png 36 36 128 $quarters || return
    $I verify -q "$W/t.png" $S/1.png 2>&1 | grep -q '^same person' || { echo "turned by $quarters quarters: another person"; return 1; }
done
