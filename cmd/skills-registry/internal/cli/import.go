package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/openskills-go/skills/registry/server"
)

// What became of a skill that was imported.
const (
	imported  = "imported"
	unchanged = "unchanged"
	failed    = "failed"
)

type importResult struct {
	Path    string `json:"path"`
	Status  string `json:"status"` // imported, unchanged, failed
	Ref     string `json:"ref,omitempty"`
	Version string `json:"version,omitempty"`
	Error   string `json:"error,omitempty"`
}

func (a *app) importCommand() *cobra.Command {
	var owner, version string
	cmd := &cobra.Command{
		Use:   "import PATH…",
		Short: "Publish skills that lie on the disk",
		Long: `Publish skills that lie on the disk: folders with a SKILL.md, archives of them, or
folders that hold such folders and archives. The slug is the name of the folder or
file, or else that in the SKILL.md; the version is what the SKILL.md says, or the next one. What is
there already, with the same files, is left as it is. One that is refused is told
of, and the others are imported all the same (exit code 3).`,
		Example: `  skills-registry import ./skills --owner alice
  skills-registry import pdf.zip docx.zip --owner acme`,
		Args: args(1, -1, "at least one folder or archive"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, s *server.Server) error {
				return a.importAll(ctx, s, server.Draft{Owner: owner, Version: version}, args)
			})
		},
	}
	cmd.Flags().StringVar(&owner, "owner", "admin", "publish for this `owner`")
	cmd.Flags().StringVar(&version, "version", "", "publish as this version")
	a.storeFlags(cmd)
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) importAll(ctx context.Context, s *server.Server, as server.Draft, args []string) error {
	began := time.Now()
	paths, err := skillsIn(args)
	if err != nil {
		return err
	}
	if _, err := s.Catalog().Owner(ctx, as.Owner); err != nil {
		if errors.As(err, new(*server.NotFoundError)) {
			return fmt.Errorf("there is no owner %s (add it with: skills-registry user add %s): %w", as.Owner, as.Owner, err)
		}
		return err
	}
	results := make([]importResult, len(paths))
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	// More than there are processors: a publish waits for the disk.
	g.SetLimit(4 * runtime.GOMAXPROCS(0))
	for i, path := range paths {
		g.Go(func() error {
			results[i] = importOne(ctx, s, as, path)
			if results[i].Status == failed && ctx.Err() == nil {
				mu.Lock()
				a.note("failed: %s: %s", printable(path), printable(results[i].Error))
				mu.Unlock()
			}
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	count := map[string]int{}
	for _, r := range results {
		count[r.Status]++
	}
	err = a.answer(results, func(w io.Writer) {
		_, _ = fmt.Fprintf(w, "%d imported, %d unchanged, %d failed in %.1f s\n", count[imported], count[unchanged], count[failed], time.Since(began).Seconds())
	})
	if err == nil && count[failed] > 0 {
		if count[failed] == len(results) {
			return errors.New("nothing was imported")
		}
		err = &partlyError{fmt.Sprintf("%d of %d were not imported", count[failed], len(results))}
	}
	return err
}

func importOne(ctx context.Context, s *server.Server, as server.Draft, path string) importResult {
	r := importResult{Path: path, Status: failed}
	d, err := server.ReadDraft(ctx, path)
	if err == nil {
		d.Owner, d.Version = as.Owner, as.Version
		var out server.Release
		if out, err = s.Catalog().Publish(ctx, server.Operator(), d); err == nil {
			r.Ref, r.Version, r.Status = out.Skill.Owner+"/"+out.Skill.Slug, out.Version.Version, unchanged
			if out.Created {
				r.Status = imported
			}
			return r
		}
	}
	r.Error, _, _ = strings.Cut(err.Error(), "\n")
	return r
}

// skillsIn returns the skills that paths name, or hold.
func skillsIn(args []string) (paths []string, err error) {
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() || isSkill(arg) {
			paths = append(paths, arg)
			continue
		}
		entries, err := os.ReadDir(arg)
		if err != nil {
			return nil, err
		}
		found := 0
		for _, e := range entries {
			path := filepath.Join(arg, e.Name())
			if e.IsDir() && isSkill(path) || !e.IsDir() && isArchive(e.Name()) {
				paths = append(paths, path)
				found++
			}
		}
		if found == 0 {
			return nil, fmt.Errorf("%s holds no skill: no SKILL.md, and no folder or archive of one", arg)
		}
	}
	sort.Strings(paths)
	return paths, nil
}

func isSkill(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, "SKILL.md"))
	return err == nil && info.Mode().IsRegular()
}

func isArchive(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, ".zip") || strings.HasSuffix(name, ".tar.gz") || strings.HasSuffix(name, ".tgz")
}
