package clawhub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
)

const (
	pageSize = 100
	// maxPages bounds the pages of one list. Servers may make them smaller than
	// they are asked to.
	maxPages = 50
)

// get asks for JSON and reads it into a struct. slug is that of the skill which
// is asked about, "" if it is none.
func (r *Registry) get(ctx context.Context, address, slug string, into any) (*transport.Response, error) {
	resp, err := r.client.Get(ctx, address, transport.GetOptions{})
	if err != nil {
		return nil, explain(err, address, slug)
	}
	return resp, decode(resp.Body, into, address)
}

// getField is get for an answer that must hold a field, be it null: what does
// not is the answer to something else, or a word about it.
func (r *Registry) getField(ctx context.Context, address, slug, field string, into any) (*transport.Response, error) {
	var top map[string]json.RawMessage
	resp, err := r.get(ctx, address, slug, &top)
	if err != nil {
		return nil, err
	}
	if _, ok := top[field]; !ok {
		e := wrong(address, "it holds no "+field)
		e.Message = messageOf(resp.Body)
		return nil, e
	}
	return resp, decode(resp.Body, into, address)
}

// skill asks about a skill. The name is the one by which the registry has it: with
// its owner, and with another slug if it was renamed.
func (r *Registry) skill(ctx context.Context, asked skillName) (*skillAnswer, skillName, error) {
	address, answer := r.base.ofSkill(asked, ""), new(skillAnswer)
	resp, err := r.getField(ctx, address, asked.slug, "skill", answer)
	if err != nil {
		return nil, skillName{}, err
	}
	name, err := answer.check(asked, address)
	if err != nil {
		return nil, skillName{}, err
	}
	if answer.Skill.Slug == "" {
		// It may have been sent on to the address of another one all the same.
		if at, ok := r.Match(r.base.Secured(resp.URL)); ok {
			name.slug = at.Slug
		}
	}
	return answer, name, nil
}

// Versions lists the versions of a skill with their tags.
func (r *Registry) Versions(ctx context.Context, rf ref.Ref) ([]version.Info, error) {
	infos, err := r.versions(ctx, rf)
	if err != nil {
		return nil, fmt.Errorf("list versions of %s: %w", quote(rf.Slug), err)
	}
	return infos, nil
}

func (r *Registry) versions(ctx context.Context, rf ref.Ref) ([]version.Info, error) {
	asked, err := named(rf)
	if err != nil {
		return nil, err
	}
	answer, name, err := r.skill(ctx, asked)
	if err != nil {
		return nil, err
	}
	return r.list(ctx, name, answer)
}

// list returns all versions of a skill, with the tags that answer gives them.
func (r *Registry) list(ctx context.Context, name skillName, answer *skillAnswer) ([]version.Info, error) {
	infos := answer.known()
	cursor, seen := "", map[string]bool{}
	for range maxPages {
		var page struct {
			Items      []versionAnswer `json:"items"`
			NextCursor string          `json:"nextCursor"`
		}
		address := r.base.ofSkill(name, "/versions", "limit", fmt.Sprint(pageSize), "cursor", cursor)
		if _, err := r.getField(ctx, address, name.slug, "items", &page); err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			if !validVersion(item.Version) {
				continue
			}
			at := slices.IndexFunc(infos, func(i version.Info) bool { return i.Version == item.Version })
			if at < 0 {
				at = len(infos)
				infos = append(infos, version.Info{Version: item.Version})
			}
			if why := item.yankReason(); why != "" {
				infos[at].Yanked, infos[at].Reason = true, why
			}
		}
		if cursor = page.NextCursor; cursor == "" {
			return infos, nil
		}
		if seen[cursor] {
			return nil, wrong(address, "the list of versions begins anew")
		}
		seen[cursor] = true
	}
	return nil, wrong(r.base.ofSkill(name, "/versions"), fmt.Sprintf("the list of versions goes on after %d pages", maxPages))
}

// Resolve picks one version of a skill and asks for the digests of its files. A
// query for the newest version, for a tag or for one version costs two requests,
// a constraint the list of versions as well.
func (r *Registry) Resolve(ctx context.Context, rf ref.Ref, current string) (source.Pin, error) {
	asked, err := named(rf)
	if err != nil {
		return source.Pin{}, fmt.Errorf("resolve: %w", err)
	}
	pin, err := r.resolve(ctx, rf, asked, current)
	if err != nil {
		return source.Pin{}, fmt.Errorf("resolve %s: %w", quote(asked.String()), err)
	}
	return pin, nil
}

