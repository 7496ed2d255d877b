package rbac

import (
	"cmp"
	"maps"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// deepest is how far it is followed that somebody may become somebody else, who
// may become somebody else.
const deepest = 3

// Admin returns the bindings by which a user in groups may do everything in the
// whole cluster: each that gives all of it, or else those that do so together.
// None if they may not.
func (x *Index) Admin(user string, groups []string) []Grant {
	return admin(x.Grants(user, groups), "")
}

// Ways returns the known ways to more power that a user in groups has, the
// worst first.
func (x *Index) Ways(user string, groups []string) []Way {
	return x.WaysBy(x.Grants(user, groups))
}

// WaysBy is Ways by these grants alone.
func (x *Index) WaysBy(grants []Grant) []Way {
	if x == nil || len(grants) == 0 {
		return nil
	}
	x.once.Do(x.findStrong)
	return x.ways(grants, 0)
}

// admin returns the grants by which everything may be done in namespace, or in
// the whole cluster if it is "".
func admin(grants []Grant, namespace string) []Grant {
	var alone, parts []Grant
	var rules []rbacv1.PolicyRule
	for _, g := range grants {
		if g.Namespace != "" && g.Namespace != namespace {
			continue
		}
		r := g.role.look()
		if r.whole {
			alone = append(alone, g)
		}
		if len(r.wide) > 0 {
			parts = append(parts, g)
			rules = append(rules, r.wide...)
		}
	}
	if len(alone) > 0 {
		return alone
	}
	if coversEverything(rules) {
		return parts
	}
	return nil
}

// found are the permissions that grants give in one namespace, or in all: by
// rule of the table, and by need.
type found map[int]map[int][]permission

type permission struct {
	Source
	hit
}

func (x *Index) ways(grants []Grant, depth int) []Way {
	byNamespace := map[string]found{}
	for _, g := range grants {
		for _, h := range g.role.look().hits {
			f := byNamespace[g.Namespace]
			if f == nil {
				f = found{}
				byNamespace[g.Namespace] = f
			}
			if f[h.rule] == nil {
				f[h.rule] = map[int][]permission{}
			}
			f[h.rule][h.need] = append(f[h.rule][h.need], permission{Source{g, h.text}, h})
		}
	}
	var ways []Way
	everywhere := map[int]Level{}
	for i := range table {
		if w, ok := x.way(i, "", nil, byNamespace[""], depth); ok {
			ways = append(ways, w)
			everywhere[i] = w.Level
		}
	}
	for namespace, f := range byNamespace {
		if namespace == "" {
			continue
		}
		if all := admin(grants, namespace); all != nil && admin(grants, "") == nil {
			ways = append(ways, adminOf(namespace, all))
			continue
		}
		for i := range f {
			w, ok := x.way(i, namespace, f, byNamespace[""], depth)
			if ok && everywhere[i] < w.Level {
				ways = append(ways, w)
			}
		}
	}
	slices.SortFunc(ways, func(a, b Way) int {
		return cmp.Or(-cmp.Compare(a.Level, b.Level), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.row, b.row))
	})
	return ways
}

func adminOf(namespace string, by []Grant) Way {
	w := Way{What: "do everything in namespace " + namespace, Namespace: namespace, Level: Severe, row: -1}
	for _, g := range by {
		w.By = append(w.By, Source{Grant: g})
	}
	return w
}

// way puts together what rule i of the table needs, from what is given in
// namespace (local) and everywhere.
func (x *Index) way(i int, namespace string, local, everywhere found, depth int) (Way, bool) {
	r := &table[i]
	if r.cluster && namespace != "" {
		return Way{}, false
	}
	w := Way{Rule: r.what, Namespace: namespace, row: i}
	var limitedTo []permission
	for n := range r.needs {
		given := slices.Concat(local[i][n], everywhere[i][n])
		if len(given) == 0 {
			return Way{}, false
		}
		open := slices.IndexFunc(given, func(p permission) bool { return len(p.names) == 0 })
		if open < 0 {
			limitedTo = given
			open = 0
		}
		w.By = append(w.By, given[open].Source)
	}
	w.Level = r.levelIn(x, namespace)
	w.What = r.what + where(r, namespace)
	if why := x.whyStrong(namespace); namespace != "" && why != "" && w.Level > r.ordinary {
		w.Note = why
	}
	if limitedTo != nil {
		x.limit(&w, r, limitedTo, depth)
	}
	return w, w.Level > Harmless
}

