// Command asked is the bare program with the libraries that skills was asked to be
// made of, none of which it uses: what they do when a program starts is the least
// that skills can cost.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	_ "github.com/Masterminds/semver/v3" //nolint:depguard // it compiles its expressions: that is measured
	_ "github.com/adrg/xdg"              //nolint:depguard // it reads the environment
	_ "github.com/mholt/archives"        //nolint:depguard // it registers all of its formats
	"github.com/spf13/cobra"
	_ "go.yaml.in/yaml/v4" //nolint:depguard // it fills its tables
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	root := &cobra.Command{Use: "asked", SilenceUsage: true}
	root.AddCommand(&cobra.Command{
		Use:  "version",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "asked 1.0.0")
			return err
		},
	})
	root.SetOut(os.Stdout)
	root.SetErr(os.Stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		os.Exit(1)
	}
}
