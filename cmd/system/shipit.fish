# fish completion for shipit(1); the same as `shipit completion fish` prints.

function __shipit_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    for line in (command shipit complete -- $words[2..-1] "$typed" 2>/dev/null)
        if test "$line" = :files
            __fish_complete_path "$typed"
        else
            echo $line
        end
    end
end

complete -c shipit -f -a '(__shipit_complete)'
