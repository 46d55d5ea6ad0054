# pictures of the library carry the seed or nothing of it
$B/tests/test_origin >"$W/said" 2>&1 || { echo "test_origin: $(tail -3 "$W/said")"; return 1; }
