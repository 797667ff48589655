package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/registry/server"
)

func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, RunE: func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return &usageError{fmt.Errorf("unknown command %q for %s", args[0], use)}
		}
		return cmd.Help()
	}}
	cmd.AddCommand(commands...)
	return cmd
}

type userResult struct {
	Handle   string    `json:"handle"`
	Name     string    `json:"name,omitempty"`
	Role     string    `json:"role"`
	Disabled bool      `json:"disabled,omitempty"`
	Created  time.Time `json:"created"`
}

func (a *app) userCommand() *cobra.Command {
	var name, role string
	add := &cobra.Command{
		Use: "add HANDLE", Short: "Add someone who may publish", Args: args(1, 1, "a handle"),
		Example: "  skills-registry user add alice\n  skills-registry user add carol --role moderator",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, s *server.Server) error {
				u := server.User{Handle: args[0], Name: name, Role: server.Plain}
				switch role {
				case "user":
				case "admin":
					u.Role = server.Admin
				case "moderator":
					u.Role = server.Moderator
				default:
					return &usageError{fmt.Errorf("the role %q is none of user, moderator, admin", role)}
				}
				if err := s.Catalog().AddUser(ctx, server.Operator(), u); err != nil {
					return err
				}
				return a.answer(userResult{Handle: u.Handle, Name: u.Name, Role: role}, func(w io.Writer) {
					_, _ = fmt.Fprintf(w, "added %s; make a token with: skills-registry token create %s\n", u.Handle, u.Handle)
				})
			})
		},
	}
	add.Flags().StringVar(&name, "name", "", "name for people")
	add.Flags().StringVar(&role, "role", "user", "user, moderator or admin")
	list := &cobra.Command{Use: "list", Short: "List the users", Args: args(0, 0, "no argument"), RunE: func(cmd *cobra.Command, _ []string) error {
		return a.with(cmd, func(ctx context.Context, s *server.Server) error {
			users, err := s.Catalog().Users(ctx, server.Operator())
			if err != nil {
				return err
			}
			result := []userResult{}
			for _, u := range users {
				result = append(result, userResult{u.Handle, u.Name, string(u.Role), u.Disabled, u.Created})
			}
			return a.answer(result, func(w io.Writer) {
				t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				for _, u := range result {
					state := ""
					if u.Disabled {
						state = "disabled"
					}
					_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", u.Handle, u.Role, printable(u.Name), state)
				}
				_ = t.Flush()
			})
		})
	}}
	able := func(use, short string, disabled bool) *cobra.Command {
		return &cobra.Command{Use: use + " HANDLE", Short: short, Args: args(1, 1, "a handle"), RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, s *server.Server) error {
				if err := s.Catalog().DisableUser(ctx, server.Operator(), args[0], disabled); err != nil {
					return err
				}
				return a.answer(map[string]any{"handle": args[0], "disabled": disabled}, func(w io.Writer) { _, _ = fmt.Fprintln(w, use+"d "+args[0]) })
			})
		}}
	}
	commands := []*cobra.Command{
		add, list, able("disable", "Make the tokens of a user count for nothing", true), able("enable", "Make the tokens of a user count again", false),
	}
	for _, c := range commands {
		a.storeFlags(c)
		a.jsonFlag(c)
	}
	return group("user", "Add and list those who publish", commands...)
}

func (a *app) ownerCommand() *cobra.Command {
	var name, admin, role string
	add := &cobra.Command{
		Use: "add HANDLE", Short: "Add an organisation", Args: args(1, 1, "a handle"),
		Example: "  skills-registry owner add acme --admin alice",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, s *server.Server) error {
				if err := s.Catalog().AddOwner(ctx, server.Operator(), server.Owner{Handle: args[0], Name: name}, admin); err != nil {
					return err
				}
				return a.answer(map[string]string{"handle": args[0], "admin": admin}, func(w io.Writer) { _, _ = fmt.Fprintln(w, "added "+args[0]) })
			})
		},
	}
	add.Flags().StringVar(&name, "name", "", "name for people")
	add.Flags().StringVar(&admin, "admin", "", "`user` who governs it")
	member := &cobra.Command{
		Use: "member OWNER USER", Short: "Let a user publish for an owner, or no longer", Args: args(2, 2, "an owner and a user"),
		Example: "  skills-registry owner member acme bob --role publisher\n  skills-registry owner member acme bob --role none",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, s *server.Server) error {
				m := server.Member{Owner: args[0], User: args[1]}
				switch role {
				case "publisher":
					m.Role = server.Publisher
				case "admin":
					m.Role = server.Admin
				case "none":
				default:
					return &usageError{fmt.Errorf("the role %q is none of publisher, admin, none", role)}
				}
				if err := s.Catalog().SetMember(ctx, server.Operator(), m); err != nil {
					return err
				}
				return a.answer(map[string]string{"owner": args[0], "user": args[1], "role": role}, func(w io.Writer) {
					_, _ = fmt.Fprintf(w, "%s is now %s of %s\n", args[1], role, args[0])
				})
			})
		},
	}
	member.Flags().StringVar(&role, "role", "publisher", "publisher, admin or none")
	for _, c := range []*cobra.Command{add, member} {
		a.storeFlags(c)
		a.jsonFlag(c)
	}
	return group("owner", "Add organisations and their members", add, member)
}

