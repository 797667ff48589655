package clawhub

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
)

// An AnswerError is an answer that does not help. It matches source.ErrNotFound,
// source.ErrAuth or source.ErrWithheld where it means that.
type AnswerError struct {
	Host    string // that answered
	Path    string // that was asked for
	Status  int
	Message string // of the server: untrusted
	Why     string // what is wrong with an answer of status 200
	Err     error  // what it means, if anything in particular
	cause   error
}

func (e *AnswerError) Error() string {
	text := cmp.Or(e.Host, "the server") + " answered with status " + strconv.Itoa(e.Status)
	if e.Path != "" {
		text += " to " + quote(e.Path)
	}
	if e.Why != "" {
		text += ": " + e.Why
	}
	if e.Message != "" {
		text += ": " + quote(e.Message)
	}
	if e.Err != nil {
		return e.Err.Error() + ": " + text
	}
	return text
}

// Unwrap returns what the answer means and what the transport said of it.
func (e *AnswerError) Unwrap() []error {
	var errs []error
	for _, err := range []error{e.Err, e.cause} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// An EndpointError says that a server has no such address at all: it is no
// registry of this protocol, or one that does not have this part of it.
type EndpointError struct {
	Host   string
	Path   string // that was asked for
	Status int
	cause  error
}

func (e *EndpointError) Error() string {
	return e.Host + " does not speak the ClawHub API: it answered with status " + strconv.Itoa(e.Status) + " to " + quote(e.Path)
}

func (e *EndpointError) Unwrap() error { return e.cause }

// place returns host and path of an address, for errors.
func place(address string) (host, path string) {
	u, err := url.Parse(address)
	if err != nil {
		return "", ""
	}
	return u.Host, u.EscapedPath()
}

// wrong returns the error for an answer of status 200 that makes no sense.
func wrong(address, why string) *AnswerError {
	host, path := place(address)
	return &AnswerError{Host: host, Path: path, Status: http.StatusOK, Why: why}
}

// explain gives an error of the network the meaning that it has here. slug is
// that of the skill which was asked about, "" if it was none.
func explain(err error, address, slug string) error {
	if errors.Is(err, transport.ErrNotModified) {
		return source.ErrNotModified
	}
	status, ok := errors.AsType[*transport.StatusError](err)
	if !ok {
		return err
	}
	host, path := place(address)
	message := messageOf(status.Body)
	if matches, ok := ambiguity(status.Body); ok {
		return &source.AmbiguousError{Slug: slug, Matches: matches}
	}
	if slug != "" && isBlock(status.Status, message) {
		return &source.BlockedError{Slug: slug, Reason: source.FlagReason(message)}
	}
	answer := &AnswerError{Host: host, Path: path, Status: status.Status, Message: message, cause: err}
	switch status.Status {
	case http.StatusNotFound:
		if !namesSkill(status.Body, message) {
			return &EndpointError{Host: host, Path: path, Status: status.Status, cause: err}
		}
		answer.Err = notFound(message)
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return &EndpointError{Host: host, Path: path, Status: status.Status, cause: err}
	case http.StatusGone:
		answer.Err = source.ErrNotFound
	case http.StatusUnauthorized:
		answer.Err = source.ErrAuth
	case http.StatusForbidden:
		answer.Err = source.ErrAuth
		if mentions(message, "moderat", "unavailable", "hidden", "review", "scan", "quarantin", "withheld", "suspended", "removed") {
			answer.Err = source.ErrWithheld
		}
	case http.StatusLocked, http.StatusUnavailableForLegalReasons:
		answer.Err = source.ErrWithheld
	case http.StatusConflict:
		if slug != "" {
			answer.Err = source.ErrAmbiguous
		}
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		// What is wrong with the request, the server says.
	default:
		return err
	}
	return answer
}

// notFound says what it is that is not there, as far as the server does.
func notFound(message string) error {
	for _, what := range []string{"tag", "version", "owner"} {
		if strings.HasPrefix(strings.ToLower(message), what+" ") {
			return &source.MissingError{What: what}
		}
	}
	return source.ErrNotFound
}

// isBlock reports whether a refusal says that the skill is harmful.
func isBlock(status int, message string) bool {
	switch status {
	case http.StatusForbidden, http.StatusGone, http.StatusLocked, http.StatusUnavailableForLegalReasons:
		return mentions(message, "malware", "malicious")
	}
	return false
}

// namesSkill reports whether the body of a 404 is about what was asked for, and
// not about an address that is not there. Servers repeat the address in the
// latter, which has the word skills in it.
func namesSkill(body []byte, message string) bool {
	if isPage(body) {
		return false
	}
	var words []string
	for word := range strings.FieldsSeq(message) {
		if !strings.Contains(word, "/") {
			words = append(words, word)
		}
	}
	return mentions(strings.Join(words, " "), "skill", "slug", "version", "owner", "publisher", "user", "tag", "file")
}

func mentions(text string, words ...string) bool {
	text = strings.ToLower(text)
	for _, word := range words {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

func isPage(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(body, "\ufeff \t\r\n"), []byte("<"))
}

// messageOf returns what the body of an error says to people: the message in
// JSON, or text as it is. It is "" for a page.
func messageOf(body []byte) string {
	body = bytes.TrimSpace(body)
	if isPage(body) {
		return ""
	}
	var list struct {
		Errors []json.RawMessage `json:"errors"`
	}
	for range 3 { // an error in an error
		var e map[string]json.RawMessage
		if json.Unmarshal(body, &e) != nil {
			break
		}
		for _, name := range []string{"message", "error", "msg", "detail"} {
			var s string
			if json.Unmarshal(e[name], &s) == nil && s != "" {
				return s
			}
		}
		next := e["error"]
		if json.Unmarshal(body, &list) == nil && len(list.Errors) > 0 {
			next = list.Errors[0]
		}
		if body = next; len(body) == 0 {
			return ""
		}
	}
	var s string
	if json.Unmarshal(body, &s) == nil {
		return s
	}
	return string(body)
}

const ambiguousCode = "AMBIGUOUS_SKILL_SLUG"

// ambiguity reads the answer that several owners have a slug, as JSON or as JSON
// in a JSON text. Of an error only the first 4 KiB are there, so that as many of
// the matches are read as are whole. Those that no reference can name are left
// out.
func ambiguity(body []byte) (matches []source.Hit, ok bool) {
	if !bytes.Contains(body, []byte(ambiguousCode)) {
		return nil, false
	}
	var text string
	if json.Unmarshal(body, &text) == nil {
		body = []byte(text)
	}
	// The text may stand after words of the server.
	start := bytes.IndexByte(body, '{')
	if start < 0 {
		return nil, true
	}
	d := json.NewDecoder(bytes.NewReader(body[start:]))
	if _, err := d.Token(); err != nil {
		return nil, true
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return matches, true
		}
		if key != "matches" {
			var skipped json.RawMessage
			if d.Decode(&skipped) != nil {
				return matches, true
			}
			continue
		}
		if open, err := d.Token(); err != nil || open != json.Delim('[') {
			return matches, true
		}
		for d.More() {
			var m struct {
				OwnerHandle string `json:"ownerHandle"`
				Slug        string `json:"slug"`
				DisplayName string `json:"displayName"`
			}
			if d.Decode(&m) != nil {
				return matches, true
			}
			if ref.ValidSlug(m.OwnerHandle) && ref.ValidSlug(m.Slug) {
				matches = append(matches, source.Hit{Slug: m.Slug, Owner: m.OwnerHandle, Name: m.DisplayName})
			}
		}
		return matches, true
	}
	return matches, true
}

// decode reads JSON into a struct. What is of another type is an error that says
// which; null is as good as absent.
func decode(body []byte, into any, address string) error {
	err := json.Unmarshal(body, into)
	if err == nil {
		return nil
	}
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		field, value := cmp.Or(kind.Field, "the answer"), kind.Value
		value, _, _ = strings.Cut(value, " ") // what follows is the server's
		return wrong(address, field+" is of another type: "+value)
	}
	return wrong(address, "it cannot be read as JSON")
}
