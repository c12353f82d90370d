# fish completion for supervisorctl: commands, and the names the running daemon knows.

function __supervisorctl_where
    set -l tokens (commandline -opc)
    set -l i 2
    while test $i -lt (count $tokens)
        if contains -- $tokens[$i] -c --configuration -s --serverurl -u --username -p --password
            echo $tokens[$i]
            echo $tokens[(math $i + 1)]
        end
        set i (math $i + 1)
    end
end

function __supervisorctl_processes
    supervisorctl (__supervisorctl_where) status </dev/null 2>/dev/null | awk 'NF > 1 && $2 ~ /^[A-Z]+$/ { print $1 "\t" $2; if (split($1, p, ":") == 2 && !seen[p[1]]++) print p[1] ":*\tgroup" }'
    echo all
end

function __supervisorctl_groups
    supervisorctl (__supervisorctl_where) avail </dev/null 2>/dev/null | awk '{ split($1, p, ":"); if (!seen[p[1]]++) print p[1] }'
end

set -l commands add avail clear exit fg help logs maintail open pid quit reload remove reread restart shutdown signal start status stop tail update version wait

complete -c supervisorctl -f
complete -c supervisorctl -s c -l configuration -r -F -d 'configuration file'
complete -c supervisorctl -s s -l serverurl -x -d 'where supervisord listens'
complete -c supervisorctl -s u -l username -x -d 'user name'
complete -c supervisorctl -s p -l password -x -d 'password'
complete -c supervisorctl -s r -l history_file -r -F -d 'history of the shell'
complete -c supervisorctl -s i -l interactive -d 'ask before what cannot be undone'
complete -c supervisorctl -s h -l help -d 'show the usage'
complete -c supervisorctl -l json -d 'answer in JSON'
complete -c supervisorctl -l no-wait -d 'do not wait until it is done'
complete -c supervisorctl -l timeout -x -d 'give up after this many seconds'
complete -c supervisorctl -n "not __fish_seen_subcommand_from $commands" -a "$commands"
complete -c supervisorctl -n '__fish_seen_subcommand_from start stop restart status pid clear fg tail logs wait signal' -a '(__supervisorctl_processes)'
complete -c supervisorctl -n '__fish_seen_subcommand_from add remove update' -a '(__supervisorctl_groups)'
complete -c supervisorctl -n '__fish_seen_subcommand_from help' -a "$commands"
complete -c supervisorctl -n '__fish_seen_subcommand_from wait' -l for -x -a 'STOPPED STARTING RUNNING BACKOFF STOPPING EXITED FATAL'
complete -c supervisorctl -n '__fish_seen_subcommand_from status' -l watch -d 'again every second'
complete -c supervisorctl -n '__fish_seen_subcommand_from status' -s v -d 'all that is known'
complete -c supervisorctl -n '__fish_seen_subcommand_from update' -l dry-run -d 'only say what would be done'
