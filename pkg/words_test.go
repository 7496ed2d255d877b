package pkg_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// outWords are the words that users do not read: terms that this project once
// made up, British spelling, and idioms that take a second reading. Each has what
// is said instead; docs/glossary.md has the terms. The text is matched without
// "there is no", which is plain.
var outWords = []struct{ pattern, instead string }{
	{`\bmend(s|ed|ing)?\b`, "fix"},
	{`\b(held|hold|holds|holding) against\b`, "verified against"},
	{`\blog(s|ged)? in(to)? by\b`, "authenticates with (an exec credential plugin)"},
	{`\b(let|lets|letting) (in|into|\S+ in)\b`, "grant access, onboard"},
	{`\bnewcomers?\b`, "new user, requester"},
	{`\bsound\b`, "OK, valid, healthy"},
	{`\b(run|runs|ran|running) out\b`, "expires"},
	{`\blong[- ]life\b`, "long-lived"},
	{`\b(live|lives|lived) (for|longer|on|until)\b`, "is valid for"},
	{`\blife\b`, "lifetime, validity period"},
	{`\bis none\b|\bis no [^l]`, "is not a"},
	{`\bare none\b|\bare no [^l]`, "are not"},
	{`\b(nobody|somebody|whoever|whomever|everybody|anybody)\b`, "no one, another user, the requester, anyone"},
	{`\b(lies|lay) (in|at|on|beside|there|under)\b`, "is in, is stored in"},
	{`\bstands? (in|there|twice|beside|alone)\b`, "is in"},
	{`\b(was|were|been|is|are|be) (not )?seen\b`, "found, skipped"},
	{`\bby the rights of\b`, "using the credentials of"},
	{`\b(is|are) there already\b`, "already exists"},
	{`\bsince \d+[smhd]\b|\bsince %s\b`, "for 12m"},
	{`\bfarewells?\b`, "offboarding"},
	{`\bthrown away\b`, "discarded"},
	{`\btakes you for\b`, "Authenticated to URL as"},
	{`\bto nobody\b|\bsend it to no\b`, "keep it private; do not share it"},
	{`\b(its|whose) holder\b`, "it authenticates as"},
	{`\bproves? (itself|himself|themselves) to\b`, "authenticates to"},
	{`\bNothing to do\b`, "No changes"},
	{`\bNow in context\b`, "Switched to context"},
	{`\bStatus check results\b`, "Result: OK"},
	{`\bWhat was there before\b`, "Backup:"},
	{`\bno answer in time\b`, "timed out"},
	{`\bends with its CA\b`, "its CA expires first"},
	{`\bcalled X\b|\bby that name was\b`, "no certificate matches"},
	{`\bvouch(es|ed|ing)?\b`, "issues, verifies"},
	{`\bgoes by\b|\bgo by the name\b`, "uses the name"},
	{`\bfor good\b|\bfor ever\b`, "permanently"},
	{`\b(till|whilst|amongst|shall|thereof|henceforth)\b`, "plain English"},
	{`\b\w*(?:colour|behaviour|honour|favour|neighbour|labour|centre|catalogue)\w*\b`, "American spelling"},
	{`\b(?:recogni|organi|authori|normali|initiali|seriali|summari|minimi|speciali|saniti|canonicali|prioriti|synchroni|customi|utili|reali|emphasi|finali)s(?:e|es|ed|ing|ation)\b`, "American spelling"},
	{`\b(?:cancelled|labelled|travelled|signalled|modelled)\b`, "American spelling"},
}

// outWordsAllowed are texts of others that hold such a word.
var outWordsAllowed = regexp.MustCompile(`^nobody$|there (is|are) no\b|There (is|are) no\b|long-lived|system:masters`)

// TestWordsThatAreOut holds what users read (the literals of the program, its
// documents and its pages) against the words that are out.
func TestWordsThatAreOut(t *testing.T) {
	var out []*regexp.Regexp
	for _, w := range outWords {
		out = append(out, regexp.MustCompile(`(?i)`+w.pattern))
	}
	find := func(where, text string) {
		text = outWordsAllowed.ReplaceAllString(strings.Join(strings.Fields(text), " "), "")
		for i, re := range out {
			if m := re.FindStringIndex(text); m != nil {
				from, to := max(0, m[0]-40), min(len(text), m[1]+40)
				t.Errorf("%s: %q is out; use: %s\n\t…%s…", where, text[m[0]:m[1]], outWords[i].instead, text[from:to])
			}
		}
	}

	for _, dir := range []string{"../pkg", "../cmd", "../docs", "../README.md", "../SECURITY.md", "../.krew.yaml", "../plugins"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (d.Name() == "testdata" || d.Name() == "pkitest"):
				return fs.SkipDir
			case d.IsDir(), strings.HasSuffix(path, "_test.go"):
				return nil
			case strings.HasSuffix(path, ".go"):
				findInLiterals(t, path, find)
			default:
				text, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				for i, paragraph := range strings.Split(string(text), "\n\n") {
					find(path+" paragraph "+strconv.Itoa(i+1), paragraph)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// findInLiterals calls find for each string of a Go file that may be read by users.
func findInLiterals(t *testing.T, path string, find func(where, text string)) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.BasicLit:
			if n.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(n.Value)
			if err != nil {
				t.Fatal(err)
			}
			pos := fset.Position(n.Pos())
			find(path+":"+strconv.Itoa(pos.Line), text)
		}
		return true
	})
}
