package kubeconfig_test

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
)

// unprivileged runs do as the owner of dir, without root's power over files,
// which would make every directory writable.
func unprivileged(t *testing.T, dir string, do func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		do()
		return
	}
	const nobody = 65534
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlock: the thread ends with the goroutine
		if err := syscall.Setfsuid(nobody); err != nil {
			t.Error(err)
			return
		}
		do()
	}()
	<-done
}

func TestDirectoryPermissions(t *testing.T) {
	tests := []struct {
		name    string
		mode    os.FileMode
		wantErr string
	}{
		{"not to be written", 0o500, "permission denied"},
		{"not to be entered", 0o600, "permission denied"},
		{"to be written, but not to be read", 0o300, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "config")
			if err := os.Chmod(dir, tt.mode); err != nil {
				t.Fatal(err)
			}
			var err error
			unprivileged(t, dir, func() {
				var file *kubeconfig.File
				if file, err = kubeconfig.Reserve(path, false); err == nil {
					err = file.Commit([]byte("new"))
				}
			})
			if err := os.Chmod(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if tt.wantErr != "" {
				checkError(t, err, "writing "+path+": "+tt.wantErr)
				checkNames(t, dir)
				return
			}
			if err != nil {
				t.Error(err)
			}
			checkFile(t, path, "new")
		})
	}
}
