# A team smaller than asked for paints what so many threads do
picture() { cat "$W/$1"/dataset_128/images/00000/0000[01].png 2>/dev/null | sha1sum; }
sample() { rm -rf "$W/$1" && env $3 "$I" sample -q -g "$G" -n 2 --threads "$2" -o "$W/$1" >/dev/null 2>"$W/said" || cat "$W/said"; }
for limit in 1 2 3; do
    sample want $limit A=
    sample got 4 OMP_THREAD_LIMIT=$limit
    [ "$(picture got)" = "$(picture want)" ] || { echo "OMP_THREAD_LIMIT=$limit --threads 4: not the pictures of $limit threads"; return 1; }
done
sample want 2 A=
sample got 2 OMP_DYNAMIC=true
[ "$(picture got)" = "$(picture want)" ] || { echo "OMP_DYNAMIC=true: other pictures"; return 1; }
