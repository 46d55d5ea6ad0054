# A plan after one that failed for want of memory
OMP_WAIT_POLICY=passive "$B/tests/test_graph" >"$W/said" 2>&1 || { grep -m1 "ERROR\|FAILED" "$W/said"; return 1; }
