# Convolutions by any team
OMP_WAIT_POLICY=passive "$B/tests/test_team" >"$W/said" 2>&1 || { grep -m1 "ERROR\|FAILED" "$W/said"; return 1; }
