package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"strings"
	"time"

	"github.com/invopop/jsonschema"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// module is the product's, whose packages the types are from.
const module = "github.com/kubectl-certs/kubectl-certs/"

// root is the product's source, as tests of this package see it.
const root = "../../"

// packages are those that the types of documents are in.
var packages = []string{"pkg/access", "pkg/catalog", "pkg/inventory", "pkg/kubeconfig", "pkg/people", "pkg/pki", "pkg/report"}

// version is the last part of inventory.APIVersion, which all kinds share.
var version = path.Base(inventory.APIVersion)

// fileName is the name of a kind's file in docs/schema: where kubeconform looks,
// too, when it is given {{.ResourceKind}}_{{.ResourceAPIVersion}}.json.
func (k kind) fileName() string { return strings.ToLower(k.name) + "_" + version + ".json" }

// id is the schema's identifier. Nothing has to be there.
func (k kind) id() string { return "https://" + inventory.APIVersion + "/" + k.name }

// generator makes schemas. It has read the comments of the types.
type generator struct {
	comments map[string]string
}

func newGenerator() (*generator, error) {
	var r jsonschema.Reflector
	for _, name := range packages {
		if err := r.AddGoComments(strings.TrimSuffix(module, "/")+"/test/schema", root+name, jsonschema.WithFullComment()); err != nil {
			return nil, fmt.Errorf("reading the comments of %s: %w", name, err)
		}
	}
	return &generator{r.CommentMap}, nil
}

// schema is the schema of a kind. A closed one allows no field beside those that it
// has: the program prints none, whatever it may print later.
func (g *generator) schema(k kind, closed bool) (*jsonschema.Schema, error) {
	r := jsonschema.Reflector{
		Anonymous: true, ExpandedStruct: true, AllowAdditionalProperties: !closed && !k.input,
		Mapper: g.mapType, LookupComment: g.comment,
	}
	if k.input {
		r.FieldNameTag = "yaml"
	}
	names := map[string]reflect.Type{}
	var clash error
	r.Namer = func(t reflect.Type) string {
		if other, ok := names[t.Name()]; ok && other != t && t.Name() != "" {
			clash = fmt.Errorf("%s: %s and %s have one name", k.name, other, t)
		}
		names[t.Name()] = t
		return ""
	}
	s := r.Reflect(k.document)
	s.ID, s.Title = jsonschema.ID(k.id()), k.name
	refine(s, reflect.TypeOf(k.document).Name())
	for name, definition := range s.Definitions {
		refine(definition, name)
	}
	s.Properties.Value("apiVersion").Const = inventory.APIVersion
	s.Properties.Value("kind").Const = k.name
	return s, clash
}

// mapType is the schema of a type that has tokens, or of a time.
func (g *generator) mapType(t reflect.Type) *jsonschema.Schema {
	switch values, ok := tokens[t]; {
	case ok:
		return &jsonschema.Schema{Type: "string", Enum: values}
	case t == reflect.TypeFor[time.Time]():
		return &jsonschema.Schema{Type: "string", Format: "date-time", Pattern: "Z$"}
	}
	return nil
}

// refine adds to the fields of a type what Go's types do not say.
func refine(s *jsonschema.Schema, typeName string) {
	if s.Properties == nil {
		return
	}
	for p := s.Properties.Oldest(); p != nil; p = p.Next() {
		to := p.Value
		if to.Items != nil && to.Items.Ref == "" {
			to = to.Items
		}
		if values, ok := fields[field{typeName, p.Key}]; ok {
			to.Enum = values
		}
		if pattern, ok := patterns[field{typeName, p.Key}]; ok {
			to.Pattern = pattern
		}
	}
}

// comment is the description of a type, or of a field of one: its comment, about
// the field by the name that it has in the document.
func (g *generator) comment(t reflect.Type, name string) string {
	full := t.PkgPath() + "." + t.Name()
	if name == "" {
		return unwrap(g.comments[full])
	}
	text := unwrap(g.comments[full+"."+name])
	f, ok := t.FieldByName(name)
	if !ok {
		return text
	}
	tag, _, _ := strings.Cut(f.Tag.Get("json")+f.Tag.Get("yaml"), ",")
	if rest, ok := strings.CutPrefix(text, name+" "); ok {
		return tag + " " + rest
	}
	return text
}

// unwrap puts the lines of a paragraph into one.
func unwrap(comment string) string { return strings.Join(strings.Fields(comment), " ") }

// text is a schema as docs/schema has it.
func text(s *jsonschema.Schema) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(s)
	return out.Bytes(), err
}
