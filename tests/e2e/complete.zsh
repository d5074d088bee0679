# SPDX-License-Identifier: Apache-2.0
# Usage: zsh -f complete.zsh DIRECTORY SCRATCH LINE...
# What an interactive zsh, with DIRECTORY in its fpath, completes when Tab is pressed after each LINE:
# "= LINE", then the candidates, one a line.

zmodload zsh/zpty || exit 1
directory=$1 scratch=$2
shift 2

cat >$scratch/zshrc <<END
PROMPT= RPROMPT=
fpath=($directory \$fpath)
autoload -U compinit && compinit -u -D
setopt no_beep no_auto_list no_auto_menu
# as the builtin, and notes what it was given; what only fills arrays is no candidate yet
compadd() {
	if [[ \${@[1,(i)(-|--)]} != *-(O|A|D)\ * ]]; then
		local -a found
		builtin compadd -O found "\$@"
		print -rl -- \$found >>$scratch/found
	fi
	builtin compadd "\$@"
}
capture() {
	zle complete-word
	: >$scratch/done
}
zle -N capture
bindkey '^I' capture
bindkey '^U' kill-whole-line
: >$scratch/done
END

# Reads the terminal, which would fill, until the shell has answered.
await() {
	local text i
	for ((i = 0; i < 3000; i++)); do
		[[ -e $scratch/done ]] && rm $scratch/done && return
		while zpty -rt shell text; do :; done
		sleep 0.01
	done
	print -u2 "no answer"
	exit 1
}

zpty -b shell TERM=dumb zsh -f -i
zpty -w shell "source $scratch/zshrc"
await
for line in "$@"; do
	: >$scratch/found
	zpty -w -n shell $'\C-U'"$line"$'\t'
	await
	print -r -- "= $line"
	sort -u $scratch/found | grep .
done
zpty -d shell
