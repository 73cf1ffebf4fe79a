#!/bin/sh
# Prints what is read from descriptors.
for number; do
    if ! eval "text=\$(cat <&$number; echo .)" 2>/dev/null; then
        echo "FATAL: Error reading from fd $number" >&2
        exit 1
    fi
    printf '%s: %s' "$number" "${text%.}"
done
