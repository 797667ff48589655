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
// former holds an owner that it had before; stored makes its zips other bytes, and
// truncated cuts them; with plain they lack the _meta.json of ClawHub. VAR becomes the address of the site, VAR_URL that of the
// registry. With a VAR that is served already, DIR is all that it has from now on.
func clawhub(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: clawhub VAR DIR")
	}
	skills := skillsBelow(ts, os.DirFS(ts.MkAbs(args[1])))
	if s, ok := state(ts).hubs[args[0]]; ok {
		s.Publish(skills...)
		return
	}
	s := clawhubtest.New(state(ts).tb, clawhubtest.Options{Skills: skills})
	state(ts).hubs[args[0]] = s
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

// skillsBelow reads the skills of a registry.
func skillsBelow(ts *testscript.TestScript, dir fs.FS) []clawhubtest.Skill {
	var skills []clawhubtest.Skill
	places, err := fs.Glob(dir, "*/*")
	ts.Check(err)
	for _, place := range places {
		s := clawhubtest.Skill{Owner: path.Dir(place), Slug: path.Base(place), Summary: "Does one thing."}
		entries, err := fs.ReadDir(dir, place)
		ts.Check(err)
		notes := map[string]string{}
		for _, e := range entries {
			if e.IsDir() {
				s.Versions = append(s.Versions, clawhubtest.Version{Version: e.Name(), Files: filesBelow(ts, dir, path.Join(place, e.Name()))})
				continue
			}
			text, err := fs.ReadFile(dir, path.Join(place, e.Name()))
			ts.Check(err)
			notes[e.Name()] = strings.TrimSpace(string(text))
		}
		for i := range s.Versions {
			_, plain := notes["plain"]
			s.Versions[i].Meta = !plain
			_, s.Versions[i].Stored = notes["stored"]
			_, s.Versions[i].Truncated = notes["truncated"]
		}
		if former, ok := notes["former"]; ok {
			s.Former = []string{former}
		}
		if why, ok := notes["malware"]; ok {
			s.Moderation = &clawhubtest.Moderation{Malware: true, Verdict: "malicious", Summary: why}
		}
		if why, ok := notes["suspicious"]; ok {
			s.Moderation = &clawhubtest.Moderation{Suspicious: true, Verdict: "suspicious", Summary: why}
		}
		slices.SortFunc(s.Versions, func(a, b clawhubtest.Version) int { return skillversion.Compare(a.Version, b.Version) })
		skills = append(skills, s)
	}
	return skills
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
