# SPDX-License-Identifier: MIT
# Completion of the command barrow for fish. The names of options come from `barrow run --help`.

function __barrow_options
    barrow run --help 2>/dev/null | string match -r '^  [a-z-]+=.*' |
        string replace -r '^  ([a-z-]+=)\S* +(.*)' '$1\t$2'
end

complete -c barrow -f -n __fish_use_subcommand -a run -d 'run a program with barrow as its malloc'
complete -c barrow -f -n __fish_use_subcommand -a bench -d 'measure allocators side by side'
complete -c barrow -f -n __fish_use_subcommand -a heap -d 'look after heaps in files'
complete -c barrow -f -n __fish_use_subcommand -a help -d 'show a summary'
complete -c barrow -f -n __fish_use_subcommand -a version -d 'show the version'
complete -c barrow -f -n '__fish_seen_subcommand_from help' -a 'run bench heap'
complete -c barrow -n '__fish_seen_subcommand_from heap' -a 'info check repair compact roots snapshot map'
complete -c barrow -n '__fish_seen_subcommand_from bench' -a 'run list report instructions soak'
complete -c barrow -n '__fish_seen_subcommand_from run' -s s -l stats -d 'account of the heap at the end'
complete -c barrow -n '__fish_seen_subcommand_from run' -s l -l limit -x -d 'limit of committed memory'
complete -c barrow -n '__fish_seen_subcommand_from run' -l purge-delay -x -d 'how long free memory is kept'
complete -c barrow -n '__fish_seen_subcommand_from run' -l huge-pages -d 'ask for huge pages'
complete -c barrow -n '__fish_seen_subcommand_from run' -s v -l verbose -d 'say what is done'
complete -c barrow -n '__fish_seen_subcommand_from run' -s o -l option -x -a '(__barrow_options)' -d 'option of the library'
complete -c barrow -n '__fish_seen_subcommand_from run' -l library -r -d 'the library to preload'
complete -c barrow -n '__fish_seen_subcommand_from run' -s h -l help -d 'show a summary'
complete -c barrow -n '__fish_seen_subcommand_from run' -a '(__fish_complete_subcommand --fcs-skip=2)'
