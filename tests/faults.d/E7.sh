# A command that fails before its first result leaves no folder
echo text >"$W/text"
for c in "align $W/text" "encode $W/text" "report -m $W/text" "evaluate-generator -g $G --data $W/text" "train -g $W/text" "train-generator -d $W/text"; do
    ! $I $c -q -o "$W/o" >"$W/said" 2>&1 || { echo "$c: no failure"; return 1; }
    [ ! -e "$W/o" ] || { echo "$c: left a folder: $(cat "$W/said")"; return 1; }
done
