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

// Inventory is the certificates that a scan found, and what is wrong with them.
type Inventory struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Cluster is the cluster that was read.
	Cluster Cluster `json:"cluster"`
	// TakenAt is the time that it is as of.
	TakenAt time.Time `json:"takenAt"`
	// Items are the certificates, each once. An item is identified by sha256.
	Items []Entry `json:"items"`
	// Requests are the certificate signing requests without a certificate that were
	// not refused.
	Requests []Request `json:"requests"`
	// Findings are about locations that have no certificate to blame.
	Findings []PlaceFinding `json:"findings"`
	// Skipped is what could not be read.
	Skipped []Skip `json:"skipped"`
	// Sources are the sources that were read.
	Sources []string `json:"sources"`
	// LookedFor are the rows of the catalog that were looked for where they
	// would be.
	LookedFor []string `json:"-"`
}

// Cluster says which cluster was read.
type Cluster struct {
	// Context is the kubeconfig's; "" without one.
	Context string `json:"context"`
	// Server is the API server's URL.
	Server string `json:"server"`
	// Version is that of Kubernetes; "" where the API server was not asked, or did not
	// tell.
	Version string `json:"version"`
}

// Entry is one certificate, at however many locations it was found. It is identified
// by sha256, which is the same in every run.
type Entry struct {
	// Name is the one that Kubernetes' documentation uses, such as apiserver, or says
	// where the certificate was found. It is not unique.
	Name string `json:"name"`
	// Role is what the certificate is for.
	Role catalog.Role `json:"purpose"`
	// Node is the node whose server presents it, or whose files contain it; "" for none.
	Node string `json:"node"`
	// Locations are all places where it was found.
	Locations []Location `json:"locations"`
	// Copy is set where it is only in backups and copies of files, which nothing
	// uses.
	Copy bool `json:"copy,omitempty"`

	// Subject is who the certificate is about.
	Subject Subject `json:"subject"`
	// Issuer is the distinguished name of the CA that signed it.
	Issuer Issuer `json:"issuer"`
	// IssuerName is the issuer as RFC 4514 text.
	IssuerName string `json:"issuerName"`
	// SerialNumber is in hexadecimal.
	SerialNumber string `json:"serialNumber"`
	// DNSNames are subject alternative names.
	DNSNames []string `json:"dnsNames"`
	// IPAddresses are subject alternative names.
	IPAddresses []string `json:"ipAddresses"`
	// URIs are subject alternative names.
	URIs []string `json:"uris"`
	// EmailAddresses are subject alternative names.
	EmailAddresses []string `json:"emailAddresses"`
	// NotBefore is when its validity period begins.
	NotBefore time.Time `json:"notBefore"`
	// NotAfter is when it expires.
	NotAfter time.Time `json:"notAfter"`
	// Usages are the key usages and extended key usages, as certificates.k8s.io
	// names them.
	Usages []string `json:"usages"`
	// IsCA is basicConstraints CA:TRUE.
	IsCA bool `json:"isCA"`
	// PublicKey is the certificate's key.
	PublicKey PublicKey `json:"publicKey"`
	// SignatureAlgorithm is the algorithm that it was signed with, such as
	// SHA256-RSA.
	SignatureAlgorithm string `json:"signatureAlgorithm"`
	// SHA256 identifies the certificate: the SHA-256 of its DER, in hexadecimal.
	SHA256 string `json:"sha256"`

	// SignedBy is the name of the item whose key signed it (its own name for a
	// root), or "" when that CA was not found.
	SignedBy string `json:"issuerItem"`
	// IssuerSHA256 is the sha256 of that item: several CAs may have the same name while
	// one replaces another.
	IssuerSHA256 string `json:"issuerSHA256"`
	// VerifiedAgainst are the kinds of location whose CAs it was verified against:
	// those of its clients or servers, as far as they were found.
	VerifiedAgainst []catalog.Place `json:"verifiedAgainst"`
	// Status sums up the findings.
	Status Status `json:"status"`
	// Findings are what is to be known of it.
	Findings []Finding `json:"findings"`
}

// Location is one place where a certificate was found. It is identified by source
// and where, which are the same in every run.
type Location struct {
	// Source is the part of the scan that read it.
	Source string `json:"source"`
	// Where is an address, NAMESPACE/NAME#KEY, or a path.
	Where string `json:"where"`
}

// Request is a CertificateSigningRequest that waits: for approval, or for its
// signer. It is identified by name.
type Request struct {
	// Name is the CertificateSigningRequest's.
	Name string `json:"name"`
	// Signer is its signerName.
	Signer string `json:"signer"`
	// Requester is the user who created it.
	Requester string `json:"requester"`
	// State says what it waits for.
	State RequestState `json:"state"`
	// CreatedAt is when it was created.
	CreatedAt time.Time `json:"createdAt"`
	// Findings are what is to be known of it.
	Findings []Finding `json:"findings"`
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

// PlaceFinding is a finding about a location rather than about a certificate: a
// webhook without a CA bundle, a server that is not verified, a file that should
// contain a certificate and does not. It is identified by source, where and code.
type PlaceFinding struct {
	Location
	Finding
	// Of is where the certificate lies that cannot be used because of it, if
	// that is elsewhere: a finding about a key is about its certificate.
	Of string `json:"-"`
}

// Subject is who a certificate is about.
type Subject struct {
	// CommonName is the user, in a client certificate.
	CommonName string `json:"commonName"`
	// Organizations are the groups, in a client certificate.
	Organizations []string `json:"organizations"`
}

// Issuer is the distinguished name of a certificate's issuer.
type Issuer struct {
	Subject
	// OtherAttributes are all other parts of the name.
	OtherAttributes []pki.Attribute `json:"otherAttributes"`
}

// PublicKey describes a certificate's key.
type PublicKey struct {
	// Algorithm is RSA, ECDSA or Ed25519, or another one's name.
	Algorithm string `json:"algorithm"`
	// Bits is the key's size; 0 where it is not known.
	Bits int `json:"bits"`
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

// Skip is a source, or a part of one, that could not be read. It is identified by
// source and where.
type Skip struct {
	// Source is the part of the scan that skipped it.
	Source string `json:"source"`
	// Where is the location, or what was to be listed.
	Where string `json:"where"`
	// Reason is why it could not be read.
	Reason string `json:"reason"`
	// Hint says what would let it be read.
	Hint string `json:"hint"`
	// Expected is set where this kind of cluster, or this way to it, has nothing to
	// read, whatever the caller is permitted to do: it is not applicable, and not an
	// error.
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
