package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/credential"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
)

// A loginResult says whose token is kept where. It never holds the token.
type loginResult struct {
	Registry string          `json:"registry"`          // address
	Origin   string          `json:"origin"`            // what the token is for
	Account  *source.Account `json:"account,omitempty"` // as the registry says; absent if it does not
	From     credential.From `json:"from"`              // keyring or file
	Where    string          `json:"where,omitempty"`   // path of the file
	DryRun   bool            `json:"dryRun,omitempty"`
}

func (a *app) loginCommand() *cobra.Command {
	var fromStdin bool
	cmd := &cobra.Command{
		Use:     "login [REGISTRY]",
		Short:   "Keep the token of a registry",
		GroupID: groupSetup,
		Long: `Keep the token of a registry, so that it is sent to it from now on: in the
system's keyring if there is one, else in a file that only you can read.

On a terminal, a registry that can gives you a code to approve in the browser; for
others, paste the token. In scripts, --token-stdin reads it from standard input. The
registry is asked whose token it is, and one that it refuses is not kept.

A script needs no login: see skills help environment for SKILLS_TOKEN.`,
		Example: `  skills login
  skills login acme
  pass show acme | skills login acme --token-stdin`,
		Args:              oneRegistry,
		ValidArgsFunction: a.completeRegistryArg,
		RunE: a.run(func(ctx context.Context, args []string) (*answer, error) {
			r, err := a.loginTo(optional(args))
			if err != nil {
				return nil, err
			}
			token, err := a.obtainToken(ctx, r, fromStdin)
			if err != nil {
				return nil, err
			}
			return a.keepToken(ctx, r, token)
		}),
	}
	cmd.Flags().BoolVar(&fromStdin, "token-stdin", false, "read the token from standard input, one line")
	a.dryRunFlag(cmd)
	a.netFlags(cmd)
	return cmd
}

// oneRegistry refuses a second argument, which may be a token, without repeating it.
func oneRegistry(cmd *cobra.Command, args []string) error {
	if len(args) <= 1 {
		return nil
	}
	return &usageError{message: cmd.Name() + " takes one registry, and got more", hint: noTokenArgument}
}

const noTokenArgument = "a token is no argument, which others could see in the list of processes: use skills login with --token-stdin"

