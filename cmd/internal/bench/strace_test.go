package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseSummary(t *testing.T) {
	const summary = `% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 61.54    0.000160          12        13           mmap
 38.46    0.000100           4       210         7 openat
  0.00    0.000000           0        13           close
------ ----------- ----------- --------- --------- ----------------
100.00    0.000260           1       236         7 total
`
	got, err := parseSummary(summary)
	if err != nil {
		t.Fatal(err)
	}
	want := []count{{"openat", 210}, {"close", 13}, {"mmap", 13}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(count{})); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if sum(got) != 236 {
		t.Errorf("sum is %d, want strace's own 236", sum(got))
	}
	if got := top(got, 2); got != "openat 210 · close 13" {
		t.Errorf("top is %q", got)
	}
}

func TestParseSummaryOfSomethingElse(t *testing.T) {
	if got, err := parseSummary("strace: exec: No such file or directory\n"); err == nil {
		t.Errorf("parsed %v from a text that is no summary", got)
	}
}
