# The examples at the head of witness.h and evaluate.h compile
for example in 'witness idem_frame frame, int n, const float *pictures, float *descriptors, float *pose' 'evaluate idem_model *m, uint64_t seed'; do
    name=${example%% *}
    (
        echo "#include \"measure/$name.h\""
        echo "int example(${example#* });"
        echo "int example(${example#* }) {"
        sed -n '/\*\//q;s/^ \*     //p' "src/measure/$name.h"
        echo 'return 0; }'
    ) >"$W/$name.c"
    cc -std=gnu17 -fsyntax-only -Isrc -Iinclude "$W/$name.c" 2>"$W/said" || { echo "$name.h: $(grep -m1 error "$W/said")"; return 1; }
done
