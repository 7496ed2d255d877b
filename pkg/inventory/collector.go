package inventory

import (
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"slices"
	"sync"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// Sighting is one certificate seen at one place: what a source reports.
type Sighting struct {
	Location
	Place catalog.Place
	// Node is the node it was seen on, or "".
	Node string
	// Name names the certificate if the catalog does not know it.
	Name string
	// Certificate is what was seen.
	Certificate *x509.Certificate
	// Intermediates came with it.
	Intermediates []*x509.Certificate
	// Address is the host name or IP address that a server was reached by;
	// "" for all else.
	Address string
}

// Collector gathers what the sources of a scan report. Its methods may be
// called by many goroutines at once. The zero value is ready for use.
type Collector struct {
	mu        sync.Mutex
	sightings []Sighting
	skipped   []Skip
}

// See reports a certificate.
func (c *Collector) See(s Sighting) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sightings = append(c.sightings, s)
}

// Skip reports what could not be read.
func (c *Collector) Skip(s Skip) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.skipped = append(c.skipped, s)
}

// Inventory folds what was reported so far into one entry per certificate,
// and judges each at now. The result does not depend on the order of reports.
func (c *Collector) Inventory(cluster Cluster, now time.Time) *Inventory {
	c.mu.Lock()
	defer c.mu.Unlock()

	sightings := slices.SortedFunc(slices.Values(c.sightings), compareSightings)
	trust := newTrust(sightings)
	var found []*certificate
	byHash := map[[sha256.Size]byte]*certificate{}
	for _, s := range sightings {
		hash := sha256.Sum256(s.Certificate.Raw)
		seen, ok := byHash[hash]
		if !ok {
			seen = newCertificate(s)
			byHash[hash] = seen
			found = append(found, seen)
		}
		seen.add(s)
	}
	for _, f := range found {
		f.entry.SignedBy = signer(f, found)
		f.entry.Findings = judge(f, trust, now)
		f.entry.Status = statusOf(f.entry.Findings)
	}
	sortAsTrustIs(found)

	inv := &Inventory{
		APIVersion: APIVersion,
		Kind:       Kind,
		Cluster:    cluster,
		TakenAt:    now.UTC().Truncate(time.Second),
		Items:      make([]Entry, 0, len(found)),
		Skipped:    append([]Skip{}, c.skipped...),
	}
	for _, f := range found {
		inv.Items = append(inv.Items, f.entry)
	}
	slices.SortFunc(inv.Skipped, func(a, b Skip) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Where, b.Where),
			cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Hint, b.Hint))
	})
	return inv
}

// certificate is an entry in the making, with what judging it needs.
type certificate struct {
	entry     Entry
	cert      *x509.Certificate
	sightings []Sighting
	anchors   []catalog.Place // the places of the trust it is checked against
}

func newCertificate(s Sighting) *certificate {
	c := &certificate{entry: describe(s.Certificate), cert: s.Certificate}
	if row, ok := catalog.Recognise(s.Place, pki.SubjectOf(s.Certificate)); ok {
		c.entry.Name, c.entry.Role, c.anchors = row.Name, row.Role, row.VerifiedBy
	} else {
		c.entry.Name, c.entry.Role, c.anchors = s.Name, roleAt(s), catalog.Anchors(s.Place)
	}
	return c
}

func (c *certificate) add(s Sighting) {
	c.sightings = append(c.sightings, s)
	if !slices.Contains(c.entry.Locations, s.Location) {
		c.entry.Locations = append(c.entry.Locations, s.Location)
	}
	if c.entry.Node == "" {
		c.entry.Node = s.Node
	}
}

// roleAt is the role of a certificate that the catalog does not know.
func roleAt(s Sighting) catalog.Role {
	switch {
	case s.Certificate.IsCA:
		return catalog.CA
	case s.Place == catalog.APIServerEndpoint:
		return catalog.Server
	default:
		return catalog.Client
	}
}

// compareSightings puts what the catalog knows first, so that a certificate
// seen in several places is named by the most telling one.
func compareSightings(a, b Sighting) int {
	return cmp.Or(
		cmp.Compare(a.Place, b.Place),
		cmp.Compare(a.Source, b.Source),
		cmp.Compare(a.Where, b.Where),
		slices.Compare(a.Certificate.Raw, b.Certificate.Raw),
		cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.Node, b.Node),
		cmp.Compare(a.Address, b.Address),
	)
}

// signer returns the name of the CA among found that signed c.
func signer(c *certificate, found []*certificate) string {
	for _, ca := range found {
		if ca.cert.IsCA && slices.Equal(ca.cert.RawSubject, c.cert.RawIssuer) && c.cert.CheckSignatureFrom(ca.cert) == nil {
			return ca.entry.Name
		}
	}
	if pki.SelfSigned(c.cert) {
		return c.entry.Name
	}
	return ""
}

// sortAsTrustIs puts each CA before what it signed, servers before clients.
func sortAsTrustIs(found []*certificate) {
	order := map[string]int{}
	for i, row := range catalog.All() {
		order[row.Name] = i + 1
	}
	// What the catalog does not know comes after what it does.
	position := func(name string) int { return cmp.Or(order[name], len(order)+1) }
	roles := []catalog.Role{catalog.CA, catalog.Server, catalog.Client}
	slices.SortStableFunc(found, func(a, b *certificate) int {
		x, y := a.entry, b.entry
		return cmp.Or(
			cmp.Compare(position(x.SignedBy), position(y.SignedBy)),
			cmp.Compare(x.SignedBy, y.SignedBy),
			cmp.Compare(slices.Index(roles, x.Role), slices.Index(roles, y.Role)),
			cmp.Compare(position(x.Name), position(y.Name)),
			cmp.Compare(x.Name, y.Name),
			cmp.Compare(x.Node, y.Node),
			cmp.Compare(x.SHA256, y.SHA256),
		)
	})
}
