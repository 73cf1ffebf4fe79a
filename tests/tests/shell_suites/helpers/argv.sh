#!/bin/sh
# Prints its words, its own name first.
printf 'argv[0] = "%s";\n' "$0"
number=1
for word; do
    printf 'argv[%d] = "%s";\n' "$number" "$word"
    number=$((number + 1))
done
