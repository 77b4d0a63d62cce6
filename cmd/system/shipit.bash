# bash completion for shipit(1); the same as `shipit completion bash` prints.

_shipit() {
    local IFS=$'\n' words=() word='' joined='' cur i line text width=0
    # bash cuts words at '=' and ':', too; shipit wants them whole.
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ ${#words[@]} -gt 0 && ($word == [=:]* || -n $joined) ]]; then
            words[-1]+=$word
        else
            words+=("$word")
        fi
        joined=''
        [[ $word != [=:] ]] || joined=yes
    done
    cur=${words[-1]}

    local found=() described=()
    while IFS= read -r line; do
        if [[ $line == :files ]]; then
            compopt -o filenames 2>/dev/null
            mapfile -t -O "${#found[@]}" found < <(compgen -f -- "$cur")
            continue
        fi
        text=${line%%$'\t'*}
        found+=("$text")
        described[${#found[@]} - 1]=${line#*$'\t'}
        ((${#text} <= width)) || width=${#text}
    done < <(command shipit complete -- "${words[@]}" 2>/dev/null)

    [[ ${#found[@]} != 1 || ${found[0]} != *= ]] || compopt -o nospace 2>/dev/null
    # What was cut off before the word that bash knows.
    local cut=${COMP_WORDS[COMP_CWORD]}
    [[ $cut != [=:] ]] || cut=''
    local before=$((${#cur} - ${#cut}))
    for i in "${!found[@]}"; do
        text=${found[i]:before}
        # Descriptions belong to a list that is only looked at.
        if [[ ${COMP_TYPE-9} == 63 && ${#found[@]} -gt 1 && -n ${described[i]-} ]]; then
            printf -v text '%-*s  (%s)' "$((width - before))" "$text" "${described[i]}"
        fi
        COMPREPLY+=("$text")
    done
}
complete -F _shipit shipit
