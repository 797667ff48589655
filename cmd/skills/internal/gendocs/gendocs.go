package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/openskills-go/skills/cmd/skills/internal/cli"
)

// A page is one generated file.
type page struct {
	name string
	data []byte
}

// commands returns the tree of commands as it is in an empty environment, so
// that no default in the documentation is that of whoever wrote it.
func commands() *cobra.Command {
	root := cli.New(cli.Env{
		Version: "dev",
		Getenv:  func(string) string { return "" },
		Getwd:   func() (string, error) { return "/", nil },
		Stdin:   strings.NewReader(""),
		Stdout:  io.Discard,
		Stderr:  io.Discard,
	})
	root.DisableAutoGenTag = true // it is a date
	return root
}

// each calls f for root and every command below it that help shows.
func each(root *cobra.Command, f func(*cobra.Command) error) error {
	root.DisableAutoGenTag = true
	if err := f(root); err != nil {
		return fmt.Errorf("describe %s: %w", root.CommandPath(), err)
	}
	for _, cmd := range root.Commands() {
		if !cmd.IsAvailableCommand() || cmd.IsAdditionalHelpTopicCommand() {
			continue
		}
		if err := each(cmd, f); err != nil {
			return err
		}
	}
	return nil
}

// reference returns the pages of docs/cli.
func reference(root *cobra.Command) (pages []page, err error) {
	err = each(root, func(cmd *cobra.Command) error {
		var b bytes.Buffer
		if err := doc.GenMarkdown(cmd, &b); err != nil {
			return err
		}
		pages = append(pages, page{strings.ReplaceAll(cmd.CommandPath(), " ", "_") + ".md", tidy(b.Bytes())})
		return nil
	})
	return append(pages, errorsPage()), err
}

// errorsPage lists exit codes and error codes: what scripts rely on.
func errorsPage() page {
	var b bytes.Buffer
	b.WriteString("# Errors\n\nThe exit code of a command, and the `code` of each entry of `errors` in its `--json` output.\n")
	b.WriteString("\n## Exit codes\n\n| exit code | meaning |\n|---|---|\n")
	for _, c := range cli.ExitCodes() {
		fmt.Fprintf(&b, "| %d | %s |\n", c.Exit, c.Meaning)
	}
	b.WriteString("\nIf several skills were asked for and all failed alike, the exit code is theirs. If some are done and some are\n" +
		"not, it is 3.\n\n## Codes\n\n| code | exit code | may work later | meaning |\n|---|---|---|---|\n")
	for _, c := range cli.Codes() {
		again := "no"
		if c.Retryable {
			again = "yes"
		}
		fmt.Fprintf(&b, "| `%s` | %d | %s | %s |\n", c.Code, c.Exit, again, c.Meaning)
	}
	return page{"errors.md", b.Bytes()}
}

// manual returns the man pages. They carry no date: the same commands give the
// same bytes.
func manual(root *cobra.Command) (pages []page, err error) {
	err = each(root, func(cmd *cobra.Command) error {
		var b bytes.Buffer
		header := &doc.GenManHeader{Section: "1", Source: "skills", Manual: "skills manual", Date: &time.Time{}}
		if err := doc.GenMan(cmd, header, &b); err != nil {
			return err
		}
		data := bytes.Replace(b.Bytes(), []byte(`"`+header.Date.Format("Jan 2006")+`"`), []byte(`""`), 1)
		pages = append(pages, page{strings.ReplaceAll(cmd.CommandPath(), " ", "-") + ".1", data})
		return nil
	})
	return pages, err
}

// completions returns a completion script for each shell, under the name that
// the shell looks for.
func completions(root *cobra.Command) (pages []page, err error) {
	for _, shell := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{"skills.bash", func(w io.Writer) error { return root.GenBashCompletionV2(w, true) }},
		{"_skills", root.GenZshCompletion},
		{"skills.fish", func(w io.Writer) error { return root.GenFishCompletion(w, true) }},
		{"skills.ps1", root.GenPowerShellCompletionWithDesc},
	} {
		var b bytes.Buffer
		if err := shell.write(&b); err != nil {
			return nil, fmt.Errorf("make %s: %w", shell.name, err)
		}
		pages = append(pages, page{shell.name, b.Bytes()})
	}
	return pages, nil
}

// tidy drops spaces at the ends of lines and empty lines at the end.
func tidy(text []byte) []byte {
	lines := bytes.Split(text, []byte("\n"))
	for i, line := range lines {
		lines[i] = bytes.TrimRight(line, " \t")
	}
	return append(bytes.TrimRight(bytes.Join(lines, []byte("\n")), "\n"), '\n')
}

func writeReference(dir string) error {
	pages, err := reference(commands())
	if err != nil {
		return err
	}
	return replace(dir, ".md", pages)
}

func writeRelease(dir string) error {
	for _, kind := range []struct {
		dir   string
		pages func(*cobra.Command) ([]page, error)
	}{{"man", manual}, {"completions", completions}} {
		pages, err := kind.pages(commands())
		if err != nil {
			return err
		}
		if err := replace(filepath.Join(dir, kind.dir), "", pages); err != nil {
			return err
		}
	}
	return nil
}

// replace makes pages the only files of dir that end in suffix.
func replace(dir, suffix string, pages []page) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write %s: %w", dir, err)
	}
	old, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		return fmt.Errorf("write %s: %w", dir, err)
	}
	for _, name := range old {
		if err := os.Remove(name); err != nil {
			return fmt.Errorf("write %s: %w", dir, err)
		}
	}
	for _, p := range pages {
		if err := os.WriteFile(filepath.Join(dir, p.name), p.data, 0o644); err != nil {
			return fmt.Errorf("write %s: %w", dir, err)
		}
	}
	return nil
}
