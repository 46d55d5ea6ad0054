# What --batch changes is what the help says
for k in 1 2; do
    "$I" sample -q -g "$G" -n 4 -b 4 -o "$W/b$k" 2>&1 || return 1
done
diff -rq "$W/b1/dataset_128/images" "$W/b2/dataset_128/images" || { echo "the same batch: other bytes"; return 1; }
"$I" sample --help | tr -s ' \n' ' ' | grep -q "another batch size rounds differently" || { echo "sample --help does not say what --batch changes"; return 1; }
OMP_WAIT_POLICY=passive "$B/tests/test_pipe" >"$W/said" 2>&1 || { grep -m1 "ERROR\|FAILED" "$W/said"; return 1; }
