package inventory

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"net"
	"slices"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// verifier is somebody who verifies others, by a bundle of their own.
type verifier struct {
	place catalog.Place
	at    Location
	owner string
	// server and address are those that it connects to; "" where it verifies
	// whoever comes.
	server, address string
	anchors         []*x509.Certificate
	roots           *x509.CertPool // of this machine, where there are no anchors
	bundle          *pki.Bundle    // made when it is asked for
}

// trusted returns what v verifies by.
func (v *verifier) trusted() *pki.Bundle {
	switch {
	case v.bundle != nil:
	case v.roots != nil:
		v.bundle = pki.PoolBundle(v.roots)
	default:
		v.bundle = pki.NewBundle(v.anchors)
	}
	return v.bundle
}

// who says whose trust it is, and where that is written.
func (v *verifier) who() string {
	switch {
	case v.roots != nil:
		return fmt.Sprintf("%s (no CA: the system's root CAs)", v.at.Where)
	case v.owner != "" || v.at.Source == "files" || v.at.Source == "node-files":
		return v.at.Where
	}
	switch v.place {
	case catalog.RootCA:
		return "pods (" + string(v.place) + ")"
	case catalog.ClientCA:
		return "the API server (" + string(v.place) + ")"
	case catalog.RequestHeaderCA:
		return "aggregated API servers (" + string(v.place) + ")"
	case catalog.ClusterInfoCA:
		return "joining nodes (" + string(v.place) + ")"
	case catalog.KubeconfigCA, catalog.OtherContextCA:
		return fmt.Sprintf("%s (kubeconfig CA)", v.at.Where)
	}
	return fmt.Sprintf("%s (%s)", v.at.Where, v.place)
}

// byKubeconfig reports whether v is the holder of a kubeconfig, who connects to
// one server.
func (v *verifier) byKubeconfig() bool {
	return v.place == catalog.KubeconfigCA || v.place == catalog.OtherContextCA || v.server != ""
}

// verifiersOf returns everybody of found, and of pools, who verifies others.
func verifiersOf(found []*certificate, pools []Pool) []*verifier {
	type key struct {
		place                  catalog.Place
		at                     Location
		owner, server, address string
	}
	known := map[key]*verifier{}
	var all []*verifier
	for _, f := range found {
		var cert *x509.Certificate
		for _, s := range f.sightings {
			if !catalog.IsAnchor(s.Place) && s.Place != catalog.OtherContextCA {
				continue
			}
			if cert == nil {
				cert = f.cert()
			}
			k := key{s.Place, s.Location, s.Owner, s.Server, s.Address}
			if known[k] == nil {
				known[k] = &verifier{place: s.Place, at: s.Location, owner: s.Owner, server: s.Server, address: s.Address}
				all = append(all, known[k])
			}
			// What it has of f came last, if it has.
			if v := known[k]; len(v.anchors) == 0 || v.anchors[len(v.anchors)-1] != cert {
				v.anchors = append(v.anchors, cert)
			}
		}
	}
	for _, p := range pools {
		all = append(all, &verifier{place: p.Place, at: p.Location, server: p.Server, address: p.Address, roots: p.Roots})
	}
	slices.SortStableFunc(all, func(a, b *verifier) int {
		return cmp.Or(catalog.ComparePlaces(a.place, b.place), cmp.Compare(a.at.Source, b.at.Source), cmp.Compare(a.at.Where, b.at.Where),
			cmp.Compare(a.owner, b.owner), cmp.Compare(a.server, b.server), cmp.Compare(a.address, b.address))
	})
	return all
}

// verifiedBy returns the places of the trust that counts for what was seen as
// s, by the row that the sighting is of.
func verifiedBy(s *Sighting, subject pki.Subject) []catalog.Place {
	row, known := catalog.Lookup(s.Row)
	if !known {
		row, known = catalog.Recognise(s.Place, subject)
	}
	if known {
		return row.VerifiedBy
	}
	return catalog.Anchors(s.Place)
}

