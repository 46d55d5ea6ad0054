# a picture cut to the face itself is found
$B/tests/test_find >"$W/said" 2>&1 || { grep -m1 FAILED "$W/said"; return 1; }
