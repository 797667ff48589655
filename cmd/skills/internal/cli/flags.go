package cli

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/spelling"
)

// flags are the values of every flag. One process runs one command, so they
// need no more structure than that.
type flags struct {
	json, quiet, verbose, noInput, yes bool
	dryRun                             bool

	user, project bool
	dir           string

	registry string
	agents   []string
	locale   string
	offline  bool
	bundle   string
	jobs     int
	stall    *time.Duration // nil: not given
	maxWait  *time.Duration

	maxDownload, maxUnpacked, maxFile int64
	maxEntries                        int

	onEdit       install.OnEdit
	replace      bool
	acceptRename bool
	acceptOwner  bool
	acceptRisk   []string
}

// A value is a flag that is checked while the command line is read, so that a
// mistake is told before anything is done.
type value[T any] struct {
	to    *T
	parse func(string) (T, error)
	kind  string
	text  string
}

func (v *value[T]) Set(text string) error {
	parsed, err := v.parse(text)
	if err != nil {
		return err
	}
	*v.to, v.text = parsed, text
	return nil
}

func (v *value[T]) String() string { return v.text }
func (v *value[T]) Type() string   { return v.kind }

// globalFlags are those that mean the same for every command.
func (a *app) globalFlags(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.BoolVar(&a.flags.json, "json", false, "print one JSON object on standard output")
	f.BoolVarP(&a.flags.quiet, "quiet", "q", false, "no notes and no progress")
	f.BoolVarP(&a.flags.verbose, "verbose", "v", false, "tell every request and wait")
	f.BoolVar(&a.flags.noInput, "no-input", false, "never ask; a needed decision is an error")
	f.BoolVarP(&a.flags.yes, "yes", "y", false, "answer yes to what is asked; never overwrites your edits")
}

// scopeFlags choose which set of installed skills is meant.
func (a *app) scopeFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&a.flags.user, "user", false, "your own, whatever folder this is")
	f.BoolVar(&a.flags.project, "project", false, "those of the project that this folder is in")
	f.StringVar(&a.flags.dir, "dir", "", "those in the folder at `path`, which has its own lock")
	_ = cmd.MarkFlagDirname("dir")
}

// agentFlag chooses agents, for usage.
func (a *app) agentFlag(cmd *cobra.Command, usage string) {
	cmd.Flags().Var(&value[[]string]{to: &a.flags.agents, parse: parseList, kind: "agents"}, "agent", usage)
	_ = cmd.RegisterFlagCompletionFunc("agent", a.completeAgents)
}

func (a *app) dryRunFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&a.flags.dryRun, "dry-run", "n", false, "say what would be done, and do nothing")
}

// registryFlag chooses the registry, and comes with netFlags. Commands that ask
// the registries in the lock have only those.
func (a *app) registryFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.flags.registry, "registry", "", "the `registry` to ask: a name, an address or a folder")
	_ = cmd.RegisterFlagCompletionFunc("registry", a.completeRegistries)
}

// netFlags are those of commands that use the network.
func (a *app) netFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Var(&value[string]{to: &a.flags.locale, parse: parseLocale, kind: "locale"}, "locale", "language to ask for, such as en or zh")
	f.BoolVar(&a.flags.offline, "offline", false, "use what was fetched before; never the network")
	f.Var(&value[int]{to: &a.flags.jobs, parse: parseJobs, kind: "n"}, "jobs", "transfers at once (default 8)")
	f.Var(&value[*time.Duration]{to: &a.flags.stall, parse: parseSpan, kind: "duration"}, "timeout", "give up on a transfer that brings no bytes for so long (default 30s)")
	f.Var(&value[*time.Duration]{to: &a.flags.maxWait, parse: parseSpan, kind: "duration"}, "max-wait", "longest wait that a registry may ask for (default 60s)")
	_ = cmd.RegisterFlagCompletionFunc("locale", fixed("en", "zh"))
}

