// These tests promise that a file of people is read as it was meant, or not at
// all, and that the error leads to the line.
package people_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/people"
)

const head = "apiVersion: certs.kubectl.dev/v1alpha1\nkind: People\n"

func TestParse(t *testing.T) {
	got, err := people.Parse([]byte(head + `people:
- name: alice
  groups: [devs, oncall]
  roles: [dev/edit]
  clusterRoles: [view]
  expiresIn: 8h
- name: bob
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []people.Person{
		{Name: "alice", Groups: []string{"devs", "oncall"}, Roles: []string{"dev/edit"}, ClusterRoles: []string{"view"}, ExpiresIn: "8h", Line: 4},
		{Name: "bob", Line: 9},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ name, input, want string }{
		{"nothing", "", "it is empty"},
		{"nobody", head + "people: []\n", "lists no users"},
		{"no YAML", head + "people: [\n", "line 3"},
		{"another kind", "apiVersion: v1\nkind: List\npeople: [{name: a}]\n", `it is a "List"`},
		{"a list", "- name: alice\n", "line 1: the file must be a map with the fields"},
		{"a misspelt field", head + "people:\n- name: alice\n  group: [devs]\n", `line 5: a person has no field "group"`},
		{"a misspelt field of the file", head + "persons:\n- name: alice\n", `line 3: the file has no field "persons"`},
		{"no name", head + "people:\n- groups: [devs]\n", "line 4: a user has no name"},
		{"a bare name", head + "people:\n- alice\n", "line 4: a person must be a map with the fields"},
		{"a text for a list", head + "people:\n- name: alice\n  roles: edit\n", "line 5: cannot unmarshal"},
		{"a field twice", head + "people:\n- name: alice\n  name: bob\n", "line 5: mapping key"},
		{"somebody twice", head + "people:\n- name: alice\n- name: bob\n- name: alice\n", `line 6: "alice" is already in line 4`},
		{"two documents", head + "people:\n- name: alice\n---\n" + head, "more than one document"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := people.Parse([]byte(tt.input))
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v and error %v, want one that says %q on one line", got, err, tt.want)
			}
		})
	}
}
