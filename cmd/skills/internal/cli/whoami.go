package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/credential"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
)

// A whoamiResult says whom a registry takes us for, and where the token is that
// makes it. It never holds the token.
type whoamiResult struct {
	Registry string          `json:"registry"`
	Origin   string          `json:"origin"`
	Account  *source.Account `json:"account"` // null if the registry does not say
	From     credential.From `json:"from"`    // environment, command, keyring or file
	Where    string          `json:"where,omitempty"`
}

func (a *app) whoamiCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "whoami [REGISTRY]",
		Short:   "Say whom a registry takes you for, and by which token",
		GroupID: groupSetup,
		Long: `Say whom a registry takes you for, and where the token is that makes it: in a
variable of the environment, from the credential command, in the system's keyring, or
in a file. The token itself is never printed.`,
		Example:           "  skills whoami\n  skills whoami acme --json",
		Args:              oneRegistry,
		ValidArgsFunction: a.completeRegistryArg,
		RunE: a.run(func(ctx context.Context, args []string) (*answer, error) {
			r, err := a.loginTo(optional(args))
			if err != nil {
				return nil, err
			}
			found, err := a.findToken(ctx, r.origin)
			if err != nil {
				return nil, err
			}
			if found.Token == "" {
				return nil, &noTokenError{r}
			}
			account, err := a.whoami(ctx, r, found.Token)
			if err != nil {
				return nil, err
			}
			result := whoamiResult{Registry: r.address, Origin: r.origin, Account: account, From: found.From, Where: found.Where}
			return &answer{result: result, done: 1, text: func(p *ui.Printer) {
				who := "unknown: the registry does not say"
				if account != nil {
					who = asWhom(account)[len(" as "):]
				}
				p.Printf("%s", who)
				p.Notef("at %s, by the token from %s", r.said(), place(found))
			}}, nil
		}),
	}
	a.netFlags(cmd)
	return cmd
}

func place(f credential.Found) string {
	switch f.From {
	case credential.Keyring:
		return "the system's keyring"
	case credential.Command:
		return "the command " + ui.Line(f.Where)
	case credential.File:
		return "the file " + ui.Line(f.Where)
	}
	return ui.Line(f.Where)
}

// whoami asks a registry for the account of a token; nil if it does not say.
func (a *app) whoami(ctx context.Context, r loginRegistry, token string) (*source.Account, error) {
	client, err := a.clientWith(r.origin, token)
	if err != nil {
		return nil, err
	}
	src, err := a.openWith(r.address, client)
	if err != nil {
		return nil, err
	}
	identifier, ok := source.As[source.Identifier](src)
	if !ok {
		return nil, nil //nolint:nilnil // an account that is not told is no error
	}
	account, err := identifier.Whoami(ctx)
	switch {
	case err == nil:
		return &account, nil
	case isMissing(err):
		return nil, nil //nolint:nilnil // as above
	}
	return nil, refusedToken(r, err)
}

// A noTokenError says that there is no token for a registry.
type noTokenError struct{ registry loginRegistry }

func (e *noTokenError) Error() string { return "there is no token for " + e.registry.said() }

// A refusedError says that a registry does not take a token.
type refusedError struct {
	registry  loginRegistry
	anonymous bool // it answers as if none had been sent
	err       error
}

func (e *refusedError) Error() string {
	if e.anonymous {
		return fmt.Sprintf("%s answers as if no token had been sent: it does not know this one", e.registry.said())
	}
	return fmt.Sprintf("%s refused the token: %v", e.registry.said(), e.err)
}

func (e *refusedError) Unwrap() error { return e.err }

// refusedToken says of an error that it is about the token, if it is.
func refusedToken(r loginRegistry, err error) error {
	if !errors.Is(err, source.ErrAuth) {
		return err
	}
	status, ok := errors.AsType[*transport.StatusError](err)
	switch {
	case !ok:
		return &refusedError{registry: r, anonymous: true, err: err}
	case status.Token:
		return &refusedError{registry: r, err: err}
	}
	return err // a redirect lost it, and that is told
}
