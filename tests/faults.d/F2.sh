# one large face hides no small one
found() { $I align -A -q --no-pose --json "$1" -o "$W/o" 2>/dev/null | grep -c '"file": "[a-z]*\(-[0-9]*\)*.png"'; }
$MK canvas "$W/g.png" 1500 1000 $S/1.png 100 200 600 0 $S/2.png 1100 300 45 0 || return
[ "$(found "$W/g.png")" = 2 ] || { echo "beside a face of 600 pixels one of 45 is not found"; return 1; }
