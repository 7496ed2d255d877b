// Package people reads the file that names many people at once, strictly: what
// it does not know is an error with its line, since a misspelt word would
// otherwise let somebody in with other rights than were meant.
package people

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// The kind of the file.
const (
	APIVersion = "certs.kubectl.dev/v1alpha1"
	Kind       = "People"
)

// Person is a user who gets a certificate, and access with it. They are identified by
// name, which is in the file once.
type Person struct {
	// Name is the user's name.
	Name string `yaml:"name" jsonschema:"minLength=1"`
	// Groups are the groups of the user.
	Groups []string `yaml:"groups,omitempty"`
	// Roles are Roles to bind, as --role takes them.
	Roles []string `yaml:"roles,omitempty"`
	// ClusterRoles are ClusterRoles to bind, as --cluster-role takes them.
	ClusterRoles []string `yaml:"clusterRoles,omitempty"`
	// ExpiresIn is the requested lifetime, as --expires-in takes it: 8h, 90m or 30d.
	ExpiresIn string `yaml:"expiresIn,omitempty"`
	// Line is where the person stands in the file.
	Line int `yaml:"-"`
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (p *Person) UnmarshalYAML(node *yaml.Node) error {
	if err := known(node, "a person", "name", "groups", "roles", "clusterRoles", "expiresIn"); err != nil {
		return err
	}
	type plain Person
	if err := node.Decode((*plain)(p)); err != nil {
		return err
	}
	p.Line = node.Line
	if p.Name == "" {
		return fmt.Errorf("line %d: a user has no name", node.Line)
	}
	return nil
}

// known reports keys of a mapping that are not among keys.
func known(node *yaml.Node, what string, keys ...string) error {
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: %s must be a map with the fields: %s", node.Line, what, strings.Join(keys, ", "))
	}
	for i := 0; i < len(node.Content); i += 2 {
		if key := node.Content[i]; !slices.Contains(keys, key.Value) {
			return fmt.Errorf("line %d: %s has no field %q: use %s", key.Line, what, key.Value, strings.Join(keys, ", "))
		}
	}
	return nil
}

// File is users who get certificates, and access with them: what `kubectl certs issue
// -f` reads.
type File struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	// People are the users.
	People []Person `yaml:"people" jsonschema:"minItems=1"`
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (f *File) UnmarshalYAML(node *yaml.Node) error {
	if err := known(node, "the file", "apiVersion", "kind", "people"); err != nil {
		return err
	}
	type plain File
	return node.Decode((*plain)(f))
}

// Parse reads the people in data. Errors name the line.
func Parse(data []byte) ([]Person, error) {
	const advice = "it must begin with: apiVersion: " + APIVersion + ", kind: " + Kind + ", people:"
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var f File
	if err := decoder.Decode(&f); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, hint.New("it is empty", advice)
		}
		return nil, hint.Wrap(plainly(err), "see: kubectl certs issue --help")
	}
	if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return nil, hint.New("it holds more than one document", "put all users into one list, or use several files")
	}
	if f.APIVersion != APIVersion || f.Kind != Kind {
		return nil, hint.New(fmt.Sprintf("it is a %q of apiVersion %q", f.Kind, f.APIVersion), advice)
	}
	if len(f.People) == 0 {
		return nil, hint.New("it lists no users", advice)
	}
	lines := map[string]int{}
	for _, p := range f.People {
		if lines[p.Name] > 0 {
			return nil, hint.New(fmt.Sprintf("line %d: %q is already in line %d", p.Line, p.Name, lines[p.Name]), "list each user once, with all roles")
		}
		lines[p.Name] = p.Line
	}
	return f.People, nil
}

// plainly puts the decoder's words on one line, without the names of types.
func plainly(err error) error {
	typeErr, ok := errors.AsType[*yaml.TypeError](err)
	if !ok {
		return errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	return errors.New(strings.Join(typeErr.Errors, "; "))
}
