package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"1": 1, "64MiB": 64 << 20, "64mib": 64 << 20, "1.5GiB": 3 << 29, "500kB": 500_000, "2M": 2 << 20, "10 MB": 10_000_000,
		"": 0, "0": 0, "-1": 0, "MiB": 0, "1XB": 0, "1e99": 0, "NaN": 0, "Inf": 0, "9999999TiB": 0, "1MiB2": 0,
	} {
		got, err := parseSize(text)
		if got != want || (err != nil) != (want == 0) {
			t.Errorf("parseSize(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
}

func TestParseSpan(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30": 30 * time.Second, "30s": 30 * time.Second, "2m": 2 * time.Minute, "0": 0,
		"-1": -1, "soon": -1, "": -1, "-5s": -1, "1e99": -1,
	} {
		got, err := parseSpan(text)
		switch {
		case want < 0:
			if err == nil {
				t.Errorf("parseSpan(%q) = %v, want an error", text, *got)
			}
		case err != nil || *got != want:
			t.Errorf("parseSpan(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestParseList(t *testing.T) {
	got, err := parseList(" a, b,a")
	if err != nil || strings.Join(got, " ") != "a b" {
		t.Errorf("parseList = %q, %v", got, err)
	}
	for _, text := range []string{"", ",", "a,", "a,,b"} {
		if got, err := parseList(text); err == nil {
			t.Errorf("parseList(%q) = %q, want an error", text, got)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"install", "info", "list", "remove", "registry", "completion"}
	for typed, want := range map[string]string{
		"instal": "install", "isntall": "install", "INSTALL": "install", "lst": "list", "comp": "completion",
		"zebra": "", "x": "",
	} {
		if got := nearest(typed, names); got != want {
			t.Errorf("nearest(%q) = %q, want %q", typed, got, want)
		}
	}
}

// TestSpellOut holds that what is spelled out means the same to a parser.
func TestSpellOut(t *testing.T) {
	for _, text := range []string{"plain", "中文", "\u009b31m", "a\u202eb", "\U000e0069", "\u200d", "\x7f", "😀"} {
		data, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		safe := spellOut(data)
		var back string
		if err := json.Unmarshal(safe, &back); err != nil || back != text {
			t.Errorf("spellOut(%+q) = %s, which is %+q, %v", text, safe, back, err)
		}
		if strings.ContainsAny(string(safe), "\u009b\u202e\U000e0069\u200d\x7f") {
			t.Errorf("spellOut(%+q) = %+q lets something through", text, safe)
		}
	}
}
