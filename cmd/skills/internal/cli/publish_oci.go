package cli

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/config"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/registry/oci"
)

// publishOCI pushes a skill to an OCI registry.
func (a *app) publishOCI(ctx context.Context, files fs.FS, to ref.Ref, f publishFlags) (*publishResult, error) {
	if strings.HasPrefix(to.URL, "oci+file:") {
		return nil, &usageError{message: fmt.Sprintf("%q is a layout in a folder, which is only read", ui.Cut(to.String(), 60)), hint: "what can be published to is oci://host/repository[:tag]"}
	}
	created, err := sourceDate(a.env.Getenv)
	if err != nil {
		return nil, err
	}
	src, err := a.ociSource()
	if err != nil {
		return nil, err
	}
	pushed, err := src.Push(ctx, files, to, oci.PushOptions{
		Created: created, Source: f.source, Revision: f.revision, ReplaceTag: f.replaceTag, DryRun: a.flags.dryRun,
	})
	if err != nil {
		return nil, err
	}
	r := &publishResult{
		Ref: pushed.Ref.String(), Name: pushed.Name, Version: pushed.Version, Status: statusPublished,
		Manifest: pushed.Manifest, Replaced: pushed.Replaced, SHA256: pushed.Artifact, Size: pushed.Size,
		Tree: pushed.Tree, Files: pushed.Files, DryRun: a.flags.dryRun,
	}
	switch {
	case pushed.Unchanged:
		r.Status = statusUnchanged
	case pushed.Replaced != "":
		r.Status = statusReplaced
	}
	return r, nil
}

// ociSource returns the source of what is in OCI registries.
func (a *app) ociSource() (*oci.Source, error) {
	client, err := a.client()
	if err != nil {
		return nil, err
	}
	limits, err := a.limits()
	if err != nil {
		return nil, err
	}
	dir := a.env.Getenv("DOCKER_CONFIG")
	if dir == "" {
		if home, err := config.Home(a.env.Getenv); err == nil {
			dir = filepath.Join(home, ".docker")
		}
	}
	o := oci.Options{Client: client, Limits: limits}
	if dir != "" {
		o.Credential = oci.DockerCredentials(filepath.Join(dir, "config.json"))
	}
	return oci.New(o), nil
}

// sourceDate returns the time that reproducible-builds.org has builds say that
// they were made at; the zero time if it is not set.
func sourceDate(getenv func(string) string) (time.Time, error) {
	const name = "SOURCE_DATE_EPOCH"
	text := getenv(name)
	if text == "" {
		return time.Time{}, nil
	}
	const most = 253402300799 // the end of the year 9999
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > most {
		return time.Time{}, &config.EnvError{Variable: name, Value: text, Why: "is not a number of seconds since 1970"}
	}
	return time.Unix(n, 0), nil
}
