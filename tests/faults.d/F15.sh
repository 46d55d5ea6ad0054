# a generator is known by what paints; it opens whatever stands before its names; contradictions are named
$I compose -q -g "$G" -m "$M" -i $S/1.png -a $A/a.png -o "$W/want.png" || return 1
$MK st "$G" "$W/g.safetensors" drop:latent_avg
$MK st "$G" "$W/l.safetensors" rows:latent_avg:12
for p in decoder. generator. net.G/; do $MK st "$G" "$W/p-${p//[.\/]/}.safetensors" prefix:$p; done
for g in "$W"/*.safetensors; do
    $I model inspect "$g" | grep -q '^fits: StyleGAN2 generator' || { echo "$g does not fit"; return 1; }
    $I compose -q -g "$g" -m "$M" -i $S/1.png -a $A/a.png -o "$W/z.png" >"$W/said" 2>&1 && cmp "$W/z.png" "$W/want.png" >>"$W/said" 2>&1 || { echo "$(basename "$g"): $(cat "$W/said")"; return 1; }
done
$MK st "$G" "$W/wide.st" widen:style.1.weight
$I sample -q -g "$W/wide.st" -n 1 -o "$W/s" >"$W/said" 2>&1
[ $? = 1 ] && grep -q "z_dim = 256, but its tensors give 512" "$W/said" || { echo "contradicted: $(cat "$W/said")"; return 1; }
$I model inspect "$W/wide.st" | grep -q '^does not fit: .*z_dim = 256' || { echo "inspect does not name the contradiction"; return 1; }
$B/tests/test_generator_file >"$W/said" 2>&1 || { echo "test_generator_file: $(tail -3 "$W/said")"; return 1; } # also of mappers with the older hash
