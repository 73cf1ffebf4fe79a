#!/bin/sh
# Tells which descriptors are open.
number=${1-0}
while [ "$number" -le "${2-9}" ]; do
    if (eval ": <&$number") 2>/dev/null; then echo "$number open"; else echo "$number closed"; fi
    number=$((number + 1))
done
