# Completion of apisecctl for bash; apisecctl itself knows what may stand where.
_apisecctl()
{
    local IFS=$'\n'
    mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" complete -- "${COMP_WORDS[*]:1:COMP_CWORD}" 2> /dev/null)
}

# Where it has nothing to say, a file may be meant.
complete -o bashdefault -o default -F _apisecctl apisecctl
