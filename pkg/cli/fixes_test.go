package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// offered is a command of this program within a sentence. What ends it is what
// ends a clause: a command holds no commas, semicolons or brackets of its own.
var offered = regexp.MustCompile("kubectl[ -]certs ([a-z][^,;:()\"`\n|]*)")

// commandsIn returns the arguments of the commands that text offers.
func commandsIn(root *cobra.Command, text string) [][]string {
	var all [][]string
	for _, match := range offered.FindAllStringSubmatch(text, -1) {
		if strings.HasSuffix(text, match[1]) && strings.HasSuffix(match[1], " ") {
			match[1] += "x" // the source appends a value
		}
		words := strings.Fields(strings.NewReplacer("%s", "x", "%q", "x", "%d", "1", "'", "").Replace(match[1]))
		// "kubectl certs to read", "kubectl certs for user": a sentence about the program.
		if cmd, _, err := root.Find(words[:1]); err != nil || cmd == root {
			if !slices.Contains([]string{"to", "for", "is", "and", "keeps", "needs"}, words[0]) {
				all = append(all, words)
			}
			continue
		}
		all = append(all, words)
	}
	return all
}

// parses reports how the program refuses a command line, before it runs.
func parses(args []string) error {
	a := &app{program: "kubectl certs"}
	root := a.newRoot()
	cmd, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	cmd.InitDefaultHelpFlag()
	if err := cmd.ParseFlags(rest); err != nil && err != pflag.ErrHelp {
		return err
	}
	if cmd.HasSubCommands() {
		return nil
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

// Every command of this program that a fix or a hint anywhere in the source
// offers exists, with its flags.
func TestCommandsInHintsParse(t *testing.T) {
	root := (&app{program: "kubectl certs"}).newRoot()
	found := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Error(err)
			}
			for _, args := range commandsIn(root, text) {
				found++
				if err := parses(args); err != nil {
					t.Errorf("%s: kubectl certs %s: %v", path, strings.Join(args, " "), err)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 15 {
		t.Errorf("only %d commands were found", found)
	}
}

// What a finding about each certificate of the catalog offers is issued by that
// command: the name is a profile's, and the flags are those that it takes.
func TestFixesOfTheCatalogAreIssued(t *testing.T) {
	root := (&app{program: "kubectl certs"}).newRoot()
	names, rows := catalog.Profiles()
	for i, row := range rows {
		ca := pkitest.NewCA(t, "kubernetes")
		user := row.Profile.CommonName
		switch {
		case row.Profile.CommonNamePrefix != "":
			user = row.Profile.CommonNamePrefix + "cp-1"
		case user == "":
			user = "eve'$(reboot)"
		}
		cert := ca.Issue(t, pkitest.Client(user, row.Profile.Groups...), pkitest.Left(-pkitest.Day))
		found := inventory.Collector{Now: pkitest.Now}
		found.See(inventory.Sighting{Location: inventory.Location{Source: "files", Where: row.Name}, Place: catalog.LeafFile, Row: row.Name, Certificate: cert})
		commands := 0
		for _, f := range found.Inventory(inventory.Cluster{}).Items[0].Findings {
			if f.Code != inventory.CodeExpired {
				continue
			}
			if strings.Contains(f.Fix, `"`) || strings.Contains(f.Fix, " eve'$") {
				t.Errorf("%s: a shell would run a part of the name: %s", row.Name, f.Fix)
			}
			for _, args := range commandsIn(root, f.Fix) {
				commands++
				if !slices.Contains(args, names[i]) {
					t.Errorf("%s: %v does not issue %s", row.Name, args, names[i])
				}
				if err := parses(args); err != nil {
					t.Errorf("%s: %v: %v", row.Name, args, err)
				}
				if _, err := (&app{program: "kubectl certs"}).target(args[1:2], false); err != nil {
					t.Errorf("%s: %v: %v", row.Name, args, err)
				}
			}
		}
		if commands == 0 {
			t.Errorf("%s: no command is offered", row.Name)
		}
	}
}