// limitFlags raise or lower what an archive may hold.
func (a *app) limitFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	size := func(to *int64, name, usage string) {
		f.Var(&value[int64]{to: to, parse: parseSize, kind: "size"}, name, usage)
	}
	size(&a.flags.maxDownload, "max-download", "largest artifact, such as 64MiB")
	size(&a.flags.maxUnpacked, "max-unpacked", "largest sum of an artifact's files")
	size(&a.flags.maxFile, "max-file", "largest file")
	f.Var(&value[int]{to: &a.flags.maxEntries, parse: parseCount, kind: "n"}, "max-entries", "most files and folders in an artifact")
}

// What --on-edit says, by what a command does with skills.
const (
	editMerge   = "skills that you changed: merge, keep, overwrite after a backup, or fail (default merge on a terminal, else fail)"
	editRestore = "skills that you changed: overwrite puts them back, after a backup; else they are kept"
	editRemove  = "skills that you changed: overwrite takes them out as well, after a backup; else they are kept"
)

// editFlags say what may be overwritten. Whatever is goes into a backup first.
func (a *app) editFlags(cmd *cobra.Command, usage string, replace bool) {
	f := cmd.Flags()
	f.Var(&value[install.OnEdit]{to: &a.flags.onEdit, parse: parseOnEdit, kind: "how"}, "on-edit", usage)
	_ = cmd.RegisterFlagCompletionFunc("on-edit", fixed("merge", "keep", "overwrite", "fail"))
	if replace {
		f.BoolVar(&a.flags.replace, "replace", false, "replace a folder that skills did not place, after a backup")
	}
}

// ownerFlag lets a skill be another owner's than the lock says.
func (a *app) ownerFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&a.flags.acceptOwner, "accept-owner-change", false, "take a skill that is another owner's now, and record that")
}

// riskFlag lets versions be taken that their registry flags.
func (a *app) riskFlag(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&a.flags.acceptRisk, "accept-risk", nil, "take this `version` though its registry flags it, as owner/slug@version; may be repeated")
}

// renameFlag lets a skill have the slug to which its registry renamed it.
func (a *app) renameFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&a.flags.acceptRename, "accept-rename", false, "take a skill that its registry renamed by its new slug")
}

func parseList(s string) ([]string, error) {
	var list []string
	for item := range strings.SplitSeq(s, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			return nil, fmt.Errorf("a name is empty in %q", s)
		}
		if !slices.Contains(list, item) {
			list = append(list, item)
		}
	}
	return list, nil
}

func parseLocale(s string) (string, error) {
	ok, _ := regexp.MatchString(`^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$`, s)
	if !ok {
		return "", fmt.Errorf("want a language such as en, zh or pt-BR")
	}
	return s, nil
}

const mostJobs = 256

func parseJobs(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > mostJobs {
		return 0, fmt.Errorf("want a number from 1 to %d", mostJobs)
	}
	return n, nil
}

func parseCount(s string) (int, error) {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("want a number from 1")
	}
	return int(n), nil
}

func parseOnEdit(s string) (install.OnEdit, error) {
	switch e := install.OnEdit(s); e {
	case install.FailOnEdit, install.MergeOnEdit, install.KeepOnEdit, install.OverwriteOnEdit:
		return e, nil
	}
	return "", fmt.Errorf("want merge, keep, overwrite or fail")
}

