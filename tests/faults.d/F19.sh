# one look-up of models: an empty IDEM_MODELS is none; an installed program finds what it fetched, from any folder
$MK canvas "$W/one.png" 200 200 $S/1.png 36 36 128 0
IDEM_MODELS= $I align -q "$W/one.png" -o "$W/o" >"$W/said" 2>&1 || { echo "empty IDEM_MODELS, align: $(cat "$W/said")"; return 1; }
IDEM_MODELS= $I compose -q -i "$W/one.png" -a $A/a.png -o "$W/o.png" >"$W/said" 2>&1 || { echo "empty IDEM_MODELS, compose: $(cat "$W/said")"; return 1; }
IDEM_MODELS= $I doctor --json >"$W/said" 2>&1
[ "$(jq -r .models_folder "$W/said")" = models/cache ] || { echo "empty IDEM_MODELS, doctor: $(cat "$W/said")"; return 1; }
root=$PWD
mkdir -p "$W/tree/bin" "$W/tree/share/idem/models" "$W/home" "$W/here" "$W/bin"
cp $I "$W/tree/bin/idem"
cp "$G" "$M" "$W/tree/share/idem/models"
cp $S/1.png "$W/here"
# Where it is installed there is nothing to write to: what is fetched goes to the user's own folder.
unset IDEM_MODELS XDG_CACHE_HOME
export HOME=$W/home
folder() { (cd "$1" && "$W/tree/bin/idem" doctor --json | jq -r .models_folder); }
[ "$(folder "$W/here")" = "$W/home/.cache/idem" ] || { echo "would fetch to $(folder "$W/here")"; return 1; }
mkdir -p "$W/home/.cache"
ln -s "$root/models/cache" "$W/home/.cache/idem"
for place in "$W/here" / "$root"; do
    (cd "$place" && "$W/tree/bin/idem" compose -q -i "$W/one.png" -a "$W/here/1.png" -o "$W/$RANDOM.png") >"$W/said" 2>&1 || { echo "installed, in $place: $(cat "$W/said")"; return 1; }
done
[ "$(folder "$root")" = "$W/home/.cache/idem" ] || { echo "installed, in a source tree: $(folder "$root")"; return 1; }
export XDG_CACHE_HOME=$W/cache
[ "$(folder "$W/here")" = "$W/cache/idem" ] || { echo "XDG_CACHE_HOME: $(folder "$W/here")"; return 1; }
export XDG_CACHE_HOME=cache
[ "$(folder "$W/here")" = "$W/home/.cache/idem" ] || { echo "a relative XDG_CACHE_HOME: $(folder "$W/here")"; return 1; }
unset XDG_CACHE_HOME HOME
(cd "$W/here" && "$W/tree/bin/idem" model list) >"$W/said" 2>&1 && { echo "model list without any folder: passes"; return 1; }
grep -q "IDEM_MODELS, XDG_CACHE_HOME and HOME" "$W/said" || { echo "without any folder: $(cat "$W/said")"; return 1; }
