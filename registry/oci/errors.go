package oci

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"

	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
)

// An AnswerError is an answer of a registry, or a file of a layout, that is not
// what the specification says.
type AnswerError struct {
	Host string // "" if it is not known, or for a layout
	Why  string // safe to print
}

func (e *AnswerError) Error() string {
	if e.Host == "" {
		return "bad answer: " + e.Why
	}
	return "bad answer from " + quote(e.Host) + ": " + e.Why
}

// An AuthError says that a registry wants a credential, or refused the one it
// got. Many answer like that for what is not there. It matches source.ErrAuth.
type AuthError struct {
	Host string
	Err  error
}

func (e *AuthError) Error() string {
	return fmt.Sprintf("access to %s is denied: %v", quote(e.Host), e.Err)
}
func (e *AuthError) Unwrap() error { return e.Err }

// Is makes an AuthError match source.ErrAuth.
func (*AuthError) Is(target error) bool { return target == source.ErrAuth }

// explain makes errors of this program out of those of the library.
func (r *remoteRepository) explain(err error) error {
	err = r.translate(err)
	if errors.Is(err, source.ErrAuth) {
		return &AuthError{Host: r.Reference.Registry, Err: err}
	}
	return err
}

// translate leaves out what the library says, since its texts repeat addresses,
// with what secrets are in their queries.
func (r *remoteRepository) translate(err error) error {
	if err == nil {
		return nil
	}
	if status, ok := errors.AsType[*errcode.ErrorResponse](err); ok {
		return source.FromTransport(&transport.StatusError{
			URL: transportPlace(status.URL), Status: status.StatusCode, Body: []byte(errorText(status.Errors)),
		})
	}
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	for _, own := range []func(error) error{
		as[*transport.WaitError], as[*transport.StatusError], as[*transport.OfflineError], as[*transport.RedirectError],
		as[*transport.URLError], as[*transport.NetworkError], as[*transport.StalledError], as[*CredentialError],
	} {
		if e := own(err); e != nil {
			return source.FromTransport(e)
		}
	}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, errdef.ErrNotFound):
		return fmt.Errorf("%s: %w", r.name, source.ErrNotFound)
	case errors.Is(err, auth.ErrBasicCredentialNotFound):
		return fmt.Errorf("it wants a user name and a password: %w", source.ErrAuth)
	}
	return &AnswerError{Host: r.Reference.Registry, Why: plain(err.Error())}
}

// as returns what an error of a type in err says, or nil if there is none.
func as[E error](err error) error {
	if own, ok := errors.AsType[E](err); ok {
		return own
	}
	return nil
}

// errorText is what a registry says that is wrong, as one text.
func errorText(errs errcode.Errors) string {
	if len(errs) == 0 {
		return ""
	}
	return strings.TrimSuffix(strings.ToLower(strings.ReplaceAll(errs[0].Code, "_", " "))+": "+errs[0].Message, ": ")
}

// plain takes the queries out of the addresses in a text, and what cannot be
// printed, and cuts it.
func plain(text string) string {
	var b strings.Builder
	for text != "" {
		head, rest, ok := strings.Cut(text, "?")
		b.WriteString(head)
		if !ok {
			break
		}
		if i := strings.IndexAny(rest, "\" "); i >= 0 {
			text = rest[i:]
		} else {
			text = ""
		}
	}
	const most = 200
	quoted := quoteText(b.String())
	return quoted[:min(len(quoted), most)]
}

// transportPlace names a URL without its query, as the errors of the transport do.
func transportPlace(u *url.URL) string {
	const most = 120
	place := quoteText(u.Host + u.EscapedPath())
	return place[:min(len(place), most)]
}
