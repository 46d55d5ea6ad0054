# A picture whose numbers are not finite is refused
OMP_WAIT_POLICY=passive "$B/tests/test_pipe" >"$W/said" 2>&1 || { grep -m1 "ERROR\|FAILED" "$W/said"; return 1; }
