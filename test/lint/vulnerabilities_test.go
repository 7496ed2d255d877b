// Package lint holds the linters; its test promises that a known vulnerability
// fails, and that a database which cannot be reached is said and fails nothing.
package lint

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// put writes files below dir.
func put(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestVulnerabilities(t *testing.T) {
	program := put(t, t.TempDir(), map[string]string{
		"go.mod":  "module example.test/program\n\ngo 1.26.0\n",
		"main.go": "package main\n\nimport \"net/url\"\n\nfunc main() { _, _ = url.Parse(\"x\") }\n",
	})
	// A database is the index, and a file for each vulnerability (the layout of
	// https://go.dev/doc/security/vuln/database).
	database := func(symbol string) string {
		return "file://" + put(t, t.TempDir(), map[string]string{
			"index/db.json":      `{"modified":"2026-01-01T00:00:00Z"}`,
			"index/modules.json": `[{"path":"stdlib","vulns":[{"id":"GO-0000-0001","modified":"2026-01-01T00:00:00Z"}]}]`,
			"index/vulns.json":   `[{"id":"GO-0000-0001","modified":"2026-01-01T00:00:00Z"}]`,
			"ID/GO-0000-0001.json": `{"schema_version":"1.3.1","id":"GO-0000-0001","modified":"2026-01-01T00:00:00Z","published":"2026-01-01T00:00:00Z",
				"summary":"An example","database_specific":{"url":"https://example.test/GO-0000-0001"},"details":"An example","affected":[{"package":{"name":"stdlib","ecosystem":"Go"},
				"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],
				"ecosystem_specific":{"imports":[{"path":"net/url","symbols":["` + symbol + `"]}]}}]}`,
		})
	}
	tests := []struct{ name, database, says string }{
		{"found", database("Parse"), "GO-0000-0001"},
		{"not called", database("JoinPath"), "No vulnerabilities found"},
		{"not reached", "file://" + t.TempDir() + "/nowhere", "vulnerabilities not checked: the database cannot be reached"},
		{"refused", "http://127.0.0.1:1", "vulnerabilities not checked: the database cannot be reached"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, err := exec.CommandContext(t.Context(), "./vulnerabilities", program, "-db", test.database).CombinedOutput()
			if (err != nil) != (test.name == "found") || !strings.Contains(string(out), test.says) {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
