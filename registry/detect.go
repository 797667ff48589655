package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/registry/clawhub"
	"github.com/openskills-go/skills/registry/openskills"
	"github.com/openskills-go/skills/registry/static"
	"github.com/openskills-go/skills/registry/wellknown"
)

// A Protocol is what a registry speaks, by the name that stands before its address.
type Protocol string

const (
	Openskills Protocol = "openskills"
	ClawHub    Protocol = "clawhub"
	WellKnown  Protocol = "wellknown"
	Static     Protocol = "static"
	Folder     Protocol = "folder"
)

// A Found is a registry that was found at an address.
type Found struct {
	URL      string // for Options
	Protocol Protocol
	// Assumed says that nothing there says what it speaks, so that it is taken for
	// the protocol that has no way to say so.
	Assumed bool
	// Skills is how many a website lists.
	Skills int
}

// Detect asks the host of an address what it speaks: whether it names a registry
// that has the API of ClawHub, is a registry of files, has that API itself, or lists
// skills. An address
// that says its protocol is not asked about. What is found may be on another host:
// that is for people to know.
func Detect(ctx context.Context, client *transport.Client, address string) (Found, error) {
	address = strings.TrimRight(address, "/")
	for _, p := range protocols() {
		if scheme := schemeOf(address); p.owns(scheme) && p.name != string(Openskills) {
			return Found{URL: address, Protocol: Protocol(p.name)}, nil
		}
	}
	if address == DefaultURL {
		return Found{URL: address, Protocol: Openskills}, nil
	}
	for _, look := range []func(context.Context, *transport.Client, string) (Found, error){
		detectClawHub, detectStatic, detectClawHubAPI, detectSite, detectOpenskills,
	} {
		found, err := look(ctx, client, address)
		if err == nil || !errors.Is(err, source.ErrNotFound) {
			return found, err
		}
	}
	if err := probeDownload(ctx, client, address); err != nil {
		return Found{}, err
	}
	return Found{URL: address, Protocol: Openskills, Assumed: true}, nil
}

// probeDownload asks for a skill that nobody has. A web page is no answer of a
// registry: it is a website, or a network that wants a login before all else.
func probeDownload(ctx context.Context, client *transport.Client, base string) error {
	_, err := client.Get(ctx, base+"/api/download?slug="+noSlug+"&locale=en&source=copy", transport.GetOptions{})
	if errors.Is(err, transport.ErrWebPage) {
		return fmt.Errorf("it speaks no protocol that is known: %w", err)
	}
	return nil
}

// noSlug is that of a skill that nobody has.
const noSlug = "skills-registry-test"

func detectClawHub(ctx context.Context, client *transport.Client, address string) (Found, error) {
	url, err := clawhub.Discover(ctx, client, address)
	if !strings.HasPrefix(url, string(ClawHub)+"+") {
		url = string(ClawHub) + "+" + url
	}
	return Found{URL: url, Protocol: ClawHub}, err
}

// detectStatic finds registries of files. A server of ours has those files, too, and
// can do more. It says so at the root of its host, unless it is below a path. Where
// only files are the API is not there, in whatever way a bucket says that.
func detectStatic(ctx context.Context, client *transport.Client, address string) (Found, error) {
	url, err := static.Discover(ctx, client, address)
	if err != nil {
		return Found{}, err
	}
	found, err := detectClawHubAPI(ctx, client, strings.TrimPrefix(url, string(Static)+"+"))
	if err == nil || !errors.Is(err, source.ErrNotFound) && !errors.Is(err, source.ErrAuth) {
		return found, err
	}
	return Found{URL: url, Protocol: Static}, nil
}

// detectClawHubAPI finds registries that have the API and do not say so, such as
// one repository of a server of many.
func detectClawHubAPI(ctx context.Context, client *transport.Client, address string) (Found, error) {
	url := string(ClawHub) + "+" + address
	r, err := clawhub.New(clawhub.Options{URL: url, Client: client})
	if err != nil {
		return Found{}, err
	}
	_, err = r.Search(ctx, "skill", 1)
	return Found{URL: url, Protocol: ClawHub}, nothing(err)
}

func detectSite(ctx context.Context, client *transport.Client, address string) (Found, error) {
	url, skills, err := wellknown.Find(ctx, client, address)
	if _, ok := errors.AsType[*transport.ContentError](err); ok {
		err = nothing(err) // it is no index that is broken, but no index
	}
	return Found{URL: url, Protocol: WellKnown, Skills: len(skills)}, err
}

