package meta

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// maxCandidates is how many skills that match are compared. A word that a third of
// all have would else cost as much as all of them.
const maxCandidates = 1000

// A textQuery is a query of texts.
type textQuery struct {
	terms []term
	head  bool // only slug, name and topics
	any   bool // of the terms, instead of all
}

// Index makes a skill be found by a text instead of the one before.
func (tx *Tx) Index(ctx context.Context, skill int64, t Text) error {
	tx.counted = true
	head := tokens(strings.Join(append([]string{t.Slug, t.Name}, t.Topics...), " "))
	return tx.db.dialect.index(ctx, tx, skill, head, tokens(t.Summary))
}

// Search returns what a query finds, best first. An empty text finds nothing.
func (tx *Tx) Search(ctx context.Context, q SearchQuery) ([]Hit, error) {
	exact, err := tx.exactly(ctx, q)
	if err != nil || q.Exact {
		return page(exact, q), err
	}
	hits, seen := exact, map[int64]bool{}
	for _, h := range exact {
		seen[h.ID] = true
	}
	words := terms(q.Text)
	whole := slices.Clone(words)
	for i := range whole {
		whole[i].prefix = false
	}
	// What begins with the last word is looked for where whole words find too little:
	// it is a part of many words, and costs as much as all of them.
	for i, tier := range []textQuery{{terms: whole, head: true}, {terms: words, head: true}, {terms: whole}, {terms: words}, {terms: whole, any: true}} {
		if len(words) == 0 || len(hits) >= q.Offset+q.Limit || tier.any && (len(hits) > 0 || len(words) < 2) {
			break
		}
		found, err := tx.matching(ctx, tier, q.Owner, q.Offset+q.Limit+len(exact))
		if err != nil {
			return nil, err
		}
		for j, k := range found {
			if !seen[k.ID] {
				seen[k.ID] = true
				// Whole numbers for the tier, and less than one for the place in it.
				hits = append(hits, Hit{Skill: k, Score: float64(5-i) - float64(j)/float64(maxCandidates+1)})
			}
		}
	}
	return page(hits, q), nil
}

func page(hits []Hit, q SearchQuery) []Hit {
	hits = hits[min(q.Offset, len(hits)):]
	return hits[:min(q.Limit, len(hits))]
}

// exactly returns the skills whose slug, or owner/slug, is the query.
func (tx *Tx) exactly(ctx context.Context, q SearchQuery) ([]Hit, error) {
	owner, slug := q.Owner, strings.ToLower(strings.TrimSpace(q.Text))
	if o, s, ok := strings.Cut(strings.TrimPrefix(slug, "@"), "/"); ok && (owner == "" || owner == o) {
		owner, slug = o, s
	}
	slug = strings.ReplaceAll(slug, " ", "-")
	if slug == "" {
		return nil, nil
	}
	list, err := tx.Skills(ctx, owner, slug)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(k Skill) bool { return !k.Deleted.IsZero() || k.Removed != "" || k.Latest == "" })
	slices.SortStableFunc(list, func(a, b Skill) int { return int(b.Downloads - a.Downloads) })
	hits := make([]Hit, len(list))
	for i, k := range list {
		hits[i] = Hit{Skill: k, Score: 10}
	}
	return hits, nil
}

// matching returns skills that a text query finds, the most downloaded of the
// candidates first.
func (tx *Tx) matching(ctx context.Context, q textQuery, owner string, limit int) ([]Skill, error) {
	condition, value := tx.db.dialect.match(q, 1)
	query := `SELECT ` + skillColumns + ` FROM skills WHERE skills.id IN (` + condition + `) AND ` + there +
		` AND ($2 = '' OR skills.owner = $2) ORDER BY skills.downloads DESC, skills.stars DESC, skills.owner, skills.slug LIMIT $3`
	return rows(ctx, tx, scanSkill, query, value, owner, limit)
}

// orders is how lists are sorted, by a column whose ties the ID breaks.
var orders = map[Sort]struct {
	column string
	of     func(Skill) int64
}{
	ByUpdated:   {"updated", func(k Skill) int64 { return micros(k.Updated) }},
	ByCreated:   {"created", func(k Skill) int64 { return micros(k.Created) }},
	ByDownloads: {"downloads", func(k Skill) int64 { return k.Downloads }},
	ByStars:     {"stars", func(k Skill) int64 { return k.Stars }},
}

// A CursorError says that a cursor is none that a page gave.
type CursorError struct{}

func (*CursorError) Error() string { return "the cursor is not one of this list" }

// List returns a page of skills, and the cursor of the next or "".
func (tx *Tx) List(ctx context.Context, q ListQuery) (list []Skill, next string, err error) {
	which := there
	if q.Every {
		which = `1 = 1`
	}
	query := `SELECT ` + skillColumns + ` FROM skills WHERE ` + which + ` AND ($1 = '' OR owner = $1) AND ($2 = '' OR (slug >= $2 AND slug < $3))`
	args := []any{q.Owner, q.Prefix, q.Prefix + "\U0010FFFF"}
	o, sorted := orders[q.Sort]
	if sorted {
		value, id := int64(1)<<62, int64(1)<<62
		if q.Cursor != "" {
			if n, err := fmt.Sscanf(q.Cursor, "%d.%d", &value, &id); err != nil || n != 2 {
				return nil, "", &CursorError{}
			}
		}
		query += ` AND (` + o.column + `, id) < ($4, $5) ORDER BY ` + o.column + ` DESC, id DESC LIMIT $6`
		args = append(args, value, id)
	} else {
		owner, slug, ok := strings.Cut(q.Cursor, "/")
		if q.Cursor != "" && !ok {
			return nil, "", &CursorError{}
		}
		query += ` AND (owner, slug) > ($4, $5) ORDER BY owner, slug LIMIT $6`
		args = append(args, owner, slug)
	}
	list, err = rows(ctx, tx, scanSkill, query, append(args, q.Limit+1)...)
	if err != nil || len(list) <= q.Limit {
		return list, "", err
	}
	list = list[:q.Limit]
	last := list[q.Limit-1]
	if sorted {
		return list, fmt.Sprintf("%d.%d", o.of(last), last.ID), nil
	}
	return list, last.Owner + "/" + last.Slug, nil
}
