# Killed before its first checkpoint, then --resume: the run's own options
T="$I train-generator -q -d $S -o $W/run"
$T --size 16 --z 8 --w 8 --width 128 --width-max 8 --d-width 128 --d-width-max 8 --batch 4 --seed 9 --features 0 --distance-every 0 --threads 1 --checkpoint-every 1000000 2>/dev/null &
pid=$!
disown # else the shell tells that it was killed
for i in {1..400}; do [ ! -s "$W/run/metrics.jsonl" ] || break; sleep 0.1; done
kill -9 $pid
while kill -0 $pid 2>/dev/null; do sleep 0.05; done
! $T --size 32 2>"$W/said" || { echo "another run was begun over it"; return 1; }
$T --resume --pictures 8 2>"$W/said" || { cat "$W/said"; return 1; }
"$I" model inspect "$W/run/generator.safetensors" >"$W/said" 2>&1
grep -q '16 *x *16\|16 px\|of 16' "$W/said" || { echo "not of 16 pixels: $(head -3 "$W/said")"; return 1; }
