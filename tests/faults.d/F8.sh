# Every ending of a picture, in any case, and files without one; what else a folder holds is counted and said once.
mkdir "$W/mix" "$W/mix/folder"
$MK canvas "$W/mix/a.png" 200 200 "$S/1.png" 36 36 128 0
for name in noext b.JFIF c.jpe; do cp "$W/mix/a.png" "$W/mix/$name"; done
for name in 1.txt 2.md 3.gif 4.mp4 empty; do printf '%s' "${name#empty}" >"$W/mix/$name"; done
said=$("$I" align "$W/mix" -o "$W/o" 2>&1 >"$W/report") || {
    echo "$said"
    return 1
}
[[ $said = *"5 files of other kinds and 1 folder passed over: 1.txt, 2.md, 3.gif, ..."* ]] || {
    echo "what is passed over is not said: $said"
    return 1
}
[ "$("$I" align -q --json "$W/mix" -o "$W/o2" | jq -c '[.faces, .other_files]')" = '[4,5]' ] || {
    echo "not 4 faces and 5 other files in the report"
    return 1
}
for command in "encode -o $W/codes --input photo" "compose -o $W/new -i $S/1.png -a"; do
    said=$("$I" $command "$W/mix" 2>&1 >/dev/null)
    [[ $said = *"5 files of other kinds"* ]] || {
        echo "${command%% *} does not say what it passes over: $said"
        return 1
    }
done
said=$("$I" distance "$W/mix" "$W/mix" -n 4 2>&1)
[[ $said = *"5 files of other kinds"* ]] || {
    echo "distance does not say what it passes over"
    return 1
}
# A HEIC is read where the plug-in is, else the line says what to install; cut off from it, the program says so.
printf '\0\0\0\030ftypheic\0\0\0\0mif1heic' >"$W/e.HEIC"
cp "$I" "$W/alone"
said=$(IDEM_MODELS=${IDEM_MODELS:-models/cache} "$W/alone" align "$W/e.HEIC" -o "$W/o" 2>&1)
[[ $said = *"libheif"* ]] || {
    echo "a HEIC without the plug-in: $said"
    return 1
}
