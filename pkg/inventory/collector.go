package inventory

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
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
	// Owner is whose it is, where that is neither the cluster's, as its API has
	// it, nor the caller's: a node (OwnerNode) or a tree of files. What somebody
	// trusts counts for their own certificates alone.
	Owner string
	// Server is the host:port that a server was reached at. Of a CA, and of a
	// client's certificate, it is that of the server which its holder connects
	// to; "" where it is for no server in particular.
	Server string
	// Address is the host name or IP address that a server was reached by. Of a
	// CA with a Server, it is the name that its holder verifies the server by; ""
	// for all else.
	Address string
	// For are the places of the trust of those who reach a server in this way;
	// nil for everybody.
	For []catalog.Place
	// Row is the catalog's name of what should be there, where the place is
	// that of one certificate and no other: a file of a known name. "" where
	// the catalog has to recognise it.
	Row string
	// Key is the public half of the private key that was found beside it; nil
	// where none was, or none was looked at.
	Key crypto.PublicKey

	// Layout names the layout (catalog.Layout) whose tree of files it is from, or
	// "".
	Layout string

	depth int // how far behind its leaf an intermediate stands
}

// Collector gathers what the sources of a scan report, and judges it. Its
// methods may be called by many goroutines at once. The zero value, with its
// Now set, is ready for use.
type Collector struct {
	// Now is the moment that everything is judged at.
	Now time.Time
	// Within, unless 0, is how long before its end a certificate expires soon,
	// instead of the default.
	Within time.Duration
	// FaultsOnly lets go of what the API can hold any number of, once nothing
	// was found to be wrong with it: a scan then takes as much memory as there
	// are faults.
	FaultsOnly bool
	// Sources are those that are read, for Inventory.Sources.
	Sources []string

	mu       sync.Mutex
	seen     map[[sha256.Size]byte]*certificate
	issuers  map[string]issuerName // each name, by its DER: many have the same
	counted  map[hashPrefix]struct{}
	requests []Request
	findings []PlaceFinding
	skipped  []Skip
	looked   map[string]bool
	pools    []Pool
}

// OwnerNode is the Owner of what is on the node called name.
func OwnerNode(name string) string { return "node/" + name }

// Pool is what somebody verifies a server by whose kubeconfig names no CA: the
// roots of this machine.
type Pool struct {
	Location
	Place           catalog.Place
	Server, Address string // as in a Sighting
	Roots           *x509.CertPool
}

// Trust reports that a pool verifies a server.
func (c *Collector) Trust(p Pool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pools = append(c.pools, p)
}

// See reports a certificate, and those that came with it.
func (c *Collector) See(s Sighting) {
	c.see(s)
	for i, between := range s.Intermediates {
		c.see(presented(s, i, between))
	}
}

// presented is the sighting of what stands behind the certificate of s.
func presented(s Sighting, i int, cert *x509.Certificate) Sighting {
	behind := Sighting{
		Location: s.Location, Owner: s.Owner, Place: catalog.PresentedCA,
		Name: s.Name + "#" + strconv.Itoa(i+2), Certificate: cert, depth: i,
	}
	if manifold(s.Place) {
		behind.Place = catalog.SecretChain
	} else if cn := cert.Subject.CommonName; cn != "" && catalog.IsServed(s.Place) {
		behind.Name = "intermediate/" + cn // it may be presented at many addresses
	}
	return behind
}

func (c *Collector) see(s Sighting) {
	hash := sha256.Sum256(s.Certificate.Raw)
	f := newCertificate(s.Certificate, hash)
	var own []Finding
	if manifold(s.Place) {
		own = f.judgeAlone(s, &evidence{now: c.Now, within: c.Within})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counted == nil {
		c.counted = map[hashPrefix]struct{}{}
	}
	c.counted[hashPrefix(hash[:])] = struct{}{}
	if c.FaultsOnly && manifold(s.Place) && !slices.ContainsFunc(own, isFault) {
		return
	}
	c.keep(f).add(s, own)
}

// keep returns what is kept of the certificate that f is: f, the first time.
func (c *Collector) keep(f *certificate) *certificate {
	if known, ok := c.seen[f.hash]; ok {
		return known
	}
	if c.seen == nil {
		c.seen, c.issuers = map[[sha256.Size]byte]*certificate{}, map[string]issuerName{}
	}
	c.seen[f.hash] = f
	issuer, ok := c.issuers[string(f.issuer)]
	if !ok {
		issuer = newIssuerName(f.issuer)
		c.issuers[string(f.issuer)] = issuer
	}
	f.entry.Issuer, f.entry.IssuerName, f.entry.SHA256 = issuer.Issuer, issuer.text, hex.EncodeToString(f.hash[:])
	return f
}

// Saw reports whether a certificate was reported, and is kept.
func (c *Collector) Saw(cert *x509.Certificate) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[sha256.Sum256(cert.Raw)] != nil
}

