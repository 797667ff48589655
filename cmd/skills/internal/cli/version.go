package cli

import (
	"cmp"
	"context"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
)

type versionResult struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"` // of the source, if it was built from a checkout
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of this program",
		GroupID: groupSetup,
		Example: "  skills version\n  skills version --json",
		Args:    args(0, 0, ""),
		RunE: a.run(func(context.Context, []string) (*answer, error) {
			v := versionResult{Version: a.env.version(), Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
			if info, ok := debug.ReadBuildInfo(); ok {
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						v.Revision = s.Value
					}
				}
			}
			return &answer{result: v, done: 1, text: func(p *ui.Printer) {
				p.Printf("skills %s (%s, %s/%s)", v.Version, v.Go, v.OS, v.Arch)
			}}, nil
		}),
	}
}

// version returns the version of this program: that of the release, else that
// of the module, else "devel".
func (e Env) version() string {
	if e.Version != "" {
		return e.Version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "(devel)" {
		return "devel"
	}
	return cmp.Or(info.Main.Version, "devel")
}
