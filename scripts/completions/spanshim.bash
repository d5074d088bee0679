# SPDX-License-Identifier: Apache-2.0
# Completion of spanshim for bash. Needs nothing of bash-completion; where it is there, what is
# behind `run` is completed as the command that it is. tests/e2e/test_completion.py compares all
# options with those of --help.

# _spanshim_names: bindings by name, after what LIST has before its last colon
_spanshim_names() {
	spanshim bindings 2>/dev/null | sed '1d; s/ .*//'
}

# _spanshim_list WORD: a list as --bindings takes it, names and files with colons between
_spanshim_list() {
	local list=${1%"${1##*:}"} last=${1##*:} item
	local -a items
	mapfile -t items < <(compgen -W "$(_spanshim_names) auto none" -- "$last"; compgen -f -- "$last")
	COMPREPLY=()
	for item in "${items[@]}"; do
		[[ -d $item ]] && item+=/
		COMPREPLY+=("$list$item")
	done
	# readline replaces only what is behind the last colon
	if [[ $COMP_WORDBREAKS == *:* && $list ]]; then
		COMPREPLY=("${COMPREPLY[@]#"$list"}")
	fi
	compopt -o nospace 2>/dev/null || true
}

# _spanshim_files: files and directories that begin like the current word
_spanshim_files() {
	mapfile -t COMPREPLY < <(compgen -f -- "$1")
	compopt -o filenames 2>/dev/null || true
}

# _spanshim_value COMMAND OPTION WORD: an option's value; false: the option takes none
_spanshim_value() {
	local words
	case $1,$2 in
	run,--bindings | run,-b) _spanshim_list "$3"; return ;;
	run,--stacks) words="off error all" ;;
	run,--on-full) words="drop block" ;;
	tree,--color) words="auto always never" ;;
	stats,--sort | stats,-s) words="total name count errors p99 max" ;;
	export,--format) words="otlp chrome perfetto" ;;
	export,--compression) words="gzip none" ;;
	run,--out | run,-o | run,--metrics | run,-m | run,--plugin | run,-p | run,--log | run,--dir) ;&
	html,--output | html,-o | export,--output | export,-o) ;&
	recover,--dir | bindings,--against) _spanshim_files "$3"; return ;;
	tree,--name | tree,-n | tree,--min-duration | tree,-m | tree,--trace | tree,-t) return 0 ;;
	tree,--limit | tree,-l | tree,--width | tree,-w) return 0 ;;
	html,--name | html,-n | html,--min-duration | html,-m | html,--trace | html,-t) return 0 ;;
	html,--limit | html,-l | html,--title | html,--spans | stats,--name | stats,-n) return 0 ;;
	run,--export | run,-e) words=env ;;
	export,--endpoint | export,-e | export,--batch-bytes | export,--wait | export,--since) return 0 ;;
	*) return 1 ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$3")
}

# _spanshim_options COMMAND
_spanshim_options() {
	case $1 in
	run)
		echo "-o --out -m --metrics -b --bindings -p --plugin --dir --content --stacks --on-full" \
			"--log -e --export --separate-traces -t --tree -v --verbose -h --help"
		;;
	tree)
		echo "-n --name --errors -m --min-duration -t --trace -l --limit -a --attributes -e --events" \
			"-f --follow --json -w --width --color -h --help"
		;;
	html) echo "-o --output --title --spans -n --name --errors -m --min-duration -t --trace -l --limit -h --help" ;;
	stats) echo "-n --name -s --sort -j --json -h --help" ;;
	check) echo "--strict --allow-missing-parents -q --quiet -h --help" ;;
	export)
		echo "--format -e --endpoint --compression --batch-bytes --wait --from-start -f --follow --since" \
			"-q --quiet -o --output -h --help"
		;;
	recover) echo "--dir -n --dry-run -h --help" ;;
	bindings) echo "--against --json -h --help" ;;
	env) echo "--preload --shell -h --help" ;;
	esac
}

# _spanshim_program INDEX: completes what `run` runs, which begins at that word
_spanshim_program() {
	if declare -F _command_offset >/dev/null; then
		_command_offset "$1"
	elif ((COMP_CWORD == $1)); then
		mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}")
	else
		_spanshim_files "${COMP_WORDS[COMP_CWORD]}"
	fi
}

# _spanshim_program_index: where the program of `run` begins; false: not before the current word
_spanshim_program_index() {
	local i word
	for ((i = 2; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		--) ((i < COMP_CWORD)) && echo $((i + 1)) && return ;;
		--?*)
			if [[ ${COMP_WORDS[i + 1]-} == = ]]; then
				((i += 2))
			elif _spanshim_value run "$word" ""; then
				((i++))
			fi
			;;
		-?*) _spanshim_value run "$word" "" && ((i++)) ;;
		-) ;;
		*) echo "$i" && return ;;
		esac
		# a list is several words to readline
		while [[ ${COMP_WORDS[i + 1]-} == : ]]; do
			((i += 2))
		done
	done
	return 1
}

_spanshim() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} i
	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		local all="run tree html stats check export recover bindings env"
		[[ $word != -* ]] || all="-h --help --version"
		mapfile -t COMPREPLY < <(compgen -W "$all" -- "$word")
		return
	fi
	if [[ $command == run ]] && i=$(_spanshim_program_index); then
		_spanshim_program "$i"
		return
	fi
	COMPREPLY=()
	# what was cut at a colon or an equals sign belongs together
	for ((i = COMP_CWORD; i > 2; i--)); do
		[[ ${COMP_WORDS[i]} == : || ${COMP_WORDS[i - 1]} == : ]] || break
	done
	if ((i < COMP_CWORD)); then
		word=$(IFS= && echo "${COMP_WORDS[*]:i:COMP_CWORD - i + 1}")
		before=${COMP_WORDS[i - 1]}
	fi
	if [[ $before == = ]]; then
		before=${COMP_WORDS[i - 2]}
	elif [[ $word == = ]]; then
		word=
	fi
	! _spanshim_value "$command" "$before" "$word" || return 0
	if [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_spanshim_options "$command")" -- "$word")
		return
	fi
	case $command in
	env | run) ;;
	bindings)
		_spanshim_files "$word"
		mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$(_spanshim_names)" -- "$word")
		;;
	*) _spanshim_files "$word" ;;
	esac
}

complete -F _spanshim spanshim
