# A residual of the same memory is not written over
OMP_WAIT_POLICY=passive "$B/tests/test_fuse" >"$W/said" 2>&1 || { grep -m1 "ERROR\|FAILED" "$W/said"; return 1; }
