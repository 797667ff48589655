package catalog

import (
	"slices"

	"github.com/openskills-go/skills/registry/internal/meta"
)

// The scopes of a token.
const (
	ScopeRead    = "read"    // what a private registry shows, stars
	ScopePublish = "publish" // publish, yank, deprecate, tag, delete
	ScopeAdmin   = "admin"   // owners, users, tokens, moderation
)

// Scopes lists them all, from the least to the most.
var scopes = []string{ScopeRead, ScopePublish, ScopeAdmin}

// Scopes returns the scopes that there are, from the least to the most.
func Scopes() []string { return slices.Clone(scopes) }

// An Actor is who does something. The zero Actor is anyone: it has no name and may
// read a public registry.
type Actor struct {
	User    string
	Role    meta.Role
	Scopes  []string
	Token   string // ID of the token
	Address string // where the request came from
}

// Operator returns the actor that whoever runs the program is: it may do
// everything.
func Operator() Actor { return Actor{Role: meta.Admin, Scopes: Scopes()} }

// Has reports whether the token of an actor has a scope. A greater scope holds the
// lesser ones.
func (a Actor) Has(scope string) bool {
	want := slices.Index(scopes, scope)
	return slices.ContainsFunc(a.Scopes, func(s string) bool { return slices.Index(scopes, s) >= want })
}

// Anonymous reports whether nothing is known of an actor.
func (a Actor) Anonymous() bool { return a.User == "" && a.Role == "" }
