package clawhub

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
)

// An installAnswer says where a skill is that the registry has no version of.
type installAnswer struct {
	OK          *bool  `json:"ok"`
	InstallKind string `json:"installKind"`
	Archive     struct {
		Version string `json:"version"`
	} `json:"archive"`
	GitHub githubAnswer `json:"github"`

	Reason  string `json:"reason"`
	Message string `json:"message"`
	Status  int    `json:"status"`
}

// A githubAnswer is a folder of a commit of a repository on GitHub.
type githubAnswer struct {
	Repo   string `json:"repo"`
	Path   string `json:"path"`
	Commit string `json:"commit"`
}

// text returns the reference to what a registry points to, in the form that
// ref.Parse reads. The error says what of it cannot be.
func (g githubAnswer) text(address string) (string, error) {
	refuse := func(what, value string) (string, error) {
		return "", wrong(address, "it points to a "+what+" that cannot be: "+quote(value))
	}
	folder := strings.Trim(g.Path, "/")
	if folder == "." {
		folder = ""
	}
	if !isCommit(g.Commit) {
		return refuse("commit", g.Commit)
	}
	text := "https://github.com/" + g.Repo
	if folder != "" {
		text += "//" + folder
	}
	text += "@" + g.Commit
	// What is made of pieces has to be read as these pieces again.
	r, err := ref.Parse(text)
	if err != nil || r.Kind != ref.Git || r.Rev != g.Commit || r.Subdir != folder || !strings.EqualFold(r.URL, "https://github.com/"+g.Repo) {
		return refuse("place", g.Repo+"//"+g.Path)
	}
	return text, nil
}

// isCommit reports whether s is a whole commit of git: no branch, and no part.
func isCommit(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}

// install asks how a skill is to be installed. What the registry refuses is an
// error.
func (r *Registry) install(ctx context.Context, name skillName) (installAnswer, error) {
	address := r.base.ofSkill(name, "/install")
	var answer installAnswer
	_, err := r.getField(ctx, address, name.slug, "ok", &answer)
	if status, ok := errors.AsType[*transport.StatusError](err); ok {
		// A refusal has a status of its own, and the same words.
		var refusal installAnswer
		if json.Unmarshal(status.Body, &refusal) == nil && refusal.OK != nil && !*refusal.OK {
			refusal.Status = status.Status
			return installAnswer{}, refusal.refusal(name, address)
		}
	}
	if err != nil {
		return installAnswer{}, err
	}
	if answer.OK == nil || !*answer.OK {
		return installAnswer{}, answer.refusal(name, address)
	}
	return answer, nil
}

// handover asks where a skill is that has no latest version, and completes pin by
// the answer. It reports whether that is elsewhere, in which case Fetch takes it
// from there; if not, pin has a version.
func (r *Registry) handover(ctx context.Context, name skillName, pin *source.Pin) (elsewhere bool, err error) {
	address := r.base.ofSkill(name, "/install")
	answer, err := r.install(ctx, name)
	if err != nil {
		return false, err
	}
	switch answer.InstallKind {
	case "archive":
		// The address that it names is not taken: a lock has only the version, and
		// has to lead to the same.
		if pin.Version = answer.Archive.Version; !validVersion(pin.Version) {
			return false, wrong(address, "it names a version that is none: "+quote(pin.Version))
		}
		return false, nil
	case "github":
		if pin.URL, err = answer.GitHub.text(address); err != nil {
			return false, err
		}
		pin.Revision = answer.GitHub.Commit
		return true, nil
	}
	return false, wrong(address, "it names a way to install that is not known: "+quote(answer.InstallKind))
}

// refusal is the error for a skill that cannot be installed.
func (a *installAnswer) refusal(name skillName, address string) error {
	text := strings.Trim(a.Message+" ("+a.Reason+")", " ()")
	if mentions(a.Reason+" "+a.Message, "malware", "malicious") {
		return &source.BlockedError{Slug: name.slug, Reason: source.FlagReason(text)}
	}
	e := wrong(address, "the skill cannot be installed")
	e.Message = text
	if a.Status != 0 {
		e.Status = a.Status
	}
	switch {
	case a.Status == 404 || a.Status == 410 || mentions(a.Reason, "not_found", "not-found", "deleted", "gone", "no_version", "no-version"):
		e.Err = source.ErrNotFound
	case a.Status == 401:
		e.Err = source.ErrAuth
	default:
		e.Err = source.ErrWithheld
	}
	return e
}
