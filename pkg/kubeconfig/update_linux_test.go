package kubeconfig_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Where nothing can be written, the file stays, and the error says so.
func TestReadOnlyDirectory(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config")
	write(t, path, mine, 0o644)
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o755) })
	var err error
	unprivileged(t, dir, func() { _, err = mergeInto(t, path, contextNamed("a")) })
	if err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("got %v", err)
	}
	checkNames(t, dir, "config")
	if text, err := os.ReadFile(path); err != nil || string(text) != mine {
		t.Errorf("the file is now %q, %v", text, err)
	}
}

// The owner of a file stays its owner when root changes it; somebody else who
// cannot see to that is refused.
func TestOwnerIsKept(t *testing.T) {
	if os.Geteuid() != 0 {
		return // only root can give files away
	}
	const somebody = 1234
	dir := t.TempDir()
	path := filepath.Join(dir, "config")
	write(t, path, mine, 0o600)
	if err := os.Chown(path, somebody, somebody); err != nil {
		t.Fatal(err)
	}
	if _, err := mergeInto(t, path, contextNamed("a")); err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(dir, ".kubectl-certs")
	backups := filepath.Join(state, "backups")
	for _, p := range []string{path, state, backups, filepath.Join(backups, entries(t, backups)[0].Name())} {
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		if owner := info.Sys().(*syscall.Stat_t).Uid; owner != somebody {
			t.Errorf("%s belongs to %d now", p, owner)
		}
	}
}
