package main_test

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const crowd = 50

// testMany starts fifty processes at once on one scope.
func testMany(t *testing.T, program string) {
	for name, test := range map[string]func(*scene){
		"same skill":         sameSkill,
		"different skills":   differentSkills,
		"some the same":      someTheSame,
		"different agents":   differentAgents,
		"install and remove": installAndRemove,
		"some fail":          someFail,
	} {
		t.Run(name, func(t *testing.T) { test(newScene(t, program)) })
	}
}

// together runs all commands at once.
func (s *scene) together(commands ...[]string) []outcome {
	s.t.Helper()
	outcomes := make([]outcome, len(commands))
	done := make(chan struct{})
	for i, args := range commands {
		cmd := s.command(args...)
		go func() {
			defer func() { done <- struct{}{} }()
			var out, errs strings.Builder
			cmd.Stdout, cmd.Stderr = &out, &errs
			err := cmd.Run()
			outcomes[i] = outcome{s.t, args, 0, "", ""}
			if exit, ok := errors.AsType[*exec.ExitError](err); ok {
				outcomes[i].code = exit.ExitCode()
			} else if err != nil {
				outcomes[i].code = killed
			}
			outcomes[i].stdout, outcomes[i].stderr = out.String(), errs.String()
		}()
	}
	for range commands {
		<-done
	}
	return outcomes
}

func sameSkill(s *scene) {
	s.publish("pdf", "1.0.0")
	commands := make([][]string, crowd)
	for i := range commands {
		commands[i] = []string{"install", "pdf", "--registry", s.registry, "--dir", "try"}
	}
	for _, o := range s.together(commands...) {
		o.is(0)
	}
	s.verified(1, "--dir", "try")
}

func differentSkills(s *scene) {
	commands := make([][]string, crowd)
	for i := range commands {
		slug := fmt.Sprintf("skill-%d", i)
		s.publish(slug, "1.0.0")
		commands[i] = []string{"install", slug, "--registry", s.registry, "--user", "--agent", "claude,codex"}
	}
	for _, o := range s.together(commands...) {
		o.is(0)
	}
	s.verified(crowd, "--user")
}

// someTheSame has every process install two skills, each of which others install
// as well, and not together with the same second one.
func someTheSame(s *scene) {
	const skills = 15
	for i := range skills {
		s.publish(fmt.Sprintf("skill-%d", i), "1.0.0")
	}
	commands := make([][]string, crowd)
	for i := range commands {
		a, b := i%skills, (i*i+1)%skills
		commands[i] = []string{
			"install", fmt.Sprintf("skill-%d", a), fmt.Sprintf("skill-%d", b), "--registry", s.registry, "--user", "--agent", "claude,codex",
		}
	}
	for _, o := range s.together(commands...) {
		o.is(0)
	}
	s.verified(skills, "--user")
}

func differentAgents(s *scene) {
	s.publish("pdf", "1.0.0")
	s.publish("pdf", "2.0.0")
	var commands [][]string
	for _, agent := range []string{"claude", "codex", "cursor", "gemini", "windsurf", "goose", "amp", "cline"} {
		for _, version := range []string{"1.0.0", "2.0.0"} {
			commands = append(commands, []string{"install", "pdf@" + version, "--registry", s.registry, "--user", "--agent", agent})
		}
	}
	// Two versions cannot both be there. Whichever is the last stands everywhere.
	for _, o := range s.together(commands...) {
		if o.code != 0 {
			o.is(1).says("another process changed it meanwhile")
		}
	}
	s.verified(1, "--user")
}

func installAndRemove(s *scene) {
	s.publish("pdf", "1.0.0")
	var commands [][]string
	for range crowd / 2 {
		commands = append(commands,
			[]string{"install", "pdf", "--registry", s.registry, "--dir", "try"},
			[]string{"remove", "pdf", "--dir", "try"})
	}
	for _, o := range s.together(commands...) {
		if o.args[0] == "remove" && o.code == 5 {
			o.says("is not installed")
			continue
		}
		if o.code != 0 {
			o.is(1).says("another process changed it meanwhile")
		}
	}
	n := 0
	if s.contents(filepath.Join(s.cwd, "try", "pdf")) != "" {
		n = 1
	}
	s.verified(n, "--dir", "try")
}

// someFail has half of the processes fail after they made the target for
// themselves, and remove it again.
func someFail(s *scene) {
	s.write(filepath.Join(s.registry, "bad", "SKILL.md"), "---\nname: bad\ndescription: Hides.\n---\n\U000E0041\U000E0042\n")
	var commands [][]string
	for i := range crowd / 2 {
		slug := fmt.Sprintf("skill-%d", i)
		s.publish(slug, "1.0.0")
		commands = append(commands,
			[]string{"install", "bad", "--registry", s.registry, "--dir", "try"},
			[]string{"install", slug, "--registry", s.registry, "--dir", "try"})
	}
	for i, o := range s.together(commands...) {
		if i%2 == 0 {
			o.is(6)
		} else {
			o.is(0)
		}
	}
	s.verified(crowd/2, "--dir", "try")
}

// verified checks that the lock and the disk agree, that there are n skills, and
// that nothing else is left.
func (s *scene) verified(n int, scope ...string) {
	s.t.Helper()
	s.run(append([]string{"verify"}, scope...)...).is(0)
	list := s.run(append([]string{"list", "--json"}, scope...)...).is(0)
	if got := strings.Count(list.stdout, `"artifact":`); got != n {
		s.t.Errorf("%d skills are locked, want %d:\n%s", got, n, list.stdout)
	}
	s.clean(s.home, s.cwd)
}
