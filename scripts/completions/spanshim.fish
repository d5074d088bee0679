# SPDX-License-Identifier: Apache-2.0
# Completion of spanshim for fish. tests/e2e/test_completion.py compares all options with those of --help.

function __spanshim_names
    spanshim bindings 2>/dev/null | string match -rg '^(\S+)\s' | string match -v NAME
end

# A list as --bindings takes it: names and files with colons between.
function __spanshim_list
    set -l token (string replace -r '^(--bindings=|-b)' '' -- (commandline -ct))
    set -l before (string match -r '.*:' -- $token; or echo '')
    for name in (__spanshim_names) auto none (__fish_complete_path (string replace -r '.*:' '' -- $token))
        echo $before$name
    end
end

# No command yet.
function __spanshim_first
    test (count (commandline -opc)) -eq 1
end

# __spanshim_in COMMAND...: that is the command, and (run) its program has not begun.
function __spanshim_in
    set -l words (commandline -opc)
    test (count $words) -ge 2; and contains -- $words[2] $argv; or return 1
    test $words[2] = run; or return 0
    not __spanshim_program >/dev/null
end

# Where the program of `run` begins; false: it has not.
function __spanshim_program
    set -l words (commandline -opc)
    set -l i 3
    test (count $words) -ge 2; and test $words[2] = run; or return 1
    while test $i -le (count $words)
        switch $words[$i]
            case --
                set i (math $i + 1)
                break
            case -o --out -m --metrics -b --bindings -p --plugin --dir --stacks --on-full --log -e --export
                set i (math $i + 2)
            case '-*'
                set i (math $i + 1)
            case '*'
                break
        end
    end
    test $i -le (count $words); or contains -- -- $words[3..-1]; or return 1
    echo $i
end

# The program of `run` and its arguments, as they are completed without us.
function __spanshim_run
    set -l words (commandline -opc)
    set -l from (__spanshim_program; or count $words x)
    set -l rest (string escape -- $words[$from..-1]) (commandline -ct)
    string match -q -- '-*' $rest[1]; and return
    complete -C (string join ' ' -- $rest)
end

complete -c spanshim -f
complete -c spanshim -n __spanshim_first -s h -l help -d 'Show a summary'
complete -c spanshim -n __spanshim_first -l version -d 'Show the version'
complete -c spanshim -n __spanshim_first -a run -d 'Run a program with the shim preloaded'
complete -c spanshim -n __spanshim_first -a tree -d 'Show the traces of dump files as trees'
complete -c spanshim -n __spanshim_first -a html -d 'Make a page of the traces of dump files'
complete -c spanshim -n __spanshim_first -a stats -d 'Add up durations, errors, tokens, metrics'
complete -c spanshim -n __spanshim_first -a check -d 'Validate dump files'
complete -c spanshim -n __spanshim_first -a export -d 'Send dump files to an OTLP endpoint'
complete -c spanshim -n __spanshim_first -a recover -d 'Write what dead processes left'
complete -c spanshim -n __spanshim_first -a bindings -d 'List, explain and validate bindings'
complete -c spanshim -n __spanshim_first -a env -d 'Show the environment variables'

complete -c spanshim -n '__spanshim_in run tree html stats check export recover bindings env' -s h -l help -d 'Show a summary'

complete -c spanshim -n '__spanshim_in run; or __spanshim_program >/dev/null' -a '(__spanshim_run)'
complete -c spanshim -n '__spanshim_in run' -s o -l out -rF -d 'File for the spans'
complete -c spanshim -n '__spanshim_in run' -s m -l metrics -rF -d 'File for the metrics'
complete -c spanshim -n '__spanshim_in run' -s b -l bindings -x -a '(__spanshim_list)' -d 'Built-in names or files'
complete -c spanshim -n '__spanshim_in run' -s p -l plugin -rF -d 'A plugin to load'
complete -c spanshim -n '__spanshim_in run' -l dir -x -a '(__fish_complete_directories)' -d 'Where the event rings go'
complete -c spanshim -n '__spanshim_in run' -l content -d 'Record responses, tool arguments and results, statements'
complete -c spanshim -n '__spanshim_in run' -l stacks -x -a 'off error all' -d 'Spans with a stack trace'
complete -c spanshim -n '__spanshim_in run' -l on-full -x -a 'drop block' -d 'When a ring is full'
complete -c spanshim -n '__spanshim_in run' -l log -rF -d 'The log of the shim'
complete -c spanshim -n '__spanshim_in run' -s e -l export -x -a env -d 'Send them to that collector'
complete -c spanshim -n '__spanshim_in run' -l separate-traces -d 'Each root span a trace of its own'
complete -c spanshim -n '__spanshim_in run' -s t -l tree -d 'Show the spans as trees afterwards'
complete -c spanshim -n '__spanshim_in run' -s v -l verbose -d 'Say where the files are'

