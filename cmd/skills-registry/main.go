// Command skills-registry serves registries of skills.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/openskills-go/skills/cmd/skills-registry/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(cli.Run(ctx, os.Args[1:], cli.Process{Getenv: os.Getenv, Stdout: os.Stdout, Stderr: os.Stderr}))
}
