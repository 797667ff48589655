package clawhubtest

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/openskills-go/skills/registry/internal/fingerprint"
)

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

func (v *Version) paths() []string { return slices.Sorted(maps.Keys(v.Files)) }

// artifact is the zip of a version: its files at the top, and the same bytes each
// time.
func (k *Skill) artifact(v *Version) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	method := zip.Deflate
	if v.Stored {
		method = zip.Store
	}
	add := func(path, text string) {
		w, err := z.CreateHeader(&zip.FileHeader{
			Name: path, Method: method, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC),
		})
		if err == nil {
			_, _ = io.WriteString(w, text)
		}
	}
	for _, path := range v.paths() {
		add(path, v.Files[path])
	}
	if v.Meta {
		meta, _ := json.Marshal(object{"ownerId": k.Owner, "slug": k.Slug, "version": v.Version, "publishedAt": stamp})
		add("_meta.json", string(meta))
	}
	_ = z.Close()
	if v.Truncated {
		return b.Bytes()[:b.Len()/2]
	}
	return b.Bytes()
}

// Artifact returns the zip that the server sends for a version of a skill, nil if
// there is none.
func (s *Server) Artifact(owner, slug, version string) []byte {
	for i := range s.options.Skills {
		k := &s.options.Skills[i]
		if k.Owner == owner && k.Slug == slug {
			if v := k.find(version); v != nil {
				return k.artifact(v)
			}
		}
	}
	return nil
}

func (s *Server) download(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	k := s.find(w, q.Get("slug"), q.Get("ownerHandle"))
	if k == nil {
		return
	}
	if slices.Contains(k.Aliases, q.Get("slug")) {
		q.Set("slug", k.Slug)
		http.Redirect(w, r, s.options.Base+"/api/v1/download?"+q.Encode(), http.StatusFound)
		return
	}
	if k.blocked() {
		refuse(w, http.StatusForbidden, "Blocked: this skill is flagged as malicious and cannot be downloaded.")
		return
	}
	if len(k.Versions) == 0 && k.GitHub != nil {
		reply(w, http.StatusOK, object{
			"sourceRef": "public-github", "repo": k.GitHub.Repo, "commit": k.GitHub.Commit, "path": k.GitHub.Path,
			"contentHash": sum(k.Slug), "archiveUrl": "https://github.com/" + k.GitHub.Repo + "/archive/" + k.GitHub.Commit + ".zip",
		})
		return
	}
	v := versionOf(w, k, q.Get("version"), q.Get("tag"))
	if v == nil {
		return
	}
	data := k.artifact(v)
	h := w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", url.PathEscape(k.Slug)+"-"+v.Version+".zip"))
	h.Set("Cache-Control", "private, max-age=60")
	h.Set("Etag", `"`+sum(string(data))+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

func (s *Server) file(w http.ResponseWriter, r *http.Request) {
	k := s.ofPath(w, r)
	if k == nil {
		return
	}
	q := r.URL.Query()
	v := versionOf(w, k, q.Get("version"), q.Get("tag"))
	if v == nil {
		return
	}
	text, ok := v.Files[q.Get("path")]
	if !ok {
		refuse(w, http.StatusNotFound, "File not found")
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Etag", sum(text))
	h.Set("X-Content-SHA256", sum(text))
	_, _ = io.WriteString(w, text)
}

// Fingerprint returns the hash by which the client of ClawHub knows a version.
func Fingerprint(files map[string]string) string {
	data := make(map[string][]byte, len(files))
	for path, text := range files {
		data[path] = []byte(text)
	}
	return fingerprint.Of(data)
}

func (s *Server) resolve(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	k := s.find(w, q.Get("slug"), q.Get("ownerHandle"))
	if k == nil {
		return
	}
	answer := object{"slug": k.Slug, "match": nil, "latestVersion": nil}
	if v := k.latest(); v != nil {
		answer["latestVersion"] = object{"version": v.Version}
	}
	for i := range k.Versions {
		if Fingerprint(k.Versions[i].Files) == q.Get("hash") {
			answer["match"] = object{"version": k.Versions[i].Version}
		}
	}
	reply(w, http.StatusOK, answer)
}
