# A picture is upright whatever its format: 240 x 200 with a face on its side, whose EXIF says how to turn it.
$MK canvas "$W/t.png" 240 200 "$S/1.png" 36 36 128 3
$MK canvas "$W/t.ppm" 240 200 "$S/1.png" 36 36 128 3
$MK png-exif "$W/t.png" "$W/e.png" 6
# cjpeg and cwebp are not everywhere.
cjpeg -quality 95 "$W/t.ppm" >"$W/t.jpg" 2>/dev/null && $MK jpg-exif "$W/t.jpg" "$W/e.jpg" 6 long
cwebp -quiet "$W/t.png" -o "$W/t.webp" 2>/dev/null && $MK webp-exif "$W/t.webp" "$W/e.webp" 6
for file in "$W"/e.*; do
    size=$("$I" align -q --json "$file" -o "$W/o" | jq '.photographs[0] | "\(.width) x \(.height)"')
    [ "$size" = '"200 x 240"' ] || {
        echo "${file##*/} is read as $size, expected 200 x 240"
        return 1
    }
    [ "$("$I" verify -q --json "$file" "$S/1.png" | jq .same)" = true ] || {
        echo "${file##*/} is another person"
        return 1
    }
done
