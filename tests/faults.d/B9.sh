# a message names commands that there are
for name in $(grep -rhoE --include="*.c" --include="*.h" '[^a-z]idem model [a-z]+' src | sed 's/.*idem model //' | sort -u); do
    $I model --help | grep -qw "$name" || { echo "idem model $name"; return 1; }
done
