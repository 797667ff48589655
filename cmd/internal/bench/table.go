package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// A row is one line of the table. What is zero or empty is not shown.
type row struct {
	what          string
	median, least string
	ratio         string // to what, such as "1.40 cp -r"
	bar           string
	limit         float64 // the bar as a number

	number, quotient float64 // what is judged: the ratio if the bar is one, else the number
	judgeRatio       bool
	more             bool // is better
}

// A table collects rows, and the notes that follow them.
type table struct {
	rows  []row
	notes []string
}

// time adds a row for wall times. Without a base there is no ratio.
func (t *table) time(what string, s samples, base samples, baseName string) *row {
	r := row{what: what, median: fmt.Sprintf("%.1f ms", s.median()), least: fmt.Sprintf("%.1f ms", s.least()), number: s.median()}
	if base != nil && base.median() > 0 {
		r.quotient = s.median() / base.median()
		r.ratio = fmt.Sprintf("%.2f %s", r.quotient, baseName)
	}
	return t.add(r)
}

// number adds a row for something else than a time.
func (t *table) number(what string, value float64, unit string) *row {
	return t.add(row{what: what, median: strings.TrimSpace(fmt.Sprintf("%.1f %s", value, unit)), number: value})
}

func (t *table) add(r row) *row {
	t.rows = append(t.rows, r)
	return &t.rows[len(t.rows)-1]
}

// atMost sets the bar for the row's number, in its unit.
func (r *row) atMost(limit float64, unit string) {
	r.limit = limit
	r.bar = strings.TrimSpace(fmt.Sprintf("%g %s", limit, unit))
}

// atLeast sets the bar for the row's number, of which more is better.
func (r *row) atLeast(limit float64, unit string) {
	r.atMost(limit, unit)
	r.more = true
}

// atMostTimes sets the bar for the row's ratio.
func (r *row) atMostTimes(limit float64) {
	r.atMost(limit, "x")
	r.judgeRatio = true
}

// verdict says whether the row reaches its bar.
func (r *row) verdict() string {
	value := r.number
	if r.judgeRatio {
		value = r.quotient
	}
	switch {
	case r.bar == "":
		return ""
	case r.more && value < r.limit:
		return "under"
	case !r.more && value > r.limit:
		return "over"
	default:
		return "ok"
	}
}

func (t *table) write(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "what\tmedian\tmin\tratio to\tbar\t")
	for _, r := range t.rows {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", r.what, r.median, r.least, r.ratio, r.bar, r.verdict())
	}
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	for _, note := range t.notes {
		fmt.Fprintf(w, "\n%s\n", note)
	}
	return nil
}
