#!/bin/bash
# SPDX-License-Identifier: MIT
# Completions: bash's are tried, zsh's and fish's asked for syntax, and fish's tried too.
#
#   completions.sh SOURCE COMMAND
set -euo pipefail
folder=$1/tools/completions
PATH=${2%/*}:$PATH
# shellcheck source=/dev/null
. "$folder/barrow.bash"
# shellcheck disable=SC2317 # called by the completion; outside of one, the builtin is an error
compopt() { :; }

# offered WORD ...: what is offered for the last word, one a line.
offered() {
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    _barrow
    printf '%s\n' "${COMPREPLY[@]}"
}

expect() {
    grep -qx -- "$1" <<<"$2" || {
        printf 'completions: %s is not offered among:\n%s\n' "$1" "$2"
        exit 1
    }
}

expect run "$(offered barrow r)"
expect help "$(offered barrow h)"
expect --stats "$(offered barrow run --s)"
expect checks= "$(offered barrow run -o ch)"
expect purge-delay= "$(offered barrow run --option pu)"
expect sort "$(offered barrow run -s sor)"
status=0
for shell in zsh fish; do
    file=$folder/_barrow
    [ "$shell" = zsh ] || file=$folder/barrow.fish
    if command -v "$shell" >/dev/null; then
        "$shell" -n "$file"
    else
        echo "completions: $shell is not installed; its file is not tried"
        status=77
    fi
done
if command -v fish >/dev/null; then
    # fish makes its folders in HOME, whatever that is.
    home=$(mktemp -d)
    trap 'rm -rf "$home"' EXIT
    expect checks= "$(HOME=$home fish --no-config -c "source $folder/barrow.fish
        complete -C 'barrow run -o ch'" 2>/dev/null | cut -f 1)"
fi
exit "$status"
