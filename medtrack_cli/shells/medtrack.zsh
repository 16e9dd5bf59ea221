#compdef medtrack
# Completion of medtrack in zsh. Nothing of the answer is run: it is parted at its NULs, and zsh
# itself quotes the words. First comes what kind they are of; then each with what is shown for it.
_medtrack() {
    local kind
    local -a answer word words_ shown_ parts_ shown_parts_ lines_
    answer=("${(@0)$(command medtrack completion zsh -- \
        "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    kind=$answer[1]
    shift answer
    if [[ $kind == files ]]; then
        compset -p $answer[1]
        _files
        return
    fi
    while (( $#answer > 1 )); do
        if [[ $answer[1] == *= ]]; then
            parts_+=("$answer[1]") shown_parts_+=("$answer[2]")
        else
            words_+=("$answer[1]") shown_+=("$answer[2]")
        fi
        shift 2 answer
    done
    if [[ $kind == lines ]]; then lines_=(-l); fi
    compadd $lines_ -d shown_ -a -- words_
    compadd $lines_ -S '' -d shown_parts_ -a -- parts_
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
# In a folder of fpath this file is the function itself, the first time that it is called.
if [[ $funcstack[1] == _medtrack ]]; then _medtrack "$@"; else compdef _medtrack medtrack; fi
