package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// validator holds documents against the schemas of their kinds: another's code than
// what made them.
type validator struct {
	published, closed map[string]*jsonschema.Schema
}

// newValidator reads docs/schema, and generates the closed schemas.
func newValidator(t *testing.T) *validator {
	t.Helper()
	g, err := newGenerator()
	if err != nil {
		t.Fatal(err)
	}
	v := &validator{map[string]*jsonschema.Schema{}, map[string]*jsonschema.Schema{}}
	for _, k := range kinds {
		published, err := os.ReadFile(filepath.Join(directory, k.fileName()))
		if err != nil {
			t.Fatal(err)
		}
		s, err := g.schema(k, true)
		if err != nil {
			t.Fatal(err)
		}
		closed, err := text(s)
		if err != nil {
			t.Fatal(err)
		}
		v.published[k.name], v.closed[k.name] = compile(t, k.id(), published), compile(t, k.id(), closed)
	}
	return v
}

func compile(t *testing.T, id string, text []byte) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(id, document); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile(id)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// check says what is wrong with a document, JSON or YAML, that the program printed.
// It returns its kind, and what it holds.
func (v *validator) check(text []byte) (kind string, document map[string]any, err error) {
	value, err := read(text)
	if err != nil {
		return "", nil, err
	}
	document, ok := value.(map[string]any)
	if !ok {
		return "", nil, errors.New("it is no object")
	}
	kind, _ = document["kind"].(string)
	if v.published[kind] == nil {
		return kind, document, fmt.Errorf("there is no schema of %q", kind)
	}
	if err := v.published[kind].Validate(value); err != nil {
		return kind, document, err
	}
	if err := v.closed[kind].Validate(value); err != nil {
		return kind, document, fmt.Errorf("it has what its schema does not tell of: %w", err)
	}
	return kind, document, nil
}

// read reads JSON, and all else as YAML.
func read(text []byte) (any, error) {
	if !bytes.HasPrefix(text, []byte("{")) {
		var err error
		if text, err = yaml.YAMLToJSONStrict(text); err != nil {
			return nil, err
		}
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(text))
}

// What the tests of the program compare its output with is valid.
func TestGoldenFilesAreValid(t *testing.T) {
	v := newValidator(t)
	seen := map[string]int{}
	err := filepath.WalkDir(root+"pkg", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(path, "/testdata/") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil || !isDocument(text) {
			return err
		}
		kind, _, err := v.check(text)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		seen[kind]++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen[inventory.Kind] < 6 || seen["CertificateCheck"] < 6 || seen["ContextList"] < 1 {
		t.Errorf("only these were found: %v", seen)
	}
}

// isDocument reports whether all of a file is a document of ours.
func isDocument(text []byte) bool {
	value, err := read(text)
	document, ok := value.(map[string]any)
	return err == nil && ok && document["apiVersion"] == inventory.APIVersion
}

// The schemas refuse what they should: each change makes a valid document invalid.
func TestSchemasRefuse(t *testing.T) {
	v := newValidator(t)
	compact := func(file string) string {
		text, err := os.ReadFile(root + "pkg/" + file)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := json.Compact(&out, text); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	inventory, check, contexts := compact("report/testdata/busy.json.golden"), compact("report/testdata/check.busy.json.golden"), compact("kubeconfig/testdata/list.json")
	for _, tt := range []struct{ name, in, old, new string }{
		{"an unknown status", inventory, `"status":"ok"`, `"status":"fine"`},
		{"an unknown purpose", inventory, `"purpose":"server"`, `"purpose":"Server"`},
		{"an unknown code", inventory, `"code":"expired"`, `"code":"expire"`},
		{"an unknown severity", check, `"severity":"warning"`, `"severity":"error"`},
		{"an unknown source", inventory, `"source":"trust"`, `"source":"trusts"`},
		{"an unknown place", inventory, `"verifiedAgainst":["`, `"verifiedAgainst":["elsewhere","`},
		{"an unknown result", check, `"result":"critical"`, `"result":"Critical"`},
		{"an unknown category", check, `"category":"clients"`, `"category":"client"`},
		{"an unknown way to authenticate", contexts, `"token-file"`, `"token file"`},
		{"a missing fingerprint", inventory, `"sha256":`, `"sha-256":`},
		{"a short fingerprint", inventory, `"sha256":"`, `"sha256":"0`},
		{"a missing list", inventory, `"skipped":`, `"omitted":`},
		{"null for a list", inventory, `"uris":[]`, `"uris":null`},
		{"a number as text", inventory, `"bits":256`, `"bits":"256"`},
		{"a time in another zone", inventory, `"takenAt":"2026-01-15T12:00:00Z"`, `"takenAt":"2026-01-15T12:00:00+05:30"`},
		{"no time", inventory, `"takenAt":"2026-01-15T12:00:00Z"`, `"takenAt":"todayZ"`},
		{"another version", inventory, `certs.kubectl.dev/v1alpha1`, `certs.kubectl.dev/v1`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			kind, _, err := v.check([]byte(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			changed := strings.Replace(tt.in, tt.old, tt.new, 1)
			if changed == tt.in {
				t.Fatalf("there is no %s to change", tt.old)
			}
			document, err := read([]byte(changed))
			if err != nil {
				t.Fatal(err)
			}
			if v.published[kind].Validate(document) == nil {
				t.Errorf("%s for %s is taken for valid", tt.new, tt.old)
			}
		})
	}
	more := strings.Replace(inventory, `"takenAt":`, `"more":1,"takenAt":`, 1)
	if _, _, err := v.check([]byte(more)); err == nil || !strings.Contains(err.Error(), "does not tell of") {
		t.Errorf("a field that no schema describes: %v", err)
	}
}

// Readers of an output have to accept fields of later versions: the published schema
// does, everywhere.
func TestOutputMayGrow(t *testing.T) {
	v := newValidator(t)
	for _, k := range kinds {
		text, err := os.ReadFile(filepath.Join(directory, k.fileName()))
		if err != nil {
			t.Fatal(err)
		}
		if strict := strings.Contains(string(text), `"additionalProperties": false`); strict != k.input {
			t.Errorf("%s refuses unknown fields: %t, want %t", k.name, strict, k.input)
		}
	}
	var document any
	if err := json.Unmarshal([]byte(`{"apiVersion":"certs.kubectl.dev/v1alpha1","kind":"KubeconfigDifferences","items":[],"later":{}}`), &document); err != nil {
		t.Fatal(err)
	}
	if err := v.published["KubeconfigDifferences"].Validate(document); err != nil {
		t.Error(err)
	}
}