func detectOpenskills(ctx context.Context, client *transport.Client, address string) (Found, error) {
	r, err := openskills.New(openskills.Options{URL: address, Client: client})
	if err != nil {
		return Found{}, err
	}
	_, err = r.Search(ctx, "skill", 1)
	return Found{URL: address, Protocol: Openskills}, nothing(err)
}

// nothing makes of an answer that is none of a protocol that there is nothing of
// that protocol. What is wrong with the network stays what it is.
func nothing(err error) error {
	if err == nil {
		return nil
	}
	_, network := errors.AsType[*transport.NetworkError](err)
	_, offline := errors.AsType[*transport.OfflineError](err)
	_, stalled := errors.AsType[*transport.StalledError](err)
	_, wait := errors.AsType[*transport.WaitError](err)
	if status, ok := errors.AsType[*transport.StatusError](err); ok && status.Status >= 500 && status.Status != http.StatusNotImplemented {
		return err // it may have the protocol, and not be well
	}
	if network || offline || stalled || wait || errors.Is(err, source.ErrAuth) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%w: %w", source.ErrNotFound, err)
}

// A Report is how a registry answers.
type Report struct {
	Found
	Search bool          // it can be searched
	Limit  *RateLimit    // of requests; nil if it says none
	Clock  time.Duration // by how much its clock is ahead of ours; 0 if it does not tell the time
}

// A RateLimit is how many requests a registry still answers.
type RateLimit struct {
	Limit     int           `json:"limit"`
	Remaining int           `json:"remaining"`
	Reset     time.Duration `json:"-"` // until all are there again; 0 if it is not said
}

// Test asks a registry something that any can answer. The error is about the
// registry; o.URL may be a plain address, and what is found there is tested.
func Test(ctx context.Context, o Options, now func() time.Time) (Report, error) {
	found := Found{URL: o.URL, Protocol: Folder}
	if strings.Contains(schemeOf(o.URL), "http") {
		var err error
		if found, err = Detect(ctx, o.Client, o.URL); err != nil {
			return Report{}, err
		}
	}
	report := Report{Found: found}
	o.URL = found.URL
	src, err := Open(o)
	if err != nil {
		return report, err
	}
	if searcher, ok := source.As[source.Searcher](src); ok {
		_, err := searcher.Search(ctx, "skill", 1)
		if err != nil && !errors.Is(err, source.ErrUnsupported) {
			return report, err
		}
		report.Search = err == nil
	}
	if !report.Search {
		_, err := src.Versions(ctx, ref.Ref{Kind: ref.Registry, Slug: noSlug})
		if err != nil && !errors.Is(err, source.ErrNotFound) && !errors.Is(err, source.ErrUnsupported) {
			return report, err
		}
	}
	if found.Protocol == Openskills && !report.Search && !found.Assumed {
		if err := probeDownload(ctx, o.Client, found.URL); err != nil {
			return report, err
		}
	}
	if found.Protocol != Folder {
		report.heed(ctx, o.Client, now)
	}
	return report, nil
}

// heed reads what the headers of an answer say. That there is nothing to read is
// no error: it was asked for more already.
func (r *Report) heed(ctx context.Context, client *transport.Client, now func() time.Time) {
	base := strings.TrimPrefix(r.URL, string(r.Protocol)+"+")
	path := map[Protocol]string{
		Openskills: "/api/search?q=skill&limit=1",
		ClawHub:    "/api/v1/search?q=skill&limit=1",
		Static:     "/config.json",
		WellKnown:  "/.well-known/agent-skills/index.json",
	}[r.Protocol]
	resp, err := client.Get(ctx, base+path, transport.GetOptions{})
	if err != nil {
		return
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil && !resp.FromCache {
		r.Clock = date.Sub(now().Truncate(time.Second))
	}
	number := func(name string) (int, bool) {
		for _, prefix := range []string{"RateLimit-", "X-RateLimit-"} {
			if n, err := strconv.Atoi(resp.Header.Get(prefix + name)); err == nil && n >= 0 {
				return n, true
			}
		}
		return 0, false
	}
	limit, ok := number("Limit")
	remaining, okRemaining := number("Remaining")
	if !ok || !okRemaining {
		return
	}
	r.Limit = &RateLimit{Limit: limit, Remaining: remaining}
	if n, err := strconv.Atoi(resp.Header.Get("RateLimit-Reset")); err == nil && n >= 0 && n < 1<<31 {
		r.Limit.Reset = time.Duration(n) * time.Second
	}
}
