package schema

import (
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/people"
)

// An editor that knows the schema says of people.yaml what the program says.
func TestPeopleAgrees(t *testing.T) {
	v := newValidator(t)
	const head = "apiVersion: certs.kubectl.dev/v1alpha1\nkind: People\n"
	for _, tt := range []struct {
		name, text    string
		parses, valid bool
	}{
		{"all fields", head + "people:\n- {name: alice, groups: [devs], roles: [dev/edit], clusterRoles: [view], expiresIn: 8h}\n- name: bob\n", true, true},
		{"an unknown field of a person", head + "people:\n- {name: alice, group: [devs]}\n", false, false},
		{"an unknown field of the file", head + "persons: []\npeople:\n- name: alice\n", false, false},
		{"another person's case", head + "people:\n- {Name: alice}\n", false, false},
		{"no name", head + "people:\n- {groups: [devs]}\n", false, false},
		{"an empty name", head + "people:\n- {name: ''}\n", false, false},
		{"no people", head + "people: []\n", false, false},
		{"people missing", head, false, false},
		{"another kind", "apiVersion: certs.kubectl.dev/v1alpha1\nkind: Persons\npeople:\n- name: alice\n", false, false},
		{"another version", "apiVersion: certs.kubectl.dev/v2\nkind: People\npeople:\n- name: alice\n", false, false},
		{"one group, not a list", head + "people:\n- {name: alice, groups: devs}\n", false, false},
		{"a list of people who are no maps", head + "people: [alice]\n", false, false},
		// What JSON Schema cannot say, and where it is stricter.
		{"a person twice", head + "people:\n- name: alice\n- name: alice\n", false, true},
		{"a name that is a number", head + "people:\n- name: 7\n", true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := people.Parse([]byte(tt.text))
			if (err == nil) != tt.parses {
				t.Errorf("the program says %v", err)
			}
			document, err := read([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if err := v.published[people.Kind].Validate(document); (err == nil) != tt.valid {
				t.Errorf("the schema says %v", err)
			}
		})
	}
}
