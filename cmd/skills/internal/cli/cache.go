package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/history"
	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/store"
)

type cacheDirResult struct {
	Store string `json:"store"`
	HTTP  string `json:"http"`
}

type cacheResult struct {
	Artifacts []artifactResult `json:"artifacts"` // removed, or damaged
	Size      int64            `json:"size"`
	DryRun    bool             `json:"dryRun,omitempty"`
}

type artifactResult struct {
	Digest digest.Digest `json:"digest"`
	Size   int64         `json:"size"`
}

func (a *app) cacheCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "cache",
		Short:   "Look after the artifacts that were fetched",
		GroupID: groupSetup,
		Long: `What was fetched is kept, by digest, for all projects of this user. It makes
restoring fast, and possible without a network. It may be deleted at any time.`,
		Example: "  skills cache dir\n  skills cache verify\n  skills cache prune --dry-run",
		Args:    a.noSuchCommand,
		RunE:    a.group,
	}
	cmd.AddCommand(a.cacheDirCommand(), a.cachePruneCommand(), a.cacheVerifyCommand())
	return cmd
}

func (a *app) cacheDirCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "dir",
		Short:   "Print where it is",
		Example: "  skills cache dir\n  du -sh \"$(skills cache dir)\"",
		Args:    args(0, 0, ""),
		RunE: a.run(func(context.Context, []string) (*answer, error) {
			paths, err := a.paths()
			if err != nil {
				return nil, err
			}
			r := cacheDirResult{Store: paths.Store(), HTTP: paths.HTTP()}
			return &answer{result: r, done: 1, text: func(p *ui.Printer) { p.Printf("%s", ui.Line(r.Store)) }}, nil
		}),
	}
}

func (a *app) cachePruneCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Delete what the locks of this user and this project do not need",
		Long: fmt.Sprintf(`Delete the artifacts that neither your own lock nor that of the project here
names, and that no rollback of the last %d generations of any scope needs. Other
projects fetch theirs again when they need them.`, keptArtifacts),
		Example: "  skills cache prune --dry-run\n  skills cache prune\n  skills cache prune --all",
		Args:    args(0, 0, ""),
		RunE: a.run(func(context.Context, []string) (*answer, error) {
			s, err := a.artifactStore()
			if err != nil {
				return nil, err
			}
			var keep []digest.Digest
			switch {
			case !all:
				if keep, err = a.lockedArtifacts(); err != nil {
					return nil, err
				}
			case !a.flags.dryRun && !a.ui.Confirm("Delete all artifacts, those that are needed as well?"):
				return nil, &usageError{message: "nothing is deleted: --all needs a yes", hint: "--yes says it"}
			}
			gone, err := s.Prune(keep, a.flags.dryRun)
			if err != nil {
				return nil, err
			}
			result := newCacheResult(gone)
			result.DryRun = a.flags.dryRun
			return &answer{result: result, done: 1, text: func(p *ui.Printer) {
				verb := "deleted"
				if a.flags.dryRun {
					verb = "would delete"
				}
				p.Printf("%s %s, %s", verb, counted(len(gone), "artifact"), ui.Size(result.Size))
			}}, nil
		}),
	}
	cmd.Flags().BoolVar(&all, "all", false, "delete what is needed as well; asks, or needs --yes")
	a.dryRunFlag(cmd)
	return cmd
}

func (a *app) cacheVerifyCommand() *cobra.Command {
	var fix bool
	cmd := &cobra.Command{
		Use:     "verify",
		Short:   "Hash every artifact, and say which are damaged",
		Example: "  skills cache verify\n  skills cache verify --fix",
		Args:    args(0, 0, ""),
		RunE: a.run(func(ctx context.Context, _ []string) (*answer, error) {
			s, err := a.artifactStore()
			if err != nil {
				return nil, err
			}
			all, err := s.Verify(ctx, fix)
			if err != nil {
				return nil, err
			}
			bad := slices.DeleteFunc(slices.Clone(all), func(f store.Found) bool { return f.Err == nil })
			out := &answer{result: newCacheResult(bad)}
			for _, f := range bad {
				e := &disagreeError{message: fmt.Sprintf("%s is damaged", f.Digest), hint: "skills cache verify --fix deletes it; it is fetched again when it is needed"}
				if fix && !s.Has(f.Digest) {
					out.done++
					a.ui.Notef("%s was damaged and is deleted", f.Digest)
					continue
				}
				out.faults = append(out.faults, fault{ref: string(f.Digest), err: e})
			}
			out.text = func(p *ui.Printer) { p.Printf("%s, %d damaged", counted(len(all), "artifact"), len(bad)) }
			return out, nil
		}),
	}
	cmd.Flags().BoolVar(&fix, "fix", false, "delete what is damaged")
	return cmd
}

func (a *app) artifactStore() (*store.Store, error) {
	paths, err := a.paths()
	if err != nil {
		return nil, err
	}
	return store.New(paths.Store()), nil
}

// keptArtifacts is how many generations of each scope can be rolled back to, however
// often the store is pruned.
const keptArtifacts = 10

// lockedArtifacts returns what the locks of the user and of the project here
// name, and what it takes to roll back the last generations of every scope.
func (a *app) lockedArtifacts() ([]digest.Digest, error) {
	paths, err := a.paths()
	if err != nil {
		return nil, err
	}
	locks := []string{paths.Lock()}
	root, err := a.findProject()
	if err != nil {
		return nil, err
	}
	if root != "" {
		locks = append(locks, filepath.Join(root, lockfile.Name))
	}
	keep, err := history.Needed(paths.History(), keptArtifacts)
	if err != nil {
		return nil, err
	}
	for _, path := range locks {
		lock, err := lockfile.Load(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, name := range lock.Names() {
			keep = append(keep, lock.Skills[name].Artifact)
		}
	}
	return keep, nil
}

func newCacheResult(found []store.Found) cacheResult {
	r := cacheResult{Artifacts: []artifactResult{}}
	for _, f := range found {
		r.Artifacts = append(r.Artifacts, artifactResult{Digest: f.Digest, Size: f.Size})
		r.Size += f.Size
	}
	return r
}

// counted is a number and its noun: 1 artifact, 2 artifacts.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// exists says whether there is anything at path.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