func optional(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// obtainToken reads the token, or has the registry give one.
func (a *app) obtainToken(ctx context.Context, r loginRegistry, fromStdin bool) (string, error) {
	if fromStdin {
		return readToken(a.env.Stdin)
	}
	if !a.ui.Interactive() {
		return "", &usageError{message: "there is nobody to ask for the token", hint: "read it from standard input: skills login" + r.again() + " --token-stdin; or set SKILLS_TOKEN and need no login: skills help environment"}
	}
	client, err := a.clientWith("", "")
	if err != nil {
		return "", err
	}
	src, err := a.openWith(r.address, client)
	if err != nil {
		return "", err
	}
	if device, ok := source.As[source.DeviceAuthorizer](src); ok {
		token, err := a.deviceLogin(ctx, device)
		if err == nil || !isMissing(err) {
			return token, err
		}
		a.ui.Notef("the registry offers no login in the browser")
	}
	token, err := a.ui.Secret(ctx, fmt.Sprintf("token for %s:", ui.Line(r.origin)))
	return strings.TrimSpace(token), err
}

// deviceLogin waits until the person approved in the browser.
func (a *app) deviceLogin(ctx context.Context, device source.DeviceAuthorizer) (string, error) {
	g, err := device.StartLogin(ctx, "skills")
	if err != nil {
		return "", err
	}
	a.ui.Talkf("open  %s", a.ui.Bold(ui.Cut(ui.Line(g.URL), 500)))
	a.ui.Talkf("code  %s", a.ui.Bold(ui.Cut(ui.Line(g.UserCode), 80)))
	a.ui.Notef("waiting until you approve it there, at most %s; Ctrl-C ends it", ui.Span(g.Expires))
	return device.AwaitLogin(ctx, g)
}

// readToken reads the one line that is the token.
func readToken(in io.Reader) (string, error) {
	data, err := io.ReadAll(io.LimitReader(in, credential.MaxToken+100))
	if err != nil {
		return "", fmt.Errorf("read the token from standard input: %w", err)
	}
	token := strings.TrimSpace(string(data))
	if token == "" {
		return "", &usageError{message: "there is no token on standard input"}
	}
	return token, nil
}

// keepToken asks the registry whose token it is, and keeps it unless it is refused.
func (a *app) keepToken(ctx context.Context, r loginRegistry, token string) (*answer, error) {
	if err := credential.Check(token); err != nil {
		return nil, &credential.TokenError{Err: err}
	}
	account, err := a.askAccount(ctx, r, token)
	if err != nil {
		return nil, err
	}
	result := loginResult{Registry: r.address, Origin: r.origin, Account: account, DryRun: a.flags.dryRun}
	if a.flags.dryRun {
		return &answer{result: result, done: 1, text: func(p *ui.Printer) { p.Printf("would log in to %s%s", r.said(), asWhom(account)) }}, nil
	}
	c, err := a.credentials()
	if err != nil {
		return nil, err
	}
	in, instead, err := c.Save(ctx, r.origin, token)
	if err != nil {
		return nil, err
	}
	result.From = in.From
	if in.From == credential.File {
		result.Where = in.Where
		a.ui.Warnf("no keyring: the token is in a file that only you can read, %s", ui.Line(in.Where))
		a.ui.Tracef("the keyring was not used: %v", instead)
	}
	if first := c.Other(r.origin); first != "" {
		a.ui.Notef("%s comes first, and is used instead if it gives a token", ui.Line(first))
	}
	return &answer{result: result, done: 1, text: func(p *ui.Printer) {
		p.Printf("%s  %s%s", p.Good("logged in"), r.said(), asWhom(account))
	}}, nil
}

// askAccount asks a registry whose token it is; nil if it does not say, of which a
// note tells.
func (a *app) askAccount(ctx context.Context, r loginRegistry, token string) (*source.Account, error) {
	account, err := a.whoami(ctx, r, token)
	switch {
	case errors.Is(err, transport.ErrOffline):
		a.ui.Notef("the token was not checked: the network is not used")
		return nil, nil //nolint:nilnil // an account that is not told is no error
	case account == nil && err == nil:
		a.ui.Notef("the registry does not say whose token it is: it was not checked")
	}
	return account, err
}

// isMissing says whether a registry does not have what it was asked for.
func isMissing(err error) bool {
	if errors.Is(err, source.ErrUnsupported) {
		return true
	}
	status, ok := errors.AsType[*transport.StatusError](err)
	return ok && (status.Status == http.StatusNotFound || status.Status == http.StatusMethodNotAllowed || status.Status == http.StatusNotImplemented)
}

func asWhom(account *source.Account) string {
	if account == nil {
		return ""
	}
	text := account.Handle
	if account.Name != "" && account.Name != account.Handle {
		text += " (" + account.Name + ")"
	}
	return " as " + ui.Cut(ui.Line(strings.TrimSpace(text)), 200)
}

// A logoutResult says what was forgotten.
type logoutResult struct {
	Registry string          `json:"registry"`
	Origin   string          `json:"origin"`
	From     credential.From `json:"from"`            // where the token was; "" if there was none
	Still    string          `json:"still,omitempty"` // variable or program that gives one all the same
	DryRun   bool            `json:"dryRun,omitempty"`
}

func (a *app) logoutCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "logout [REGISTRY]",
		Short:             "Forget the token of a registry",
		GroupID:           groupSetup,
		Long:              "Forget the token that skills login keeps for a registry. The registry is not told:\nto make the token worthless, revoke it there.",
		Example:           "  skills logout\n  skills logout acme",
		Args:              oneRegistry,
		ValidArgsFunction: a.completeRegistryArg,
		RunE: a.run(func(ctx context.Context, args []string) (*answer, error) {
			r, err := a.loginTo(optional(args))
			if err != nil {
				return nil, err
			}
			c, err := a.credentials()
			if err != nil {
				return nil, err
			}
			was, err := c.Saved(r.origin)
			if err == nil && !a.flags.dryRun {
				was, err = c.Delete(ctx, r.origin)
			}
			if err != nil {
				return nil, err
			}
			result := logoutResult{Registry: r.address, Origin: r.origin, From: was.From, DryRun: a.flags.dryRun, Still: c.Other(r.origin)}
			if result.Still != "" {
				a.ui.Notef("%s still gives a token for it", ui.Line(result.Still))
			}
			return &answer{result: result, done: 1, text: func(p *ui.Printer) {
				switch {
				case was.From == credential.Nowhere:
					p.Printf("no token was kept for %s", r.said())
				case a.flags.dryRun:
					p.Printf("would log out of %s", r.said())
				default:
					p.Printf("%s  %s", p.Good("logged out"), r.said())
				}
			}}, nil
		}),
	}
	a.dryRunFlag(cmd)
	return cmd
}
