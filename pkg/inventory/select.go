package inventory

import (
	"path"
	"slices"
	"strings"
	"time"
)

// Select returns the part of inv that names speak of, and those that speak of
// nothing there is. A name is an entry's, or its ID, or a node's; a place such
// as csr/NAME or secret/NAMESPACE/NAME; a fingerprint, or its beginning. Where it
// is none of these, it may be a common name, a source (secrets), a namespace
// (secret/NAMESPACE), or a component, for all of its certificates (etcd). What was
// skipped stays: it may be what was meant.
func (inv *Inventory) Select(names []string) (selected *Inventory, unknown []string) {
	narrowed := *inv
	narrowed.Items, narrowed.Requests, narrowed.Findings = []Entry{}, []Request{}, []PlaceFinding{}
	exact := map[string]bool{}
	for _, name := range names {
		exact[name] = inv.has(func(e *Entry) bool { return e.isCalled(name) },
			func(r *Request) bool { return r.isCalled(name) },
			func(l Location) bool { return l.isCalled(name) })
	}
	used := map[string]bool{}
	keep := func(matches, mayMean func(name string) bool) bool {
		kept := false
		for _, name := range names {
			if exact[name] && matches(name) || !exact[name] && mayMean(name) {
				used[name], kept = true, true
			}
		}
		return kept
	}
	for _, e := range inv.Items {
		if keep(e.isCalled, e.mayBeMeantBy) {
			narrowed.Items = append(narrowed.Items, e)
		}
	}
	for _, r := range inv.Requests {
		if keep(r.isCalled, r.mayBeMeantBy) {
			narrowed.Requests = append(narrowed.Requests, r)
		}
	}
	refused := Refused(narrowed.Items)
	for _, f := range inv.Findings {
		if refused[f.CertificateAt()] || keep(f.Location.isCalled, f.Location.mayBeMeantBy) {
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

// has reports whether there is an item, a request or a finding's place that one
// of these says yes to.
func (inv *Inventory) has(item func(*Entry) bool, request func(*Request) bool, place func(Location) bool) bool {
	for i := range inv.Items {
		if item(&inv.Items[i]) {
			return true
		}
	}
	for i := range inv.Requests {
		if request(&inv.Requests[i]) {
			return true
		}
	}
	return slices.ContainsFunc(inv.Findings, func(f PlaceFinding) bool { return place(f.Location) })
}

// Filter says which certificates of an inventory are wanted. The zero value
// wants all.
type Filter struct {
	// Statuses keeps those that show one of these; none for all.
	Statuses []Status
	// Before, unless zero, keeps those that expire before then, or have.
	Before time.Time
	// Namespace keeps what was read from objects in this namespace; "" for all.
	Namespace string
	// ObjectsOnly keeps what was read from Secrets.
	ObjectsOnly bool
}

// Filter returns the part of inv that f wants. Requests and findings about
// places have no status and no end: they go where either is asked for.
func (inv *Inventory) Filter(f Filter) *Inventory {
	if len(f.Statuses) == 0 && f.Before.IsZero() && f.Namespace == "" && !f.ObjectsOnly {
		return inv
	}
	wantsPlace := func(l Location) bool {
		return (f.Namespace == "" || l.inNamespace(f.Namespace)) && (!f.ObjectsOnly || l.Source == "secrets")
	}
	narrowed := *inv
	narrowed.Items = slices.DeleteFunc(slices.Clone(inv.Items), func(e Entry) bool {
		return len(f.Statuses) > 0 && !slices.Contains(f.Statuses, e.ShownStatus()) ||
			!f.Before.IsZero() && !e.NotAfter.Before(f.Before) ||
			!slices.ContainsFunc(e.Locations, wantsPlace)
	})
	timed := len(f.Statuses) > 0 || !f.Before.IsZero()
	narrowed.Requests = slices.DeleteFunc(slices.Clone(inv.Requests), func(Request) bool {
		return timed || f.Namespace != "" || f.ObjectsOnly // requests are in no namespace
	})
	narrowed.Findings = slices.DeleteFunc(slices.Clone(inv.Findings), func(p PlaceFinding) bool {
		return timed || !wantsPlace(p.Location)
	})
	return &narrowed
}

// Unverified is what an entry shows instead of OK where nothing was wrong with
// it as far as it could be judged, and it could not be verified.
const Unverified = Status(CodeUnverified)

// ShownStatus is e's status as tables show it.
func (e Entry) ShownStatus() Status {
	if e.Status == OK && slices.ContainsFunc(e.Findings, func(f Finding) bool { return f.Code == CodeUnverified }) {
		return Unverified
	}
	return e.Status
}

// inNamespace reports whether l is an object in a namespace.
func (l Location) inNamespace(namespace string) bool {
	return (l.Source == "secrets" || l.Source == "trust") && strings.HasPrefix(l.Where, namespace+"/")
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

// mayBeMeantBy reports whether name can stand for e among others.
func (e Entry) mayBeMeantBy(name string) bool {
	if name == "" {
		return false
	}
	return strings.EqualFold(name, e.Name) || name == e.Subject.CommonName ||
		strings.HasPrefix(e.Name, name+"-") || strings.HasSuffix(e.Name, "-"+name) ||
		slices.ContainsFunc(e.Locations, func(l Location) bool { return l.mayBeMeantBy(name) })
}

// mayBeMeantBy reports whether name is l's source, in the singular or the
// plural, the namespace that it is in, or its file's name without the directory.
func (l Location) mayBeMeantBy(name string) bool {
	object, _, _ := strings.Cut(l.Where, "#")
	if name == l.Source || name+"s" == l.Source || name == path.Base(object) {
		return true
	}
	kind, namespace, ok := strings.Cut(strings.TrimSuffix(name, "/"), "/")
	return ok && strings.TrimSuffix(kind, "s") == strings.TrimSuffix(l.Source, "s") && strings.HasPrefix(l.Where, namespace+"/")
}

func (r Request) isCalled(name string) bool { return name == r.Name || name == "csr/"+r.Name }

// mayBeMeantBy reports whether name stands for all requests.
func (r Request) mayBeMeantBy(name string) bool {
	return slices.Contains([]string{"csr", "csrs", "request", "requests"}, name)
}
