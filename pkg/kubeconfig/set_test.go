package kubeconfig_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
)

func TestSetCommit(t *testing.T) {
	dir := t.TempDir()
	crt, key := filepath.Join(dir, "admin.crt"), filepath.Join(dir, "admin.key")
	write(t, crt, "old", 0o644)
	set, err := kubeconfig.ReserveAll([]string{crt, key}, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Commit([]byte("certificate"), []byte("key")); err != nil {
		t.Fatal(err)
	}
	set.Discard()
	checkFile(t, crt, "certificate")
	checkFile(t, key, "key")
	checkNames(t, dir, "admin.crt", "admin.key")
}

// One file that is in the way keeps all of them from being reserved, and
// nothing is left.
func TestReserveAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken")
	write(t, taken, "precious", 0o600)
	if _, err := kubeconfig.ReserveAll([]string{filepath.Join(dir, "new"), taken}, false); err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("error %v", err)
	}
	checkFile(t, taken, "precious")
	checkNames(t, dir, "taken")
}

// When the last file cannot get its name, the others are as they were before:
// the new ones gone, the old ones back.
func TestSetCommitAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	old, fresh, last := filepath.Join(dir, "a-old"), filepath.Join(dir, "b-fresh"), filepath.Join(dir, "c-last")
	write(t, old, "old", 0o600)
	set, err := kubeconfig.ReserveAll([]string{old, fresh, last}, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(last, 0o700); err != nil { // somebody was quicker
		t.Fatal(err)
	}
	if err := set.Commit([]byte("1"), []byte("2"), []byte("3")); err == nil {
		t.Fatal("got no error")
	}
	set.Discard()
	checkFile(t, old, "old")
	checkNames(t, dir, "a-old", "c-last")
}

// What was committed can be taken back as long as the set is not discarded.
func TestSetUndo(t *testing.T) {
	dir := t.TempDir()
	old, fresh := filepath.Join(dir, "a-old"), filepath.Join(dir, "b-fresh")
	write(t, old, "old", 0o600)
	set, err := kubeconfig.ReserveAll([]string{old, fresh}, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Commit([]byte("1"), []byte("2")); err != nil {
		t.Fatal(err)
	}
	set.Undo()
	set.Discard()
	checkFile(t, old, "old")
	checkNames(t, dir, "a-old")
}

func TestSetCommitCounts(t *testing.T) {
	set, err := kubeconfig.ReserveAll([]string{filepath.Join(t.TempDir(), "a")}, false)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Discard()
	if err := set.Commit(); err == nil {
		t.Error("a file without content was committed")
	}
}
