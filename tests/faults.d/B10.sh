# No pointer is looked at after it was freed
cc -Wuse-after-free=3 -x c -fsyntax-only /dev/null 2>/dev/null || { echo "no compiler that warns of it"; return 77; }
cc -std=c17 -O2 -Wuse-after-free=3 -Iinclude -Isrc -c src/engine/gradient.c -o "$W/gradient.o"
