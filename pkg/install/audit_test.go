package install_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/source"
)

// An auditor is a registry that judges its skills.
type auditor struct {
	*shelf
	status map[string]string // slug to status; "" is unknown
	asked  int
	err    error
}

func (a *auditor) Verdicts(_ context.Context, releases []source.Release) ([]source.Verdict, error) {
	a.asked++
	var verdicts []source.Verdict
	for _, r := range releases {
		status, known := a.status[r.Slug+"@"+r.Version]
		v := source.Verdict{Release: r, Known: known, Status: status, Passed: status == "clean"}
		if !known {
			v.Message = "no such\x1b version\nat all"
		}
		verdicts = append(verdicts, v)
	}
	return verdicts, a.err
}

func TestAudit(t *testing.T) {
	b := newBench(t)
	b.publish("pdf", "1.0.0")
	b.publish("docx", "1.0.0")
	b.publish("evil", "2.0.0")
	b.publish("odd", "1.0.0")
	b.publish("new", "1.0.0")
	b.other.put("plain", "1.0.0", map[string]string{"SKILL.md": skillText("plain", "x")})
	b.install(install.Options{}, "pdf", "docx", "evil", "odd", "new", "other:plain")
	a := &auditor{shelf: b.shelf, status: map[string]string{
		"pdf@1.0.0": "clean", "evil@2.0.0": "malicious", "odd@1.0.0": "suspicious", "new@1.0.0": "pending",
	}}
	b.Source.Open = func(url string) (source.Source, error) {
		if url == home {
			return a, nil
		}
		return b.other, nil
	}
	audits, err := b.Audit(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range audits {
		got = append(got, s.Name+" "+string(s.Verdict))
	}
	if want := "docx unknown, evil malicious, new pending, odd suspicious, pdf clean, plain none"; strings.Join(got, ", ") != want {
		t.Errorf("audits are %s\nwant %s", strings.Join(got, ", "), want)
	}
	if a.asked != 1 {
		t.Errorf("the registry was asked %d times for its five skills", a.asked)
	}
	if audits[0].Message != "no such version" {
		t.Errorf("the message is %q", audits[0].Message)
	}

	a.err = errors.New("out of order")
	audits, err = b.Audit(t.Context(), []string{"pdf", "pdf"})
	if err != nil || len(audits) != 1 || audits[0].Verdict != install.NoVerdict || audits[0].Err == nil {
		t.Errorf("Audit of a registry that fails = %+v, %v", audits, err)
	}
	if _, err := b.Audit(t.Context(), []string{"pdg"}); err == nil {
		t.Error("what is not installed was audited")
	}
}