// manifold reports whether the API can hold any number of what is seen at
// place. Such a certificate is judged when it comes, by what comes with it,
// and only its bytes are kept.
func manifold(place catalog.Place) bool {
	return place == catalog.SecretLeaf || place == catalog.SecretCA || place == catalog.SecretChain
}

// isFault reports whether somebody has to act on f.
func isFault(f Finding) bool { return f.Severity != Info }

// Await reports a request that has no certificate yet.
func (c *Collector) Await(r Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = append(c.requests, r)
}

// Find reports something about a place.
func (c *Collector) Find(f PlaceFinding) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.findings = append(c.findings, f)
}

// Skip reports what could not be read. Said twice, it counts once.
func (c *Collector) Skip(s Skip) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.skipped = append(c.skipped, s)
}

// Look reports that what rows of the catalog name was looked for where it would
// be, so that what was not seen is not there.
func (c *Collector) Look(rows ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, row := range rows {
		if c.looked == nil {
			c.looked = map[string]bool{}
		}
		c.looked[row] = true
	}
}

// hashPrefix is enough of a SHA-256 to count certificates by, where as little
// as that is kept of those without faults.
type hashPrefix [16]byte

// Count returns how many certificates were reported so far: each once, in
// however many places it was seen, as Inventory lists them.
func (c *Collector) Count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.counted)
}

// Inventory folds what was reported so far into one entry per certificate,
// and judges each. The result does not depend on the order of reports.
func (c *Collector) Inventory(cluster Cluster) *Inventory {
	c.mu.Lock()
	defer c.mu.Unlock()

	found := make([]*certificate, 0, len(c.seen))
	for _, f := range c.seen {
		f.name()
		found = append(found, f)
	}
	// A stable order from the start: the first of two that could both be meant
	// is the same one in every run.
	slices.SortFunc(found, func(a, b *certificate) int { return bytes.Compare(a.hash[:], b.hash[:]) })
	nameCAs(found)
	signed(found, c.Now)
	evidence := c.evidence(found, cluster)
	evidence.relate(found)
	for _, f := range found {
		f.entry.VerifiedAgainst = f.verdict.places
		f.entry.Findings = judge(f, evidence)
		f.entry.Status = statusOf(f.entry.Findings)
	}
	refuseUnloadable(found, c.findings)
	sortAsTrustIs(found)

	inv := &Inventory{
		APIVersion: APIVersion,
		Kind:       Kind,
		Cluster:    cluster,
		TakenAt:    c.Now.UTC().Truncate(time.Second),
		Items:      make([]Entry, 0, len(found)),
		Requests:   append([]Request{}, c.requests...),
		Findings:   append([]PlaceFinding{}, c.findings...),
		Skipped:    append([]Skip{}, c.skipped...),
		Sources:    append([]string{}, c.Sources...),
		LookedFor:  slices.Sorted(maps.Keys(c.looked)),
	}
	inv.Findings = append(inv.Findings, evidence.strangers(found)...)
	for _, f := range found {
		inv.Items = append(inv.Items, f.entry)
	}
	judgeRequests(inv.Requests, c.Now)
	sortRest(inv)
	return inv
}

// sortRest orders what is no certificate.
func sortRest(inv *Inventory) {
	slices.SortFunc(inv.Requests, func(a, b Request) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Name, b.Name))
	})
	slices.SortFunc(inv.Findings, func(a, b PlaceFinding) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Where, b.Where),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
	})
	slices.SortFunc(inv.Skipped, func(a, b Skip) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Where, b.Where),
			cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Hint, b.Hint))
	})
	inv.Skipped = slices.Compact(inv.Skipped)
}
