package kubeconfig_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
)

// write writes a file that stands there before the test begins.
func write(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
}

func reserve(t *testing.T, path string, replace bool) *kubeconfig.File {
	t.Helper()
	file, err := kubeconfig.Reserve(path, replace)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(file.Discard)
	return file
}

// checkFile reports where path is not a private file that holds text.
func checkFile(t *testing.T, path, text string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != text {
		t.Errorf("%s: got %q, want %q", path, got, text)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("%s: got mode %v, want 0600", path, info.Mode())
	}
}

// checkNames reports what is in dir beside want.
func checkNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s holds %q, want %q", dir, got, want)
	}
}

func TestCommit(t *testing.T) {
	tests := []struct {
		name    string
		before  func(t *testing.T, dir string) // what stands there
		replace bool
		want    []string // names in the directory afterwards
	}{
		{"a new file", func(*testing.T, string) {}, false, []string{"config"}},
		{"a new file, with leave to replace", func(*testing.T, string) {}, true, []string{"config"}},
		{"in place of a private file", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "config"), "old", 0o600)
		}, true, []string{"config"}},
		{"in place of a file that others could read", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "config"), "old", 0o644)
		}, true, []string{"config"}},
		{"in place of a file that nobody could write", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "config"), "old", 0o400)
		}, true, []string{"config"}},
		{"through a symbolic link", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "target"), "old", 0o600)
			link(t, "target", filepath.Join(dir, "config"))
		}, true, []string{"config", "target"}},
		{"through two symbolic links", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "target"), "old", 0o600)
			link(t, "target", filepath.Join(dir, "between"))
			link(t, "between", filepath.Join(dir, "config"))
		}, true, []string{"between", "config", "target"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			tt.before(t, dir)
			path := filepath.Join(dir, "config")
			links := symlinks(t, dir)
			if err := reserve(t, path, tt.replace).Commit([]byte("new")); err != nil {
				t.Fatal(err)
			}
			checkFile(t, path, "new")
			checkNames(t, dir, tt.want...)
			if after := symlinks(t, dir); !slices.Equal(after, links) {
				t.Errorf("links were %q and are %q", links, after)
			}
		})
	}
}

func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

// symlinks lists the links in dir, and where they lead.
func symlinks(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var links []string
	for _, e := range entries {
		if target, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil {
			links = append(links, e.Name()+" -> "+target)
		}
	}
	return links
}

func TestTheOldFileStandsUntilCommit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	write(t, path, "old", 0o600)
	file := reserve(t, path, true)
	checkFile(t, path, "old")
	if err := file.Commit([]byte("new")); err != nil {
		t.Fatal(err)
	}
	checkFile(t, path, "new")
}

func TestDiscard(t *testing.T) {
	t.Run("leaves nothing behind", func(t *testing.T) {
		dir := t.TempDir()
		reserve(t, filepath.Join(dir, "config"), false).Discard()
		checkNames(t, dir)
	})
	t.Run("leaves the old file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "config")
		write(t, path, "old", 0o600)
		reserve(t, path, true).Discard()
		checkFile(t, path, "old")
		checkNames(t, filepath.Dir(path), "config")
	})
	t.Run("does nothing after Commit", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "config")
		file := reserve(t, path, false)
		if err := file.Commit([]byte("new")); err != nil {
			t.Fatal(err)
		}
		file.Discard()
		checkFile(t, path, "new")
	})
}

func TestReserveRefuses(t *testing.T) {
	tests := []struct {
		name    string
		before  func(t *testing.T, dir string) (path string)
		replace bool
		wantErr string // after "writing PATH: "
	}{
		{"a file that is there", func(t *testing.T, dir string) string {
			write(t, filepath.Join(dir, "config"), "old", 0o600)
			return filepath.Join(dir, "config")
		}, false, "the file already exists"},
		{"a directory", func(_ *testing.T, dir string) string { return dir }, true, "it is a directory"},
		{"a device", func(*testing.T, string) string { return os.DevNull }, true, "it is not a regular file"},
		{"a link that leads nowhere", func(t *testing.T, dir string) string {
			link(t, "nowhere", filepath.Join(dir, "config"))
			return filepath.Join(dir, "config")
		}, true, "it is a dangling symbolic link"},
		{"a link that leads to itself", func(t *testing.T, dir string) string {
			link(t, "config", filepath.Join(dir, "config"))
			return filepath.Join(dir, "config")
		}, true, "too many levels of symbolic links"},
		{"no such directory", func(_ *testing.T, dir string) string { return filepath.Join(dir, "none", "config") },
			false, "no such file or directory"},
		{"a directory that is a file", func(t *testing.T, dir string) string {
			write(t, filepath.Join(dir, "file"), "", 0o600)
			return filepath.Join(dir, "file", "config")
		}, false, "not a directory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := tt.before(t, dir)
			before := listing(t, dir)
			file, err := kubeconfig.Reserve(path, tt.replace)
			if err == nil {
				file.Discard()
				t.Fatal("got no error")
			}
			checkError(t, err, "writing "+path+": "+tt.wantErr)
			if after := listing(t, dir); after != before {
				t.Errorf("the directory was %q and is %q", before, after)
			}
		})
	}
}

// listing renders what is in dir.
func listing(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, e := range entries {
		text.WriteString(fs.FormatDirEntry(e) + "\n")
	}
	return text.String()
}

// checkError reports where err does not say want, or does not help.
func checkError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("got no error, want %q", want)
	}
	if err.Error() != want {
		t.Errorf("got error %q, want %q", err, want)
	}
	if hint.Of(err) == "" {
		t.Errorf("error %q comes without advice", err)
	}
}

func TestCommitRefuses(t *testing.T) {
	t.Run("a file that came meanwhile", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "config")
		file := reserve(t, path, false)
		write(t, path, "someone else's", 0o600)
		checkError(t, file.Commit([]byte("new")), "writing "+path+": the file already exists")
		checkFile(t, path, "someone else's")
		checkNames(t, filepath.Dir(path), "config")
	})
	t.Run("a directory that came meanwhile", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "config")
		file := reserve(t, path, true)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		checkError(t, file.Commit([]byte("new")), "writing "+path+": is a directory")
		checkNames(t, filepath.Dir(path), "config")
	})
	for name, replace := range map[string]bool{"a new file": false, "an old one": true} {
		t.Run(name+" whose directory went meanwhile", func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "sub", "config")
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			file := reserve(t, path, replace)
			if err := os.RemoveAll(filepath.Dir(path)); err != nil {
				t.Fatal(err)
			}
			checkError(t, file.Commit([]byte("new")), "writing "+path+": no such file or directory")
		})
	}
}

// Two that want the same new file: one gets it, and the other learns of it.
func TestOneOfTwoGetsTheName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	first, second := reserve(t, path, false), reserve(t, path, false)
	if err := second.Commit([]byte("second")); err != nil {
		t.Fatal(err)
	}
	checkError(t, first.Commit([]byte("first")), "writing "+path+": the file already exists")
	checkFile(t, path, "second")
	checkNames(t, filepath.Dir(path), "config")
}

// wholeVersion is what the crash test's child writes: long enough for a write
// to be cut in two, and every line the same.
func wholeVersion(n byte) []byte {
	line := append(bytes.Repeat([]byte{'a' + n%26}, 63), '\n')
	return bytes.Repeat(line, 1024)
}

// isWhole reports whether data is some wholeVersion.
func isWhole(data []byte) bool {
	return len(data) > 0 && bytes.Equal(data, wholeVersion(data[0]-'a'))
}
