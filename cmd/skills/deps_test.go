package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The client is small and starts in milliseconds because of what it does not
// link. The server's world (databases, object stores, metrics), code for tests,
// and what was decided against must not come in by an import somewhere below.
func TestLinksNoServerCode(t *testing.T) {
	const self = "github.com/openskills-go/skills/"
	deny := []string{
		"testing",
		"net/http/httptest",
		"net/http/pprof",
		"database/sql",
		"modernc.org/sqlite",
		"github.com/mattn/go-sqlite3",
		"github.com/jackc/pgx",
		"github.com/lib/pq",
		"github.com/pressly/goose",
		"gocloud.dev",
		"cloud.google.com/go",
		"github.com/aws",
		"github.com/Azure",
		"github.com/prometheus",
		"go.opentelemetry.io",
		"google.golang.org/grpc",
		"google.golang.org/protobuf",
		"github.com/spf13/viper",
		"github.com/yuin/goldmark",
		"github.com/google/go-containerregistry",
		"github.com/docker/cli",
		self + "registry/folderserver",
		self + "registry/server",
		self + "registry/internal/meta",
		self + "registry/internal/catalog",
		self + "registry/internal/blobs",
		self + "registry/registrytest",
		self + "registry/clawhub/clawhubtest",
		self + "pkg/source/sourcetest",
	}
	// Interfaces and constants, which semver implements and uses. They open nothing.
	allow := []string{"database/sql/driver"}
	linked := linkedPackages(t)
	if !slices.Contains(linked, self+"cmd/skills") || len(linked) < 50 {
		t.Fatalf("go list names %d packages, and cmd/skills may not be one: this test would prove nothing", len(linked))
	}
	for _, pkg := range linked {
		for _, d := range deny {
			if (pkg == d || strings.HasPrefix(pkg, d+"/")) && !slices.Contains(allow, pkg) {
				t.Errorf("skills links %s; find out why with: go list -deps -f '{{.ImportPath}} {{.Imports}}' ./cmd/skills", pkg)
			}
		}
	}
}

func TestStaysSmall(t *testing.T) {
	const most = 16 << 20
	program := filepath.Join(t.TempDir(), "skills")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() >= most {
		t.Errorf("skills has %d bytes, stripped; it must stay under %d", info.Size(), most)
	}
}

// linkedPackages returns what a release links on each system: files with build
// constraints import other things elsewhere.
func linkedPackages(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, goos := range []string{"linux", "darwin", "windows"} {
		cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", ".")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos)
		var errs strings.Builder
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list for %s: %v\n%s", goos, err, errs.String())
		}
		all = append(all, strings.Fields(string(out))...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
