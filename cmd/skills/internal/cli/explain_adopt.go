package cli

import (
	"strings"

	"github.com/openskills-go/skills/pkg/foreign"
	"github.com/openskills-go/skills/pkg/install"
)

// adoptRules is the part of the table of rules that is about what skills did not
// install.
func adoptRules() []rule {
	return []rule{
		// A decision is needed.
		{Code{"not_adoptable", exitUsage, false, "a folder that cannot be taken over where it stands"},
			as(func(e *install.NotAdoptableError) string {
				if e.Outside {
					return "skills install " + e.Path + " places a copy where your agents read; skills agents shows those folders"
				}
				return ""
			})},
		{Code{"in_lock", exitUsage, false, "the lock has another skill of that name"},
			as(saying[*install.LockedError]("skills list shows where it stands; skills verify compares its files"))},
		{Code{"differs", exitUsage, false, "a folder holds other files than the skill that it is to be"},
			as(func(e *install.ChangedError) string {
				if e.Registry == "" {
					return "move them out, or --on-edit=keep takes it over with them"
				}
				return "--on-edit=keep takes it over as that version with edits, --local as a skill of its own"
			})},

		// The files of other tools.
		{Code{"bad_file", exitDisagree, false, "a file that another tool keeps cannot be read"},
			as(saying[*foreign.SyntaxError]("correct the file with the tool that wrote it; skills never writes it"))},
		{Code{"bad_file", exitDisagree, false, ""},
			is(foreign.ErrTooLarge, "")},
		{Code{"bad_file", exitDisagree, false, ""},
			is(foreign.ErrNotFile, "")},
		{Code{"file_version", exitDisagree, false, "a file of another tool is of a version that is not known"},
			as(saying[*foreign.VersionError]("skills adopt takes over one folder at a time without it"))},
		{Code{"unknown_file", exitUsage, false, "a file is none of those that other tools keep"},
			as(func(e *foreign.UnknownFileError) string { return "known are " + strings.Join(e.Known, ", ") })},
		{Code{"nothing_to_import", exitNotFound, false, "no other tool has left its files here"},
			as(func(e *noFilesError) string { return e.hint })},
		{Code{"no_registry", exitNotFound, false, "a skill of another tool comes from where skills cannot look"},
			as(saying[*noRegistryError]("--local takes it over as a skill of its own, which no update changes"))},
		{Code{"not_there", exitDisagree, false, "a skill that another tool says it installed is in no folder of an agent"},
			as(saying[*notThereError]("skills install REF installs it anew"))},
	}
}
