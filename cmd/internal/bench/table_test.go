package main

import (
	"strings"
	"testing"
	"time"
)

func TestVerdict(t *testing.T) {
	base := samples{{wall: 100 * time.Millisecond}}
	for _, tc := range []struct {
		name string
		wall time.Duration
		want string
	}{
		{"under", 150 * time.Millisecond, "ok"},
		{"on it", 180 * time.Millisecond, "ok"},
		{"over", 181 * time.Millisecond, "over"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var tab table
			r := tab.time("install", samples{{wall: tc.wall}}, base, "cp")
			r.atMostTimes(1.8)
			if got := r.verdict(); got != tc.want {
				t.Errorf("verdict on the ratio is %q, want %q", got, tc.want)
			}
			r = tab.time("install", samples{{wall: tc.wall}}, base, "cp")
			r.atMost(180, "ms")
			if got := r.verdict(); got != tc.want {
				t.Errorf("verdict on the time is %q, want %q", got, tc.want)
			}
		})
	}
}

func TestTableShowsNoVerdictWithoutABar(t *testing.T) {
	var tab table
	tab.number("files", 12, "")
	var out strings.Builder
	if err := tab.write(&out); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Contains(got, "ok") || strings.Contains(got, "over") {
		t.Errorf("a row without a bar is judged:\n%s", got)
	}
}
