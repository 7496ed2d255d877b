//go:build unix

package seal_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/seal"
)

// A password that others can read is none.
func TestReadPassword(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		name, text string
		mode       os.FileMode
		password   string
		fault      string
	}{
		{"good", "correct horse\nbattery\n", 0o600, "correct horse", ""},
		{"read-only", "x", 0o400, "x", ""},
		{"crlf", "correct horse\r\n", 0o600, "correct horse", ""},
		{"blank", " \n", 0o600, " ", ""},
		{"group", "x\n", 0o640, "", "can be read or changed by others (mode 0640)"},
		{"others", "x\n", 0o604, "", "(mode 0604)"},
		{"writable", "x\n", 0o620, "", "(mode 0620)"},
		{"empty", "", 0o600, "", "is empty"},
		{"empty line", "\nx\n", 0o600, "", "is empty"},
		{"endless", strings.Repeat("x", 1<<17), 0o600, "", "reading the password in"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(dir, tt.name)
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, tt.mode); err != nil {
				t.Fatal(err)
			}
			link := path + ".link"
			if err := os.Symlink(path, link); err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{path, link} {
				got, err := seal.ReadPassword(path)
				if tt.fault == "" && (err != nil || got != tt.password) {
					t.Errorf("got %q, %v", got, err)
				}
				if tt.fault != "" && (err == nil || !strings.Contains(err.Error(), tt.fault) || strings.Contains(err.Error(), "xxx")) {
					t.Errorf("got %q, %v; want an error that says %q", got, err, tt.fault)
				}
			}
		})
	}
	if _, err := seal.ReadPassword(dir); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("a directory: %v", err)
	}
	if os.Geteuid() == 0 {
		path := filepath.Join(dir, "good")
		if err := os.Chown(path, 1000, 1000); err != nil {
			t.Fatal(err)
		}
		if _, err := seal.ReadPassword(path); err == nil || !strings.Contains(err.Error(), "belongs to another user (uid 1000)") {
			t.Errorf("another's: %v", err)
		}
	}
}
