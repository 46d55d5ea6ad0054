# Weights that share a hash do not share a pack
OMP_WAIT_POLICY=passive "$B/tests/test_graph" >"$W/said" 2>&1 || { grep -m1 "ERROR\|FAILED" "$W/said"; return 1; }
