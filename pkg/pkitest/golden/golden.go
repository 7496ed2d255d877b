// Package golden holds what a test made against a file beside the test.
package golden

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew; read their diff before you commit it")

// Check reports the first line in which got differs from testdata/name.
func Check(t testing.TB, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (write it with: go test -update)", err)
	}
	if bytes.Equal(got, want) {
		return
	}
	gotLines, wantLines := strings.SplitAfter(string(got), "\n"), strings.SplitAfter(string(want), "\n")
	n := 0
	for line(gotLines, n) == line(wantLines, n) {
		n++
	}
	t.Errorf("%s: line %d differs (accept it with: go test -update)\ngot:  %q\nwant: %q", path, n+1, line(gotLines, n), line(wantLines, n))
}

// line returns lines[n], or "" behind the last.
func line(lines []string, n int) string {
	if n < len(lines) {
		return lines[n]
	}
	return ""
}