func (r *Registry) resolve(ctx context.Context, rf ref.Ref, asked skillName, current string) (source.Pin, error) {
	answer, name, err := r.skill(ctx, asked)
	if err != nil {
		return source.Pin{}, err
	}
	pin := source.Pin{
		Ref:      rf,
		Registry: r.base.registry(),
		Slug:     name.slug,
		Owner:    name.owner,
		URL:      r.base.page(name),
		Trust:    source.FirstUse,
	}
	if answer.Moderation.suspicious() {
		pin.Flagged = answer.Moderation.reason()
	}
	pin.Deprecated = reasonOf(answer.Skill.Deprecated)
	if answer.LatestVersion == nil && (rf.Query == version.Query{} || rf.Query.String() == version.Latest) {
		// There is no version here, or none that was chosen to be the latest.
		elsewhere, err := r.handover(ctx, name, &pin)
		if err != nil || elsewhere {
			return pin, err
		}
		found, err := r.describe(ctx, name, pin)
		if _, missing := errors.AsType[*EndpointError](err); missing {
			return pin, nil
		}
		return found, err
	}
	if pin.Version, err = r.choose(ctx, name, answer, rf.Query, current); err != nil {
		return source.Pin{}, err
	}
	found, err := r.describe(ctx, name, pin)
	if pin.Version == current && errors.Is(err, source.ErrNotFound) {
		// The version that the lock has was taken away meanwhile.
		if pin.Version, err = r.choose(ctx, name, answer, rf.Query, ""); err != nil {
			return source.Pin{}, err
		}
		found, err = r.describe(ctx, name, pin)
	}
	_, missing := errors.AsType[*EndpointError](err)
	switch {
	case rf.Query.Kind() == version.Exact && (missing || errors.Is(err, source.ErrNotFound)):
		return r.among(ctx, name, answer, pin, err)
	case missing:
		// A server of the little that a download needs.
		return pin, nil
	case err == nil && found.Yanked != "" && found.Version != current:
		return source.Pin{}, &version.YankedError{Version: found.Version, Reason: found.Yanked}
	}
	return found, err
}

// choose picks a version by what is known, and lists the versions only if that
// does not do. A version that is asked for by itself is not looked for: publish
// finds out whether it is there.
func (r *Registry) choose(ctx context.Context, name skillName, answer *skillAnswer, q version.Query, current string) (string, error) {
	known := answer.known()
	if current != "" && !slices.ContainsFunc(known, func(i version.Info) bool { return i.Version == current }) {
		known = append(known, version.Info{Version: current})
	}
	enough := false
	switch q.Kind() {
	case version.Exact:
		return q.String(), nil
	case version.Any:
		// Where the latest is a prerelease there may be a release besides it.
		enough = answer.latest() != "" && q.Match(answer.latest())
		if !enough && current != "" && q.Match(current) {
			return current, nil
		}
	case version.Tag:
		enough = slices.ContainsFunc(known, func(i version.Info) bool { return slices.Contains(i.Tags, q.String()) })
	case version.Constraint:
		if current != "" && q.Match(current) {
			return current, nil
		}
	}
	if !enough {
		var err error
		if known, err = r.list(ctx, name, answer); err != nil {
			return "", err
		}
	}
	info, err := version.Select(q, known, current)
	return info.Version, err
}

// among looks for a version that is not there by itself among those that are:
// under another spelling, or to say what there is instead. A server that has
// neither of these addresses leaves it to the download to tell.
func (r *Registry) among(ctx context.Context, name skillName, answer *skillAnswer, pin source.Pin, why error) (source.Pin, error) {
	_, missing := errors.AsType[*EndpointError](why)
	infos, err := r.list(ctx, name, answer)
	if _, also := errors.AsType[*EndpointError](err); also && missing {
		return pin, nil
	}
	if err != nil {
		return source.Pin{}, err
	}
	info, err := version.Select(pin.Ref.Query, infos, "")
	switch {
	case err != nil:
		return source.Pin{}, err
	case info.Version == pin.Version && !missing:
		return source.Pin{}, why
	}
	if pin.Version = info.Version; missing {
		return pin, nil
	}
	return r.describe(ctx, name, pin)
}

// describe completes a Pin by what the registry publishes of its version.
func (r *Registry) describe(ctx context.Context, name skillName, pin source.Pin) (source.Pin, error) {
	var answer struct {
		Version *versionAnswer `json:"version"`
		Skill   *struct {
			Slug string `json:"slug"`
		} `json:"skill"`
	}
	address := r.base.ofSkill(name, "/versions/"+url.PathEscape(pin.Version))
	_, err := r.getField(ctx, address, name.slug, "version", &answer)
	if err != nil {
		return source.Pin{}, err
	}
	v := answer.Version
	switch {
	case v == nil:
		e := wrong(address, "it holds no version")
		e.Err = source.ErrNotFound
		return source.Pin{}, e
	case v.Version != "" && v.Version != pin.Version:
		return source.Pin{}, wrong(address, "it is about another version: "+quote(v.Version))
	case answer.Skill != nil && answer.Skill.Slug != "" && answer.Skill.Slug != name.slug:
		return source.Pin{}, wrong(address, "it is about another skill: "+quote(answer.Skill.Slug))
	}
	if pin.Files, err = v.files(address, r.limits.Entries); err != nil {
		return source.Pin{}, err
	}
	if pin.Files != nil {
		pin.Trust = source.FromRegistry
	}
	v.artifact(&pin)
	pin.Yanked = v.yankReason()
	switch scan := v.scan(); {
	case scan == "malicious":
		return source.Pin{}, &source.BlockedError{Slug: name.slug, Reason: source.FlagReason("the scan of version " + pin.Version + " says that it is malicious")}
	case scan == "suspicious" && pin.Flagged == "":
		pin.Flagged = source.FlagReason("the scan of version " + strings.TrimSpace(pin.Version) + " says that it is suspicious")
	}
	return pin, nil
}