// parseSpan reads a duration: 30s, 2m, or a plain number of seconds.
func parseSpan(s string) (*time.Duration, error) {
	d, err := time.ParseDuration(s)
	if n, errInt := strconv.ParseUint(s, 10, 31); errInt == nil {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || d < 0 {
		return nil, fmt.Errorf("want a duration such as 30s or 2m")
	}
	return &d, nil
}

// parseSize reads a size: 64MiB, 1.5GiB, 500kB, or a plain number of bytes.
func parseSize(s string) (int64, error) {
	number := strings.TrimRight(s, "BbKkMmGgTtIi ")
	scale, known := map[string]float64{
		"": 1, "b": 1,
		"k": 1 << 10, "kib": 1 << 10, "kb": 1e3,
		"m": 1 << 20, "mib": 1 << 20, "mb": 1e6,
		"g": 1 << 30, "gib": 1 << 30, "gb": 1e9,
		"t": 1 << 40, "tib": 1 << 40, "tb": 1e12,
	}[strings.ToLower(strings.TrimSpace(s[len(number):]))]
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || !known || !(n > 0) || n*scale >= math.MaxInt64 || n*scale < 1 {
		return 0, fmt.Errorf("want a size such as 64MiB or 500kB")
	}
	return int64(n * scale), nil
}

// checkFlags finds what is wrong with the flags as a whole.
func (a *app) checkFlags(cmd *cobra.Command) error {
	a.ui.Quiet, a.ui.Verbose = a.flags.quiet, a.flags.verbose
	a.ui.NoInput, a.ui.Yes = a.flags.noInput || a.flags.json, a.flags.yes
	if chosen := given(cmd, "user", "project", "dir"); len(chosen) > 1 {
		return &usageError{message: strings.Join(chosen, " and ") + " exclude each other", hint: "each of them chooses another set of installed skills"}
	}
	if a.flags.dir != "" && len(a.flags.agents) > 0 {
		return &usageError{message: "--dir and --agent exclude each other", hint: "--dir places into that folder, --agent into the folders that agents read"}
	}
	for _, name := range given(cmd, "dir", "registry", "as", "path", "output", "from", "bundle") {
		if cmd.Flags().Lookup(name[2:]).Value.String() == "" {
			return &usageError{message: name + " is empty"}
		}
	}
	return nil
}

// given returns those of the flags that are on the command line.
func given(cmd *cobra.Command, names ...string) []string {
	var list []string
	for _, name := range names {
		if f := cmd.Flags().Lookup(name); f != nil && f.Changed {
			list = append(list, "--"+name)
		}
	}
	return list
}

// A usageError is a command line that cannot be carried out as it stands.
type usageError struct {
	message string
	hint    string
}

func (e *usageError) Error() string { return e.message }

// flagError makes what the flag parser says a usage error.
func flagError(cmd *cobra.Command, err error) error {
	help := "see: " + cmd.CommandPath() + " --help"
	switch e := err.(type) { //nolint:errorlint // pflag wraps nothing
	case *pflag.NotExistError:
		name := e.GetSpecifiedName()
		if shorthands := e.GetSpecifiedShortnames(); shorthands != "" {
			return &usageError{message: fmt.Sprintf("unknown flag -%s", name), hint: help}
		}
		if name == "token" {
			return &usageError{message: "there is no flag --token", hint: noTokenArgument}
		}
		var names []string
		add := func(f *pflag.Flag) { names = append(names, f.Name) }
		cmd.Flags().VisitAll(add)
		cmd.InheritedFlags().VisitAll(add)
		if near := nearest(name, names); near != "" {
			help = "did you mean --" + near + "?"
		}
		return &usageError{message: fmt.Sprintf("unknown flag --%s", name), hint: help}
	case *pflag.ValueRequiredError:
		return &usageError{message: fmt.Sprintf("--%s needs a value", e.GetFlag().Name), hint: help}
	case *pflag.InvalidValueError:
		if e.GetFlag().Name == "token-stdin" {
			return &usageError{message: "--token-stdin takes no value", hint: noTokenArgument}
		}
		return &usageError{message: fmt.Sprintf("--%s %q: %v", e.GetFlag().Name, e.GetValue(), e.Unwrap()), hint: help}
	}
	return &usageError{message: err.Error(), hint: help}
}

// nearest returns the name that was probably meant, or "".
func nearest(typed string, names []string) string {
	if near := spelling.Nearest(typed, names, 1); len(near) > 0 {
		return near[0]
	}
	return ""
}
