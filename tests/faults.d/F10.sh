# Two trainings in one run folder: the second is refused, and the first is not disturbed
T="timeout 100 $I train-generator -q -d $S -o $W/run --size 16 --z 8 --w 8 --width 128 --width-max 8 --d-width 128 --d-width-max 8 --batch 4 --log-every 2 --checkpoint-every 4 --features 0 --distance-every 0 --threads 1"
$T --pictures 20000000 >"$W/first" 2>&1 &
for i in {1..400}; do [ ! -s "$W/run/metrics.jsonl" ] || break; sleep 0.1; done
for more in "" --resume; do
    ! $T --pictures 24000000 $more 2>"$W/said" || { echo "a second training ${more:-of its own} was let in"; return 1; }
    grep -q 'another process is writing to this folder' "$W/said" || { cat "$W/said"; return 1; }
done
# SIGTERM to timeout's group, twice: timeout sends it on, so the training gets it up to four times, as under a batch system.
kill -TERM -- -$! && kill -TERM -- -$!
wait $! 2>/dev/null
grep -q 'interrupted: checkpoint at iteration' "$W/first" || { echo "two SIGTERM end it without a checkpoint: $(cat "$W/first")"; return 1; }
sort -u "$W/run/metrics.jsonl" | wc -l | grep -qx "$(wc -l <"$W/run/metrics.jsonl")" || { echo "lines of metrics.jsonl come twice"; return 1; }
