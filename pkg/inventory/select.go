package inventory

import (
	"slices"
	"strings"
)

// Select returns the part of inv that names speak of, and those that speak of
// nothing there is. A name is an entry's, or its ID, or a node's; a place such
// as csr/NAME or secret/NAMESPACE/NAME; or a fingerprint, or its beginning.
// What was skipped stays: it may be what was meant.
func (inv *Inventory) Select(names []string) (selected *Inventory, unknown []string) {
	narrowed := *inv
	narrowed.Items, narrowed.Requests, narrowed.Findings = []Entry{}, []Request{}, []PlaceFinding{}
	used := map[string]bool{}
	keep := func(matches func(name string) bool) bool {
		kept := false
		for _, name := range names {
			if matches(name) {
				used[name], kept = true, true
			}
		}
		return kept
	}
	for _, e := range inv.Items {
		if keep(e.isCalled) {
			narrowed.Items = append(narrowed.Items, e)
		}
	}
	for _, r := range inv.Requests {
		if keep(func(name string) bool { return name == "csr/"+r.Name || name == r.Name }) {
			narrowed.Requests = append(narrowed.Requests, r)
		}
	}
	for _, f := range inv.Findings {
		if keep(f.Location.isCalled) {
			narrowed.Findings = append(narrowed.Findings, f)
		}
	}
	for _, name := range names {
		if !used[name] && !slices.Contains(unknown, name) {
			unknown = append(unknown, name)
		}
	}
	return &narrowed, unknown
}

// SeenBy reports whether source saw any certificate.
func (inv *Inventory) SeenBy(source string) bool {
	return slices.ContainsFunc(inv.Items, func(e Entry) bool {
		return slices.ContainsFunc(e.Locations, func(l Location) bool { return l.Source == source })
	})
}

// leastFingerprint is how much of a fingerprint has to be given.
const leastFingerprint = 8

func (e Entry) isCalled(name string) bool {
	if name == e.Name || name == e.ID() || e.Node != "" && name == e.Node {
		return true
	}
	if len(name) >= leastFingerprint && strings.HasPrefix(e.SHA256, strings.ToLower(strings.ReplaceAll(name, ":", ""))) {
		return true
	}
	return slices.ContainsFunc(e.Locations, func(l Location) bool { return l.isCalled(name) })
}

// isCalled reports whether name is what lies there, an object that it is a part
// of, or a node that it is a port of.
func (l Location) isCalled(name string) bool {
	if l.Source == "secrets" {
		name = strings.TrimPrefix(name, "secret/")
	}
	object, _, _ := strings.Cut(l.Where, "#")
	host, _, _ := strings.Cut(l.Where, ":")
	return name == l.Where || name == object || name == host
}
