# Dead links, links in circles: named and left out, and the others are used
mkdir -p "$W/d/in" && cp "$S"/*.png "$W/d" && ln -s nowhere "$W/d/x.jpg" && ln -s .. "$W/d/in/up" && ln -s round "$W/d/round" || return 1
tell() {
    [ $1 = 1 ] || { echo "$2: exit code $1"; cat "$W/said"; return 1; }
    for name in x.jpg in/up round; do grep -q "passed over: $W/d/$name: " "$W/said" || { echo "$2 does not name $name"; cat "$W/said"; return 1; }; done
}
"$I" train-generator -q -d "$W/d" -o "$W/r" --size 16 --z 8 --w 8 --width 128 --width-max 8 --d-width 128 --d-width-max 8 --pictures 4 --batch 4 --features 0 --distance-every 0 --threads 1 >"$W/said" 2>&1
tell $? train-generator || return 1
[ -s "$W/r/generator.safetensors" ] || { echo "no generator"; return 1; }
[ -e models/cache/mobilenet_v2.shard1.min.js ] || return 0
"$I" distance -q --threads 1 "$W/d" "$S" -n 6 --at 16 >"$W/said" 2>&1
tell $? distance
