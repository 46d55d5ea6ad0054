#!/usr/bin/env bash
# idem serve: who is answered and who is not, what a request gets against what the command writes, requests that are slow, cut, too large or
# many; and the page in headless Chromium (spoken to over WebDriver), where Debian's chromium and chromium-driver are installed.
#   tests/serve.sh BUILD [FOLDER]   screenshots at three widths, light and dark, go into FOLDER
set -eu -o pipefail
cd "$(dirname "$0")/.."
build=$1 shots=${2:-}
idem=$build/idem
for tool in curl jq; do
    command -v $tool >/dev/null || {
        echo "skip: $tool is not installed"
        exit 77
    }
done
networks=$("$idem" model list --json | jq -r '[.models[] | select(.name | IN("detect", "landmark", "feature", "judge", "pose")) | .state] | unique | join(" ")')
[ "$networks" = ok ] || {
    echo "skip: the fetched models are not here"
    exit 77
}
work=$(mktemp -d)
server= driver=
trap '[ -z "$server$driver" ] || kill $server $driver 2>/dev/null; wait; rm -rf "$work"' EXIT
set -E
trap 'echo "serve: ${BASH_SOURCE[0]}, line $LINENO: \"$BASH_COMMAND\" failed" >&2' ERR
export OMP_WAIT_POLICY=passive

failed() {
    echo "serve: $*" >&2
    exit 1
}