type tokenResult struct {
	ID      string     `json:"id"`
	Token   string     `json:"token,omitempty"`
	User    string     `json:"user"`
	Label   string     `json:"label,omitempty"`
	Scopes  []string   `json:"scopes"`
	Created time.Time  `json:"created"`
	Expires *time.Time `json:"expires,omitempty"`
	Used    *time.Time `json:"used,omitempty"`
	Revoked *time.Time `json:"revoked,omitempty"`
}

func resultOf(t server.Token) tokenResult {
	at := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	return tokenResult{ID: t.ID, User: t.User, Label: t.Label, Scopes: t.Scopes, Created: t.Created, Expires: at(t.Expires), Used: at(t.Used), Revoked: at(t.Revoked)}
}

func (a *app) tokenCommand() *cobra.Command {
	var scopes []string
	var expires, label, user string
	create := &cobra.Command{
		Use: "create USER", Short: "Make a token, and show it once", Args: args(1, 1, "a user"),
		Example: "  skills-registry token create alice --scope publish --expires 90d\n  skills-registry token create ci --scope read --label 'build machines'",
		RunE: func(cmd *cobra.Command, args []string) error {
			life, err := parseLife(expires)
			if err != nil {
				return err
			}
			return a.with(cmd, func(ctx context.Context, s *server.Server) error {
				text, t, err := s.Desk().Issue(ctx, server.Operator(), server.Ask{User: args[0], Label: label, Scopes: scopes, Life: life})
				if err != nil {
					return err
				}
				result := resultOf(t)
				result.Token = text
				a.note("token %s of %s: it is shown this once", t.ID, t.User)
				return a.answer(result, func(w io.Writer) { _, _ = fmt.Fprintln(w, text) })
			})
		},
	}
	create.Flags().StringSliceVar(&scopes, "scope", []string{"publish"}, "what it may do: "+strings.Join(server.Scopes(), ", "))
	create.Flags().StringVar(&expires, "expires", "", "when it ends: 90d, 12h; never if not given")
	create.Flags().StringVar(&label, "label", "", "what it is for")
	list := &cobra.Command{Use: "list", Short: "List tokens, without what they are", Args: args(0, 0, "no argument"), RunE: func(cmd *cobra.Command, _ []string) error {
		return a.with(cmd, func(ctx context.Context, s *server.Server) error {
			tokens, err := s.Desk().Tokens(ctx, server.Operator(), user)
			if err != nil {
				return err
			}
			result := []tokenResult{}
			for _, t := range tokens {
				result = append(result, resultOf(t))
			}
			return a.answer(result, func(w io.Writer) {
				t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				for _, r := range result {
					_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", r.ID, r.User, strings.Join(r.Scopes, ","), r.state(), printable(r.Label))
				}
				_ = t.Flush()
			})
		})
	}}
	list.Flags().StringVar(&user, "user", "", "only those of a `user`")
	revoke := &cobra.Command{Use: "revoke ID", Short: "Make a token count for nothing", Args: args(1, 1, "the ID of a token"), RunE: func(cmd *cobra.Command, args []string) error {
		return a.with(cmd, func(ctx context.Context, s *server.Server) error {
			if err := s.Desk().Revoke(ctx, server.Operator(), args[0]); err != nil {
				return err
			}
			return a.answer(map[string]string{"id": args[0]}, func(w io.Writer) {
				_, _ = fmt.Fprintln(w, "revoked "+args[0]+"; a server that runs knows it within 5 seconds")
			})
		})
	}}
	for _, c := range []*cobra.Command{create, list, revoke} {
		a.storeFlags(c)
		a.jsonFlag(c)
	}
	return group("token", "Make, list and revoke tokens", create, list, revoke)
}

func (r tokenResult) state() string {
	switch {
	case r.Revoked != nil:
		return "revoked"
	case r.Expires != nil:
		return "until " + r.Expires.Format(time.DateOnly)
	}
	return "for ever"
}

// parseLife reads how long something lasts: a number of days, or what Go calls a
// duration.
func parseLife(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	bad := &usageError{fmt.Errorf("%q is no time such as 90d or 12h", text)}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 1 || n > 3650 {
			return 0, bad
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	life, err := time.ParseDuration(text)
	if err != nil || life <= 0 {
		return 0, bad
	}
	return life, nil
}
