package web

import (
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/registry/internal/catalog"
	"github.com/openskills-go/skills/registry/internal/meta"
)

const (
	pageSize = 20
	maxPages = 50
	maxQuery = 200
	maxShown = 512 << 10 // bytes of a file that is shown
)

func (v *visit) home() {
	ctx := v.r.Context()
	skills, versions, owners, err := v.o.Catalog.Count(ctx)
	if err != nil {
		v.failed(err)
		return
	}
	newest, _, err := v.o.Catalog.List(ctx, meta.ListQuery{Sort: meta.ByUpdated, Limit: 6})
	if err != nil {
		v.failed(err)
		return
	}
	used, _, err := v.o.Catalog.List(ctx, meta.ListQuery{Sort: meta.ByDownloads, Limit: 6})
	if err != nil {
		v.failed(err)
		return
	}
	v.render(http.StatusOK, "home.html", "", map[string]any{"Skills": skills, "Versions": versions, "Owners": owners, "Newest": newest, "Used": used})
}

func (v *visit) search() {
	values := v.r.URL.Query()
	text := strings.TrimSpace(values.Get("q"))
	page, _ := strconv.Atoi(values.Get("page"))
	page = max(1, min(page, maxPages))
	if len(text) > maxQuery {
		text = strings.ToValidUTF8(text[:maxQuery], "")
	}
	hits, err := v.o.Catalog.Search(v.r.Context(), meta.SearchQuery{Text: text, Limit: pageSize + 1, Offset: (page - 1) * pageSize})
	if err != nil {
		v.failed(err)
		return
	}
	next := 0
	if len(hits) > pageSize {
		hits, next = hits[:pageSize], page+1
	}
	skills := make([]meta.Skill, len(hits))
	for i, h := range hits {
		skills[i] = h.Skill
	}
	title := v.text.Search
	if text != "" {
		title = visible(text) + " · " + v.text.Search
	}
	v.render(http.StatusOK, "results.html", title, map[string]any{"Text": text, "Skills": skills, "Page": page, "Before": page - 1, "Next": next})
}

func (v *visit) all() {
	list, next, err := v.o.Catalog.List(v.r.Context(), meta.ListQuery{Limit: 50, Cursor: v.r.URL.Query().Get("after")})
	if err != nil {
		v.fail(http.StatusBadRequest, "")
		return
	}
	v.render(http.StatusOK, "all.html", v.text.AllSkills, map[string]any{"Skills": list, "Next": next})
}

func (v *visit) owner(handle string) {
	o, err := v.o.Catalog.Owner(v.r.Context(), handle)
	if err != nil {
		v.failed(err)
		return
	}
	list, next, err := v.o.Catalog.List(v.r.Context(), meta.ListQuery{Owner: handle, Limit: 50, Cursor: v.r.URL.Query().Get("after")})
	if err != nil {
		v.fail(http.StatusBadRequest, "")
		return
	}
	v.render(http.StatusOK, "owner.html", handle, map[string]any{"Owner": o, "Skills": list, "Next": next})
}

func (v *visit) skill(n catalog.Name, number string) {
	ctx := v.r.Context()
	s, err := v.o.Catalog.Find(ctx, n)
	if err != nil {
		v.failed(err)
		return
	}
	versions, err := v.o.Catalog.Versions(ctx, s)
	if err != nil {
		v.failed(err)
		return
	}
	page := map[string]any{"Skill": s, "Versions": versions, "Named": number != ""}
	one, err := v.o.Catalog.Select(ctx, s, catalog.Want{Version: number})
	if err != nil {
		if number != "" || s.Latest != "" {
			v.failed(err)
			return
		}
	} else {
		list, err := v.o.Catalog.Files(ctx, one)
		if err != nil {
			v.failed(err)
			return
		}
		data, _, err := v.o.Catalog.File(ctx, one, skill.FileName)
		if err != nil {
			v.failed(err)
			return
		}
		base := "/" + s.Owner + "/" + s.Slug + "/" + one.Version + "/files/"
		page["Version"], page["Files"], page["Body"] = one, list, v.markdown.render(string(one.Artifact)+base, data, base)
	}
	v.render(http.StatusOK, "skill.html", s.Owner+"/"+s.Slug, page)
}

// file shows a file as text, or hands it out as something to keep. Nothing that was
// uploaded is run by a browser.
func (v *visit) file(n catalog.Name, number, name string) {
	ctx := v.r.Context()
	s, err := v.o.Catalog.Find(ctx, n)
	if err != nil {
		v.failed(err)
		return
	}
	one, err := v.o.Catalog.Select(ctx, s, catalog.Want{Version: number})
	if err != nil {
		v.failed(err)
		return
	}
	data, f, err := v.o.Catalog.File(ctx, one, name)
	if err != nil {
		v.failed(err)
		return
	}
	text := utf8.Valid(data) && !strings.Contains(string(data), "\x00")
	if !text || len(data) > maxShown || v.r.URL.Query().Has("raw") {
		h := v.w.Header()
		h.Set("Content-Type", "application/octet-stream")
		if text {
			h.Set("Content-Type", "text/plain; charset=utf-8")
		}
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": path.Base(f.Path)}))
		h.Set("Content-Length", strconv.Itoa(len(data)))
		h.Set("Cache-Control", "no-cache")
		if v.r.Method != http.MethodHead {
			_, _ = v.w.Write(data)
		}
		return
	}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	for i, line := range lines {
		lines[i] = visible(strings.TrimSuffix(line, "\r"))
	}
	v.render(http.StatusOK, "file.html", f.Path, map[string]any{"Skill": s, "Version": one, "File": f, "Lines": lines})
}

// visible makes text that people do not see, or that turns other text around, seen.
func visible(text string) string {
	hidden := func(r rune) bool {
		return r != '\t' && r != '\n' && unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r) || r >= 0xE0000 && r <= 0xE0FFF || r == 0x200B || r == 0xFEFF
	}
	if !strings.ContainsFunc(text, hidden) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if hidden(r) {
			b.WriteString("\uFFFD")
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
