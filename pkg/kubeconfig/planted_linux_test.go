package kubeconfig_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// Another user of this machine, in whose directory root works.
const mallory = 4242

// malloryPlants returns a directory of mallory's with a kubeconfig, and a
// directory of root's that mallory would like to have.
func malloryPlants(t *testing.T) (hers, target string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can make files of other users")
	}
	base := t.TempDir()
	hers, target = filepath.Join(base, "hers"), filepath.Join(base, "target")
	for _, dir := range []string{hers, target, filepath.Join(target, "backups")} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(hers, "config"), mine, 0o600)
	give(t, hers, filepath.Join(hers, "config"))
	return hers, target
}

// give makes paths, links themselves among them, mallory's.
func give(t *testing.T, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if err := os.Lchown(path, mallory, mallory); err != nil {
			t.Fatal(err)
		}
	}
}

func owner(t *testing.T, path string) int {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return int(info.Sys().(*syscall.Stat_t).Uid)
}

// isUntouched checks that root's directory is root's, and as it was.
func isUntouched(t *testing.T, target string) {
	t.Helper()
	for _, dir := range []string{target, filepath.Join(target, "backups")} {
		if uid := owner(t, dir); uid != 0 {
			t.Errorf("%s belongs to %d now", dir, uid)
		}
	}
	if got := listing(t, target); strings.Contains(got, ".tmp") || strings.Contains(got, "config") {
		t.Errorf("something was written into it:\n%s", got)
	}
}

// A link in the place of what is kept beside a kubeconfig is not followed,
// wherever it leads, and nothing there changes hands.
func TestPlantedStateDirectory(t *testing.T) {
	for _, at := range []string{".kubectl-certs", ".kubectl-certs/backups"} {
		t.Run(at, func(t *testing.T) {
			hers, target := malloryPlants(t)
			path := filepath.Join(hers, filepath.FromSlash(at))
			if at != ".kubectl-certs" {
				if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				give(t, filepath.Dir(path))
			}
			link(t, target, path)
			give(t, path)
			config := filepath.Join(hers, "config")
			if _, err := mergeInto(t, config, contextNamed("a")); err == nil || !strings.Contains(err.Error(), "is a symbolic link") {
				t.Errorf("got %v", err)
			}
			if at == ".kubectl-certs" {
				if err := one(config).RememberPrevious("a"); err == nil || !strings.Contains(err.Error(), "is a symbolic link") {
					t.Errorf("got %v", err)
				}
			}
			if _, err := kubeconfig.Backups(config); err == nil {
				t.Error("backups were listed through the link")
			}
			isUntouched(t, target)
			if text, err := os.ReadFile(config); err != nil || string(text) != mine {
				t.Errorf("the kubeconfig is now %q, %v", text, err)
			}
		})
	}
}

