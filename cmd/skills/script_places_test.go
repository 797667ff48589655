package main

import (
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	skillversion "github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/clawhub/clawhubtest"
)

// clawhub serves the API of ClawHub: clawhub VAR DIR. Below DIR is a folder for
// each owner, with one for each slug, with one for each version. A file malware or
// suspicious beside the versions is what the registry thinks of the skill, and why;
// with a file meta its archives have the _meta.json of ClawHub.
// VAR becomes the address of the site, VAR_URL that of the registry.
func clawhub(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: clawhub VAR DIR")
	}
	dir := os.DirFS(ts.MkAbs(args[1]))
	o := clawhubtest.Options{}
	places, err := fs.Glob(dir, "*/*")
	ts.Check(err)
	for _, place := range places {
		s := clawhubtest.Skill{Owner: path.Dir(place), Slug: path.Base(place), Summary: "Does one thing."}
		meta := false
		entries, err := fs.ReadDir(dir, place)
		ts.Check(err)
		for _, e := range entries {
			if e.IsDir() {
				s.Versions = append(s.Versions, clawhubtest.Version{Version: e.Name(), Files: filesBelow(ts, dir, path.Join(place, e.Name()))})
				continue
			}
			if e.Name() == "meta" {
				meta = true
				continue
			}
			why, err := fs.ReadFile(dir, path.Join(place, e.Name()))
			ts.Check(err)
			s.Moderation = &clawhubtest.Moderation{Malware: e.Name() == "malware", Suspicious: e.Name() == "suspicious", Verdict: map[string]string{"malware": "malicious", "suspicious": "suspicious"}[e.Name()], Summary: strings.TrimSpace(string(why))}
		}
		for i := range s.Versions {
			s.Versions[i].Meta = meta
		}
		slices.SortFunc(s.Versions, func(a, b clawhubtest.Version) int { return skillversion.Compare(a.Version, b.Version) })
		o.Skills = append(o.Skills, s)
	}
	s := clawhubtest.New(state(ts).tb, o)
	state(ts).asked[args[0]] = func() []string {
		var list []string
		for _, r := range s.Requests() {
			list = append(list, r.String())
		}
		return list
	}
	ts.Setenv(args[0], s.URL)
	ts.Setenv(args[0]+"_URL", "clawhub+"+s.Registry())
}

func filesBelow(ts *testscript.TestScript, dir fs.FS, root string) map[string]string {
	files := map[string]string{}
	ts.Check(fs.WalkDir(dir, root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(dir, p)
		files[strings.TrimPrefix(p, root+"/")] = string(data)
		return err
	}))
	return files
}
