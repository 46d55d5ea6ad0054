# What of a picture is not taken is said: transparency, further pictures. --keep-size keeps the transparency.
$MK canvas "$W/one.png" 200 200 "$S/1.png" 36 36 128 0
$MK canvas "$W/two.png" 200 200 "$S/2.png" 36 36 128 0
$MK kind "$W/one.png" "$W/rgba.png" rgba
$MK apng "$W/one.png" "$W/two.png" "$W/anim.png"
"$I" compose -q -i "$S/2.png" -a "$W/rgba.png" -k -o "$W/k.png" 2>/dev/null || return 1
[ "$(head -c 26 "$W/k.png" | tail -c 1 | od -An -tu1 | tr -d ' ')" = 6 ] || {
    echo "the result of a transparent picture is opaque"
    return 1
}
said=$("$I" align "$W/rgba.png" "$W/anim.png" -o "$W/o" 2>&1)
[[ $said = *"rgba.png: is transparent"* && $said = *"anim.png: holds several"* ]] || {
    echo "transparency or further pictures are left out without a word: $said"
    return 1
}
"$I" interpolate -q -i "$S/1.png" -a "$S/1.png" "$S/2.png" --steps 3 -o "$W/way.webp" || return 1
"$I" align -q "$W/way.webp" -o "$W/o" 2>/dev/null || {
    echo "idem does not read its own animation"
    return 1
}
"$B/tests/test_picture_files" >"$W/log" 2>&1 || {
    grep -m 1 ERROR "$W/log"
    return 1
}
