// Package meta keeps what a registry knows: users and tokens, owners, skills,
// versions, what was done and by whom. It keeps it in SQLite or in PostgreSQL;
// both are held to the same suite, metatest.
//
// All that is read or written happens in a transaction. The rules of a registry
// (who may publish, what a version may be) are not here but in catalog.
package meta

import "errors"

var (
	// ErrNotFound matches the error about something that is not there.
	ErrNotFound = errors.New("not found")
	// ErrExists matches the error about something that is there already.
	ErrExists = errors.New("exists already")
)
