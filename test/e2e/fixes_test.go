//go:build e2e

package e2e

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// offered is a command of kubectl or kubeadm within a sentence, up to what ends a
// clause. TestKrewInstallsWhatIsPackaged runs krew's.
var offered = regexp.MustCompile("\\b(kubectl|kubeadm) ((?:get|describe|delete|create|apply|config|certificate|auth|certs|alpha|init|logs|label|annotate) [^,;:()\"`\n|]*)")

// notOurs leaves out this program's own commands, which a unit test runs.
func notOurs(program, args string) bool {
	return program == "kubeadm" || !strings.HasPrefix(args, "certs ")
}

// Whoever follows a fix or a hint types a command that exists, with flags that it
// has: real kubectl, and kubeadm on its node, are asked for each command of theirs
// that a text of this program offers.
func TestCommandsOfOthersInHints(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	found := 0
	for path, text := range texts(t, "../../pkg") {
		for _, match := range offered.FindAllStringSubmatch(text, -1) {
			program, args := match[1], match[2]
			if !notOurs(program, args) {
				continue
			}
			found++
			words := strings.Fields(strings.NewReplacer("%s", "x", "%q", "x", "'", "").Replace(args))
			help := helpOf(t, p, program, words)
			// Of a subcommand that it does not know, it prints its own help.
			if want := "\n  " + program + " " + strings.Join(subcommand(words), " "); !strings.Contains(help, want) {
				t.Errorf("%s: %s %s: its help does not speak of that command:\n%s", path, program, args, help)
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d commands were found", found)
	}
}

// helpOf is what program says of a command line. It refuses flags that it does not
// have before it looks for --help.
func helpOf(t *testing.T, p *person, program string, words []string) string {
	if program == "kubeadm" {
		return onControlPlane(t, append(append([]string{program}, words...), "--help")...)
	}
	return p.must("kubectl", append(words, "--help")...)
}

// subcommand is the part of words that names a command, not what it is done to.
func subcommand(words []string) []string {
	switch words[0] {
	case "config", "certificate", "auth":
		return words[:2]
	case "create":
		if words[1] == "secret" {
			return words[:3]
		}
		return words[:2]
	case "certs":
		if len(words) < 3 || words[2] == strings.ToUpper(words[2]) {
			return words[:2] // of a name that the reader puts there
		}
		return words[:3]
	}
	return words[:1]
}

// texts yields each string literal of the Go files below dir, tests aside.
func texts(t *testing.T, dir string) func(yield func(path, text string) bool) {
	return func(yield func(path, text string) bool) {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
					if text, err := strconv.Unquote(literal.Value); err == nil && !yield(path, text) {
						panic("texts are read to the end")
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
