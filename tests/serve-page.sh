# The page in Chromium: sourced by tests/serve.sh, which gives $url, $work, $shots, $one, $how and failed.
port=9515
while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
chromedriver --port=$port >"$work/driver" 2>&1 &
driver=$!
wd() { # METHOD PATH [JSON]: the value
    curl -s -m 60 -X "$1" -H 'Content-Type: application/json' ${3:+-d "$3"} "http://127.0.0.1:$port$2" | jq -c .value
}
for ((i = 0; i < 100; i++)); do
    [ "$(wd GET /status 2>/dev/null | jq -r .ready 2>/dev/null)" != true ] || break
    sleep 0.1
done
session=$(wd POST /session '{"capabilities":{"alwaysMatch":{"goog:chromeOptions":{"args":["--headless=new","--no-sandbox","--disable-gpu","--disable-dev-shm-usage"]},"goog:loggingPrefs":{"browser":"ALL"}}}}' | jq -r .sessionId)
[ "$session" != null ] || failed "Chromium does not start: $(tail -n 3 "$work/driver")"
s=/session/$session
js() { # the value of a JavaScript expression
    wd POST "$s/execute/sync" "$(jq -cn --arg code "return ($1)" '{script: $code, args: []}')"
}
click() { # CSS SELECTOR
    wd POST "$s/element/$(wd POST "$s/element" "$(jq -cn --arg css "$1" '{using: "css selector", value: $css}')" | jq -r '.[]')/click" '{}' >/dev/null
}
send() { # CSS SELECTOR, TEXT
    wd POST "$s/element/$(wd POST "$s/element" "$(jq -cn --arg css "$1" '{using: "css selector", value: $css}')" | jq -r '.[]')/value" \
        "$(jq -cn --arg text "$2" '{text: $text}')" >/dev/null
}
until_true() { # SECONDS, EXPRESSION
    local i
    for ((i = 0; i < $1 * 5; i++)); do
        [ "$(js "$2")" != true ] || return 0
        sleep 0.2
    done
    failed "the page: not after $1 s: $2: $(js 'document.getElementById("message").textContent')"
}
download() { # NAME, FILE: what the page gives under this name equals the command's file
    local i
    click '#download'
    for ((i = 0; i < 100; i++)); do
        [ ! -s "$work/downloads/$1" ] || break
        sleep 0.1
    done
    cmp "$work/downloads/$1" "$2" || failed "the download $1 is not the command's file"
}
cdp() { # COMMAND, PARAMETERS: of Chromium's own protocol
    wd POST "$s/goog/cdp/execute" "{\"cmd\": \"$1\", \"params\": $2}"
}
width() { # of the window, in pixels
    cdp Emulation.setDeviceMetricsOverride "{\"width\": $1, \"height\": 900, \"deviceScaleFactor\": 1, \"mobile\": false}" >/dev/null
}
scheme() { # light or dark
    cdp Emulation.setEmulatedMedia "{\"features\": [{\"name\": \"prefers-color-scheme\", \"value\": \"$1\"}]}" >/dev/null
}
shot() { # NAME: in three widths, light and dark
    local width scheme
    [ -n "$shots" ] || return 0
    mkdir -p "$shots"
    for scheme in dark light; do
        scheme $scheme
        for width in 360 800 1400; do
            width $width
            cdp Page.captureScreenshot '{"captureBeyondViewport": true}' | jq -r .data | base64 -d >"$shots/$1-$width-$scheme.png"
        done
    done
}

cdp Emulation.setScrollbarsHidden '{"hidden": true}' >/dev/null
wd POST "$s/url" "$(jq -cn --arg url "$url" '{url: $url}')" >/dev/null
[ "$(js 'location.pathname + location.search')" = '"/"' ] || failed "the token stays in the address: $(js location.href)"
[ "$(js 'document.cookie')" = '""' ] || failed "scripts can read the cookie"
until_true 10 'document.querySelectorAll(".samples img").length === 36 && [...document.querySelectorAll(".samples img")].every((i) => i.complete && i.naturalWidth === 128)'
[ "$(js 'document.getElementById("go").disabled')" = true ] || failed "the button can be pressed before there are pictures"
# Everything that can be used has a name.
[ "$(js '[...document.querySelectorAll("button, input, select, a")].filter((e) => e.id !== "download" && !(e.getAttribute("aria-label") || e.textContent.trim() || (e.labels && [...e.labels].some((l) => l.textContent.trim())))).length')" = 0 ] ||
    failed "something to press has no name"
for width in 360 800 1400; do
    width $width
    [ "$(js 'document.documentElement.scrollWidth <= innerWidth')" = true ] || failed "at $width px the page is wider than the window"
done
shot start

# A file and a sample; the result is the command's picture.
send '#identity input[type=file]' "$PWD/$one"
click '#attributes .samples button'
until_true 60 'document.querySelector("#identity .found").textContent.startsWith("One face") && document.querySelector("#attributes .found").textContent.startsWith("One face")'
click '#go'
until_true 60 '!document.getElementById("download").hidden && document.getElementById("busy").hidden'
cdp Browser.setDownloadBehavior "$(jq -cn --arg path "$work/downloads" '{behavior: "allow", downloadPath: $path}')" >/dev/null
download idem.png "$work/composed.png"
send '#split' $'\xee\x80\x92'
[ "$(js 'document.getElementById("compare").style.getPropertyValue("--split")')" = '"51%"' ] || failed "the slider of before and after: $(js 'document.getElementById("compare").style.getPropertyValue("--split")')"
shot composed

