#!/bin/sh
# Prints the names in a directory.
ls -a -U "${1-.}"
