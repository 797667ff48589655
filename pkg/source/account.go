package source

import (
	"context"
	"time"
)

// An Account is whom a source takes us for.
type Account struct {
	Handle string `json:"handle"`         // by which others know it
	Name   string `json:"name,omitempty"` // for people; untrusted
}

// An Identifier is a Source that says who we are to it.
type Identifier interface {
	// Whoami returns the account of the credential that is sent. It is ErrAuth if
	// none is sent, or one that the source does not know.
	Whoami(ctx context.Context) (Account, error)
}

// A DeviceAuthorizer is a Source that gives a token to a program whose user
// approves it in a browser (RFC 8628).
type DeviceAuthorizer interface {
	// StartLogin asks for a code. Label says to the user, in the browser, what it
	// is for.
	StartLogin(ctx context.Context, label string) (Grant, error)
	// AwaitLogin waits until the user approved g and returns the token. It is
	// ErrAuth if the user said no or the code expired.
	AwaitLogin(ctx context.Context, g Grant) (token string, err error)
}

// A Grant is a login that waits for its user.
type Grant struct {
	UserCode string        // that the user types, or compares
	URL      string        // where
	Expires  time.Duration // from its start
	Interval time.Duration // between two questions whether it is approved
	Code     string        // secret: that of the program
}
