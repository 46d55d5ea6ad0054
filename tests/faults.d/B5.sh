# a missing network is one message, then an end
mkdir "$W/many" "$W/nets"
for i in {1..5}; do $MK canvas "$W/many/$i.png" 20$i 200 $S/$i.png 36 36 128 0; done
cp models/cache/fr_feature.onnx models/cache/fr_landmark.onnx "$W/nets" # what finds faces is not there
export IDEM_MODELS=$W/nets
for c in "align -o $W/o" "encode -o $W/o" "compose -a $A/a.png -o $W/o -i"; do
    $I $c "$W/many" >"$W/said" 2>&1
    [ $? = 1 ] && [ "$(grep -c 'fr_detect.onnx: not in' "$W/said")" = 1 ] && [ "$(grep -c . "$W/said")" = 1 ] || { echo "$c: $(cat "$W/said")"; return 1; }
done
