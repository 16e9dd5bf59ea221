# Completion of medtrack in bash, 3.2 or newer. Nothing of the answer is run or split: each line is
# one word, quoted as it has to stand on the command line; the first says what kind they are of.
_medtrack() {
    local kind= word
    COMPREPLY=()
    while IFS= read -r word; do
        if [[ -z $kind ]]; then kind=$word; else COMPREPLY+=("$word"); fi
    done < <(command medtrack completion bash -- "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null)
    case $kind in
        words) compopt +o default ;;
        parts) compopt +o default -o nospace ;;
    esac 2>/dev/null
}
complete -o default -F _medtrack medtrack
