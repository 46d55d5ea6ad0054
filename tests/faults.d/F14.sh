# Lists of pairs: their paths begin at the list, and they are read however they are written
"$MK" canvas "$W/p.png" 200 200 "$S/1.png" 36 36 128 0
"$MK" canvas "$W/q.png" 200 200 "$S/4.png" 36 36 128 0
mkdir "$W/cwd" "$W/lfw" "$W/lfw/A" "$W/lfw/B"
cp "$W/q.png" "$W/cwd/p.png"
cp "$W/p.png" "$W/cwd/q.png"
for i in 1 2 3 4 5; do printf 'p.png p.png 1\nq.png q.png 1\np.png q.png 0\nq.png p.png 0\n'; done >"$W/base.txt"
(printf '\xef\xbb\xbf'; cat "$W/base.txt") >"$W/bom.txt"
sed 's/ /\t/g;s/$/ /' "$W/base.txt" >"$W/blank.txt"
sed 's/$/\r/;s/^[pq].png/"&"/' "$W/base.txt" >"$W/crlf.txt"
I=$(realpath "$I") W=$(realpath "$W")
export IDEM_MODELS=${IDEM_MODELS:-$PWD/models/cache}
for k in base bom blank crlf; do
    (cd "$W/cwd" && "$I" verify -q --json --pairs "../$k.txt") >"$W/$k.json" 2>&1 || { head -1 "$W/$k.json"; return 1; }
    grep -q '"accuracy": 1.0,' "$W/$k.json" || { echo "$k.txt: $(grep accuracy "$W/$k.json")"; return 1; }
    cmp -s "$W/base.json" "$W/$k.json" || { echo "$k.txt gives other figures than base.txt"; return 1; }
done
for i in 1 2; do cp "$W/p.png" "$W/lfw/A/A_000$i.jpg"; cp "$W/q.png" "$W/lfw/B/B_000$i.jpg"; done
(echo '1 10'; for i in 1 2 3 4 5; do printf 'A\t1\t2\nB\t1\t2\nA\t1\tB\t1\nA\t2\tB\t2\n'; done) >"$W/pairs.txt"
"$I" verify --json --pairs "$W/pairs.txt" --root "$W/lfw" >"$W/lfw.json" 2>&1
grep -q '"accuracy": 1.0,' "$W/lfw.json" || { echo "LFW's list: $(head -1 "$W/lfw.json")"; return 1; }
printf 'p.png p.png 1\np.png q.png no\n' >"$W/bad.txt"
"$I" verify -q --pairs "$W/bad.txt" 2>&1 | grep -q 'bad.txt: line 2 ' || { echo "a bad line is not named"; return 1; }
printf '\xff\xfep\0 \0' >"$W/wide.txt"
"$I" verify -q --pairs "$W/wide.txt" 2>&1 | grep -q 'UTF-16' || { echo "UTF-16 is not named"; return 1; }
