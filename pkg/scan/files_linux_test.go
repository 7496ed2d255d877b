package scan_test

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// Who may not read a key is told so, and what would help.
func TestFilesThatMayNotBeRead(t *testing.T) {
	if os.Geteuid() == 0 {
		as(t, 65534) // root may read everything
	}
	x := newTree(t)
	x.write("web.crt", pki.EncodeCertificates(pkitest.NewCA(t, "my CA").Issue(t, pkitest.Server("web", "web.example"))))
	x.write("web.key", keyPEM(t, "web"))
	x.write("other.crt", nil)
	x.write("closed/x.crt", nil)
	for name, mode := range map[string]os.FileMode{"web.key": 0, "other.crt": 0, "closed": 0} {
		if err := os.Chmod(x.path(name), mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.Chmod(x.path("closed"), 0o700) })
	inv := x.inspect()
	got := said(inv)
	slices.Sort(got)
	want := []string{"closed: permission denied", "other.crt: permission denied",
		"web.key: permission denied: cannot check whether it matches " + x.path("web.crt")}
	if !slices.Equal(got, want) {
		t.Errorf("said %q, want %q", got, want)
	}
	for _, s := range inv.Skipped {
		if !strings.Contains(s.Hint, "sudo kubectl-certs inspect --files") {
			t.Errorf("the hint of %s is %q", s.Where, s.Hint)
		}
	}
}

// as lets the rest of the test act as another user where files are concerned.
func as(t *testing.T, uid int) {
	t.Helper()
	runtime.LockOSThread() // the effect is the thread's; it ends with the test's goroutine
	if err := syscall.Setfsuid(uid); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Setfsuid(0)
		runtime.UnlockOSThread()
	})
}

// A named pipe that nobody writes to is not waited for.
func TestFilesDoNotWaitForPipes(t *testing.T) {
	x := newTree(t)
	x.write("x", nil)
	if err := syscall.Mkfifo(x.path("pipe.crt"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := said(x.inspect()); !slices.Contains(got, "pipe.crt: it is not a regular file") {
		t.Errorf("said %q", got)
	}
}
