package cli

import (
	"errors"
	"strings"

	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/git"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/registry/clawhub"
	"github.com/openskills-go/skills/registry/oci"
	"github.com/openskills-go/skills/registry/wellknown"
)

const hintChoose = "choose with --skill NAME, or take --all; --list tells what there is"

const (
	hintSearch = "look for it: skills search WORD"
	hintOnline = "are you online, and is it the right registry (skills registry list)? A proxy is set with HTTPS_PROXY"
)

// ofPlace returns the hint for what was asked for by a reference: one about
// registries is of no help with what comes from none.
func ofPlace(typed, hint string) string {
	if hint != hintSearch && hint != hintOnline {
		return hint
	}
	r, err := ref.Parse(typed)
	if err != nil || r.Kind == ref.Registry || r.Kind == ref.Dir || r.Kind == ref.File {
		return hint
	}
	if hint == hintSearch {
		return "is the address right?"
	}
	return "are you online, and is the address right? A proxy is set with HTTPS_PROXY"
}

const hintProtocol = "--protocol says what it speaks, and then nobody is asked"

// placeRules are about places that have several skills: repositories, websites,
// collections.
func placeRules() []rule {
	return []rule{
		{Code{"ambiguous", exitNotFound, false, ""}, as(saying[*install.ManyError](hintChoose))},
		{Code{"ambiguous", exitNotFound, false, ""}, as(saying[*git.ManyError](hintChoose))},
		{Code{"ambiguous", exitNotFound, false, ""}, as(saying[*oci.CollectionError](hintChoose))},
		{Code{"not_found", exitNotFound, false, ""}, as(func(e *install.NotListedError) string {
			if len(e.Near) > 0 {
				return "did you mean " + strings.Join(e.Near, " or ") + "?"
			}
			return "--list tells what there is"
		})},
		{Code{"not_found", exitNotFound, false, ""}, func(err error) (string, bool) {
			_, ok := errors.AsType[*install.NeitherError](err)
			return "is the address right? A site lists its skills in /.well-known/agent-skills/index.json", ok && errors.Is(err, source.ErrNotFound)
		}},
		{Code{"usage", exitUsage, false, ""}, is(install.ErrOneSkill, "--skill and --all are for repositories, websites and collections")},

		{Code{"unreachable", exitUnreachable, true, ""}, func(err error) (string, bool) {
			_, asked := errors.AsType[*undetectedError](err)
			_, network := errors.AsType[*transport.NetworkError](err)
			return hintProtocol, asked && (network || errors.Is(err, transport.ErrOffline))
		}},
		{Code{"web_page", exitUnreachable, false, ""}, func(err error) (string, bool) {
			_, asked := errors.AsType[*undetectedError](err)
			return "a network that wants a login answers like this; else " + hintProtocol, asked && errors.Is(err, transport.ErrWebPage)
		}},
		{Code{"bad_answer", exitUnreachable, true, ""}, func(err error) (string, bool) {
			_, asked := errors.AsType[*undetectedError](err)
			_, content := errors.AsType[*transport.ContentError](err)
			_, answer := errors.AsType[*clawhub.AnswerError](err)
			_, index := errors.AsType[*wellknown.IndexError](err)
			return hintProtocol, asked && (content || answer || index) && !errors.Is(err, source.ErrAuth)
		}},

		{Code{"no_git", exitError, false, "there is no git, or it is too old"},
			as(saying[*git.GitMissingError]("install git; repositories on GitHub, GitLab and Codeberg can be had without it"))},
		{Code{"not_found", exitNotFound, false, ""}, as(saying[*git.RevError]("what follows the @ is a branch, a tag, a whole commit, or a range such as ^1.2"))},
		{Code{"not_found", exitNotFound, false, ""}, as(saying[*git.FolderError]("--list tells which skills a repository has"))},
		{Code{"not_found", exitNotFound, false, ""}, ofGit(source.ErrNotFound, "is the address right? Of a private repository GitHub and others say that it is not there")},
		{Code{"unauthorized", exitUnauthorized, false, ""}, ofGit(source.ErrAuth, "git asks nobody for a password here: a key is needed, git+ssh://git@host/path, that ssh-add -l lists")},
		{Code{"git", exitUnreachable, true, "git could not do its part"}, as(saying[*git.CommandError]("is the host reachable? --verbose tells more"))},
		{Code{"moved_host", exitRefused, false, "a repository leads to another host, which was not asked"},
			as(saying[*git.MovedError]("if that is right, name the new address"))},
		{Code{"lfs", exitRefused, false, "a file of a skill is kept outside of its repository, by Git LFS"},
			as(saying[*git.PointerError]("the publisher has to put the file itself into the repository"))},
	}
}

// ofGit matches what git said, if it means what target says.
func ofGit(target error, hint string) func(error) (string, bool) {
	return func(err error) (string, bool) {
		e, ok := errors.AsType[*git.CommandError](err)
		return hint, ok && errors.Is(e, target)
	}
}
