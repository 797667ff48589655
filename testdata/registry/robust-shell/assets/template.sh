#!/usr/bin/env bash
# One sentence: what this does, and to what.
set -euo pipefail

usage() {
	cat <<USAGE
usage: ${0##*/} [-n] SOURCE TARGET
  -n  say what would be done, change nothing
USAGE
}

die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

dry_run=
while getopts 'nh' option; do
	case $option in
	n) dry_run=1 ;;
	h) usage; exit 0 ;;
	*) usage >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -eq 2 ] || { usage >&2; exit 2; }
source=$1 target=$2

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

run() { if [ -n "$dry_run" ]; then printf 'would run: %s\n' "$*" >&2; else "$@"; fi; }

[ -r "$source" ] || die "cannot read $source"
cp -- "$source" "$work/new"
# ... the work, on "$work/new" ...
run mv -- "$work/new" "$target"
