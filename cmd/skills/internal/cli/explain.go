package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/openskills-go/skills/cmd/skills/internal/ui"
	"github.com/openskills-go/skills/pkg/agent"
	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/bundle"
	"github.com/openskills-go/skills/pkg/config"
	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/history"
	"github.com/openskills-go/skills/pkg/install"
	"github.com/openskills-go/skills/pkg/lockfile"
	"github.com/openskills-go/skills/pkg/manifest"
	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/target"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/oci"
	"github.com/openskills-go/skills/registry/static"
	"github.com/openskills-go/skills/registry/wellknown"
)

// explained is an error as a person or a program sees it.
type explained struct {
	Code      string `json:"code"`
	Message   string `json:"message"`
	Hint      string `json:"hint,omitempty"`
	Ref       string `json:"ref,omitempty"`
	Retryable bool   `json:"retryable"`
	exit      int
}

// A rule turns the errors that it matches into what people and programs see.
type rule struct {
	Code
	// match says whether the rule is for err, and what to do about it.
	match func(err error) (hint string, ok bool)
}

var errInterrupted = errors.New("interrupted")

// The codes of findings.
const (
	codeOutdated  = "outdated"
	codeUnhealthy = "unhealthy"
	codeHarmful   = "harmful"
	codeNoVerdict = "no_verdict"
	codeInvalid   = "invalid_skill"
)

const (
	maxMessage  = 400 // bytes
	restoreLock = "restore the file from version control, or move it away and install again"
	takeSide    = "take one side, with git checkout --ours or --theirs; skills install then adds what is missing"
)

// explain finds the rule for a fault. The first that matches wins.
func explain(f fault) explained {
	e := explained{Ref: f.ref, Message: message(f.err)}
	use := unknown
	for _, r := range rules() {
		if hint, ok := r.match(f.err); ok {
			use, e.Hint = r, ui.Escape(ofPlace(f.ref, hint))
			break
		}
	}
	e.Code, e.Retryable, e.exit = use.Code.Code, use.Retryable, use.Exit
	e.Message += access(e.Code, f.err)
	return e
}

// message is the text of an error as one line that is safe to print.
func message(err error) string {
	text := err.Error()
	if e, ok := errors.AsType[*fs.PathError](err); ok && errors.Is(e.Err, fs.ErrNotExist) {
		text = strings.Replace(text, e.Error(), e.Path+" is not there", 1) // rather than "lstat PATH: no such file or directory"
	}
	text = ui.Line(text)
	if len(text) <= maxMessage {
		return text
	}
	const ellipsis = "…"
	end := maxMessage - len(ellipsis)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + ellipsis
}

var unknown = rule{Code: Code{"error", exitError, false, "anything else: the message says what"}}

// is matches errors by a sentinel.
func is(target error, hint string) func(error) (string, bool) {
	return func(err error) (string, bool) { return hint, errors.Is(err, target) }
}

// as matches errors by their type.
func as[E error](hint func(E) string) func(error) (string, bool) {
	return func(err error) (string, bool) {
		e, ok := errors.AsType[E](err)
		if !ok {
			return "", false
		}
		return hint(e), true
	}
}

// saying is a hint that does not depend on the error.
func saying[E error](hint string) func(E) string { return func(E) string { return hint } }

