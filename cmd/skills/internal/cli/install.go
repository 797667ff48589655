package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/agent"
	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/skill"
)

func (a *app) installCommand() *cobra.Command {
	var o install.Options
	var as string
	var frozen bool
	var c choice
	cmd := &cobra.Command{
		Use:     "install [REF]...",
		Aliases: []string{"add", "i"},
		Short:   "Install skills, or restore what the lock says",
		GroupID: groupUse,
		Long: `Install skills where your agents read them. A REF is a slug of a registry, a
repository, a web address, a folder or an archive: see skills help references.

Without a REF, what skills.lock says is restored, exactly.

Skills go to the agents that --agent, skills.yaml or your settings name, else to
those found on this machine. What skills did not place, and what you changed, is
never overwritten without a flag that says so.`,
		Example: `  skills install sickn33-skills-backend-architect
  skills install pdf@^1.2 acme:release-notes --agent claude-code,codex
  skills install 'https://openskills.cc/skills/sickn33-skills-backend-architect'
  skills install github.com/anthropics/skills//skills/pdf@v1
  skills install https://docs.example.com --skill release-notes
  skills install ./my-skill ./other.zip --dir ./skills
  skills install
  skills install --bundle skills.bundle`,
		RunE: a.run(func(ctx context.Context, args []string) (*answer, error) {
			wants, err := parseWants(args, as)
			if err != nil {
				return nil, err
			}
			if err := c.check(args, as); err != nil {
				return nil, err
			}
			if c.list {
				return a.listPlace(ctx, wants[0])
			}
			if frozen {
				return a.frozenInstall(ctx, args, o)
			}
			if len(args) == 0 && o.Path != "" {
				return nil, &usageError{message: "--path needs a REF to take the folder from"}
			}
			if err := a.checkLink(o.Link); err != nil {
				return nil, err
			}
			if err := a.checkBundle(args); err != nil {
				return nil, err
			}
			return a.change(ctx, request{verb: "installing", deed: "Replace", all: len(wants) > 0, byRef: len(wants) > 0}, func(ctx context.Context, e *engine) (*install.Plan, error) {
				o := e.options(o)
				if len(wants) == 0 {
					return e.PlanRestore(ctx, o)
				}
				if err := a.noteFallback(e); err != nil {
					return nil, err
				}
				chosen, err := a.expand(ctx, e, wants, c)
				if err != nil {
					return nil, err
				}
				wants, c = chosen, choice{} // of a second plan, too
				return e.PlanInstall(ctx, wants, o)
			})
		}),
	}
	f := cmd.Flags()
	f.StringVar(&as, "as", "", "the `name` to install one skill under")
	f.StringVar(&o.Path, "path", "", "the `folder` to take from an archive of several skills")
	f.BoolVar(&o.AllowHiddenText, "allow-hidden-text", false, "install files that hold invisible text")
	f.BoolVar(&o.Link, "link", false, "place one copy, and link to it from the folders of the other agents; --user only")
	f.BoolVar(&frozen, "frozen", false, "without a REF: install exactly what skills.lock says, or fail; the same as skills ci")
	a.choiceFlags(cmd, &c)
	a.editFlags(cmd, editMerge, true)
	a.renameFlag(cmd)
	a.ownerFlag(cmd)
	a.riskFlag(cmd)
	a.agentFlag(cmd, "agents to install for, such as claude-code,codex")
	a.scopeFlags(cmd)
	a.dryRunFlag(cmd)
	a.registryFlag(cmd)
	a.bundleFlag(cmd)
	a.netFlags(cmd)
	a.limitFlags(cmd)
	return cmd
}

// frozenInstall is install --frozen.
func (a *app) frozenInstall(ctx context.Context, refs []string, o install.Options) (*answer, error) {
	switch {
	case len(refs) > 0:
		return nil, &usageError{message: fmt.Sprintf("--frozen installs what skills.lock says, and got %q", ui.Cut(ui.Line(refs[0]), 60)), hint: "without --frozen a REF moves the lock"}
	case o.Link || o.Path != "" || len(a.flags.agents) > 0:
		return nil, &usageError{message: "--frozen takes everything from skills.lock, and --agent, --link or --path would change it"}
	}
	return a.restoreFrozen(ctx, o)
}

// checkLink refuses --link where others would get the links: a project's folders
// are copied to other machines.
func (a *app) checkLink(link bool) error {
	if !link {
		return nil
	}
	s, err := a.scope()
	if err != nil {
		return err
	}
	if s.Kind != install.User {
		return &usageError{message: fmt.Sprintf("--link is for the user scope, and this is the %s scope", s.Kind), hint: "--user chooses the user scope"}
	}
	return nil
}

// noteFallback says so if nobody chose an agent and none was found.
func (a *app) noteFallback(e *engine) error {
	settings, err := a.settings()
	if err != nil {
		return err
	}
	if len(e.asked)+len(settings.Agents) == 0 && slices.Equal(e.Agents, []string{agent.Universal}) {
		a.ui.Notef("no agent was found on this machine; using the folder that many read (--agent chooses)")
	}
	return nil
}

