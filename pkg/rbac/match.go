package rbac

import (
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/component-helpers/auth/rbac/validation"
)

// hit is a permission that a role gives, of those that the table is about.
type hit struct {
	rule, need int // in table, and in its needs
	// names are the objects that it is limited to; nil for all.
	names []string
	// resource is what names are the names of.
	resource string
	text     string
}

// look finds out what of the table the role allows: one role is bound many
// times.
func (r *role) look() *role {
	r.once.Do(func() {
		for i := range r.rules {
			for _, rule := range withoutEmptyName(&r.rules[i]) {
				if slices.Contains(rule.Resources, rbacv1.ResourceAll) {
					r.wide = append(r.wide, *rule)
				}
				for w := range table {
					for n := range table[w].needs {
						r.hits = append(r.hits, matches(rule, w, n)...)
					}
				}
			}
		}
		r.whole = coversEverything(r.wide)
	})
	return r
}

// nameless are the verbs of requests that are about no object by its name.
var nameless = []string{"create", "list", "watch", "deletecollection"}

// withoutEmptyName returns rules that allow what policy allows, none of them
// with an empty resource name. A request without a name has the empty one, and
// the API server compares no more than that (pkg/apis/rbac/v1/
// evaluation_helpers.go, ResourceNameMatches): a rule with resourceNames [""]
// allows to create and to list as if it were limited to nothing.
func withoutEmptyName(policy *rbacv1.PolicyRule) []*rbacv1.PolicyRule {
	if !slices.Contains(policy.ResourceNames, "") {
		return []*rbacv1.PolicyRule{policy}
	}
	var rules []*rbacv1.PolicyRule
	open := policy.DeepCopy()
	open.ResourceNames = nil
	// A subresource is always one of a named object.
	open.Resources = slices.DeleteFunc(open.Resources, func(r string) bool { return strings.Contains(r, "/") })
	if !slices.Contains(open.Verbs, rbacv1.VerbAll) {
		open.Verbs = slices.DeleteFunc(open.Verbs, func(v string) bool { return !slices.Contains(nameless, v) })
	} else {
		open.Verbs = nameless
	}
	if len(open.Verbs) > 0 && len(open.Resources) > 0 {
		rules = append(rules, open)
	}
	named := policy.DeepCopy()
	named.ResourceNames = slices.DeleteFunc(named.ResourceNames, func(name string) bool { return name == "" })
	if len(named.ResourceNames) > 0 { // none would mean all
		rules = append(rules, named)
	}
	return rules
}

// matches returns the hits of one rule for one need: one for each resource,
// with the verbs that the rule allows on it.
func matches(policy *rbacv1.PolicyRule, w, n int) []hit {
	var hits []hit
	wanted := &table[w].needs[n]
	names := policy.ResourceNames
	if len(wanted.only) > 0 && len(names) > 0 {
		known := slices.ContainsFunc(names, func(name string) bool { return slices.Contains(wanted.only, name) })
		if !known {
			return nil
		}
		names = nil // those that count are among them
	}
	for _, a := range wanted.acts {
		for _, group := range a.groups {
			for _, resource := range resourcesOf(a, policy) {
				verbs := allowed(policy, a.verbs, group, resource)
				if len(verbs) == 0 {
					continue
				}
				hits = append(hits, hit{w, n, names, resource, describe(verbs, group, resource, policy.ResourceNames)})
			}
		}
	}
	return hits
}

// resourcesOf returns the resources of a that policy may be about. What has no
// fixed name (the resource of extra attributes is userextras/KEY, and that of
// some verbs is a signer) is taken from policy itself.
func resourcesOf(a act, policy *rbacv1.PolicyRule) []string {
	if len(a.resources) == 0 {
		return policy.Resources
	}
	prefix, open := strings.CutSuffix(a.resources[0], "/*")
	if !open {
		return a.resources
	}
	var found []string
	for _, r := range policy.Resources {
		if r == rbacv1.ResourceAll || r == prefix || strings.HasPrefix(r, prefix+"/") || strings.HasPrefix(r, "*/") {
			found = append(found, r)
		}
	}
	return found
}

// allowed returns those of verbs that policy allows, by Kubernetes' own
// evaluation. A request to create an object, or to delete a collection, has no
// name: a rule that is limited to some names (withoutEmptyName) never allows it
// (pkg/apis/rbac/v1/evaluation_helpers.go).
func allowed(policy *rbacv1.PolicyRule, verbs []string, group, resource string) []string {
	// Nothing else can match, and most rules end here.
	if !slices.Contains(policy.APIGroups, group) && !slices.Contains(policy.APIGroups, rbacv1.APIGroupAll) {
		return nil
	}
	if !slices.ContainsFunc(policy.Resources, func(r string) bool { return r == resource || strings.HasPrefix(r, "*") }) {
		return nil
	}
	var may []string
	for _, verb := range verbs {
		if !slices.Contains(policy.Verbs, verb) && !slices.Contains(policy.Verbs, rbacv1.VerbAll) {
			continue
		}
		withoutName := verb == "create" && !strings.Contains(resource, "/") || verb == "deletecollection"
		if withoutName && len(policy.ResourceNames) > 0 {
			continue
		}
		asked := rbacv1.PolicyRule{Verbs: []string{verb}, APIGroups: []string{group}, Resources: []string{resource}}
		if len(policy.ResourceNames) > 0 {
			asked.ResourceNames = policy.ResourceNames[:1]
		}
		if ok, _ := validation.Covers([]rbacv1.PolicyRule{*policy}, []rbacv1.PolicyRule{asked}); ok {
			may = append(may, verb)
		}
	}
	return may
}

// describe writes a permission as kubectl auth can-i takes it.
func describe(verbs []string, group, resource string, names []string) string {
	text := strings.Join(verbs, ",") + " " + resource
	if group != "" && group != authn {
		text += "." + group
	}
	const most = 5
	switch {
	case len(names) > most:
		text += " named " + strings.Join(names[:most], ", ") + " and others"
	case len(names) > 0:
		text += " named " + strings.Join(names, ", ")
	}
	return text
}

// everything are the permissions that are as good as all: to read, make,
// change and delete every resource of the core API, where Secrets and service
// accounts are, or whatever there is in the API of roles. Each row is one way
// to have all.
var everything = [][]rbacv1.PolicyRule{
	everyResource(core, "get", "list", "create", "update", "delete"),
	everyResource(core, "get", "list", "create", "patch", "delete"),
	everyResource(rbacv1.GroupName, rbacv1.VerbAll),
}

func everyResource(group string, verbs ...string) []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{{Verbs: verbs, APIGroups: []string{group}, Resources: []string{rbacv1.ResourceAll}}}
}

// coversEverything reports whether rules, put together, are as good as all.
func coversEverything(rules []rbacv1.PolicyRule) bool {
	if len(rules) == 0 {
		return false
	}
	return slices.ContainsFunc(everything, func(all []rbacv1.PolicyRule) bool {
		ok, _ := validation.Covers(rules, all)
		return ok
	})
}