// rules is the one table from errors to codes, hints and exit codes. A code that
// stands in several has its meaning in one of them.
func rules() []rule {
	return slices.Concat([]rule{
		{Code{"interrupted", exitInterrupted, true, "Ctrl-C or SIGTERM: what was done is complete, the rest is as it was"},
			func(err error) (string, bool) {
				return "", errors.Is(err, errInterrupted) || errors.Is(err, context.Canceled)
			}},
		{Code{"internal", exitError, false, "a fault of this program"},
			as(saying[*install.PanicError]("this is a bug; please report it with the output of the same command with --verbose"))},

		// What was asked for.
		{Code{"usage", exitUsage, false, "the command line is wrong"},
			as(func(e *usageError) string { return e.hint })},
		{Code{"bad_reference", exitUsage, false, "a reference that cannot be read"},
			as(saying[*ref.ParseError]("what can be installed: skills help references"))},
		{Code{"bad_version", exitUsage, false, "a version or constraint that cannot be read"},
			as(saying[*version.QueryError]("1.2.3, ^1.2, ~1.2, 1.x, '>=1 <3' or a tag such as latest"))},
		{Code{"bad_config", exitUsage, false, "a setting that cannot be used"},
			as(func(e *config.SettingError) string {
				if len(e.Suggestions) > 0 {
					return "did you mean " + strings.Join(e.Suggestions, " or ") + "?"
				}
				if e.File != "" {
					return "correct the file, or change it with skills config set"
				}
				return "what can be set: skills config list"
			})},
		{Code{"bad_config", exitUsage, false, ""},
			as(saying[*agent.OverrideError]("what can be set: skills config list"))},
		{Code{"bad_environment", exitUsage, false, "an environment variable that cannot be used"},
			as(saying[*config.EnvError]("what skills reads: skills help environment"))},
		{Code{"bad_environment", exitUsage, false, ""},
			as(saying[*agent.RelativeError]("set it to an absolute path, or unset it"))},
		{Code{"no_home", exitUsage, false, "there is no home folder, and what was asked for needs one"},
			is(config.ErrNoHome, "set HOME, or SKILLS_HOME, or use --dir")},
		{Code{"unknown_agent", exitUsage, false, "no agent of that name is known"},
			as(func(e *agent.UnknownError) string {
				if len(e.Suggestions) > 0 {
					return "did you mean " + strings.Join(e.Suggestions, " or ") + "?"
				}
				return "skills agents --all lists those that are known"
			})},
		{Code{"no_agent_dir", exitUsage, false, "the agent reads no skills in this scope"},
			is(agent.ErrNoUserDir, "it reads skills of projects: --project")},
		{Code{"unknown_registry", exitUsage, false, "no registry of that name is known"},
			as(func(e *source.UnknownRegistryError) string {
				if near := nearest(e.Name, e.Known); near != "" {
					return "did you mean " + near + "?"
				}
				return "skills registry list lists those that are; skills registry add NAME ADDRESS adds one"
			})},

		{Code{"no_default", exitUsage, false, "the reference names no registry, and there is no default one"},
			as(noDefaultHint)},

		// Manifest, lock and disk, where they must agree.
		{Code{"frozen", exitDisagree, false, "manifest, lock and disk do not agree, and the lock may not move"},
			as(func(e *install.FrozenError) string {
				switch {
				case e.Err != nil:
					return "--on-edit=overwrite and --replace put back what the lock says, after a backup"
				case e.NoLock:
					return "is this the right folder? Where skills.yaml stands, skills install writes the lock; commit it"
				case e.Unwanted == len(e.Why):
					return "skills prune --yes takes out what the manifest does not want; commit the lock"
				case e.Unwanted > 0:
					return "skills install brings what the manifest wants, and skills prune --yes takes out what it does not; commit the lock"
				}
				return "skills install makes them agree, and writes the lock; commit what it wrote"
			})},

		// A decision is needed.
		{Code{"not_ours", exitUsage, false, "a folder of that name is there that skills did not place"},
			as(func(e *install.NotOursError) string {
				return "--replace makes a backup of it and replaces it; --as NAME installs beside it"
			})},
		{Code{"conflict", exitPartly, false, "your changes to a skill and those of its new version contradict each other"},
			as(func(e *install.ConflictError) string {
				if e.Folder == "" {
					return "--on-edit=keep leaves it, --on-edit=overwrite makes a backup first"
				}
				return "it is as it was; the new files and the differences are in " + e.Folder + "; bring them together, or use --on-edit=overwrite, which makes a backup first"
			})},
		{Code{"edited", exitUsage, false, "an installed skill was changed on disk"},
			as(func(e *install.EditedError) string {
				if e.Removing {
					return "--on-edit=overwrite takes it out after a backup; skills diff " + e.Name + " shows the changes"
				}
				return "--on-edit=merge brings your changes into a new version, keep leaves it, overwrite makes a backup first; skills diff " + e.Name + " shows the changes"
			})},
		{Code{"name_taken", exitUsage, false, "two different skills want one name"},
			as(saying[*install.IdentityError]("--as NAME installs it under another name; --replace takes the place of the other"))},
		{Code{"linked", exitUsage, false, "the folder that others link to cannot go before them"},
			as(saying[*install.LinkedError]("remove it from the agents whose folders link to it first, or from all"))},
		{Code{"bad_name", exitUsage, false, "neither the skill's name nor its slug can be the name of a folder"},
			as(saying[*install.NameError]("--as NAME installs it under a name that can"))},
		{Code{"renamed", exitUsage, false, "the registry has the skill by another name now, and nobody said that this is right"},
			as(func(e *install.RenamedError) string {
				return fmt.Sprintf("if %s is the skill that you mean: --accept-rename takes it by that name", e.To)
			})},
		{Code{"no_lock", exitUsage, false, "there is nothing to restore"},
			is(install.ErrNoLock, "skills install REF installs a skill; other scopes: --user, --project, --dir")},
		{Code{"no_manifest", exitUsage, false, "there is no skills.yaml to compare with"},
			is(install.ErrNoManifest, "skills remove NAME removes a skill by name")},

		{Code{"version_taken", exitUsage, false, "the version that was to be published is there already, with other files"},
			as(saying[*source.TakenError]("a version stays what it is: publish these files as another one"))},
		{Code{"tag_taken", exitUsage, false, "what was to be published has a tag that stands for something else"},
			as(saying[*oci.TagTakenError]("publish it as another version; --replace-tag moves the tag, for everyone who relies on it, too"))},
		{Code{"bad_tag", exitUsage, false, "what was to be published cannot have the tag, or has none"},
			as(saying[*oci.TagError]("a tag follows the repository: oci://host/repository:1.2.3"))},
		{Code{"pinned", exitUsage, false, "a skill is pinned, and what was asked for would move it"},
			as(func(e *install.PinnedError) string { return "skills unpin " + e.Name + " lets it move" })},
	}, accessRules(), placeRules(), []rule{
		// Not found.
		{Code{"no_history", exitNotFound, false, "the history does not reach as far back as was asked for"},
			as(func(e *install.NoHistoryError) string {
				if e.First {
					return "skills remove " + e.Name + " takes it out"
				}
				return "what is remembered: skills history"
			})},
		{Code{"not_stored", exitNotFound, false, "an artifact that is needed is not in the store any more"},
			as(func(e *install.NotStoredError) string {
				return fmt.Sprintf("the registry may still have it: skills install %s@%s", e.Name, e.Version)
			})},
		{Code{"not_installed", exitNotFound, false, "no skill of that name is installed in this scope"},
			as(func(e *install.UnknownError) string {
				if len(e.Near) > 0 {
					return "did you mean " + strings.Join(e.Near, " or ") + "?"
				}
				return "what is installed: skills list; other scopes: --user, --project, --dir"
			})},
		{Code{"gone", exitNotFound, false, "the registry has an installed skill no more; what is installed stays"},
			as(saying[*install.GoneError]("if you do not want it without its registry: skills remove NAME"))},
		{Code{"not_bundled", exitNotFound, false, "neither the store nor the bundle has an artifact that is needed"},
			as(saying[*install.NotBundledError]("make the bundle again, from this skills.lock, where there is a network: skills bundle"))},
		{Code{"not_found", exitNotFound, false, ""},
			as(func(e *folderError) string { return fmt.Sprintf("there is a folder %s: write ./%s", e.path, e.path) })},
		{Code{"not_found", exitNotFound, false, ""},
			as(func(e *nearError) string { return "did you mean " + strings.Join(e.near, " or ") + "?" })},
		{Code{"no_match", exitNotFound, false, "the skill has no version that is asked for"},
			is(version.ErrNoMatch, "")},
		{Code{"yanked", exitNotFound, false, "the version was withdrawn by its publisher"},
			as(saying[*version.YankedError]("another version can be asked for: skills info REF lists them"))},
		{Code{"ambiguous", exitNotFound, false, "the reference names several skills"},
			as(func(e *ownersError) string { return e.hint() })},
		{Code{"ambiguous", exitNotFound, false, ""},
			as(func(e *source.AmbiguousError) string {
				return "say which one: " + strings.Join(qualified(ref.Ref{}, e), ", ")
			})},
		{Code{"ambiguous", exitNotFound, false, ""},
			is(source.ErrAmbiguous, "say which one: owner/slug")},
		{Code{"not_found", exitNotFound, false, ""},
			as(saying[*source.NoFileError]("a path is relative to the current folder; a slug has no slash or dot in front"))},
		{Code{"not_found", exitNotFound, false, ""},
			as(func(e *wellknown.NotListedError) string {
				if len(e.Near) > 0 {
					return "did you mean " + strings.Join(e.Near, " or ") + "?"
				}
				return "look for it: skills search WORD"
			})},
		{Code{"not_found", exitNotFound, false, ""},
			as(func(e *static.NotFoundError) string {
				if len(e.Near) > 0 {
					return "did you mean " + strings.Join(e.Near, " or ") + "?"
				}
				return hintSearch
			})},
		{Code{"not_found", exitNotFound, false, ""},
			as(func(e *wellknown.NoIndexError) string {
				if e.Root != "" {
					return "if that is the one you mean: " + e.Root
				}
				return "is this the address of a site with skills? Another registry is named with --registry"
			})},
		{Code{"not_found", exitNotFound, false, ""},
			as(func(e *source.MissingError) string {
				if e.What == "owner" {
					return ""
				}
				return "skills info REF lists the versions that there are, and their tags"
			})},
		{Code{"not_found", exitNotFound, false, "there is no such skill"},
			is(source.ErrNotFound, hintSearch)},
		{Code{"not_found", exitNotFound, false, ""},
			as(saying[*noHitsError]("try fewer or other words"))},
		{Code{"unauthorized", exitUnauthorized, false, ""},
			as(func(e *oci.AuthError) string {
				return "docker login " + e.Host + " (or podman, oras) notes who you are; is the name of the repository right?"
			})},
		{Code{"unauthorized", exitUnauthorized, false, ""},
			as(saying[*oci.CredentialError]("docker login notes who you are"))},
		{Code{"unauthorized", exitUnauthorized, false, "the registry wants a credential, or refused the one it got"},
			is(source.ErrAuth, hintLogin)},
		{Code{"withheld", exitRefused, false, "the registry has the skill and may not hand it out"},
			is(source.ErrWithheld, "")},
		{Code{"unsupported", exitError, false, "the registry cannot do that"},
			func(err error) (string, bool) {
				_, status := errors.AsType[*transport.StatusError](err)
				hint := ""
				if _, content := errors.AsType[*transport.ContentError](err); status || content {
					hint = "skills registry test finds out what it speaks"
				}
				if errors.Is(err, source.ErrNoOwners) {
					hint = "is it in another registry, such as clawhub:owner/slug? skills registry test finds out what one speaks"
				}
				return hint, errors.Is(err, source.ErrUnsupported)
			}},

		// Refused. No flag makes these go away, except where the hint names one.
		{Code{"rejected", exitRefused, false, "the registry does not take what was to be published"},
			as(saying[*source.RejectedError](""))},
		{Code{"owner_changed", exitRefused, false, "a skill is another owner's than the one who was asked for, or whom the lock has"},
			as(ownerHint)},
		{Code{"flagged", exitRefused, false, "the registry has doubts about the version, and nobody said that it is right all the same"},
			as(riskHint)},
		{Code{"blocked", exitRefused, false, "the registry holds the skill for harmful"},
			as(saying[*source.BlockedError]("no flag installs it; what is installed stays, and skills remove NAME takes it out"))},
		{Code{"files", exitRefused, false, "an artifact does not hold the files that its registry lists for the version"},
			as(saying[*install.FilesError]("nothing was installed from it; try again, and tell the registry if it stays"))},
		{Code{"hidden_text", exitRefused, false, "a file holds text that people cannot see and agents read"},
			as(saying[*install.HiddenTextError]("read the file with a tool that shows it; --allow-hidden-text installs it all the same"))},
		{Code{"version_changed", exitRefused, false, "a version is served with other bytes than before"},
			as(saying[*install.VersionBytesError]("the registry broke its promise; ask its operators before you trust it"))},
		{Code{"digest", exitRefused, false, ""},
			as(saying[*source.AlteredError]("nobody should rely on it: yank it, and tell the registry's operators"))},
		{Code{"digest", exitRefused, false, "the bytes are not those that were promised"},
			as(saying[*digest.MismatchError]("nothing was installed from it; try again, and tell the registry if it stays"))},
		{Code{"too_large", exitRefused, false, "an artifact exceeds a limit"},
			as(func(e *archive.LimitError) string {
				if e.Flag == "" {
					return ""
				}
				return "if you trust it, raise the limit: --" + strings.TrimPrefix(e.Flag, "--")
			})},
		{Code{"several_skills", exitRefused, false, "an archive holds several skills, and none at its root"},
			as(func(e *archive.RootError) string {
				if len(e.Candidates) == 0 {
					return ""
				}
				return "choose one with --path " + e.Candidates[0]
			})},
		{Code{"bad_artifact", exitRefused, false, ""},
			as(func(e *pageError) string {
				return fmt.Sprintf("if this is a registry: skills install %s --registry %s", e.slug, e.registry)
			})},
		{Code{"unsafe", exitRefused, false, "an archive that could write where it should not, or is made to deceive"},
			is(archive.ErrUnsafe, "")},
		{Code{"bad_artifact", exitRefused, false, "an artifact that is no usable archive"},
			is(archive.ErrRefused, "")},
		{Code{"bad_bundle", exitRefused, false, "a file that is no bundle, or a damaged one"},
			as(saying[*bundle.FormatError]("make it again where there is a network: skills bundle"))},
		{Code{"bundle_newer", exitRefused, false, "a bundle was written by a newer version of this program"},
			as(saying[*bundle.NewerError]("update this program, or make the bundle with this version"))},
		{Code{"too_large", exitRefused, false, ""},
			as(saying[*bundle.SizeError]("make several, of the locks of several folders"))},
		{Code{"bad_skill", exitRefused, false, "a SKILL.md that cannot be read"},
			as(func(e *skill.SyntaxError) string { return e.Fix })},

		// Manifest, lock and disk.
		{Code{"lock_conflict", exitDisagree, false, "skills.lock holds merge conflict markers"},
			as(saying[*lockfile.ConflictError]("skills lock --resolve merges both sides"))},
		{Code{"lock_conflict", exitDisagree, false, ""},
			as(saying[*lockfile.MarkerError](takeSide))},
		{Code{"lock_conflict", exitDisagree, false, ""},
			as(saying[*lockfile.ClashError](takeSide))},
		{Code{"lock_conflict", exitDisagree, false, ""},
			as(saying[*lockfile.MixedError](takeSide))},
		{Code{"version_changed", exitRefused, false, ""},
			as(saying[*lockfile.DigestError]("find out which is right; then " + takeSide))},
		{Code{"manifest_conflict", exitDisagree, false, "skills.yaml holds merge conflict markers"},
			as(saying[*manifest.ConflictError]("resolve it by hand, as in any file; then skills lock --resolve merges skills.lock by it"))},
		{Code{"lock_newer", exitDisagree, false, "skills.lock was written by a newer version of this program"},
			as(saying[*lockfile.NewerError]("update this program"))},
		{Code{"bad_lock", exitDisagree, false, ""},
			is(lockfile.ErrEmpty, restoreLock)},
		{Code{"bad_lock", exitDisagree, false, ""},
			is(lockfile.ErrTooLarge, restoreLock)},
		{Code{"bad_lock", exitDisagree, false, "skills.lock cannot be read"},
			as(saying[*lockfile.SyntaxError](restoreLock))},
		{Code{"bad_manifest", exitDisagree, false, "skills.yaml cannot be read"},
			as(saying[*manifest.SyntaxError]("correct the file"))},
		{Code{"bad_manifest", exitDisagree, false, ""},
			is(manifest.ErrTooLarge, "")},
		{Code{"bad_manifest", exitDisagree, false, ""},
			is(manifest.ErrEdit, "write it in block style, one skill a line")},
		{Code{"bad_history", exitError, false, "the history of a scope cannot be read"},
			as(saying[*history.DamagedError]("delete the file: only what it remembers is lost"))},
		{Code{"modified", exitDisagree, false, "an installed skill is not as it was installed"},
			as(func(e *disagreeError) string { return e.hint })},

		{Code{codeOutdated, exitDisagree, false, "a skill is outdated, and --exit-code is set"}, found(codeOutdated)},
		{Code{codeHarmful, exitRefused, false, "a registry has an objection to what is installed from it"}, found(codeHarmful)},
		{Code{codeNoVerdict, exitError, false, "no registry says what it thinks of an installed skill"}, found(codeNoVerdict)},
		{Code{codeUnhealthy, exitDisagree, false, "doctor found a problem"}, found(codeUnhealthy)},
		{Code{codeInvalid, exitError, false, "validate found that a skill is not to the specification"}, found(codeInvalid)},
	}, networkRules(), []rule{
		// The disk.
		{Code{"output", exitError, false, "what is to be said cannot be written to standard output"},
			as(saying[*outputError](""))},
		{Code{"disk_full", exitError, true, "the disk, or the quota, is full"},
			func(err error) (string, bool) {
				return "what was there is as it was; skills cache prune makes room", errors.Is(err, syscall.ENOSPC) || isQuota(err)
			}},
		{Code{"read_only", exitError, false, "the file system is read-only"},
			is(syscall.EROFS, "another folder can be chosen with --dir, and SKILLS_HOME moves what skills keeps for itself")},
		{Code{"permission", exitError, false, "this user may not write or read there"},
			is(fs.ErrPermission, "")},
		{Code{"no_backup", exitError, false, ""},
			as(saying[*target.KindError]("a backup must be made first: move it away"))},
		{Code{"no_backup", exitError, false, "the backup that must be made first cannot be made"},
			is(install.ErrNoBackup, "set HOME, or SKILLS_HOME")},
		{Code{"moved", exitError, true, "a skill was changed, by another process or by hand, while it was worked on"},
			is(install.ErrMoved, "try again")},
		{Code{"no_such_file", exitNotFound, false, "a file or folder that was named is not there"},
			is(fs.ErrNotExist, "")},
	}, adoptRules())
}
