package git

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// An environment is what of that of the process git may see.
type environment struct {
	vars []string
	path string
}

// newEnvironment takes out of env what a user needs to reach a repository: the
// folder of ssh keys, an agent that holds some, proxies, certificates.
func newEnvironment(env []string) environment {
	passed := []string{
		"PATH", "HOME", "SSH_AUTH_SOCK", "SSL_CERT_FILE",
		"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy",
	}
	if runtime.GOOS == "windows" { // programs do not start there without these
		passed = append(passed, "SYSTEMROOT", "USERPROFILE", "TEMP", "TMP", "PATHEXT", "COMSPEC")
	}
	var e environment
	for _, name := range passed {
		value, found := "", false
		for _, entry := range env {
			key, v, ok := strings.Cut(entry, "=")
			if ok && (key == name || runtime.GOOS == "windows" && strings.EqualFold(key, name)) {
				value, found = v, true // the last one counts
			}
		}
		if !found {
			continue
		}
		e.vars = append(e.vars, name+"="+value)
		switch name {
		case "PATH":
			e.path = value
		case "SSL_CERT_FILE":
			e.vars = append(e.vars, "GIT_SSL_CAINFO="+value) // git's TLS library does not look at the former
		}
	}
	return e
}

// findGit returns the path of git, if it is one that the fence holds.
func (s *Source) findGit() (string, error) {
	tool := s.o.Git
	if tool == "" {
		tool = s.env.find("git")
	}
	if tool == "" {
		return "", &GitMissingError{}
	}
	cmd := exec.Command(tool, "version") //nolint:gosec,noctx // the user's git; it answers at once, for all callers to come
	cmd.Env = s.env.fence("", nil)
	out, err := cmd.Output()
	if err != nil {
		return "", &GitMissingError{Err: fmt.Errorf("start git: %w", err)}
	}
	if v := strings.TrimSpace(strings.TrimPrefix(string(out), "git version ")); !recent(v) {
		return "", &GitMissingError{Version: v}
	}
	return tool, nil
}

// find looks for a program in the PATH that was passed, not in that of the
// process. A relative folder in it is not searched.
func (e environment) find(name string) string {
	for _, dir := range filepath.SplitList(e.path) {
		if !filepath.IsAbs(dir) {
			continue
		}
		if file, err := exec.LookPath(filepath.Join(dir, name)); err == nil && !errors.Is(err, exec.ErrDot) {
			return file
		}
	}
	return ""
}

// recent reports whether a git of version v obeys GIT_CONFIG_GLOBAL, which came
// with 2.32. Without it the configuration of the user would be read.
func recent(v string) bool {
	const major, minor = 2, 32
	first, rest, _ := strings.Cut(v, ".")
	second, _, _ := strings.Cut(rest, ".")
	a, err1 := strconv.Atoi(first)
	b, err2 := strconv.Atoi(second)
	return err1 == nil && err2 == nil && (a > major || a == major && b >= minor)
}

// A setting is one of git's configuration.
type setting struct{ key, value string }

// fence returns the whole environment of one git. Protocols are those that it may
// speak, separated by colons; none is no network and no other repository.
func (e environment) fence(protocols string, more []setting) []string {
	if protocols == "" {
		protocols = "none"
	}
	env := append([]string{
		"LC_ALL=C", // its words are read
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_ATTR_NOSYSTEM=1",
		"GIT_ALLOW_PROTOCOL=" + protocols,
		"GIT_PROTOCOL_FROM_USER=0",
		"GIT_TERMINAL_PROMPT=0",
		"GIT_ASKPASS=",
		"SSH_ASKPASS=",
		"SSH_ASKPASS_REQUIRE=never",
		"GIT_SSH_COMMAND=ssh -oBatchMode=yes",
		"GIT_SSH_VARIANT=ssh",
		"GIT_LFS_SKIP_SMUDGE=1",
		"GIT_NO_LAZY_FETCH=1", // what is fetched is said by us
		"GIT_NO_REPLACE_OBJECTS=1",
		"GIT_LITERAL_PATHSPECS=1",
		"GIT_OPTIONAL_LOCKS=0",
	}, e.vars...)
	settings := append([]setting{
		{"core.hooksPath", os.DevNull},
		{"core.fsmonitor", "false"},
		{"core.symlinks", "false"},
		{"core.attributesFile", os.DevNull},
		{"transfer.fsckObjects", "true"},
		{"submodule.recurse", "false"},
		{"fetch.recurseSubmodules", "false"},
		{"protocol.allow", "never"},
		{"credential.helper", ""},
		{"http.followRedirects", "false"}, // see repo.moved
		{"gc.auto", "0"},
		{"maintenance.auto", "false"},
		{"fetch.unpackLimit", "1"}, // one file a fetch, however many objects
		{"fetch.writeCommitGraph", "false"},
		{"transfer.bundleURI", "false"},
		{"safe.bareRepository", "all"},
	}, more...)
	env = append(env, "GIT_CONFIG_COUNT="+strconv.Itoa(len(settings)))
	for i, c := range settings {
		n := strconv.Itoa(i)
		env = append(env, "GIT_CONFIG_KEY_"+n+"="+c.key, "GIT_CONFIG_VALUE_"+n+"="+c.value)
	}
	return env
}
