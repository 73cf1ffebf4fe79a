#!/bin/sh
# Tells the values of variables of its environment.
for name; do
    line=$(env | grep "^$name=")
    if [ -n "$line" ]; then printf "%s='%s'\n" "$name" "${line#*=}"; else echo "$name is unset"; fi
done
