# SPDX-License-Identifier: MIT
# Completion of the command barrow for bash. The names of options come from `barrow run --help`.

_barrow_options() {
    barrow run --help 2>/dev/null |
        sed -n '/^Options of the library/,$s/^  \([a-z-]*=\).*/\1/p'
}

_barrow() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
    local at
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W 'run stats top map symbolize bench heap help version --help --version' -- "$word")
        return
    fi
    case $command in
    help) mapfile -t COMPREPLY < <(compgen -W 'run stats top map symbolize bench heap' -- "$word") ;;
    stats)
        mapfile -t COMPREPLY < <(compgen -W "--json --openmetrics --help $(ps -eo pid= 2>/dev/null)" -- "$word")
        ;;
    top) mapfile -t COMPREPLY < <(compgen -W "--once --help $(ps -eo pid= 2>/dev/null)" -- "$word") ;;
    map) mapfile -t COMPREPLY < <(compgen -f -W "--output= --every= --for= --help $(ps -eo pid= 2>/dev/null)" -- "$word") ;;
    symbolize) mapfile -t COMPREPLY < <(compgen -f -W '--module= --help' -- "$word") ;;
    bench)
        mapfile -t COMPREPLY < <(compgen -f -W 'run list report instructions soak --help --quick --only
            --allocator --json --html --markdown' -- "$word")
        ;;
    heap)
        if [ "$COMP_CWORD" -eq 2 ]; then
            mapfile -t COMPREPLY < <(compgen -W 'info check repair compact roots snapshot map --help' -- "$word")
        else
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
        fi
        ;;
    run)
        for ((at = 2; at < COMP_CWORD; at++)); do
            case ${COMP_WORDS[at]} in
            --) break ;;
            -o | --option | -l | --limit | --library | --purge-delay) at=$((at + 1)) ;;
            -* | =) ;;
            *) break ;;
            esac
        done
        if [ "$before" = -o ] || [ "$before" = --option ]; then
            compopt -o nospace
            mapfile -t COMPREPLY < <(compgen -W "$(_barrow_options)" -- "$word")
        elif [ "$before" = --library ]; then
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
        elif [ "$at" -lt "$COMP_CWORD" ]; then
            mapfile -t COMPREPLY < <(compgen -f -- "$word") # an argument of the program
        elif [[ $word == -* ]]; then
            mapfile -t COMPREPLY < <(compgen -W '--stats --stats=json --limit= --purge-delay= --huge-pages --symbolize --verbose
                --option --library --help' -- "$word")
        else
            mapfile -t COMPREPLY < <(compgen -c -- "$word")
        fi
        ;;
    esac
}

complete -o default -F _barrow barrow
