package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"

	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/registry/server"
)

func (a *app) buildCommand() *cobra.Command {
	var out, address string
	cmd := &cobra.Command{
		Use:   "build",
		Short: "Write the registry as files for any web server, bucket or CDN",
		Long: `Write the registry as files. Put them on any web server, in a bucket or behind a
CDN: they are a registry that is read, with nothing to run. Only what changed is
written, and what others name before what names it.`,
		Example: "  skills-registry build --out site/ --url https://skills.example.com",
		Args:    args(0, 0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return &usageError{errors.New("build needs a folder to write to: --out DIR")}
			}
			db, blobs, err := a.where()
			if err != nil {
				return err
			}
			s, err := server.Open(cmd.Context(), server.Options{DB: db, Blobs: blobs, URL: address})
			if err != nil {
				return err
			}
			b, err := s.Build(cmd.Context(), out)
			if err = errors.Join(err, s.Close()); err != nil {
				return err
			}
			return a.answer(b, func(w io.Writer) {
				_, _ = fmt.Fprintf(w, "%d skills, %d versions: %d files, of which %d were written\n", b.Skills, b.Versions, b.Files, b.Written)
			})
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "write to `DIR`")
	cmd.Flags().StringVar(&address, "url", "", "`address` that the site will have; it names its log")
	a.storeFlags(cmd)
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) takedownCommand() *cobra.Command {
	var reason string
	var undo bool
	cmd := &cobra.Command{
		Use:   "takedown OWNER/SLUG[@VERSION]",
		Short: "Take a skill away as who runs the registry, for a reason",
		Long: `Take a skill, or one version of it, away. Who asks for it is told why (HTTP 451).
Its owner cannot put it back; --undo does.`,
		Example: "  skills-registry takedown mallory/evil --reason 'steals tokens'",
		Args:    args(1, 1, "a skill as owner/slug"),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, version, _ := strings.Cut(args[0], "@")
			owner, slug, ok := strings.Cut(name, "/")
			if !ok || owner == "" || slug == "" {
				return &usageError{fmt.Errorf("%q is not owner/slug", args[0])}
			}
			return a.with(cmd, func(ctx context.Context, s *server.Server) (err error) {
				n, done := server.Name{Owner: owner, Slug: slug}, "took down "
				if undo {
					done, err = "put back ", s.Catalog().Restore(ctx, server.Operator(), n, version)
				} else {
					err = s.Catalog().Remove(ctx, server.Operator(), n, version, reason)
				}
				if err != nil {
					return err
				}
				return a.answer(map[string]any{"ref": args[0], "undo": undo}, func(w io.Writer) { _, _ = fmt.Fprintln(w, done+args[0]) })
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "`why`, for whoever asks for it")
	cmd.Flags().BoolVar(&undo, "undo", false, "put it back")
	a.storeFlags(cmd)
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) eventsCommand() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use: "events", Short: "Show what was done, and by whom", Args: args(0, 0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd, func(ctx context.Context, s *server.Server) error {
				events, err := s.Catalog().Events(ctx, server.Operator(), 0, limit)
				if err != nil {
					return err
				}
				return a.answer(events, func(w io.Writer) {
					t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
					for _, e := range events {
						user := e.User
						if user == "" {
							user = "(operator)"
						}
						_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", e.Time.Format(time.RFC3339), user, e.Action, printable(e.Subject), printable(e.Detail))
					}
					_ = t.Flush()
				})
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 100, "how many, the newest first")
	a.storeFlags(cmd)
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) migrateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "migrate", Short: "Bring the tables of the database up to date",
		Long: "Bring the tables of the database up to date, as serve does when it starts.",
		Args: args(0, 0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd, func(ctx context.Context, s *server.Server) error {
				skills, versions, owners, err := s.Catalog().Count(ctx)
				if err != nil {
					return err
				}
				return a.answer(map[string]int64{"skills": skills, "versions": versions, "owners": owners}, func(w io.Writer) {
					_, _ = fmt.Fprintf(w, "the tables are up to date: %d skills, %d versions of %d owners\n", skills, versions, owners)
				})
			})
		},
	}
	a.storeFlags(cmd)
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) fsckCommand() *cobra.Command {
	var repair bool
	var grace time.Duration
	cmd := &cobra.Command{
		Use:   "fsck",
		Short: "Check that everything that was published is there, and whole",
		Long: `Read every artifact and image and check it against what was noted when it was
published. With --repair, blobs that no version names (a publish that did not come
to its end leaves them) are deleted once they are older than --grace. What is lost or
damaged is healed by publishing the same files again, or from a backup. Exit code 7
if faults are left.`,
		Args: args(0, 0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd, func(ctx context.Context, s *server.Server) error {
				faults, left := []server.Fault{}, 0
				for f, err := range s.Catalog().Fsck(ctx, repair, grace) {
					if err != nil {
						return err
					}
					if f.Repair == "" {
						left++
					}
					faults = append(faults, f)
				}
				err := a.answer(faults, func(w io.Writer) {
					for _, f := range faults {
						if f.Repair != "" {
							f.Why += " (" + f.Repair + ")"
						}
						_, _ = fmt.Fprintf(w, "%s: %s\n", printable(f.Subject), printable(f.Why))
					}
					_, _ = fmt.Fprintf(w, "%d faults, %d left\n", len(faults), left)
				})
				if err == nil && left > 0 {
					return &faultsError{fmt.Sprintf("%d faults are left", left), "restore a backup, or publish the same files again; --repair deletes what no version names"}
				}
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&repair, "repair", false, "delete blobs that no version names")
	cmd.Flags().DurationVar(&grace, "grace", 24*time.Hour, "leave blobs that are younger")
	a.storeFlags(cmd)
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) backupCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup DIR",
		Short: "Copy the registry into a new folder, while it is served",
		Long: `Copy the database as of one moment, and every blob that it names, into a folder that
is not there yet. Each blob is verified on its way. A database in PostgreSQL is
copied with pg_dump instead.`,
		Example: "  skills-registry backup /backup/skills-$(date +%F)",
		Args:    args(1, 1, "a folder that is not there yet"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, s *server.Server) error {
				b, err := s.Backup(ctx, args[0])
				if err != nil {
					return fmt.Errorf("back up: %w", err)
				}
				return a.answer(b, func(w io.Writer) {
					_, _ = fmt.Fprintf(w, "%d versions, %d blobs, %d bytes in %s\n", b.Versions, b.Blobs, b.Bytes, args[0])
				})
			})
		},
	}
	a.storeFlags(cmd)
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) restoreCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore DIR",
		Short: "Make a registry of a backup",
		Long: `Make a registry of a backup, in a --data folder that holds none. Everything is
verified first. The blobs may go elsewhere with --blobs.`,
		Example: "  skills-registry restore /backup/skills-2026-11-26 --data /srv/skills",
		Args:    args(1, 1, "the folder of a backup"),
		RunE: func(cmd *cobra.Command, args []string) error {
			db, blobs, err := a.where()
			if err != nil {
				return err
			}
			u, err := url.Parse(db)
			if err != nil || u.Scheme != "sqlite" {
				return &usageError{errors.New("a backup is restored into a folder: give --data DIR")}
			}
			dir, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			b, err := server.Restore(cmd.Context(), dir, filepath.FromSlash(strings.TrimPrefix(db, "sqlite://")), blobs)
			if err != nil {
				return fmt.Errorf("restore: %w", err)
			}
			return a.answer(b, func(w io.Writer) { _, _ = fmt.Fprintf(w, "%d versions, %d blobs restored\n", b.Versions, b.Blobs) })
		},
	}
	a.storeFlags(cmd)
	a.jsonFlag(cmd)
	return cmd
}
