# train --recipe summary takes the recogniser that is there
[ -e models/cache/fr_feature.onnx ] || { echo "fr_feature.onnx is not there"; return 77; }
"$I" train --recipe summary -g "$G" -d "$S" -o "$W/run" --batch 2 --iterations 1 -q --threads 1 >"$W/said" 2>&1 || { cat "$W/said"; return 1; }
