# A JPEG without its end marker is taken; one that is really cut off is refused, and says so.
command -v cjpeg >/dev/null || {
    echo "there is no cjpeg"
    return 77
}
$MK canvas "$W/x.ppm" 200 200 "$S/1.png" 36 36 128 0
cjpeg "$W/x.ppm" >"$W/x.jpg"
head -c -2 "$W/x.jpg" >"$W/end.jpg"
head -c -60 "$W/x.jpg" >"$W/cut.jpg"
"$I" align -q "$W/end.jpg" -o "$W/o" || return 1
if said=$("$I" align -q "$W/cut.jpg" -o "$W/o" 2>&1) || [[ $said != *"cut off"* ]]; then
    echo "cut.jpg: $said"
    return 1
fi
