#!/bin/sh
# Prints the values of variables of its environment, `None` for one that is not there.
for name; do
    line=$(env | grep "^$name=")
    if [ -n "$line" ]; then printf '%s\n' "${line#*=}"; else echo None; fi
done
