// Command gendocs writes what can be read off the commands of skills: the
// reference in docs/cli, which is kept in the repository, and the man pages and
// completions that a release carries.
//
//	go run ./cmd/skills/internal/gendocs              # docs/cli
//	go run ./cmd/skills/internal/gendocs -release DIR # DIR/man and DIR/completions
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	release := flag.String("release", "", "write man pages and completions into `DIR`, and nothing else")
	flag.Parse()
	write, dir := writeReference, "docs/cli"
	if *release != "" {
		write, dir = writeRelease, *release
	}
	if err := write(dir); err != nil {
		fmt.Fprintln(os.Stderr, "gendocs:", err)
		os.Exit(1)
	}
}
