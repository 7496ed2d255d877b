package report_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/report"
)

func TestLookup(t *testing.T) {
	file := filepath.Join(t.TempDir(), "template")
	if err := os.WriteFile(file, []byte("NAME EXPIRES\n.name .notAfter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		wantErr string // "" for a format
	}{
		{"jsonpath={.items[*].name}", ""},
		{"jsonpath-file=" + file, ""},
		{"go-template={{range .items}}{{.name}}{{end}}", ""},
		{"go-template-file=" + file, ""},
		{"custom-columns=NAME:.name", ""},
		{"custom-columns-file=" + file, ""},
		{"jsonpath", "jsonpath=EXPRESSION"},
		{"go-template=", "go-template=TEMPLATE"},
		{"jsonpath={.items[", "parsing the jsonpath"},
		{"go-template={{", "parsing the go-template"},
		{"custom-columns=NAME", `"NAME" is not HEADER:FIELD`},
		{"custom-columns=NAME:{.a[}", "parsing the custom-columns"},
		{"jsonpath-file=" + file + ".gone", "no such file"},
		{"json=x", "unknown output format"},
		{"", "unknown output format"},
	}
	for _, format := range report.Formats {
		tests = append(tests, struct{ name, wantErr string }{format.Name, ""})
	}
	for _, tt := range tests {
		format, err := report.Lookup(tt.name)
		if tt.wantErr == "" && (err != nil || format == nil) {
			t.Errorf("%s: got %v", tt.name, err)
		}
		if tt.wantErr != "" && (err == nil || !strings.Contains(err.Error(), tt.wantErr)) {
			t.Errorf("%s: got error %v, want %q", tt.name, err, tt.wantErr)
		}
	}
	_, err := report.Lookup("xml")
	if err == nil {
		t.Fatal("there is a format xml")
	}
	for _, name := range report.FormatNames() {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("error %q does not offer %s", err, name)
		}
	}
}