// parseWants reads references, and the name that the only one is to have.
func parseWants(args []string, as string) ([]install.Want, error) {
	if as != "" && len(args) != 1 {
		return nil, &usageError{message: fmt.Sprintf("--as names one skill, and there are %d", len(args))}
	}
	if as != "" && !skill.ValidName(as) {
		return nil, &usageError{
			message: fmt.Sprintf("--as %q is no name for a skill", as),
			hint:    "a name is lower-case letters and digits in words joined by hyphens, at most 64",
		}
	}
	wants := make([]install.Want, len(args))
	for i, arg := range args {
		r, err := ref.Parse(arg)
		if err != nil {
			return nil, err
		}
		wants[i] = install.Want{Typed: arg, Ref: r, As: as}
	}
	return wants, nil
}

// A request says how to talk about what is done.
type request struct {
	verb  string // "installing"
	deed  string // what becomes of a folder that may not be overwritten unasked: "Replace"
	all   bool   // the person named each skill, and wants to hear of each
	byRef bool   // they are named by reference, not by installed name
}

// change carries out what plan returns, or only shows it for a dry run.
func (a *app) change(ctx context.Context, r request, plan func(context.Context, *engine) (*install.Plan, error)) (*answer, error) {
	e, err := a.engine()
	if err != nil {
		return nil, err
	}
	if e.Store.Dir() == "" {
		a.ui.Notef("there is no home folder, so what is fetched is not kept for the next time")
	}
	outcomes, err := a.carryOut(ctx, e, r.verb, plan)
	defer a.warnOfSources(e)
	if outcomes == nil {
		return nil, err
	}
	if err == nil && a.mayOverwrite(r, outcomes) {
		var again []install.Outcome
		again, err = a.carryOut(ctx, e, r.verb, plan)
		for i := range outcomes {
			if isConflict(outcomes[i].Err) && i < len(again) {
				outcomes[i] = again[i]
			}
		}
	}
	if !r.all {
		a.noteAgents(e, outcomes)
	}
	return a.changes(ctx, e.scope, r, outcomes), err
}

// noteAgents says so if the manifest names agents that installed skills are not for:
// which agents those have is in the lock, and stays.
func (a *app) noteAgents(e *engine, outcomes []install.Outcome) {
	wanted, err := a.findAgents(e.scope, e.scope.manifest.Agents)
	if len(e.scope.manifest.Agents) == 0 || err != nil {
		return
	}
	lacking := map[string]int{}
	for _, o := range outcomes {
		for _, id := range wanted {
			has := func(t install.Placement) bool { return slices.Contains(t.Agents, id) }
			if o.Err == nil && len(o.Targets) > 0 && !slices.ContainsFunc(o.Targets, has) {
				lacking[id]++
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(lacking)) {
		a.ui.Notef("skills.yaml names %s, which lacks %s: skills install REF --agent %s", id, counted(lacking[id], "skill"), id)
	}
}

// carryOut returns what was done, or would be, and nil if that is nothing. With an
// error besides, the rest is left for the next run.
func (a *app) carryOut(ctx context.Context, e *engine, verb string, plan func(context.Context, *engine) (*install.Plan, error)) ([]install.Outcome, error) {
	progress := a.ui.NewProgress(verb)
	defer progress.End()
	e.OnEvent = progress.Event
	p, err := plan(ctx, e)
	if err != nil {
		return nil, err
	}
	defer func() { _ = errors.Join(p.Close(), e.Store.Close()) }() // only temporary files are at stake
	if a.flags.dryRun {
		return p.Outcomes(), nil
	}
	result, err := e.Apply(ctx, p)
	if result == nil {
		return nil, err
	}
	return result.Outcomes, err
}

// mayOverwrite asks the person at the terminal, if there is one, about folders
// that only a flag may overwrite, and names that only one may change, and sets
// that flag.
func (a *app) mayOverwrite(r request, outcomes []install.Outcome) bool {
	if a.flags.dryRun {
		return false
	}
	var changed, foreign []string
	var renamed []error
	for _, o := range outcomes {
		if e, ok := errors.AsType[*install.RenamedError](o.Err); ok {
			renamed = append(renamed, e)
		}
		if e, ok := errors.AsType[*install.EditedError](o.Err); ok {
			changed = append(changed, ui.Line(e.Path))
		}
		if e, ok := errors.AsType[*install.NotOursError](o.Err); ok {
			foreign = append(foreign, ui.Line(e.Path))
		}
	}
	ask := func(paths []string, what string) bool {
		return len(paths) > 0 && a.ui.Ask(fmt.Sprintf("%s %s. %s, after a backup?", strings.Join(paths, ", "), what, r.deed))
	}
	if ask(changed, "changed since skills placed it") {
		a.flags.onEdit = install.OverwriteOnEdit
	}
	if ask(foreign, "was not placed by skills") {
		a.flags.replace = true
	}
	if len(renamed) > 0 && !a.flags.acceptRename {
		a.flags.acceptRename = a.ui.Ask(message(errors.Join(renamed...)) + ". Take the new name?")
	}
	return len(changed) > 0 && a.flags.onEdit == install.OverwriteOnEdit || len(foreign) > 0 && a.flags.replace ||
		len(renamed) > 0 && a.flags.acceptRename
}

// isConflict says whether err is about what only a flag may do.
func isConflict(err error) bool {
	if _, renamed := errors.AsType[*install.RenamedError](err); renamed {
		return true
	}
	_, changed := errors.AsType[*install.EditedError](err)
	_, foreign := errors.AsType[*install.NotOursError](err)
	return changed || foreign
}
