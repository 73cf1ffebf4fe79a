#!/bin/sh
# Prints its arguments as a list of Python's.
sq="'"
line='['
between=
for word; do
    # Byte by byte where something must be escaped.
    case $word in
    *[!\ -~]* | *\\* | *"$sq"*)
        quote=$sq
        case $word in *"$sq"*) case $word in *'"'*) ;; *) quote='"' ;; esac ;; esac
        shown=
        for octal in $(printf %s "$word" | od -An -v -to1); do
            case $octal in
            011) shown=$shown'\t' ;;
            012) shown=$shown'\n' ;;
            015) shown=$shown'\r' ;;
            134) shown=$shown'\\' ;;
            047) if [ "$quote" = "$sq" ]; then shown=$shown"\\'"; else shown=$shown$sq; fi ;;
            0[4-7]? | 1[0-6]? | 17[0-6]) shown=$shown$(printf "\\$octal.") shown=${shown%.} ;;
            *) shown=$shown$(printf '\\x%02x' "0$octal") ;;
            esac
        done
        ;;
    *) quote=$sq shown=$word ;;
    esac
    line=$line$between$quote$shown$quote
    between=', '
done
printf '%s]\n' "$line"
