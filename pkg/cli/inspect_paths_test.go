package cli

import (
	"os"
	"slices"
	"testing"
)

// Whatever a path is called, it can be named, and names are left alone.
func TestTakePaths(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"a.pem", "b.pem", "n\nl.pem", "c,d.pem", "apiserver"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll("pki/etcd", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("pki/ca.crt", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name                      string
		files, args, paths, names []string
	}{
		{"a newline", []string{"n\nl.pem"}, nil, []string{"n\nl.pem"}, nil},
		{"a comma", []string{"c,d.pem"}, nil, []string{"c,d.pem"}, nil},
		{"a list", []string{"a.pem,b.pem"}, nil, []string{"a.pem", "b.pem"}, nil},
		{"a list of what is not there", []string{"a.pem,x.pem"}, nil, []string{"a.pem,x.pem"}, nil},
		{"as the shell expands it", []string{"a.pem"}, []string{"b.pem", "n\nl.pem", "c,d.pem"}, []string{"a.pem", "b.pem", "n\nl.pem", "c,d.pem"}, nil},
		{"with a name", []string{"a.pem"}, []string{"b.pem", "kubelet"}, []string{"a.pem", "b.pem"}, []string{"kubelet"}},
		{"the word files", nil, []string{"files", "a.pem", "b.pem"}, []string{"a.pem", "b.pem"}, nil},
		{"the word files for a source", nil, []string{"files"}, nil, []string{"files"}},
		{"paths by their looks", nil, []string{"./pki", "/etc", "..", "../x"}, []string{"./pki", "/etc", "..", "../x"}, nil},
		{"names for a cluster", nil, []string{"apiserver", "secret/a/b", "csr/x", "a.pem"}, nil, []string{"apiserver", "secret/a/b", "csr/x", "a.pem"}},
		{"what is in a directory", []string{"pki"}, []string{"pki/ca.crt"}, []string{"pki"}, []string{"pki/ca.crt"}},
		{"a sibling of a directory", []string{"pki"}, []string{"a.pem"}, []string{"pki", "a.pem"}, nil},
		{"standard input", []string{"-"}, nil, []string{"-"}, nil},
		{"nothing", []string{""}, nil, []string{""}, nil},
	} {
		f := fileFlags{files: tt.files, image: releasedImage}
		if names := f.takePaths(tt.args); !slices.Equal(names, tt.names) || !slices.Equal(f.files, tt.paths) {
			t.Errorf("%s: paths %q, names %q", tt.name, f.files, names)
		}
		if err := f.validate(); (err != nil) != (tt.name == "nothing") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
