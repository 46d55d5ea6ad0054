# Half a face outside the photograph: its share is told, and there is no confident verdict
"$MK" canvas "$W/low.png" 200 150 "$S/2.png" 40 78 120 0
"$I" verify --json "$W/low.png" "$S/2.png" >"$W/said" 2>"$W/notes" || { head -1 "$W/notes"; return 1; }
grep -q '"verdict": "unsure"' "$W/said" || { echo "verify: $(grep -m1 '"verdict"\|"same"' "$W/said")"; return 1; }
grep -q '"outside_a": 0.[2-6]' "$W/said" || { echo "verify does not say how much is outside"; return 1; }
"$I" align --json "$W/low.png" -o "$W/cut" >"$W/said" 2>"$W/notes" || { head -1 "$W/notes"; return 1; }
grep -q '"outside": 0.[2-6]' "$W/said" || { echo "align does not say how much is outside"; return 1; }
grep -q 'is outside the photograph' "$W/notes" || { echo "align does not remark on it"; return 1; }
"$I" encode -q "$W/low.png" -o "$W/codes" >"$W/said" 2>&1 || { head -1 "$W/said"; return 1; }
grep -q '"outside": 0.[2-6]' "$W/codes/list.json" || { echo "encode does not say how much is outside"; return 1; }
