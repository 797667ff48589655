package static

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
)

const (
	configFile = "/config.json"
	maxConfig  = 64 << 10
	maxURL     = 2048 // bytes of an address in it
)

// Protocol is what config.json says that the rest is. A later one has another
// number.
const (
	Protocol = family + "1"
	family   = "skills-registry/"
)

// A ProtocolError says that a registry has a layout that is not known here.
type ProtocolError struct {
	URL      string // of its config.json, safe to print
	Protocol string // untrusted
}

func (e *ProtocolError) Error() string {
	return fmt.Sprintf("%s says that it is %s, and only %s is known", e.URL, quote(e.Protocol), Protocol)
}

// A config is what a registry says of itself. Its addresses end with a slash.
type config struct {
	url     string // of itself: what named the others
	index   string
	blobs   string
	owners  string // "" if there is no such thing
	catalog string // the same
	auth    bool   // a credential is wanted for reading
}

// read returns what config.json says, which is asked for once.
func (r *Registry) read(ctx context.Context) (*config, error) {
	return r.config.get(ctx, func(ctx context.Context) (*config, error) { return readConfig(ctx, r.client, r.base) })
}

func readConfig(ctx context.Context, client *transport.Client, b base) (*config, error) {
	resp, err := client.Get(ctx, b.String()+configFile, transport.GetOptions{Limit: maxConfig})
	if err != nil {
		return nil, fmt.Errorf("read config: %w", source.FromTransport(err))
	}
	c, err := parseConfig(resp.Body, resp.URL)
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	return c, nil
}

// parseConfig reads a config.json that came from an address, to which those in it
// are relative.
func parseConfig(body []byte, at string) (*config, error) {
	from, err := url.Parse(at)
	if err != nil {
		return nil, err
	}
	refuse := func(format string, args ...any) (*config, error) {
		return nil, &FormatError{URL: shown(from), Why: fmt.Sprintf(format, args...)}
	}
	var protocol struct {
		Protocol string `json:"protocol"`
	}
	if err := json.Unmarshal(body, &protocol); err != nil {
		return refuse("%s", typeFault(err))
	}
	switch p := protocol.Protocol; {
	case p == Protocol:
	case strings.HasPrefix(p, family):
		return nil, &ProtocolError{URL: shown(from), Protocol: p}
	default:
		return refuse("it is not that of a registry: its protocol is %s", quote(p))
	}
	// What is not said is where it usually is. Of the last two there may be none.
	usual := func(s string) *string { return &s }
	said := struct {
		Index   *string `json:"index"`
		Blobs   *string `json:"blobs"`
		Owners  *string `json:"owners"`
		Catalog *string `json:"catalog"`
		Auth    bool    `json:"auth"`
	}{Owners: usual("owners/"), Catalog: usual("catalog/")}
	if err := json.Unmarshal(body, &said); err != nil {
		return refuse("%s", typeFault(err))
	}
	if said.Index == nil {
		said.Index = usual("index/")
	}
	if said.Blobs == nil {
		said.Blobs = usual("blobs/")
	}
	c := &config{url: at, auth: said.Auth}
	for _, f := range []struct {
		name string
		text *string
		to   *string
	}{{"index", said.Index, &c.index}, {"blobs", said.Blobs, &c.blobs}, {"owners", said.Owners, &c.owners}, {"catalog", said.Catalog, &c.catalog}} {
		if f.text == nil {
			continue
		}
		var why string
		if *f.to, why = resolve(from, *f.text); why != "" {
			return refuse("%s is %s, and %s", f.name, quote(*f.text), why)
		}
	}
	return c, nil
}

// resolve returns the address that a text in config.json stands for, with a slash
// at its end, or why it stands for none.
func resolve(from *url.URL, text string) (address, why string) {
	odd := func(c rune) bool { return c <= ' ' || c == '\\' || c == 0x7f }
	if len(text) > maxURL {
		return "", "that is too long"
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || strings.ContainsFunc(text, odd) || u.Opaque != "":
		return "", "that is no address"
	case u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https":
		return "", "only https and http are asked"
	case u.User != nil:
		return "", "that holds a user name or password"
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", "that has a query or a fragment"
	case slices.ContainsFunc(strings.FieldsFunc(u.Path, func(c rune) bool { return c == '/' || c == '\\' }), isDots):
		return "", "that climbs"
	}
	to := from.ResolveReference(u)
	switch {
	case to.Hostname() == "":
		return "", "that has no host"
	case from.Scheme == "https" && to.Scheme != "https":
		return "", "that leads from https to http"
	}
	return strings.TrimRight(to.String(), "/") + "/", ""
}

func isDots(part string) bool { return part == "." || part == ".." }

// shown is an address for people: without a query, and safe to print.
func shown(u *url.URL) string {
	text := quote(u.Scheme + "://" + u.Host + u.EscapedPath())
	return text[1 : len(text)-1]
}

// shownAt is shown for an address as text.
func shownAt(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return shown(u)
}

// typeFault says what is wrong with JSON, in words about the file.
func typeFault(err error) string {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if e.Field == "" {
			return "it is " + e.Value + ", and no object"
		}
		return fmt.Sprintf("%s cannot be %s", quote(e.Field), clip(e.Value))
	}
	return "it is no JSON"
}

// clip is for a number in JSON, which is part of what typeFault is told and may be
// of any length.
func clip(s string) string { return s[:min(len(s), 40)] }

// Discover asks whether a registry of this kind is at an address, and returns the
// URL of it for Options. What is none is source.ErrNotFound; one of a later
// protocol is a *ProtocolError, and one that leads where nobody should go a
// *FormatError.
func Discover(ctx context.Context, client *transport.Client, address string) (registry string, err error) {
	b, err := parseBase(address)
	if err != nil {
		return "", err
	}
	resp, err := client.Get(ctx, b.String()+configFile, transport.GetOptions{Limit: maxConfig})
	if err != nil {
		return "", notThere(b, err)
	}
	// Other programs have a file of that name, too.
	var is struct {
		Protocol json.RawMessage `json:"protocol"`
	}
	if json.Unmarshal(resp.Body, &is) != nil || !bytes.HasPrefix(is.Protocol, []byte(`"`+family)) {
		return "", notThere(b, nil)
	}
	if _, err := parseConfig(resp.Body, resp.URL); err != nil {
		return "", fmt.Errorf("discover the registry of %s: %w", b.Host, err)
	}
	return b.registry(), nil
}

// notThere makes of what is no config.json that there is none. What is wrong with
// the network, and with a server that may have it and is not well, stays what it is.
func notThere(b base, err error) error {
	status, answered := errors.AsType[*transport.StatusError](err)
	_, content := errors.AsType[*transport.ContentError](err)
	_, long := errors.AsType[*transport.LimitError](err)
	_, sent := errors.AsType[*transport.RedirectError](err)
	none := err == nil || content || long || sent
	if answered {
		none = status.Status < 500 && !status.Retryable() || status.Status == http.StatusNotImplemented
	}
	if !none {
		return fmt.Errorf("discover the registry of %s: %w", b.Host, err)
	}
	return fmt.Errorf("discover the registry of %s: there is no config.json of one: %w", b.Host, source.ErrNotFound)
}
