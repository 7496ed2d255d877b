// Package pkg_test promises that the arrows of docs/architecture.md hold:
// imports point down, rooms of one floor do not know each other, and only
// pkg/cli knows the clock, the environment and the streams.
package pkg_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

const module = "github.com/kubectl-certs/kubectl-certs/"

// room is a package, and the modules of others that it may use beside the
// standard library.
type room struct {
	name    string
	outside []string
}

// house has a floor a row, the roof first. A room may use the rooms of every
// floor below its own, and of no other. A new package, or a new dependency of
// one, takes its place here.
var house = [][]room{
	{{"cmd/kubectl-certs", nil}},
	{{"pkg/cli", []string{"github.com/spf13/cobra", "github.com/spf13/pflag", "golang.org/x/term",
		"k8s.io/apimachinery", "k8s.io/cli-runtime", "k8s.io/klog/v2", "sigs.k8s.io/yaml"}}},
	{
		{"pkg/cluster", []string{"golang.org/x/sync", "k8s.io/api", "k8s.io/apimachinery", "k8s.io/cli-runtime", "k8s.io/client-go", "k8s.io/kubectl", "k8s.io/streaming"}},
		{"pkg/scan", []string{"golang.org/x/sync", "google.golang.org/protobuf/encoding/protowire", "k8s.io/api", "k8s.io/apimachinery", "k8s.io/client-go"}},
		{"pkg/issue", []string{"golang.org/x/sync", "k8s.io/api", "k8s.io/apimachinery", "k8s.io/client-go"}},
		{"pkg/access", []string{"golang.org/x/sync", "k8s.io/api", "k8s.io/apimachinery", "k8s.io/client-go"}},
		{"pkg/nodepod", []string{"k8s.io/api", "k8s.io/apimachinery", "k8s.io/client-go"}},
		{"pkg/kubeconfig", []string{"github.com/rogpeppe/go-internal", "golang.org/x/sys", "k8s.io/apimachinery", "k8s.io/client-go"}},
		{"pkg/people", []string{"go.yaml.in/yaml/v3"}},
		{"pkg/seal", []string{"filippo.io/age", "golang.org/x/crypto", "software.sslmate.com/src/go-pkcs12"}},
		{"pkg/report", []string{"github.com/mattn/go-runewidth", "k8s.io/apimachinery", "k8s.io/client-go/util/jsonpath"}},
	},
	{
		{"pkg/permit", []string{"k8s.io/api"}},
		{"pkg/netfault", nil},
		{"pkg/rbac", []string{"golang.org/x/sync", "k8s.io/api", "k8s.io/apimachinery", "k8s.io/client-go", "k8s.io/component-helpers/auth/rbac/validation"}},
	},
	{{"pkg/inventory", []string{"k8s.io/api", "k8s.io/apimachinery"}}},
	{{"pkg/catalog", nil}},
	{{"pkg/confusable", []string{"go.mau.fi/util/confusable", "golang.org/x/text/unicode/norm"}}},
	{{"pkg/pki", nil}, {"pkg/yamledit", []string{"go.yaml.in/yaml/v3"}}},
	{{"pkg/hint", nil}, {"pkg/regular", nil}},
}

// testRooms are for tests: no room uses them.
var testRooms = []string{"pkg/pkitest", "pkg/pkitest/golden"}

// reserved are the names that only one room may use, "" for none, and what
// others do instead. A name that ends in * stands for all that begin so.
var reserved = []struct{ name, room, instead string }{
	{"time.Now", "pkg/cli", "take now as a parameter"},
	{"time.Since", "pkg/cli", "take now as a parameter"},
	{"time.Until", "pkg/cli", "take now as a parameter"},
	{"os.Getenv", "pkg/cli", "take what it says as a parameter"},
	{"os.LookupEnv", "pkg/cli", "take what it says as a parameter"},
	{"os.Environ", "pkg/cli", "take what it says as a parameter"},
	{"os.Stdin", "pkg/cli", "take an io.Reader"},
	{"os.Stdout", "pkg/cli", "take an io.Writer"},
	{"os.Stderr", "pkg/cli", "take an io.Writer"},
	{"os.Exit", "cmd/kubectl-certs", "return an error"},
	{"log.*", "", "return an error"},
	{"fmt.Print*", "", "write to an io.Writer that is passed in"},
	{"context.TODO", "", "take a context"},
	// What makes a client obeys kubectl's policy for credential plugins there.
	{"k8s.io/client-go/kubernetes.New*", "pkg/cluster", "take a client"},
}

func TestArchitecture(t *testing.T) {
	for _, fault := range faults(t, os.DirFS("..")) {
		t.Error(fault)
	}
}

