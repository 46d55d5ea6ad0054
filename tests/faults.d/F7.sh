# a picture of the generator's size is not taken for an aligned one without a look
$MK canvas "$W/small.png" 128 128 $S/1.png 66 66 56 0 || return
for kind in auto photo; do
    $I encode -q -g $G -m $M --input $kind "$W/small.png" -o "$W/$kind" || return
done
cmp -s "$W/auto/identity.npy" "$W/photo/identity.npy" || { echo "another identity by auto than by --input photo"; return 1; }
