// Package inventory holds the nouns of what a scan found (certificates, where
// they were seen, what is wrong with them, what could not be read) and judges
// them at a given moment. The JSON form of its types is the output contract of
// `kubectl certs inspect -o json`.
package inventory

import (
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// The kind that an Inventory is written as.
const (
	APIVersion = "certs.kubectl.dev/v1alpha1"
	Kind       = "CertificateInventory"
)

// Inventory is what a scan of one cluster found.
type Inventory struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Cluster    Cluster   `json:"cluster"`
	TakenAt    time.Time `json:"takenAt"`
	Items      []Entry   `json:"items"`
	// Requests are those for certificates that nobody has answered.
	Requests []Request `json:"requests"`
	// Findings are about places, where no certificate is to blame.
	Findings []PlaceFinding `json:"findings"`
	Skipped  []Skip         `json:"skipped"`
	// Sources are those that were read, by their names in Location.Source.
	Sources []string `json:"sources"`
	// LookedFor are the rows of the catalog that were looked for where they
	// would be.
	LookedFor []string `json:"-"`
}

// Cluster says which cluster was read. Version is "" where the API server did
// not tell.
type Cluster struct {
	Context string `json:"context"`
	Server  string `json:"server"`
	Version string `json:"version"`
}

// Entry is one certificate, however often it was seen.
type Entry struct {
	// Name is the catalog's, or says where it was found.
	Name string       `json:"name"`
	Role catalog.Role `json:"purpose"`
	// Node is the node whose server presents it, or whose files hold it.
	Node      string     `json:"node"`
	Locations []Location `json:"locations"`
	// Copy is set where it lies only in backups and copies of files, which
	// nothing uses.
	Copy bool `json:"copy,omitempty"`

	Subject            Subject   `json:"subject"`
	Issuer             Issuer    `json:"issuer"`
	IssuerName         string    `json:"issuerName"`   // RFC 4514
	SerialNumber       string    `json:"serialNumber"` // hexadecimal
	DNSNames           []string  `json:"dnsNames"`
	IPAddresses        []string  `json:"ipAddresses"`
	URIs               []string  `json:"uris"`
	EmailAddresses     []string  `json:"emailAddresses"`
	NotBefore          time.Time `json:"notBefore"`
	NotAfter           time.Time `json:"notAfter"`
	Usages             []string  `json:"usages"` // as certificates.k8s.io names them
	IsCA               bool      `json:"isCA"`
	PublicKey          PublicKey `json:"publicKey"`
	SignatureAlgorithm string    `json:"signatureAlgorithm"`
	SHA256             string    `json:"sha256"` // hexadecimal, of the DER

	// SignedBy is the name of the item whose key signed it (its own name for a
	// root), or "" when that CA was not found.
	SignedBy string `json:"issuerItem"`
	// IssuerSHA256 is that item's SHA256: several CAs may have the same name while
	// one replaces another.
	IssuerSHA256 string `json:"issuerSHA256"`
	// VerifiedAgainst are the kinds of location whose CAs it was verified against
	// (catalog.Place): those of its clients or servers, as far as they were found.
	VerifiedAgainst []catalog.Place `json:"verifiedAgainst"`
	Status          Status          `json:"status"`
	Findings        []Finding       `json:"findings"`
}

// Location is one place where a certificate was seen.
type Location struct {
	// Source is the part of the scan that read it: "endpoint", "trust", …
	Source string `json:"source"`
	// Where is an address, namespace/name#key, or a path.
	Where string `json:"where"`
}

// Request is a CertificateSigningRequest that waits: for approval, or for its
// signer.
type Request struct {
	Name      string       `json:"name"`
	Signer    string       `json:"signer"`
	Requester string       `json:"requester"`
	State     RequestState `json:"state"`
	CreatedAt time.Time    `json:"createdAt"`
	Findings  []Finding    `json:"findings"`
}

// RequestState says what a request waits for.
type RequestState string

// The states of a request without a certificate, which was not refused.
const (
	Pending  RequestState = "pending"  // nobody has approved or denied it
	Approved RequestState = "approved" // the signer has not answered
)

// RequestStates lists every RequestState.
func RequestStates() []RequestState { return []RequestState{Pending, Approved} }

// PlaceFinding is a finding about a place rather than about a certificate: a
// webhook without a CA bundle, a server that is not verified, something that is
// no certificate where one should be.
type PlaceFinding struct {
	Location
	Finding
	// Of is where the certificate lies that cannot be used because of it, if
	// that is elsewhere: a finding about a key is about its certificate.
	Of string `json:"-"`
}

// Subject is who a certificate is about.
type Subject struct {
	CommonName    string   `json:"commonName"`
	Organizations []string `json:"organizations"`
}

// Issuer is the distinguished name of a certificate's issuer.
type Issuer struct {
	Subject
	// OtherAttributes are the rest of the name.
	OtherAttributes []pki.Attribute `json:"otherAttributes"`
}

// PublicKey describes a certificate's key.
type PublicKey struct {
	Algorithm string `json:"algorithm"`
	Bits      int    `json:"bits"`
}

// Status sums up an entry's findings.
type Status string

// The statuses, best first.
const (
	OK       Status = "ok"
	Expiring Status = "expiring"
	Expired  Status = "expired"
	Invalid  Status = "invalid"
)

// Statuses lists every Status, best first.
func Statuses() []Status { return []Status{OK, Expiring, Expired, Invalid} }

// Skip is a source, or a part of one, that could not be read.
type Skip struct {
	Source string `json:"source"`
	Where  string `json:"where"`
	Reason string `json:"reason"`
	// Hint says what would let it be read.
	Hint string `json:"hint"`
	// Expected is set where there is nothing to be seen in such a cluster, or
	// on the way that was taken, whatever the caller may do: it is no fault, and
	// leaves nothing in doubt that could have been known.
	Expected bool `json:"expected"`
}

// ID names an entry within its inventory: its name, with the node where each
// node has one of its own.
func (e Entry) ID() string {
	if e.Node == "" {
		return e.Name
	}
	return e.Name + "/" + e.Node
}
