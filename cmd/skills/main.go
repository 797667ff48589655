// Skills is the package manager for agent skills: see skills help.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/openskills-go/skills/cmd/skills/internal/cli"
)

// version is set by the linker when a release is built.
var version string

func main() {
	log.SetOutput(io.Discard) // net/http writes to it what odd servers send
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(cli.Main(ctx, cli.Env{
		Version: version,
		Args:    os.Args[1:],
		Getenv:  os.Getenv,
		Environ: os.Environ,
		Getwd:   os.Getwd,
		Stdin:   os.Stdin,
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
	}))
}
