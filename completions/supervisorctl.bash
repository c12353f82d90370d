# bash completion for supervisorctl: commands, and the names the running daemon knows.

_supervisorctl_names()
{
    # The options that say which daemon to ask; stdin must not be the terminal.
    supervisorctl "${_supervisorctl_where[@]}" status </dev/null 2>/dev/null |
        awk 'NF > 1 && $2 ~ /^[A-Z]+$/ { print $1; if (split($1, p, ":") == 2 && !seen[p[1]]++) print p[1] ":*" }'
}

_supervisorctl_groups()
{
    supervisorctl "${_supervisorctl_where[@]}" avail </dev/null 2>/dev/null |
        awk -v want="$1" '($2 " " $3 == "in use") == (want == "active") { split($1, p, ":"); if (!seen[p[1]]++) print p[1] }'
}

_supervisorctl()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} i=1 command= words=
    local -a _supervisorctl_where=()
    # "web:app" is one word to us and three to bash.
    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref -n : cur prev
    fi
    while ((i < COMP_CWORD)); do
        case ${COMP_WORDS[i]} in
        -c | --configuration | -s | --serverurl | -u | --username | -p | --password)
            _supervisorctl_where+=("${COMP_WORDS[i]}" "${COMP_WORDS[i + 1]}")
            ((i += 2))
            ;;
        -r | --history_file | --history-file | --timeout) ((i += 2)) ;;
        -*) ((i++)) ;;
        *)
            command=${COMP_WORDS[i]}
            break
            ;;
        esac
    done
    case $prev in
    -c | --configuration | -r | --history_file | --history-file)
        COMPREPLY=($(compgen -f -- "$cur"))
        return
        ;;
    -s | --serverurl | -u | --username | -p | --password | --timeout) return ;;
    --for)
        COMPREPLY=($(compgen -W "STOPPED STARTING RUNNING BACKOFF STOPPING EXITED FATAL" -- "$cur"))
        return
        ;;
    esac
    if [[ -z $command ]]; then
        if [[ $cur == -* ]]; then
            words="-c -h -i -s -u -p -r --configuration --help --interactive --serverurl --username
                --password --history-file --json --no-wait --timeout"
        else
            words="add avail clear exit fg help logs maintail open pid quit reload remove reread
                restart shutdown signal start status stop tail update version wait"
        fi
    else
        case $command in
        start | stop | restart) words="all --no-wait --timeout $(_supervisorctl_names)" ;;
        status) words="all -v --json --watch $(_supervisorctl_names)" ;;
        pid) words="all --json $(_supervisorctl_names)" ;;
        clear) words="all $(_supervisorctl_names)" ;;
        fg) words=$(_supervisorctl_names) ;;
        tail | logs) words="-f -n stdout stderr $(_supervisorctl_names)" ;;
        wait) words="all --for --timeout $(_supervisorctl_names)" ;;
        signal)
            if [[ $prev == signal ]]; then
                words="HUP INT QUIT KILL USR1 USR2 TERM CONT STOP WINCH"
            else
                words="all $(_supervisorctl_names)"
            fi
            ;;
        maintail) words="-f -n" ;;
        add) words=$(_supervisorctl_groups available) ;;
        remove) words=$(_supervisorctl_groups active) ;;
        update) words="all --json --dry-run $(_supervisorctl_groups active) $(_supervisorctl_groups available)" ;;
        avail | reread | version) words=--json ;;
        help)
            words="add avail clear exit fg logs maintail open pid quit reload remove reread restart
                shutdown signal start status stop tail update version wait"
            ;;
        esac
    fi
    local IFS=$' \t\n'
    set -f # "web:*" is a name, not a pattern for files
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    set +f
    if declare -F __ltrim_colon_completions >/dev/null; then
        __ltrim_colon_completions "$cur"
    fi
}

complete -F _supervisorctl supervisorctl
