# Pictures replaced are seen, pictures renamed stay where they were, in training or held out
mkdir "$W/dd" && cp "$S"/*.png "$W/dd" || return 1
T="$I train-generator -q -d $W/dd -o $W/rr --batch 4 --features 0 --distance-every 0 --threads 1"
$T --size 16 --z 8 --w 8 --width 128 --width-max 8 --d-width 128 --d-width-max 8 --held-out 2 --pictures 8 2>"$W/said" || { cat "$W/said"; return 1; }
cp -r "$W/rr" "$W/whole"
${T/rr/whole} --resume --pictures 16 2>"$W/said" || { cat "$W/said"; return 1; }
mv "$W/dd/1.png" "$W/dd/zz.png" && touch "$W/dd/2.png"
$T --resume --pictures 16 2>"$W/said" || { cat "$W/said"; return 1; }
cmp "$W/rr/generator.safetensors" "$W/whole/generator.safetensors" || return 1
touch -r "$W/dd/3.png" "$W/time" && cp "$A/a.png" "$W/dd/3.png" && touch -r "$W/time" "$W/dd/3.png"
! $T --resume --pictures 24 2>"$W/said" || { echo "a picture was replaced, and the run went on"; return 1; }
grep -q 'not the pictures that the run was started on (1 are new, 1 gone)' "$W/said" || { cat "$W/said"; return 1; }
