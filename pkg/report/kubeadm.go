package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// kubeadmNames are kubeadm's names of the catalog's certificates, where they
// differ, and all that it lists beside CAs
// (cmd/kubeadm/app/phases/certs/renewal/manager.go).
var kubeadmNames = map[string]string{
	catalog.Admin:              "admin.conf",
	"apiserver":                "apiserver",
	"apiserver-etcd-client":    "apiserver-etcd-client",
	"apiserver-kubelet-client": "apiserver-kubelet-client",
	"controller-manager":       "controller-manager.conf",
	"etcd-healthcheck-client":  "etcd-healthcheck-client",
	"etcd-peer":                "etcd-peer",
	"etcd-server":              "etcd-server",
	"front-proxy-client":       "front-proxy-client",
	"scheduler":                "scheduler.conf",
	catalog.SuperAdmin:         "super-admin.conf",
}

// Kubeadm writes the table of `kubeadm certs check-expiration`, byte for byte
// (cmd/kubeadm/app/cmd/certs.go), of what was seen. Where each control-plane
// node has one, each is a line. What was looked for where it would be, and was not
// there, is said to be missing, in kubeadm's way; what nobody looked for is left
// out: nobody should take their own kubeconfig for the node's.
//
// Whether kubeadm has a CA's key, so that it can renew what that one signed,
// is not to be seen from here: none is said to be managed externally.
func Kubeadm(w io.Writer, inv *inventory.Inventory, o Options) error {
	const (
		date     = "Jan 02, 2006 15:04 MST"
		internal = "no      "
	)
	table := tabwriter.NewWriter(w, 10, 4, 3, ' ', 0)
	var leaves, authorities []*inventory.Entry
	for i := range inv.Items {
		e := &inv.Items[i]
		row, known := catalog.Lookup(e.Name)
		switch _, listed := kubeadmNames[e.Name]; {
		case listed && onNode(e):
			leaves = append(leaves, e)
		case known && row.Role == catalog.CA:
			authorities = append(authorities, e)
		}
	}
	leaves = withMissing(leaves, lookedFor(inv, slices.Collect(maps.Keys(kubeadmNames))))
	authorities = withMissing(authorities, lookedFor(inv, kubeadmCAs))
	if o.SortBy == "" {
		slices.SortStableFunc(leaves, func(a, b *inventory.Entry) int { return cmp.Compare(kubeadmNames[a.Name], kubeadmNames[b.Name]) })
		slices.SortStableFunc(authorities, func(a, b *inventory.Entry) int { return cmp.Compare(a.Name, b.Name) })
	}
	residual := func(e *inventory.Entry) string {
		if e.NotAfter.Before(inv.TakenAt) {
			return duration.HumanDuration(e.NotAfter.Sub(inv.TakenAt)) // as kubeadm writes it
		}
		return inventory.Span(inv.TakenAt, e.NotAfter)
	}
	if !o.NoHeaders {
		fmt.Fprintln(table, "CERTIFICATE\tEXPIRES\tRESIDUAL TIME\tCERTIFICATE AUTHORITY\tEXTERNALLY MANAGED")
	}
	for _, e := range leaves {
		if isMissing(e) {
			fmt.Fprintf(table, "!MISSING! %s\t\t\t\t\n", kubeadmNames[e.Name])
			continue
		}
		row, _ := catalog.Lookup(e.Name)
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", kubeadmNames[e.Name], e.NotAfter.UTC().Format(date), residual(e), row.SignedBy, internal)
	}
	fmt.Fprintln(table)
	if !o.NoHeaders {
		fmt.Fprintln(table, "CERTIFICATE AUTHORITY\tEXPIRES\tRESIDUAL TIME\tEXTERNALLY MANAGED")
	}
	for _, e := range authorities {
		if isMissing(e) {
			fmt.Fprintf(table, "!MISSING! %s\t\t\t\n", e.Name)
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", e.Name, e.NotAfter.UTC().Format(date), residual(e), internal)
	}
	return table.Flush()
}

// kubeadmCAs are the CAs that kubeadm lists.
var kubeadmCAs = []string{"ca", "etcd-ca", "front-proxy-ca"}

// onNode reports whether e is a node's own: a file's, or what is served. A
// kubeconfig elsewhere holds another one.
func onNode(e *inventory.Entry) bool {
	return slices.ContainsFunc(e.Locations, func(l inventory.Location) bool {
		return slices.Contains([]string{"files", "node-files", "endpoint", "control-plane"}, l.Source)
	})
}

// lookedFor are those of names that were looked for.
func lookedFor(inv *inventory.Inventory, names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !slices.Contains(inv.LookedFor, name) })
}

// withMissing returns entries, and one without dates for each of names that none
// of them has.
func withMissing(entries []*inventory.Entry, names []string) []*inventory.Entry {
	slices.Sort(names)
	for _, name := range names {
		if !slices.ContainsFunc(entries, func(e *inventory.Entry) bool { return e.Name == name }) {
			entries = append(entries, &inventory.Entry{Name: name})
		}
	}
	return entries
}

func isMissing(e *inventory.Entry) bool { return e.NotAfter.IsZero() }
