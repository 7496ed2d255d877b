package kubeconfig_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// clock is one for tests: it goes on, so that backups follow each other.
func clock() func() time.Time {
	var mu sync.Mutex
	at := pkitest.Now
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		at = at.Add(time.Millisecond)
		return at
	}
}

func one(path string) kubeconfig.Files { return kubeconfig.Files{Paths: []string{path}} }

// contextNamed is a kubeconfig with one context, to be merged.
func contextNamed(name string) []byte {
	return []byte(fmt.Sprintf("contexts:\n- name: %s\n  context:\n    cluster: c\n    user: u\n", name))
}

func mergeInto(t *testing.T, path string, incoming []byte) ([]kubeconfig.Change, error) {
	t.Helper()
	return kubeconfig.MergeInto(context.Background(), one(path), incoming, kubeconfig.Always(kubeconfig.Fail), clock())
}

func TestMergeIntoMakesAFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "home", ".kube", "config")
	if _, err := mergeInto(t, path, contextNamed("a")); err != nil {
		t.Fatal(err)
	}
	checkFile(t, path, "apiVersion: v1\nkind: Config\nclusters: []\ncontexts:\n- name: a\n  context:\n    cluster: c\n    user: u\nusers: []\n")
	checkNames(t, filepath.Dir(path), "config")
}

// A change keeps the link, the mode and the rest of the text, and leaves a
// backup of what was there.
func TestMergeIntoThroughALink(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "dotfiles", "config")
	if err := os.Mkdir(filepath.Dir(target), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, target, mine, 0o644)
	path := filepath.Join(dir, "config")
	link(t, "dotfiles/config", path)
	if _, err := mergeInto(t, path, contextNamed("a")); err != nil {
		t.Fatal(err)
	}
	checkFile(t, target, strings.Replace(mine, "current-context", "- name: a\n  context:\n    cluster: c\n    user: u\ncurrent-context", 1))
	checkNames(t, dir, "config", "dotfiles")
	backups, err := kubeconfig.Backups(path)
	if err != nil || len(backups) != 1 {
		t.Fatalf("%v, %v", backups, err)
	}
	checkFile(t, backups[0].Path, mine)

	// Merging it again changes nothing, and backs nothing up.
	changes, err := mergeInto(t, path, contextNamed("a"))
	if err != nil || len(changes) > 0 {
		t.Errorf("again: %v, %v", changes, err)
	}
	if backups, _ := kubeconfig.Backups(path); len(backups) != 1 {
		t.Errorf("%d backups", len(backups))
	}
}

// A directory that is a link does not make a writer wait for itself.
func TestMergeIntoALinkedDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "real"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "real", "config"), mine, 0o600)
	link(t, "real", filepath.Join(dir, "linked"))
	if _, err := mergeInto(t, filepath.Join(dir, "linked", "config"), contextNamed("a")); err != nil {
		t.Fatal(err)
	}
	checkNames(t, filepath.Join(dir, "real"), ".kubectl-certs", "config")
}

func TestUpdateLeavesTheFileWhere(t *testing.T) {
	tests := []struct {
		name    string
		before  func(t *testing.T, path string)
		want    string
		hint    string
		changed bool // the test itself changes the file
	}{
		{"it is read-only", func(t *testing.T, path string) {
			if err := os.Chmod(path, 0o400); err != nil {
				t.Fatal(err)
			}
		}, "it is read-only (mode 0400)", "chmod u+w", false},
		{"a lock was left behind", func(t *testing.T, path string) {
			write(t, path+".lock", "", 0o600)
			old := pkitest.Now.Add(-3 * pkitest.Day)
			if err := os.Chtimes(path+".lock", old, old); err != nil {
				t.Fatal(err)
			}
		}, "config.lock (age 3d)", "rm -f ", false},
		{"it is not a kubeconfig", func(t *testing.T, path string) {
			write(t, path, "kind: Pod\n", 0o600)
		}, `its kind is "Pod" instead of Config: this is another kind of file (line 1)`, "check that it is the right file", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config")
			write(t, path, mine, 0o600)
			tt.before(t, path)
			_, err := mergeInto(t, path, contextNamed("a"))
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(hint.Of(err), tt.hint) {
				t.Errorf("got %v (hint: %s)", err, hint.Of(err))
			}
			if got, _ := os.ReadFile(path); !tt.changed && string(got) != mine {
				t.Errorf("the file is now %q", got)
			}
		})
	}
}

// A program that takes no lock and writes while we do is not undone.
func TestUpdateNoticesOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	write(t, path, mine, 0o600)
	calls := 0
	_, err := kubeconfig.Update{Files: one(path), Now: clock(), Change: func(c *kubeconfig.Config) error {
		if calls++; calls == 2 { // under the lock, after reading
			write(t, path, "kind: Config\n", 0o600)
		}
		_, err := c.Merge(parse(t, "", string(contextNamed("a"))), kubeconfig.Always(kubeconfig.Fail))
		return err
	}}.Run(context.Background())
	if err == nil || !strings.Contains(err.Error(), "another program changed it in the meantime") {
		t.Errorf("got %v", err)
	}
	checkFile(t, path, "kind: Config\n")
	checkNames(t, filepath.Dir(path), ".kubectl-certs", "config")
}

// What others wrote between reading and locking is there afterwards.
func TestUpdateStartsFromWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	write(t, path, mine, 0o600)
	calls := 0
	_, err := kubeconfig.Update{Files: one(path), Now: clock(), Change: func(c *kubeconfig.Config) error {
		if calls++; calls == 1 {
			write(t, path, mine+"x-theirs: kept\n", 0o600)
		}
		_, err := c.Merge(parse(t, "", string(contextNamed("a"))), kubeconfig.Always(kubeconfig.Fail))
		return err
	}}.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(got), "x-theirs: kept") || !strings.Contains(string(got), "name: a\n") {
		t.Errorf("%s, %v", got, err)
	}
}

