# A figure that its n cannot carry is null and says what n it needs
R=$PWD
printf '%s 1\n%s 1\n%s 0\n%s 0\n' "$R/$S/1.png $R/$S/1.png" "$R/$S/2.png $R/$S/2.png" "$R/$S/1.png $R/$S/4.png" \
    "$R/$S/4.png $R/$S/1.png" >"$W/list"
"$I" verify -q --json --pairs "$W/list" >"$W/verify" 2>&1 || { head -1 "$W/verify"; return 1; }
for key in accuracy tar_at_far_0.1%; do
    grep -q "\"$key\": null" "$W/verify" || { echo "verify: $(grep -m1 "\"$key\"" "$W/verify")"; return 1; }
done
grep -q '"needs": 10000' "$W/verify" || { echo "verify does not say what it needs"; return 1; }
"$I" evaluate-generator -q -d "$S" -g "$G" -n 4 --held-out 2 -o "$W/eg" >"$W/generator" 2>&1 || { head -1 "$W/generator"; return 1; }
! grep -E 'memorises|TWICE|at most twice|no nearer' "$W/generator" || return 1
grep -q 'needs 30 ' "$W/generator" || grep -q 'needs 142 ' "$W/generator" || { echo "evaluate-generator does not say what it needs"; return 1; }
"$I" evaluate -q --identity "$S" --attributes "$S" >"$W/mapper" 2>&1 || { head -1 "$W/mapper"; return 1; }
grep -q 'found first among 6 ' "$W/mapper" || { echo "evaluate: $(grep among "$W/mapper")"; return 1; }
