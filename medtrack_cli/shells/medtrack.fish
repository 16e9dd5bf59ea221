# Completion of medtrack in fish, 3.1 or newer. Nothing of the answer is run: it is parted at its
# NULs, and fish itself quotes the words. First comes what kind they are of.
function __medtrack_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l answer (command medtrack completion fish -- $words[2..-1] "$word" 2>/dev/null | string split0)
    switch "$answer[1]"
        case files
            set -l option (string sub --length $answer[2] -- "$word")
            for path in (__fish_complete_path (string sub --start (math $answer[2] + 1) -- "$word"))
                echo "$option$path"
            end
        case words
            string join0 -- $answer[2..-1] | string split0
    end
end
complete -c medtrack -f -a '(__medtrack_complete)'
