package git

// A Host makes archives of commits.
type Host struct {
	// Repositories begins the addresses of its repositories.
	Repositories string
	// Archive is the address of a .tar.gz, in which {path} stands for what follows
	// Repositories, {name} for the last part of that, {commit} for the id.
	Archive string
}

// DefaultHosts returns the hosts that are known.
func DefaultHosts() []Host {
	return []Host{
		{"https://github.com/", "https://codeload.github.com/{path}/tar.gz/{commit}"},
		{"https://gitlab.com/", "https://gitlab.com/{path}/-/archive/{commit}/{name}.tar.gz"},
		{"https://codeberg.org/", "https://codeberg.org/{path}/archive/{commit}.tar.gz"},
	}
}