func where(r *rule, namespace string) string {
	switch {
	case r.cluster, r.home != "":
		return ""
	case namespace == "":
		return " in all namespaces"
	}
	return " in namespace " + namespace
}

func (r *rule) levelIn(x *Index, namespace string) Level {
	switch {
	case namespace == "":
		return r.everywhere
	case r.home != "" && namespace == r.home:
		return r.strong
	case r.home != "":
		return Harmless
	case x.whyStrong(namespace) != "":
		return r.strong
	}
	return r.ordinary
}

// limit lowers w to what the objects of certain names are worth.
func (x *Index) limit(w *Way, r *rule, given []permission, depth int) {
	switch r.named {
	case asMuch:
		return
	case less:
		if w.Namespace == "" {
			w.Level = min(w.Level, Limited)
		}
		return
	}
	worth := Harmless
	for _, p := range given {
		for _, name := range p.names {
			level, note := x.worth(r.named, p, name, w.Namespace, depth)
			if level > worth {
				worth = level
				w.Note = note
				w.By = []Source{p.Source}
			}
		}
	}
	w.Level = min(w.Level, worth)
}

// worth is what it has these permissions somebody may become, or give to themselves,
// what is called name.
func (x *Index) worth(kind limited, p permission, name, namespace string, depth int) (Level, string) {
	if depth >= deepest {
		return Limited, "further escalation is possible"
	}
	var grants []Grant
	switch kind {
	case theRole:
		roleKind := clusterRole
		if p.resource == "roles" {
			roleKind = "Role"
		}
		bound, ok := x.role(roleKind, namespace, name)
		b := &Binding{Kind: clusterRoleBinding, Namespace: namespace, RoleKind: roleKind, RoleName: name, role: bound, Found: ok}
		grants = []Grant{{Binding: b}}
		name = roleKind + " " + pki.Quote(name)
	case theUser:
		grants = x.Grants(name, nil)
		name = "user " + pki.Quote(name)
	case theGroup:
		if IsAdminGroup(name) {
			return Severe, "group " + name + " has full permissions"
		}
		grants = x.Grants("", []string{name})
		name = "group " + pki.Quote(name)
	case theAccounts:
		return x.worthOfAccounts(name, namespace, depth)
	}
	level := x.worstOf(grants, depth+1)
	return level, name + " has these permissions"
}

// worthOfAccounts is what the service accounts of a name may do: that of
// namespace, or those of all namespaces.
func (x *Index) worthOfAccounts(name, namespace string, depth int) (Level, string) {
	worst, note := Local, "service account "+name
	// One without a binding of its own still has those of its groups.
	namespaces := map[string]bool{namespace: true}
	for account := range x.accounts {
		if ns, _, ok := splitAccount(account); ok && namespace == "" {
			namespaces[ns] = true
		}
	}
	for _, ns := range slices.Sorted(maps.Keys(namespaces)) {
		account := serviceAccountPrefix + ns + ":" + name
		if level := x.worstOf(x.Grants(account, accountGroups(ns)), depth+1); level > worst {
			worst, note = level, "service account "+ns+"/"+name+" has these permissions"
		}
	}
	return worst, note
}

func (x *Index) worstOf(grants []Grant, depth int) Level {
	if admin(grants, "") != nil {
		return Severe
	}
	return Worst(x.ways(grants, depth))
}

func accountGroups(namespace string) []string {
	return []string{serviceAccountsGroup, serviceAccountsGroup + ":" + namespace}
}
