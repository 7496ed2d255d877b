//go:build e2e

package e2e

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
)

// documented is one rule of docs/permissions.md: a row of a table.
type documented struct {
	rule      rbacv1.PolicyRule
	namespace string
	// without is what the program says where it may not. Where fails is set, it
	// fails, and does none of what it is for.
	without string
	fails   bool
}

func (d documented) String() string {
	text := strings.Join(d.rule.Verbs, ",") + " " + d.rule.Resources[0]
	if len(d.rule.ResourceNames) > 0 {
		text += " " + strings.Join(d.rule.ResourceNames, ",")
	}
	if d.namespace != "" {
		text += " -n " + d.namespace
	}
	return text
}

var (
	needsToo     = regexp.MustCompile("^What `([^`]+)` needs")
	needsNothing = regexp.MustCompile("^Nothing[.:]")
)

// readPermissions returns the rules of each section. A section may have those of
// one before it too, or none.
func readPermissions(t *testing.T) map[string][]documented {
	t.Helper()
	text, err := os.ReadFile("../../docs/permissions.md")
	if err != nil {
		t.Fatal(err)
	}
	sections, section := map[string][]documented{}, ""
	for _, line := range strings.Split(string(text), "\n") {
		if name, ok := strings.CutPrefix(line, "## "); ok {
			section = name
		}
		if too := needsToo.FindStringSubmatch(line); too != nil {
			rules, known := sections[too[1]]
			if !known {
				t.Fatalf("section %q needs what %q needs, which is no section before it", section, too[1])
			}
			sections[section] = slices.Clone(rules)
		}
		if needsNothing.MatchString(line) {
			sections[section] = nil
		}
		cells := strings.Split(line, "|")
		if len(cells) != 7 {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if cells[1] == "verbs" || strings.HasPrefix(cells[1], "-") {
			continue
		}
		sections[section] = append(sections[section], parseRule(t, cells[1:6]))
	}
	return sections
}

func parseRule(t *testing.T, cells []string) documented {
	t.Helper()
	resource, group, _ := strings.Cut(cells[1], ".")
	d := documented{namespace: cells[3], rule: rbacv1.PolicyRule{
		Verbs: strings.Split(cells[0], ", "), APIGroups: []string{group}, Resources: []string{resource},
	}}
	if cells[2] != "" {
		d.rule.ResourceNames = strings.Split(cells[2], ", ")
	}
	switch said, ok := strings.CutPrefix(cells[4], "`"); {
	case ok:
		d.without = strings.TrimSuffix(said, "`")
	case cells[4] == "fails":
		d.fails, d.without = true, d.rule.Verbs[0]+" "+resource
	case strings.HasPrefix(cells[4], "fails: "):
		d.fails = true
	default:
		t.Fatalf("%v: neither what is said without it, nor that it fails: %q", d, cells[4])
	}
	return d
}
