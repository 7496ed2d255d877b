package kubeconfig

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestCredential(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.crt", "a.key"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("from "+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	data := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	path := filepath.Join(dir, "config")
	text := `apiVersion: v1
kind: Config
users:
- {name: embedded, user: {client-certificate-data: ` + data("cert") + `, client-key-data: ` + data("key") + `}}
- {name: files, user: {client-certificate: a.crt, client-key: a.key}}
- {name: mixed, user: {client-certificate: a.crt, client-key-data: ` + data("key") + `}}
- {name: both, user: {client-certificate-data: ` + data("cert") + `, client-certificate: a.crt, client-key-data: ` + data("key") + `, token: x}}
- {name: missing, user: {client-certificate: b.crt, client-key: b.key}}
- {name: token, user: {token: secret}}
- {name: tokenfile, user: {tokenFile: /secret}}
- {name: password, user: {username: u, password: secret}}
- {name: exec, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, interactiveMode: Never}}}
- {name: nothing, user: {}}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := Load(Files{Paths: []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	crt, key := filepath.Join(dir, "a.crt"), filepath.Join(dir, "a.key")
	for _, tt := range []struct {
		user, cert, key string
		files           []string
		wantErr         string
	}{
		{"embedded", "cert", "key", []string{path}, ""},
		{"files", "from a.crt", "from a.key", []string{crt, key}, ""},
		{"mixed", "from a.crt", "key", []string{path}, ""},
		{"both", "cert", "key", []string{path}, ""},
		{"missing", "", "", nil, "b.crt, its client-certificate (line 8"},
		{"token", "", "", nil, "with a token, not with a certificate"},
		{"tokenfile", "", "", nil, "with a token in a file"},
		{"password", "", "", nil, "with a password"},
		{"exec", "", "", nil, "with an exec credential plugin (aws)"},
		{"nothing", "", "", nil, "has no client certificate"},
		{"nobody", "", "", nil, "nobody"},
	} {
		got, err := config.Credential(tt.user)
		if tt.wantErr != "" {
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("%s: got %v, want an error that says %q", tt.user, err, tt.wantErr)
			} else if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "c2VjcmV0") {
				t.Errorf("%s: the error tells a secret: %v", tt.user, err)
			}
			continue
		}
		if err != nil || string(got.Certificate) != tt.cert || string(got.Key) != tt.key || !slices.Equal(got.Files, tt.files) {
			t.Errorf("%s: got %q, %q in %q (%v)", tt.user, got.Certificate, got.Key, got.Files, err)
		}
	}
}

func TestCheckWritable(t *testing.T) {
	dir := t.TempDir()
	good, locked := filepath.Join(dir, "good"), filepath.Join(dir, "locked")
	for path, mode := range map[string]os.FileMode{good: 0o600, locked: 0o400} {
		if err := os.WriteFile(path, []byte("precious"), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := CheckWritable([]string{good}); err != nil {
		t.Error(err)
	}
	for path, want := range map[string]string{locked: "it is read-only", filepath.Join(dir, "no", "file"): "no such file", dir: "it is a directory"} {
		if err := CheckWritable([]string{good, path}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("left behind: %v", left)
	}
}