complete -c spanshim -n '__spanshim_in tree html stats check export recover' -F
complete -c spanshim -n '__spanshim_in tree html' -s n -l name -x -d 'Spans with that in their name'
complete -c spanshim -n '__spanshim_in tree html' -l errors -d 'Spans with an error, or unfinished'
complete -c spanshim -n '__spanshim_in tree html' -s m -l min-duration -x -d 'Spans that took as long'
complete -c spanshim -n '__spanshim_in tree html' -s t -l trace -x -d 'Traces whose id begins so'
complete -c spanshim -n '__spanshim_in tree html' -s l -l limit -x -d 'At most so many children'
complete -c spanshim -n '__spanshim_in tree' -s a -l attributes -d 'All attributes'
complete -c spanshim -n '__spanshim_in tree' -s e -l events -d 'Each event on a line'
complete -c spanshim -n '__spanshim_in tree' -s f -l follow -d 'Go on as the files are written'
complete -c spanshim -n '__spanshim_in tree' -l json -d 'A JSON object for each trace'
complete -c spanshim -n '__spanshim_in tree' -s w -l width -x -d 'Cut lines there'
complete -c spanshim -n '__spanshim_in tree' -l color -x -a 'auto always never' -d 'Colour'

complete -c spanshim -n '__spanshim_in html' -s o -l output -rF -d 'The page to write'
complete -c spanshim -n '__spanshim_in html' -l title -x -d 'Its title'
complete -c spanshim -n '__spanshim_in html' -l spans -x -d 'At most so many spans'

complete -c spanshim -n '__spanshim_in stats' -s n -l name -x -d 'Spans and metrics that match'
complete -c spanshim -n '__spanshim_in stats' -s s -l sort -x -a 'total name count errors p99 max' -d 'Order'
complete -c spanshim -n '__spanshim_in stats' -s j -l json -d 'One JSON object'

complete -c spanshim -n '__spanshim_in check' -l strict -d 'Losses and missing parents are findings'
complete -c spanshim -n '__spanshim_in check' -l allow-missing-parents -d 'Nothing about missing parents'
complete -c spanshim -n '__spanshim_in check' -s q -l quiet -d 'Findings and warnings only'

complete -c spanshim -n '__spanshim_in export' -l format -x -a 'otlp chrome perfetto' -d 'What to make of it'
complete -c spanshim -n '__spanshim_in export' -s e -l endpoint -x -d 'Where to send it'
complete -c spanshim -n '__spanshim_in export' -s o -l output -rF -d 'The file to write'
complete -c spanshim -n '__spanshim_in export' -s f -l follow -d 'Go on as the files are written'
complete -c spanshim -n '__spanshim_in export' -l from-start -d 'Also what is there already'
complete -c spanshim -n '__spanshim_in export' -l compression -x -a 'gzip none' -d 'Of requests'
complete -c spanshim -n '__spanshim_in export' -l batch-bytes -x -d 'Longest request'
complete -c spanshim -n '__spanshim_in export' -l wait -x -d 'How long to try again'
complete -c spanshim -n '__spanshim_in export' -l since -x -d 'Only files written to since then'
complete -c spanshim -n '__spanshim_in export' -s q -l quiet -d 'Say only what went wrong'

complete -c spanshim -n '__spanshim_in recover' -l dir -x -a '(__fish_complete_directories)' -d 'Where the event rings are'
complete -c spanshim -n '__spanshim_in recover' -s n -l dry-run -d 'List the rings, change nothing'

complete -c spanshim -n '__spanshim_in bindings' -F -a '(__spanshim_names)'
complete -c spanshim -n '__spanshim_in bindings' -l against -rF -d 'Which symbols are seen in a program'
complete -c spanshim -n '__spanshim_in bindings' -l json -d 'Print their JSON'

complete -c spanshim -n '__spanshim_in env' -l preload -d 'Only the path to preload'
complete -c spanshim -n '__spanshim_in env' -l shell -d 'Lines for a shell to evaluate'