// A reader who finds the file empty while kubectl writes it looks again.
func TestLoadWaitsForAWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	write(t, path, "", 0o600)
	write(t, path+".lock", "", 0o600)
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-time.After(30 * time.Millisecond)
		_ = os.WriteFile(path, []byte(mine), 0o600) // what is read shows it
		_ = os.Remove(path + ".lock")
	}()
	c, err := kubeconfig.Load(one(path))
	<-done
	if err != nil || c.Entry(kubeconfig.ContextEntry, "home") == nil {
		t.Errorf("%v, %v", c, err)
	}
	// A lock that was left behind beside an empty file does not stop anybody.
	write(t, path, "", 0o600)
	write(t, path+".lock", "", 0o600)
	if c, err = kubeconfig.Load(one(path)); err != nil || len(c.Entries(kubeconfig.ContextEntry)) > 0 {
		t.Errorf("%v, %v", c, err)
	}
}

func TestFiftyWritersAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	write(t, path, mine, 0o600)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			if _, err := kubeconfig.MergeInto(context.Background(), one(path), contextNamed(fmt.Sprintf("writer-%d", i)), kubeconfig.Always(kubeconfig.Fail), time.Now); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	d, err := kubeconfig.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		if d.Entry(kubeconfig.ContextEntry, fmt.Sprintf("writer-%d", i)) == nil {
			t.Errorf("the change of writer %d is lost", i)
		}
	}
}

func TestAnInterruptEndsTheWaitForALock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	write(t, path, mine, 0o600)
	write(t, path+".lock", "", 0o600)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := kubeconfig.MergeInto(ctx, one(path), contextNamed("a"), kubeconfig.Always(kubeconfig.Fail), time.Now)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	checkFile(t, path, mine)
}

func TestUpdateUser(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	embedded := "users:\n- name: alice # me\n  user:\n    client-certificate-data: b2xk # old\n    client-key-data: b2xk\n    x: y\n"
	write(t, path, embedded, 0o600)
	update := func(user string) error {
		_, err := kubeconfig.UpdateUser(context.Background(), one(path), user, []byte("cert"), []byte("key"), clock())
		return err
	}
	if err := update("alice"); err != nil {
		t.Fatal(err)
	}
	encoded := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	checkFile(t, path, strings.NewReplacer("data: b2xk #", "data: "+encoded("cert")+" #", "data: b2xk\n", "data: "+encoded("key")+"\n").Replace(embedded))
	err := update("bob")
	checkError(t, err, `user "bob" is not in the kubeconfig`)
	if hint.Of(err) != "there are: alice" {
		t.Errorf("hint: %s", hint.Of(err))
	}

	// A user who logs in otherwise gets the certificate beside that.
	write(t, path, "users:\n- name: bob\n- name: alice\n  user: {token: t}\n", 0o600)
	for _, user := range []string{"alice", "bob"} {
		if err := update(user); err != nil {
			t.Fatal(err)
		}
	}
	const both = "\n    client-certificate-data: Y2VydA==\n    client-key-data: a2V5\n"
	checkFile(t, path, "users:\n- name: bob\n  user:"+both+"- name: alice\n  user:\n    token: t"+both)
}

func TestUpdateUserByPath(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config")
	byPath := "users:\n- name: alice\n  user:\n    client-certificate: a.crt\n    client-key: " + filepath.Join(dir, "a.key") + "\n"
	write(t, path, byPath, 0o600)
	write(t, filepath.Join(dir, "a.crt"), "old", 0o644)
	write(t, filepath.Join(dir, "a.key"), "old", 0o600)
	if _, err := kubeconfig.UpdateUser(context.Background(), one(path), "alice", []byte("cert"), []byte("key"), clock()); err != nil {
		t.Fatal(err)
	}
	checkFile(t, path, byPath)
	checkFile(t, filepath.Join(dir, "a.crt"), "cert")
	checkFile(t, filepath.Join(dir, "a.key"), "key")
	checkNames(t, dir, "a.crt", "a.key", "config")
}

func TestBackupsAreBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	write(t, path, mine, 0o600)
	now := clock()
	for i := range 25 {
		if _, err := kubeconfig.MergeInto(context.Background(), one(path), contextNamed(fmt.Sprintf("c%d", i)), kubeconfig.Always(kubeconfig.Fail), now); err != nil {
			t.Fatal(err)
		}
	}
	backups, err := kubeconfig.Backups(path)
	if err != nil || len(backups) != 20 {
		t.Fatalf("%d, %v", len(backups), err)
	}
	// The newest is first, and is what stood there before the last change.
	text, err := os.ReadFile(backups[0].Path)
	if err != nil || !strings.Contains(string(text), "name: c23\n") || strings.Contains(string(text), "name: c24\n") {
		t.Errorf("%s, %v", text, err)
	}
	// A restored backup stands there byte for byte, and can be undone.
	restore := func(b kubeconfig.Backup) {
		_, err := kubeconfig.Update{Files: one(path), Now: now, Change: func(c *kubeconfig.Config) error {
			_, err := c.Restore(b)
			return err
		}}.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
	}
	before, _ := os.ReadFile(path)
	restore(backups[5])
	if backups, err = kubeconfig.Backups(path); err != nil {
		t.Fatal(err)
	}
	restore(backups[0])
	checkFile(t, path, string(before))
}
