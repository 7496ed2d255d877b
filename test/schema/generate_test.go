package schema

import (
	"bytes"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/invopop/jsonschema"
)

var update = flag.Bool("update", false, "write docs/schema")

const directory = root + "docs/schema"

// docs/schema has what would be generated now, and nothing else.
func TestSchemasAreCurrent(t *testing.T) {
	g, err := newGenerator()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, k := range kinds {
		names = append(names, k.fileName())
		s, err := g.schema(k, false)
		if err != nil {
			t.Fatal(err)
		}
		want, err := text(s)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(directory, k.fileName())
		if *update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the types are (%v): run make schema", k.fileName(), err)
		}
	}
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(names, e.Name()) {
			t.Errorf("docs/schema/%s is of no kind", e.Name())
		}
	}
}

// Every field says what it is, and every form that kinds.go adds is of a field that
// there is.
func TestFieldsAreDescribed(t *testing.T) {
	g, err := newGenerator()
	if err != nil {
		t.Fatal(err)
	}
	there := map[field]bool{}
	for _, k := range kinds {
		s, err := g.schema(k, false)
		if err != nil {
			t.Fatal(err)
		}
		types := map[string]*jsonschema.Schema{reflect.TypeOf(k.document).Name(): s}
		maps.Copy(types, s.Definitions)
		for name, of := range types {
			if of.Description == "" {
				t.Errorf("%s: type %s has no comment", k.name, name)
			}
			for p := of.Properties.Oldest(); p != nil; p = p.Next() {
				there[field{name, p.Key}] = true
				if p.Value.Description == "" && p.Value.Const == nil {
					t.Errorf("%s: field %s of %s has no comment", k.name, p.Key, name)
				}
			}
		}
	}
	for f := range fields {
		if !there[f] {
			t.Errorf("kinds.go has tokens for %v, which is no field", f)
		}
	}
	for f := range patterns {
		if !there[f] {
			t.Errorf("kinds.go has a pattern for %v, which is no field", f)
		}
	}
}

// The list of a type's tokens has each constant of that type.
func TestTokensAreComplete(t *testing.T) {
	for of, listed := range tokens {
		var declared []any
		files, err := filepath.Glob(root + strings.TrimPrefix(of.PkgPath(), module) + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				declared = append(declared, constants(t, file, of)...)
			}
		}
		for _, token := range declared {
			if value := reflect.ValueOf(token).Convert(of).Interface(); !slices.Contains(listed, value) {
				t.Errorf("%s %q is in no list of all", of, token)
			}
		}
		if len(declared) == 0 {
			t.Errorf("no constant of %s was found", of)
		}
		for _, token := range listed {
			if text := reflect.ValueOf(token).String(); !regexp.MustCompile(`^[a-z0-9]+([.-][a-z0-9]+)*$`).MatchString(text) {
				t.Errorf("%s %q is not kebab-case", of, text)
			}
		}
	}
}

// constants are the texts that a file declares as constants of a type.
func constants(t *testing.T, file string, of reflect.Type) []any {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var found []any
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != of.Name() {
			return true
		}
		for _, value := range spec.Values {
			if literal, ok := value.(*ast.BasicLit); ok {
				text, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				found = append(found, text)
			}
		}
		return true
	})
	return found
}