// usagesOf returns what a certificate is used for where it was seen as s; nothing
// where it is not known.
func usagesOf(s *Sighting) []x509.ExtKeyUsage {
	row, known := catalog.Lookup(s.Row)
	if !known {
		row, known = catalog.Recognise(s.Place, pki.Subject{}) // by the port
	}
	switch {
	case known && row.Mutual:
		return []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	case known && row.Role == catalog.Client:
		return []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	case known && row.Role == catalog.Server, catalog.IsServed(s.Place):
		return []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	switch s.Place {
	case catalog.KubeconfigClient, catalog.OtherContextClient, catalog.IssuedRecord, catalog.IssuedRequest:
		return []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	return nil
}

// byPlace returns the indices of verifiers by the place that their trust stands for.
func byPlace(verifiers []*verifier) map[catalog.Place][]int {
	at := map[catalog.Place][]int{}
	for i, v := range verifiers {
		at[asPlace(v.place)] = append(at[asPlace(v.place)], i)
	}
	return at
}

// candidates are the verifiers whose trust is of one of places, in their order.
func (e *evidence) candidates(places []catalog.Place) []*verifier {
	var at []int
	for _, place := range places {
		at = append(at, e.byPlace[place]...)
	}
	slices.Sort(at)
	var all []*verifier
	for _, i := range slices.Compact(at) {
		all = append(all, e.verifiers[i])
	}
	return all
}

// verifies reports whether v, a candidate, verifies the certificate that was seen as
// s: it is the relation that all judgement of trust stands on.
func (e *evidence) verifies(v *verifier, s *Sighting, c *certificate) bool {
	switch {
	case v.owner != "" && v.owner != s.Owner:
		return false // what somebody trusts counts for their own alone
	case s.Place == catalog.APIServerEndpoint:
		return e.reaches(v, s)
	case v.owner != "" && v.byKubeconfig():
		return e.connects(v, s, c)
	case v.byKubeconfig() && v.server != "":
		return false // the caller verifies what is presented to them
	case s.Place == catalog.KubeconfigClient && s.Owner != "" && s.Server != "":
		return e.isAPIServer(s.Owner, s.Server)
	}
	return true
}

// asPlace is the place of the trust that v's kind of place stands for.
func asPlace(place catalog.Place) catalog.Place {
	if place == catalog.OtherContextCA {
		return catalog.KubeconfigCA
	}
	return place
}

// reaches reports whether v connects to where the API server was seen as s. What
// does not tell where it connects to may connect there.
func (e *evidence) reaches(v *verifier, s *Sighting) bool {
	told := v.server != "" && s.Server != ""
	switch {
	case v.place == catalog.OtherContextCA && !told:
		return false
	case v.place == catalog.ClusterInfoCA && told:
		// The address that joining nodes connect to may be one that this machine
		// does not know: then a replica stands for it.
		return v.server == s.Server || !e.reached[v.server] && slices.Contains(s.For, catalog.RootCA)
	case len(s.For) > 0 && !slices.Contains(s.For, asPlace(v.place)):
		return false
	}
	return !told || v.server == s.Server && (v.address == "" || v.address == s.Address)
}

// connects reports whether v, the holder of a kubeconfig that lies among an
// owner's files, connects to the API server whose certificate s is.
func (e *evidence) connects(v *verifier, s *Sighting, c *certificate) bool {
	if s.Row != apiServer {
		return false
	}
	named := c.cert().VerifyHostname(v.address) == nil
	if v.place != catalog.ServerCAFile {
		// Anybody's kubeconfig may lie there: an audit webhook's, for example.
		return named && e.isAPIServer(s.Owner, v.server)
	}
	if named {
		return true
	}
	// A component's own. Where the certificate does not name the address that it
	// connects to, another server may stand there, in front of this one, unless the
	// CA is this one's: by its name, at least.
	for _, ca := range v.anchors {
		if string(ca.RawSubject) == string(c.issuer) {
			return true
		}
	}
	return false
}

// isAPIServer reports whether the server at host:port is the API server of owner,
// as the components say whose kubeconfigs lie there.
func (e *evidence) isAPIServer(owner, server string) bool {
	host, _, err := net.SplitHostPort(server)
	if err != nil {
		return false
	}
	if e.servers[owner][server] {
		return true
	}
	itsPort := len(e.servers[owner]) == 0 && samePort(server, ":"+defaultPort)
	for known := range e.servers[owner] {
		itsPort = itsPort || samePort(server, known)
	}
	return itsPort && slices.ContainsFunc(e.files[apiServer], func(f *certificate) bool {
		return f.cert().VerifyHostname(host) == nil &&
			slices.ContainsFunc(f.sightings, func(s Sighting) bool { return s.Owner == owner && s.Row == apiServer })
	})
}

// samePort reports whether two addresses, as host:port, have one port.
func samePort(a, b string) bool {
	_, x, err := net.SplitHostPort(a)
	_, y, _ := net.SplitHostPort(b)
	return err == nil && x == y
}

const (
	// apiServer is the catalog's name of the API server's serving certificate.
	apiServer = "apiserver"
	// defaultPort is the API server's own (--secure-port).
	defaultPort = "6443"
)
