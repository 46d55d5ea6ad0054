# every seed of 64 bits is printed as it was given
seed=18446744073709551615
$I sample -g "$G" -n 1 -o "$W/s" -q --json --seed $seed >"$W/said" 2>&1
grep -q "\"seed\": $seed,\?$" "$W/said" && jq -e . "$W/said" >/dev/null || { echo "$(cat "$W/said")"; return 1; }
