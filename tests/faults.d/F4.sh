# a panorama shows all its faces
$MK canvas "$W/pano.png" 1200 150 $S/1.png 90 18 114 0 $S/2.png 540 18 114 0 $S/3.png 960 18 114 0 || return
$I align -A -q --no-pose "$W/pano.png" -o "$W/o" || return
n=$(ls "$W/o" | wc -l)
[ "$n" = 3 ] || { echo "$n of 3"; return 1; }