// faults lists what in the source tree breaks the rules above.
func faults(t *testing.T, tree fs.FS) []string {
	t.Helper()
	var faults []string
	for _, root := range []string{"cmd", "pkg"} {
		err := fs.WalkDir(tree, root, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			source, err := fs.ReadFile(tree, name)
			if err != nil {
				return err
			}
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, f := range slices.Concat(importFaults(path.Dir(name), file), nameFaults(path.Dir(name), file)) {
				faults = append(faults, fmt.Sprintf("%s: %s", files.Position(f.at), f.text))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return faults
}

type fault struct {
	at   token.Pos
	text string
}

// find returns a room and its floor, counted from the roof.
func find(name string) (floor int, r room, ok bool) {
	for floor, rooms := range house {
		for _, r := range rooms {
			if r.name == name {
				return floor, r, true
			}
		}
	}
	return 0, room{}, false
}

func importFaults(name string, file *ast.File) []fault {
	if slices.Contains(testRooms, name) {
		return nil
	}
	floor, r, ok := find(name)
	if !ok {
		return []fault{{file.Pos(), name + " has no place in the house"}}
	}
	var faults []fault
	for _, spec := range file.Imports {
		imported := importPath(spec)
		if own, ok := strings.CutPrefix(imported, module); ok {
			below, _, ok := find(own)
			if !ok || below <= floor {
				faults = append(faults, fault{spec.Pos(), fmt.Sprintf("%s may not use %s", name, own)})
			}
			continue
		}
		host, _, _ := strings.Cut(imported, "/")
		if standard := !strings.Contains(host, "."); !standard && !slices.ContainsFunc(r.outside, func(module string) bool {
			return imported == module || strings.HasPrefix(imported, module+"/")
		}) {
			faults = append(faults, fault{spec.Pos(), fmt.Sprintf("%s may not use %s", name, imported)})
		}
	}
	return faults
}

func importPath(spec *ast.ImportSpec) string {
	path, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		panic(err) // the parser has read it
	}
	return path
}

// nameFaults finds reserved names, under whatever name their package goes.
func nameFaults(name string, file *ast.File) []fault {
	packages := map[string]string{}
	for _, spec := range file.Imports {
		imported := importPath(spec)
		local := path.Base(imported)
		if spec.Name != nil {
			local = spec.Name.Name
		}
		packages[local] = imported
	}
	var faults []fault
	ast.Inspect(file, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		local, ok := selector.X.(*ast.Ident)
		if !ok {
			return true
		}
		used := packages[local.Name] + "." + selector.Sel.Name
		for _, r := range reserved {
			prefix, open := strings.CutSuffix(r.name, "*")
			if name != r.room && (used == r.name || open && strings.HasPrefix(used, prefix)) {
				faults = append(faults, fault{selector.Pos(), fmt.Sprintf("%s may not use %s: %s", name, used, r.instead)})
			}
		}
		return true
	})
	return faults
}

// Broken rules are noticed, one at a time.
func TestArchitectureNotices(t *testing.T) {
	const own = `import _ "github.com/kubectl-certs/kubectl-certs/`
	tests := []struct {
		name string
		room string
		text string // of a file there, after the package clause
		want string // "" for nothing
	}{
		{"down", "pkg/scan", own + `pkg/pki"`, ""},
		{"sideways", "pkg/scan", own + `pkg/issue"`, "pkg/scan may not use pkg/issue"},
		{"up", "pkg/pki", own + `pkg/catalog"`, "pkg/pki may not use pkg/catalog"},
		{"to the roof", "pkg/cli", own + `cmd/kubectl-certs"`, "pkg/cli may not use cmd/kubectl-certs"},
		{"advice, from anywhere", "pkg/pki", own + `pkg/hint"`, ""},
		{"test fixtures in the product", "pkg/cli", own + `pkg/pkitest"`, "pkg/cli may not use pkg/pkitest"},
		{"a room that is not in the table", "pkg/util", "", "pkg/util has no place in the house"},
		{"a package of our own that is not there", "pkg/cli", own + `pkg/util"`, "pkg/cli may not use pkg/util"},
		{"cobra below cli", "pkg/report", `import _ "github.com/spf13/cobra"`, "pkg/report may not use github.com/spf13/cobra"},
		{"client-go above its floor", "pkg/cli", `import _ "k8s.io/client-go/rest"`, "pkg/cli may not use k8s.io/client-go/rest"},
		{"client-go below its floor", "pkg/inventory", `import _ "k8s.io/client-go/rest"`, "pkg/inventory may not use k8s.io/client-go/rest"},
		{"a module that only begins like another", "pkg/inventory", `import _ "k8s.io/apiserver"`, "pkg/inventory may not use k8s.io/apiserver"},
		{"the standard library", "pkg/pki", `import _ "crypto/x509"`, ""},
		{"the clock in cli", "pkg/cli", `import "time"; var now = time.Now`, ""},
		{"the clock below", "pkg/cluster", `import "time"; var now = time.Now()`, "pkg/cluster may not use time.Now: take now as a parameter"},
		{"the clock under another name", "pkg/pki", `import clock "time"; func f() { _ = clock.Since }`, "pkg/pki may not use time.Since: take now as a parameter"},
		{"the environment below", "pkg/scan", `import "os"; var home = os.Getenv("HOME")`, "pkg/scan may not use os.Getenv: take what it says as a parameter"},
		{"a bare print", "pkg/cli", `import "fmt"; func f() { fmt.Println() }`, "pkg/cli may not use fmt.Println: write to an io.Writer that is passed in"},
		{"the end of the process", "pkg/cli", `import "os"; func f() { os.Exit(1) }`, "pkg/cli may not use os.Exit: return an error"},
		{"the end of the process by log", "pkg/issue", `import "log"; func f() { log.Fatal() }`, "pkg/issue may not use log.Fatal: return an error"},
		{"the end of the process in main", "cmd/kubectl-certs", `import "os"; func f() { os.Exit(1) }`, ""},
		{"a context from nowhere", "pkg/issue", `import "context"; var ctx = context.TODO()`, "pkg/issue may not use context.TODO: take a context"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree := fstest.MapFS{
				"cmd/kubectl-certs/main.go": {Data: []byte("package main")},
				"pkg/pki/pki.go":            {Data: []byte("package pki")},
				tt.room + "/file.go":        {Data: []byte("package p; " + tt.text)},
				// Tests may use whatever they like.
				tt.room + "/file_test.go": {Data: []byte(`package p; import _ "testing/everything.example"`)},
			}
			var want []string
			if tt.want != "" {
				want = []string{tt.want}
			}
			if got := faults(t, tree); !slices.EqualFunc(got, want, strings.HasSuffix) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
