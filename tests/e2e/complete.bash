# SPDX-License-Identifier: Apache-2.0
# Usage: bash --norc complete.bash COMPLETION [BASH_COMPLETION] <LINES
# What COMPLETION's function says to each line, cut into words as readline does: "= LINE", then the
# candidates, one a line.

source "$1"
[[ -z ${2-} ]] || source "$2"

# Words end at blanks; colons and equals signs are words of their own. The last word may be empty.
split() {
	local text=$1 rest
	COMP_WORDS=()
	while [[ $text =~ ^([^ :=]+|[:=]+|\ +)(.*)$ ]]; do
		rest=${BASH_REMATCH[2]}
		[[ ${BASH_REMATCH[1]} == *\ * ]] || COMP_WORDS+=("${BASH_REMATCH[1]}")
		[[ ${BASH_REMATCH[1]} != *\ * || -n $rest ]] || COMP_WORDS+=("")
		text=$rest
	done
}

# It says so on stderr when it is not readline that asks.
compopt() {
	:
}

while IFS= read -r line; do
	COMP_LINE=$line
	split "$line"
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	COMP_POINT=${#COMP_LINE}
	COMPREPLY=()
	_spanshim
	printf '%s\n' "= $line"
	((${#COMPREPLY[@]} == 0)) || printf '%s\n' "${COMPREPLY[@]}" | sort -u
done