# What went wrong is shown, and the next try works.
send '#identity input[type=file]' "$PWD/README.md"
until_true 20 'document.querySelector("#identity .found").textContent.startsWith("Looks like a text file")'
click '#go'
until_true 30 '!document.getElementById("message").hidden && document.getElementById("message").textContent.startsWith("Who: looks like a text file")'
shot error

# An empty file is not taken; one that is gone when it is to be sent is told from a server that is gone.
: >"$work/nothing.png"
cp "$one" "$work/gone.png"
send '#identity input[type=file]' "$work/nothing.png"
until_true 10 'document.querySelector("#identity .found.bad") && document.querySelector("#identity .found").textContent === "This file is empty"'
send '#identity input[type=file]' "$work/gone.png"
until_true 30 'document.querySelector("#identity .found:not(.bad)") && document.querySelector("#identity .found").textContent.startsWith("One face")'
rm "$work/gone.png"
click '#go'
until_true 20 'document.getElementById("message").textContent.startsWith("A picture could not be read")'

# The way between two, and a picture per place of the slider within 100 ms.
click '#identity .samples button:nth-child(2)'
click 'input[value=interpolate] + span'
click '#identity2 .samples button:nth-child(6)'
click '#go'
until_true 120 '!document.getElementById("way").hidden && document.getElementById("busy").hidden'
[ "$(js '(() => { const c = document.getElementById("frame"), seen = new Set(); const start = performance.now(); for (let i = 0; i <= 32; i++) { const p = document.getElementById("place"); p.value = i; p.dispatchEvent(new Event("input")); seen.add(c.toDataURL()); } return seen.size === 33 && (performance.now() - start) / 33 < 100; })()')" = true ] ||
    failed "the slider does not show 33 pictures, each within 100 ms"
shot way

# A grid of what was chosen, one taken away again: the command's picture. The modes are changed by the arrow keys too.
send 'input[value=interpolate]' $'\xee\x80\x94'
[ "$(js 'document.querySelector("input[name=mode]:checked").value')" = '"grid"' ] || failed "an arrow key does not choose the next mode"
for at in rows:1 rows:2 rows:3 columns:1 columns:2; do click "#${at%:*} .samples button:nth-child(${at#*:})"; done
until_true 10 'document.querySelectorAll("#rows .taken li").length === 3 && document.querySelectorAll("#columns .taken li").length === 2'
shot trays
send '#rows .taken li:nth-child(3) button' ' '
until_true 10 'document.querySelectorAll("#rows .taken li").length === 2 && document.querySelector("#rows .samples button:nth-child(3)").getAttribute("aria-pressed") === "false"'
send '#refine' 'not at all'
rm -f "$work/downloads/"*
click '#go'
until_true 60 '!document.getElementById("sheet").hidden && document.getElementById("busy").hidden'
download idem-grid.png "$work/grid/grid.png"
shot grid

# Anonymised with a dial; each face is reported with both recognisers.
click 'input[value=anonymise] + span'
send '#photograph input[type=file]' "$work/photo.png"
click '#stranger'
send '#similarity' $'\xee\x80\x94\xee\x80\x94'
[ "$(js 'document.getElementById("wanted").textContent')" = '"0.40"' ] || failed "the dial says $(js 'document.getElementById("wanted").textContent')"
until_true 60 'document.querySelector("#photograph .found").textContent.startsWith("One face")'
click '#go'
until_true 120 '!document.getElementById("report").hidden && document.getElementById("busy").hidden'
[ "$(js 'document.querySelectorAll("#faces li").length')" = 1 ] && [ "$(js 'document.querySelectorAll("#faces .track i.wish").length')" = 1 ] &&
    [ "$(js '[...document.querySelectorAll("#faces b")].every((b) => /^-?[01]\.\d\d$/.test(b.textContent))')" = true ] || failed "the report: $(js 'document.getElementById("report").textContent')"
[ "$(js '[...document.querySelectorAll("#before, #after")].map((i) => `${i.naturalWidth} x ${i.naturalHeight}`).join(", ")')" = '"400 x 300, 400 x 300"' ] || failed "before and after have two sizes"
[ "$(js 'document.getElementById("download").download')" = '"idem-anonymised.png"' ] || failed "the download is called $(js 'document.getElementById("download").download')"
shot anonymised

# A mode shows its own last result.
click 'input[value=grid] + span'
until_true 10 '!document.getElementById("sheet").hidden && document.getElementById("pair").hidden && document.getElementById("report").hidden && document.getElementById("download").download === "idem-grid.png"'
click 'input[value=anonymise] + span'
until_true 10 '!document.getElementById("pair").hidden && !document.getElementById("report").hidden && document.getElementById("after").naturalWidth === 400'

# Cancelled: the work ends, and the page is ready again.
click 'input[value=interpolate] + span'
send '#refine' '60 steps'
click '#go'
until_true 20 '!document.getElementById("busy").hidden'
click '#cancel'
until_true 20 'document.getElementById("busy").hidden && document.getElementById("status").textContent === "Cancelled"'
for ((i = 0; i < 100; i++)); do
    expect 200 /jobs/none
    [ "$(jq .queue "$work/answer")" != 0 ] || break
    sleep 0.1
done
[ "$(jq .queue "$work/answer")" = 0 ] || failed "cancelled work goes on"
wd POST "$s/se/log" '{"type": "browser"}' | jq -r '.[] | select(.level == "SEVERE") | .message' | grep -v 'status of 422\|/compose - Failed to load resource: net::ERR_' >"$work/console" && failed "the console says: $(cat "$work/console")"
wd DELETE "$s" >/dev/null
kill $driver
wait $driver || true
driver=
