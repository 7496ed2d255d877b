package cli

import (
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Every command is in docs/permissions.md: under a heading of its own, by which
// test/e2e tries it, or among those that contact no cluster.
func TestEveryCommandHasItsPermissionsWritten(t *testing.T) {
	text, err := os.ReadFile("../../docs/permissions.md")
	if err != nil {
		t.Fatal(err)
	}
	document, nothing, ok := strings.Cut(string(text), "## No permission at all")
	if !ok {
		t.Fatal("the document does not say which commands need nothing")
	}
	var named []string
	for _, match := range regexp.MustCompile("(?m)^## ([a-z -]+[a-z])").FindAllStringSubmatch(document, -1) {
		named = append(named, match[1])
	}
	for _, match := range regexp.MustCompile("`([a-z -]+)`").FindAllStringSubmatch(nothing, -1) {
		named = append(named, match[1])
	}
	a := &app{in: strings.NewReader(""), out: io.Discard, errOut: io.Discard, program: "kubectl-certs", getenv: func(string) string { return "" }}
	root := a.newRoot()
	root.InitDefaultCompletionCmd()
	leaves := 0
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, child := range cmd.Commands() {
			walk(child)
		}
		if len(cmd.Commands()) > 0 {
			return
		}
		leaves++
		path := strings.TrimPrefix(cmd.CommandPath(), root.CommandPath()+" ")
		for _, name := range named {
			if path == name || strings.HasPrefix(path, name+" ") || strings.HasPrefix(name, path+" ") {
				return
			}
		}
		t.Errorf("command %q is not in docs/permissions.md", path)
	}
	walk(root)
	const least = 30
	if leaves < least {
		t.Errorf("only %d commands were looked at", leaves)
	}
}