begin() { # [OPTION...]: starts a server: $base, $token
    : >"$work/url"
    TMPDIR=$work/empty "$idem" serve --threads 1 "$@" >"$work/url" 2>"$work/said" &
    server=$!
    for ((i = 0; i < 300; i++)); do
        [ ! -s "$work/url" ] || break
        kill -0 $server 2>/dev/null || failed "$(cat "$work/said")"
        sleep 0.1
    done
    url=$(cat "$work/url")
    [[ $url =~ ^http://[0-9.]+:[0-9]+/\?t=[0-9a-f]{32}$ ]] || failed "printed \"$url\""
    base=${url%%/\?*} token=${url#*t=}
}
! "$idem" serve --mapper '' >"$work/url" 2>"$work/said" && grep -q 'no mapper is loaded' "$work/said" || failed "--mapper '': $(cat "$work/said")"
for address in 0.0.0.0 :: here.example; do
    ! "$idem" serve --listen $address >"$work/url" 2>"$work/said" && grep -q 'address' "$work/said" || failed "--listen $address: $(cat "$work/said")"
done
mkdir "$work/empty"
begin
[[ $base = http://127.0.0.1:* ]] || failed "listens at $base by itself"
# In hexadecimal, as the kernel lists who listens: on no other address.
awk -v port="$(printf ':%04X' "${base##*:}")" '$4 == "0A" && index($2, port) { print $2 }' /proc/net/tcp >"$work/listens"
[ "$(cut -d: -f1 "$work/listens")" = 0100007F ] || failed "listens at $(cat "$work/listens"), expected the loopback alone"
written() { # bytes on disk by the server
    awk '/^write_bytes/ { print $2 }' "/proc/$server/io"
}
written_before=$(written)

ask() { # PATH [CURL OPTION...]: with the token; the status, the answer in $work/answer
    curl -s --path-as-is -m 100 -o "$work/answer" -D "$work/headers" -w '%{http_code}' -H "Authorization: Bearer $token" "${@:2}" "$base$1" || true
}
expect() { # STATUS PATH [CURL OPTION...]
    local got
    got=$(ask "${@:2}")
    [ "$got" = "$1" ] || failed "${*:2}: status $got, expected $1: $(head -c 300 "$work/answer")"
}
says() { # BEGINNING: the error's message
    [[ $(jq -r .error.message "$work/answer") = "$1"* ]] || failed "answered $(cat "$work/answer"), expected a message that begins with \"$1\""
}
kind() { # of the error that was answered
    [ "$(jq -r .error.kind "$work/answer")" = "$1" ] || failed "answered $(cat "$work/answer"), expected the kind $1"
}

# ---- who is answered ----

expect 200 /
for header in "Content-Security-Policy: default-src 'self'; img-src 'self' blob:" "X-Content-Type-Options: nosniff" "Cache-Control: no-store"; do
    grep -qi "^$header" "$work/headers" || failed "no header $header"
done
! grep -qi '^Access-Control' "$work/headers" || failed "a header for other origins"
grep -qE 'https?://' src/serve/page/*.html src/serve/page/*.css src/serve/page/*.js && failed "the page names another address"
expect 200 / -H "Host: localhost:${base##*:}"
expect 200 / -H "Origin: $base" -H "Sec-Fetch-Site: same-origin"
for header in "Host: evil.example" "Host: 127.0.0.1" "Host: 127.0.0.1:1" "Origin: http://evil.example" "Origin: null" "Origin: https://${base#http://}" \
    "Sec-Fetch-Site: cross-site" "Sec-Fetch-Site: same-site" "Authorization: Bearer ${token%?}0x" "Authorization:" "Authorization: Basic $token"; do
    [ "$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" -H "$header" "$base/")" = 403 ] ||
        [ "${header%%:*}" = Authorization ] || failed "answered with $header"
    [ "${header%%:*}" != Authorization ] || [ "$(curl -s -o /dev/null -w '%{http_code}' -H "$header" "$base/")" = 403 ] || failed "answered with $header"
done
[ "$(curl -s -o /dev/null -w '%{http_code}' "$base/?t=0123456789abcdef0123456789abcdef")" = 403 ] || failed "answers to another token"
# The address that is printed gives a cookie, which then opens everything.
curl -s -o /dev/null -D "$work/headers" -c "$work/cookies" "$url"
grep -q '^HTTP/1.1 303' "$work/headers" && grep -qi '^Location: /.$' "$work/headers" || failed "the address does not lead on: $(cat "$work/headers")"
grep -qi '^Set-Cookie: idem=.*HttpOnly.*SameSite=Strict' "$work/headers" || failed "the cookie: $(cat "$work/headers")"
[ "$(curl -s -o /dev/null -w '%{http_code}' -b "$work/cookies" "$base/")" = 200 ] || failed "the cookie does not open the page"
for path in /../etc/passwd /..%2f..%2fetc/passwd /samples/../page.css /samples/identities/7.png //etc/passwd /page.html; do
    expect 404 "$path"
done
expect 405 /compose
expect 405 / -X PUT
expect 200 /samples/identities/1.png
cmp -s "$work/answer" samples/identities/1.png || failed "a sample differs"

# ---- what requests get is what the command writes ----

one=samples/identities/1.png two=samples/identities/2.png how=samples/attributes/a.png
expect 200 /compose -F identity=@$one -F attributes=@$how
"$idem" compose -q --threads 1 -i $one -a $how -o "$work/composed.png"
cmp "$work/answer" "$work/composed.png" || failed "/compose and idem compose differ"
expect 200 /interpolate -F identity=@$one -F identity2=@$two -F attributes=@$how -F steps=5
"$idem" interpolate -q --threads 1 -i $one $two -a $how -n 5 -o "$work/way.png"
cmp "$work/answer" "$work/way.png" || failed "/interpolate and idem interpolate differ"
"$build/tests/make-input" canvas "$work/photo.png" 400 300 $two 150 90 128 0
expect 200 /faces -F "attributes=@$work/photo.png"
[ "$(jq -c '[.width, .height, (.faces | length)]' "$work/answer")" = '[400,300,1]' ] || failed "/faces: $(head -c 300 "$work/answer")"
expect 200 /compose -F identity=@$one -F "attributes=@$work/photo.png" -F keep_size=1 -F refine=3
"$idem" compose -q --threads 1 -i $one -a "$work/photo.png" --keep-size --refine 3 -o "$work/kept.png"
cmp "$work/answer" "$work/kept.png" || failed "/compose and idem compose --keep-size differ"
# A seed, for tests, gives the same new face; without one it is another each time.
expect 200 /anonymise -F "photograph=@$work/photo.png" -F seed=7 -F refine=3 -F hide=blur
"$idem" anonymise -q --threads 1 --seed 7 --refine 3 --fallback blur "$work/photo.png" -o "$work/anonymised" >/dev/null
cmp "$work/answer" "$work/anonymised/photo.png" || failed "/anonymise and idem anonymise differ"
expect 200 /anonymise -F "photograph=@$work/photo.png" -F refine=3
! cmp -s "$work/answer" "$work/anonymised/photo.png" || failed "/anonymise paints a face that can be foretold"
# With the report: what was wanted, what both recognisers measured, as in the command's report.
expect 200 /anonymise -F "photograph=@$work/photo.png" -F seed=7 -F refine=3 -F similarity=0.4 -F report=1
"$idem" anonymise -q --threads 1 --seed 7 --refine 3 --similarity 0.4 "$work/photo.png" -o "$work/dialled" >/dev/null
jq -r .picture "$work/answer" | base64 -d | cmp - "$work/dialled/photo.png" || failed "/anonymise with similarity and idem anonymise differ"
[ "$(jq -r .type "$work/answer")" = image/png ] || failed "/anonymise: type $(jq .type "$work/answer")"
for key in '.pictures[0].faces | map({done, person, box: (.box | map(round)), r: (.cosine_recogniser * 1000 | round), j: (.cosine_judge * 1000 | round)})' \
    '.summary.similarity_wanted' '.summary.recogniser.threshold, .summary.judge.threshold' '.look_first | length'; do
    [ "$(jq -c ".report | $key" "$work/answer")" = "$(jq -c "$key" "$work/dialled/anonymise-report.json")" ] ||
        failed "reports differ in $key: $(jq -c .report "$work/answer")"
done
[ "$(jq '.report.pictures[0].faces[0].cosine_recogniser - 0.4 | fabs < 0.15' "$work/answer")" = true ] || failed "similarity 0.4 gave $(jq -c '.report.pictures[0].faces' "$work/answer")"
expect 200 /grid -F identity=@$one -F identity2=@$two -F attributes=@$how -F attributes3=@samples/attributes/b.png -F refine=0
mkdir "$work/who" "$work/how"
cp $one $two "$work/who"
cp $how samples/attributes/b.png "$work/how"
"$idem" compose -q --threads 1 --batch 1 --refine 0 -i "$work/who" -a "$work/how" -o "$work/grid" >/dev/null
cmp "$work/answer" "$work/grid/grid.png" || failed "/grid and the grid of idem compose differ"

# ---- wrong ones ----

expect 400 /compose -F identity=@$one
kind request
expect 400 /compose -F identity=@$one -F identity=@$two -F attributes=@$how
expect 400 /compose -F secret=1
expect 400 /compose -F identity=@$one -F attributes=@$how -F refine=many
expect 400 /compose -F identity=@$one -F attributes=@$how -F input=guess
expect 400 /compose -H 'Content-Type: application/json' -d '{}'
expect 400 /compose -H 'Content-Type: multipart/form-data; boundary=xxxxxxxx' -d $'--xxxxxxxx\r\nContent-Disposition: form-data; name="identity"\r\n\r\nabc'
expect 422 /compose -F identity=@README.md -F attributes=@$how
kind input
says "identity: looks like a text file"
expect 422 /interpolate -F identity=@$one -F identity2=@README.md -F attributes=@$how
says "identity2: looks like a text file"
expect 422 /faces -F attributes=@README.md
says "attributes: looks like a text file"
expect 422 /compose -F identity=@$one -F attributes=@$how -F face=7
says "attributes: has 1 face, face 7 was asked for"
expect 422 /anonymise -F photograph=@README.md
says "photograph: looks like a text file"
expect 400 /anonymise -F photograph=@$one -F similarity=2
expect 400 /anonymise -F photograph=@$one -F similarity=nan
expect 400 /anonymise -F photograph=@$one -F hide=not
expect 400 /anonymise -F attributes=@$one
expect 400 /grid -F identity=@$one
expect 422 /grid -F identity=@$one -F identity4=@README.md -F attributes=@$how
says "identity4: looks like a text file"
expect 404 /anything -F identity=@$one
head -c 68000000 /dev/zero >"$work/large"
expect 413 /compose -F "identity=@$work/large"
expect 411 /compose -H 'Transfer-Encoding: chunked' -F identity=@$one
"$build/tests/make-input" bomb "$work/bomb.png" 2>/dev/null || printf '\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\1\0\0\0\1\0\0\x08\x02\0\0\0\0\0\0\0' >"$work/bomb.png"
expect 422 /faces -F "attributes=@$work/bomb.png"

# Slow ones are closed after ten seconds, in the headers as in the body; meanwhile others are answered.
slow() {
    exec 8<>"/dev/tcp/127.0.0.1/${base##*:}"
    printf '%b' "$1" >&8
    local start=$SECONDS
    cat <&8 >/dev/null || true
    echo $((SECONDS - start))
}
slow "GET / HTTP/1.1\r\nHost: " >"$work/slow1" &
first=$!
slow "POST /faces HTTP/1.1\r\nHost: ${base#http://}\r\nAuthorization: Bearer $token\r\nContent-Type: multipart/form-data; boundary=xxxxxxxx\r\nContent-Length: 100000\r\n\r\n--xxxxxxxx" >"$work/slow2" &
second=$!
expect 200 /page.css
wait $first $second
for file in slow1 slow2; do
    [ "$(cat "$work/$file")" -ge 8 ] && [ "$(cat "$work/$file")" -le 25 ] || failed "$file was closed after $(cat "$work/$file") s, expected about 10"
done

# 200 at once, then 300 that mean harm: each is answered as it deserves or closed, little memory is kept, and what was right before is right after.
"$build/tests/check-serve" "$url" $server 300 64 $how >"$work/hostile" || failed "hostile requests: $(cat "$work/hostile")"
# An asker who leaves ends the work: the queue is empty soon.
curl -s -m 1 -o /dev/null -H "Authorization: Bearer $token" -F identity=@$one -F attributes=@$how -F refine=200 "$base/compose" || true
for ((i = 0; i < 50; i++)); do
    expect 200 /jobs/none
    [ "$(jq .queue "$work/answer")" != 0 ] || break
    sleep 0.1
done
[ "$(jq .queue "$work/answer")" = 0 ] || failed "work goes on for nobody"
expect 200 /compose -F identity=@$one -F attributes=@$how
cmp -s "$work/answer" "$work/composed.png" || failed "/compose gives another picture afterwards"

# ---- the page ----

if ! command -v chromedriver >/dev/null || ! command -v chromium >/dev/null; then
    echo "skip: chromium and chromium-driver are not installed: the page is not driven"
else
    . tests/serve-page.sh
fi

# Nothing was written, wherever.
[ "$(written)" = "$written_before" ] && [ -z "$(ls -A "$work/empty")" ] || failed "wrote $(($(written) - written_before)) bytes to disk; left $(ls -A "$work/empty")"

end() { # the server, by Ctrl-C
    kill -INT $server
    wait $server || failed "Ctrl-C: exit code $?"
    server=
}
end
[ "$(grep -c . "$work/said")" = 1 ] || failed "it said more than that it is there: $(cat "$work/said")"

# Another address of this machine alone: without a warning.
begin --listen 127.0.0.2
[[ $base = http://127.0.0.2:* ]] && ! grep -q warning "$work/said" || failed "--listen 127.0.0.2: $base, $(cat "$work/said")"
expect 200 /
end
# Open to other machines: with a warning, under one name, and with the token all the same.
address=$(hostname -I 2>/dev/null | tr ' ' '\n' | grep -m 1 '^[0-9.]*$' || true)
if [ -n "$address" ]; then
    begin --listen "$address"
    [[ $base = http://$address:* ]] && grep -q 'warning: other machines can reach' "$work/said" || failed "--listen $address: $base, $(cat "$work/said")"
    expect 200 /
    [ "$(curl -s -o /dev/null -w "%{http_code}" "$base/")" = 403 ] || failed "--listen answers without the token"
    expect 403 / -H "Host: localhost:${base##*:}"
    end
fi
echo "serve: all is well"
