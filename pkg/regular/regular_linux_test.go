package regular_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/regular"
)

// What has no end is refused, and not waited for: a pipe without a writer would
// hang this test.
func TestWhatHasNoEnd(t *testing.T) {
	dir := t.TempDir()
	file, large, fifo, link := filepath.Join(dir, "file"), filepath.Join(dir, "large"), filepath.Join(dir, "fifo"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(file, make([]byte, 10), 0o600), os.WriteFile(large, make([]byte, 2000), 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(syscall.Mkfifo(fifo, 0o600), os.Symlink(fifo, link)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path string
		want error
		size int
	}{
		{file, nil, 10},
		{os.DevNull, nil, 0},
		{large, regular.ErrTooLarge, 0},
		{fifo, regular.ErrNotRegular, 0},
		{link, regular.ErrNotRegular, 0},
		{"/dev/zero", regular.ErrNotRegular, 0},
		{filepath.Join(dir, "none"), fs.ErrNotExist, 0},
	} {
		data, err := regular.ReadFile(tt.path, 1000)
		if !errors.Is(err, tt.want) || len(data) != tt.size {
			t.Errorf("reading %s: %d bytes, %v", tt.path, len(data), err)
		}
		err = regular.Check(tt.path, 1000)
		if want := tt.want; want != fs.ErrNotExist && !errors.Is(err, want) || want == fs.ErrNotExist && err != nil {
			t.Errorf("checking %s: %v", tt.path, err)
		}
	}
}

// A shell's <(...) is read, once it has been written.
func TestInheritedPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	go func() {
		_, _ = w.WriteString("text")
		w.Close()
	}()
	path := fmt.Sprintf("/dev/fd/%d", r.Fd())
	if err := regular.Check(path, 1000); err != nil {
		t.Error(err)
	}
	if data, err := regular.ReadFile(path, 1000); err != nil || string(data) != "text" {
		t.Errorf("got %q, %v", data, err)
	}
}
