package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// mutant is a change as reasons.tsv names it: without a line number, so that it
// stays right when the file grows.
type mutant struct {
	file string
	kind string // gremlins' name of the change
	line string // with marks around the operator
}

func (m mutant) String() string { return m.file + "\t" + m.kind + "\t" + m.line }

// parseReasons reads the mutants that may survive, and why: FILE, MUTATION, LINE and
// REASON, with tabs between. A line that begins with # is a comment.
func parseReasons(text string) (map[mutant]string, error) {
	kept := map[mutant]string{}
	for i, line := range strings.Split(text, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, "\t")
		if len(fields) != 4 || slices.Contains(fields, "") {
			return nil, fmt.Errorf("line %d: not FILE, MUTATION, LINE and REASON with tabs between", i+1)
		}
		m := mutant{fields[0], fields[1], fields[2]}
		if kept[m] != "" {
			return nil, fmt.Errorf("line %d: stands there twice: %s", i+1, m)
		}
		kept[m] = fields[3]
	}
	return kept, nil
}

// report writes the figures of one package, each mutant that survived without a
// reason, and each reason of the files looked at that has no mutant. It reports
// whether there was none of either.
func report(out io.Writer, dir string, found *output, looked []string, kept map[mutant]string) (bool, error) {
	counts := map[string]int{}
	used := map[mutant]bool{}
	var survivors []string
	for _, f := range found.Files {
		path := filepath.Join(dir, filepath.Base(f.Name))
		text, err := os.ReadFile(path)
		if err != nil {
			return false, err
		}
		lines := strings.Split(string(text), "\n")
		for _, change := range f.Mutations {
			counts[change.Status]++
			if change.Status != "LIVED" && change.Status != "NOT COVERED" {
				continue
			}
			if change.Line < 1 || change.Line > len(lines) {
				return false, fmt.Errorf("%s: gremlins speaks of line %d, which it does not have", path, change.Line)
			}
			m := mutant{path, change.Type, mark(lines[change.Line-1], change.Column)}
			if kept[m] == "" {
				survivors = append(survivors, fmt.Sprintf("%s\t# %s, line %d", m, strings.ToLower(change.Status), change.Line))
			}
			used[m] = true
		}
	}
	var stale []string
	for m := range kept {
		if slices.Contains(looked, m.file) && !used[m] {
			stale = append(stale, m.String()+"\t# has a reason, but does not survive")
		}
	}
	slices.Sort(survivors)
	slices.Sort(stale)
	for _, line := range slices.Concat(survivors, stale) {
		fmt.Fprintln(out, line)
	}
	fmt.Fprintf(out, "%s: %d killed, %d timed out, %d lived, %d not covered, %d not viable; %d without a reason\n", dir,
		counts["KILLED"], counts["TIMED OUT"], counts["LIVED"], counts["NOT COVERED"], counts["NOT VIABLE"], len(survivors))
	return len(survivors)+len(stale) == 0, nil
}

// mark returns line with the operator at column, which counts bytes from 1, in
// marks: `a «<» b`.
func mark(line string, column int) string {
	start := min(max(column-1, 0), len(line))
	end := start
	for end < len(line) && end-start < 3 && strings.IndexByte("+-*/%&|^<>=!", line[end]) >= 0 {
		end++
	}
	// A sign belongs to what follows: "a == -1" has two operators.
	for end-start > 1 && !slices.Contains(operators, line[start:end]) {
		end--
	}
	if end == start && start < len(line) {
		_, size := utf8.DecodeRuneInString(line[start:])
		end += size
	}
	marked := line[:start] + "«" + line[start:end] + "»" + line[end:]
	return strings.Join(strings.Fields(marked), " ")
}

// operators are those of more than one character.
var operators = []string{
	"==", "!=", "<=", ">=", "&&", "||", "++", "--", "<<", ">>", "&^",
	"+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=", "&^=",
}