// A directory that others own, or may write to, is no place to restore from.
func TestStateDirectoryOfOthers(t *testing.T) {
	hers, _ := malloryPlants(t)
	config := filepath.Join(hers, "config")
	if err := os.Chown(config, 0, 0); err != nil { // root's, in her directory
		t.Fatal(err)
	}
	state := filepath.Join(hers, ".kubectl-certs")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	give(t, state)
	if _, err := mergeInto(t, config, contextNamed("a")); err == nil || !strings.Contains(err.Error(), "belongs to another user (uid 4242)") {
		t.Errorf("got %v", err)
	}
	if err := os.Lchown(state, 0, 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(state, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := mergeInto(t, config, contextNamed("a")); err == nil || !strings.Contains(err.Error(), "can be written by others") {
		t.Errorf("got %v", err)
	}
}

// What root writes does not go where another user's link says: neither a
// kubeconfig, nor a new file below a directory, nor a lock.
func TestPlantedLinksOnTheWay(t *testing.T) {
	hers, target := malloryPlants(t)
	write(t, filepath.Join(target, "admin.conf"), mine, 0o600)
	links := map[string]string{"file": filepath.Join(target, "admin.conf"), "dir": target, "nowhere": filepath.Join(target, "new")}
	for name, to := range links {
		link(t, to, filepath.Join(hers, name))
		give(t, filepath.Join(hers, name))
	}
	const want = "is a symbolic link created by another user (uid 4242)"
	refused := func(what string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	for _, path := range []string{"file", "dir/config", "dir/more/config", "nowhere"} {
		_, err := mergeInto(t, filepath.Join(hers, path), contextNamed("a"))
		refused("merging into "+path, err)
		_, err = kubeconfig.Reserve(filepath.Join(hers, path), true)
		refused("reserving "+path, err)
		_, err = kubeconfig.ReserveAll([]string{filepath.Join(hers, path)}, true)
		refused("reserving all of "+path, err)
		refused("marking "+path, kubeconfig.Mark(filepath.Join(hers, path)))
		if _, _, err := kubeconfig.LockFor(filepath.Join(hers, path), time.Now(), time.Minute); err == nil {
			t.Errorf("%s was locked", path)
		}
	}
	_, err := kubeconfig.MakeDirectory(filepath.Join(hers, "dir", "made"), true)
	refused("making a directory", err)
	report := &kubeconfig.Report{Findings: []kubeconfig.Finding{{Code: kubeconfig.CodeReadable, Where: filepath.Join(hers, "file")}}}
	_, err = report.FixModes()
	refused("changing a mode", err)
	checkNames(t, target, "admin.conf", "backups")
	if text, err := os.ReadFile(filepath.Join(target, "admin.conf")); err != nil || string(text) != mine {
		t.Errorf("it is now %q, %v", text, err)
	}
	// root's own links are followed, in her directory too.
	own := filepath.Join(hers, "roots")
	link(t, filepath.Join(target, "admin.conf"), own)
	if _, err := mergeInto(t, own, contextNamed("a")); err != nil {
		t.Error(err)
	}
}

// A link in the place of a mark is replaced, or refused; nothing is emptied.
func TestMarkThroughALink(t *testing.T) {
	dir := t.TempDir()
	victim, mark := filepath.Join(dir, "victim"), filepath.Join(dir, "pair.pem.failed")
	write(t, victim, "precious", 0o600)
	link(t, victim, mark)
	_ = kubeconfig.Mark(mark)
	if err := os.Remove(mark); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(victim, mark); err != nil {
		t.Fatal(err)
	}
	if err := kubeconfig.Mark(mark); err != nil {
		t.Error(err)
	}
	checkFile(t, victim, "precious")
	checkFile(t, mark, "")
	if err := kubeconfig.Mark(mark); err != nil {
		t.Errorf("a second time: %v", err)
	}
}

// A pair belongs to who uses it, or to root, as ssh asks of its keys.
func TestReadPairOfOthers(t *testing.T) {
	hers, _ := malloryPlants(t)
	key, err := pki.EncodeKey(pkitest.Key("alice"))
	if err != nil {
		t.Fatal(err)
	}
	pair, err := kubeconfig.NewPair(pki.EncodeCertificates(pkitest.NewCA(t, "kubernetes").Issue(t, pkitest.Client("alice"))), key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(hers, "pair.pem")
	if err := pair.Write(path, false); err != nil {
		t.Fatal(err)
	}
	if _, err := kubeconfig.ReadPair(path); err != nil {
		t.Errorf("root's own: %v", err)
	}
	give(t, path)
	if _, err := kubeconfig.ReadPair(path); err == nil || !strings.Contains(err.Error(), "it belongs to another user (uid 4242)") {
		t.Errorf("mallory's: %v", err)
	}
	fifo := filepath.Join(hers, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := kubeconfig.ReadPair(fifo); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a pipe: %v", err)
	}
}

// A link that comes between the look and the use, again and again: nothing of
// root's changes hands, and nothing is written there.
func TestPlantedInARace(t *testing.T) {
	hers, target := malloryPlants(t)
	state, evil := filepath.Join(hers, ".kubectl-certs"), filepath.Join(hers, "evil")
	for _, dir := range []string{state, filepath.Join(state, "backups")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		give(t, dir)
	}
	link(t, target, evil)
	give(t, evil)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := unix.Renameat2(unix.AT_FDCWD, state, unix.AT_FDCWD, evil, unix.RENAME_EXCHANGE); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	config := filepath.Join(hers, "config")
	succeeded := 0
	const tries = 60
	for i := range tries {
		if _, err := mergeInto(t, config, contextNamed(fmt.Sprintf("c%d", i))); err == nil {
			succeeded++
		}
		_ = one(config).RememberPrevious("a")
		isUntouched(t, target)
		if t.Failed() {
			break
		}
	}
	close(stop)
	<-stopped
	if succeeded == 0 || succeeded == tries {
		t.Errorf("%d of %d changes were made: nothing was raced", succeeded, tries)
	}
}

// nobodysHome names the directory in which the child of TestOwnLinks works.
const nobodysHome = "KUBECONFIG_TEST_HOME"

// Who is not root follows links of their own and of root's, and no others.
func TestOwnLinks(t *testing.T) {
	const me = 65534
	if home := os.Getenv(nobodysHome); home != "" {
		for name, refused := range map[string]bool{"own": false, "roots": false, "hers": true} {
			_, err := mergeInto(t, filepath.Join(home, name), contextNamed(name))
			if refused != (err != nil) || refused && !strings.Contains(err.Error(), "another user (uid 4242)") {
				t.Errorf("%s: %v", name, err)
			}
		}
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can make files of other users")
	}
	home := t.TempDir()
	for dir := home; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(home, "config"), mine, 0o600)
	for name, uid := range map[string]int{"own": me, "roots": 0, "hers": mallory} {
		link(t, "config", filepath.Join(home, name))
		if err := os.Lchown(filepath.Join(home, name), uid, uid); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{home, filepath.Join(home, "config")} {
		if err := os.Chown(path, me, me); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(home, "test")
	data, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, data, 0o755); err != nil {
		t.Fatal(err)
	}
	child := exec.Command(program, "-test.run=^TestOwnLinks$")
	child.Dir = home
	child.Env = append(os.Environ(), nobodysHome+"="+home)
	child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: me, Gid: me}}
	out, err := child.CombinedOutput()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil || exited {
		t.Errorf("%v\n%s", err, out)
	}
}
