package cli

import (
	"errors"
	"net/http"
	"strings"

	"github.com/openskills-go/skills/pkg/credential"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/registry/clawhub"
)

const (
	hintLogin  = "skills login REGISTRY keeps one; in scripts set SKILLS_TOKEN: skills help environment"
	hintWhoami = "where it is from: skills whoami REGISTRY; skills login REGISTRY keeps a new one"
)

// accessRules are about tokens, and come before what is not found or not allowed
// for other reasons.
func accessRules() []rule {
	return []rule{
		{Code{"registry_moved", exitUnauthorized, false, "the registry sends us to another host of its own, to which the token does not go"},
			denied(func(e *transport.StatusError) (string, bool) {
				return "use that address: skills registry add NAME " + e.Moved + " --replace, then skills login NAME", e.Moved != ""
			})},
		{Code{"token_dropped", exitUnauthorized, false, "a redirect led to another host, to which the token does not go, and which wants one"},
			denied(func(e *transport.StatusError) (string, bool) {
				return "a token goes only to the host it is for; ask the registry's operators", e.Dropped
			})},
		{Code{"unauthorized", exitUnauthorized, false, ""}, func(err error) (string, bool) {
			e, asked := errors.AsType[*undetectedError](err)
			if status, ok := errors.AsType[*transport.StatusError](err); !asked || !ok || status.Token || !errors.Is(err, source.ErrAuth) && status.Status != http.StatusUnauthorized {
				return "", false
			}
			return "set " + credential.Variable(e.name) + ", or --protocol says what it speaks without asking; then skills login " + e.name, true
		}},
		{Code{"token_refused", exitUnauthorized, false, "the registry refused the token that was sent, or does not know it"},
			as(func(*refusedError) string { return hintWhoami })},
		{Code{"token_refused", exitUnauthorized, false, ""},
			denied(func(e *transport.StatusError) (string, bool) {
				return hintWhoami, e.Token && e.Status == http.StatusUnauthorized
			})},
		{Code{"forbidden", exitUnauthorized, false, "the registry does not allow this to whom it takes us for"},
			denied(func(e *transport.StatusError) (string, bool) {
				if e.Token {
					return "the token is known, and not allowed to do this: skills whoami says whose it is", e.Status == http.StatusForbidden
				}
				return "no token was sent; " + hintLogin, e.Status == http.StatusForbidden
			})},
		{Code{"unauthorized", exitUnauthorized, false, ""},
			denied(func(*transport.StatusError) (string, bool) { return hintLogin, true })},
		{Code{"unauthorized", exitUnauthorized, false, ""},
			as(func(e *noTokenError) string {
				return "skills login" + e.registry.again() + " keeps one; in scripts set " + credential.Variable(e.registry.name)
			})},

		{Code{"no_endpoint", exitUnreachable, false, "the server is there, and does not speak the protocol of the registry"},
			as(saying[*clawhub.EndpointError]("is this the address of a registry, with its path? skills registry list shows what is set"))},
		{Code{"plain_http", exitUnauthorized, false, "there is a token, and the address is not encrypted"},
			as(saying[*transport.PlainError]("use an address that begins with https://; over http a token goes to this machine only"))},
		{Code{"bad_token", exitUsage, false, "what stands where a token should be can be none"},
			as(func(e *credential.TokenError) string {
				if e.From == credential.File || e.From == credential.Keyring {
					return "skills login keeps a new one"
				}
				return "a token is one line without spaces"
			})},
		{Code{"credential_command", exitUnauthorized, false, "the command that should print the token failed"},
			as(saying[*credential.CommandError]("it is the setting credential-command; no other token is used instead"))},
		{Code{"bad_credentials", exitError, false, "the file with the tokens of logins cannot be used"},
			as(saying[*credential.FileError]("correct it, or delete it and use skills login again"))},
		{Code{"no_home", exitUsage, false, ""},
			is(credential.ErrNoFolder, "set HOME, or SKILLS_HOME")},
	}
}

// denied matches the answers that say no for want of a right.
func denied(which func(*transport.StatusError) (string, bool)) func(error) (string, bool) {
	return func(err error) (string, bool) {
		e, ok := errors.AsType[*transport.StatusError](err)
		if !ok || e.Status != http.StatusUnauthorized && !(e.Status == http.StatusForbidden && errors.Is(err, source.ErrAuth)) {
			return "", false
		}
		return which(e)
	}
}

// access says what became of the token, after the message of an error that is
// about it.
func access(code string, err error) string {
	e, ok := errors.AsType[*transport.StatusError](err)
	switch {
	case !ok:
		return ""
	case code == "registry_moved":
		return "; the registry moved to " + e.Moved
	case code == "token_dropped":
		return "; the token was not sent there"
	case code == "unauthorized":
		return "; no token was sent"
	case code == "token_refused" && !strings.Contains(err.Error(), "refused the token"):
		return "; the token that was sent was refused"
	}
	return ""
}

// busy is the hint for a registry that we ask too often. One that does not know a
// token counts us with everyone at our address, and does not say so.
func busy(e *transport.StatusError) string {
	const later = "try again later, or allow the wait with --max-wait"
	if e != nil && e.Token {
		return later + "; a token that is not valid is counted as none: skills whoami"
	}
	return later + "; a token may allow more: skills login"
}
