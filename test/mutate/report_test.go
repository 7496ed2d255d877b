package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMark(t *testing.T) {
	for _, test := range []struct {
		line   string
		column int
		want   string
	}{
		{"\tif a < b {", 7, "if a «<» b {"},
		{"\tif a <= b {", 7, "if a «<=» b {"},
		{"if i==-1 {", 5, "if i«==»-1 {"},
		{"if i==-1 {", 7, "if i==«-»1 {"},
		{"a\t&&  b", 3, "a «&&» b"},
		{"i++", 2, "i«++»"},
		{"é := 1", 1, "«é» := 1"},
		{"", 9, "«»"},
	} {
		if got := mark(test.line, test.column); got != test.want {
			t.Errorf("mark(%q, %d) = %q, want %q", test.line, test.column, got, test.want)
		}
	}
}

func TestParseReasons(t *testing.T) {
	for _, text := range []string{"a\tb\tc", "a\tb\tc\t", "a\tb\tc\td\te", "a\tb\tc\td\na\tb\tc\te"} {
		if _, err := parseReasons(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	kept, err := parseReasons("# a comment\n\na.go\tKIND\tx «<» y\tno x is y\n")
	if err != nil || len(kept) != 1 || kept[mutant{"a.go", "KIND", "x «<» y"}] != "no x is y" {
		t.Errorf("%v, %v", kept, err)
	}
}

func TestReport(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.go")
	if err := os.WriteFile(path, []byte("package a\n\nvar x = 1 < 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	lived := mutant{path, "BOUNDARY", "var x = 1 «<» 2"}
	for _, test := range []struct {
		name   string
		status string
		kept   map[mutant]string
		fine   bool
		says   string
	}{
		{"killed", "KILLED", nil, true, "1 killed, 0 timed out, 0 lived"},
		{"lived", "LIVED", nil, false, "# lived, line 3"},
		{"not covered", "NOT COVERED", nil, false, "# not covered, line 3"},
		{"lived for a reason", "LIVED", map[mutant]string{lived: "equal"}, true, "1 lived, 0 not covered, 0 not viable; 0 without"},
		{"another change there", "LIVED", map[mutant]string{{path, "NEGATION", lived.line}: "equal"}, false, "# lived, line 3"},
		{"a reason for what is killed", "KILLED", map[mutant]string{lived: "equal"}, false, "does not survive"},
		{"a reason for another file", "KILLED", map[mutant]string{{"b.go", "BOUNDARY", "y"}: "equal"}, true, "1 killed"},
	} {
		var found output
		found.Files = append(found.Files, struct {
			Name      string     `json:"file_name"`
			Mutations []mutation `json:"mutations"`
		}{"a.go", []mutation{{"BOUNDARY", test.status, 3, 11}}})
		var out strings.Builder
		fine, err := report(&out, dir, &found, []string{path}, test.kept)
		if err != nil || fine != test.fine || !strings.Contains(out.String(), test.says) {
			t.Errorf("%s: %v, %v\n%s", test.name, fine, err, out.String())
		}
	}
}

func TestFillGaps(t *testing.T) {
	path := filepath.Join(t.TempDir(), "profile")
	profile := "mode: set\nm/a.go:3.10,5.4 1 1\nm/a.go:5.20,7.3 1 0\nm/a.go:7.3,9.2 1 1\n"
	if err := os.WriteFile(path, []byte(profile), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := fillGaps(path); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if want := "mode: set\nm/a.go:1.1,5.19 1 1\nm/a.go:5.20,7.3 1 0\nm/a.go:7.3,1000000.1 1 1\n"; err != nil || string(got) != want {
		t.Errorf("%v\n%s, want\n%s", err, got, want)
	}
}

// A file that gremlins did not speak of, though it was to mutate it, must not pass
// for a tested one.
func TestRunRefusesNothingToMutate(t *testing.T) {
	reasons := filepath.Join(t.TempDir(), "reasons.tsv")
	if err := os.WriteFile(reasons, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"no such package": run(os.Stderr, "true", "", reasons, []string{"absent"}),
		"no such file":    run(os.Stderr, "true", "absent.go", reasons, []string{"."}),
		"no output":       run(os.Stderr, "true", "", reasons, []string{"."}),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
