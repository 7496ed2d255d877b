// Package catalog states, once and as data, which certificates Kubernetes
// runs on. inspect recognises and judges by it, issue takes its profiles from
// it: to teach the program a new certificate is to add a row.
package catalog

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// Role is what a certificate is used as.
type Role string

// The three roles in a Kubernetes cluster.
const (
	CA     Role = "ca"
	Server Role = "server"
	Client Role = "client"
)

// Roles lists every Role.
func Roles() []Role { return []Role{CA, Server, Client} }

// Names of rows that other packages refer to.
const (
	Admin      = "admin"
	SuperAdmin = "super-admin"
	// ClientCAName is the CA of clients where servers have another one.
	ClientCAName = "client-ca"
)

// Entry is one row: a certificate that Kubernetes knows.
type Entry struct {
	Name string
	Role Role
	// Mutual is set for a server that presents it to other servers as a client.
	Mutual bool
	// Use says who presents the certificate to whom, and for what.
	Use string
	// Subject is what recognises a client certificate. Nil where the place
	// alone tells, since installers choose the names of CAs and servers.
	Subject *SubjectRule
	// SignedBy names the rows of the CAs that sign it; its own name where it
	// is self-signed.
	SignedBy string
	// Files are the conventional names, relative to /etc/kubernetes unless
	// absolute.
	Files []string
	// SeenAt are the places where API access is enough to see it.
	SeenAt []Place
	// VerifiedBy are the places of the trust anchors that it is checked
	// against in use.
	VerifiedBy []Place
	// Profile tells how to issue it through the CertificateSigningRequest
	// API; nil where Kubernetes does not allow that.
	Profile *Profile
}

// SubjectRule recognises a subject. Empty fields match anything.
type SubjectRule struct {
	CommonName       string   // exact
	Also             []string // what other installers write instead of CommonName
	CommonNamePrefix string   // and more behind it
	Organizations    []string // one of these, among others
}

// Profile is what a client certificate of the catalog is issued with.
type Profile struct {
	// Name is what the profile is called, where the row's name is another.
	Name string
	// CommonName is the user name; "" lets the caller choose.
	CommonName string
	// CommonNamePrefix stands before the name of the node that the caller
	// must choose.
	CommonNamePrefix string
	// Groups are what it is always in.
	Groups []string
	// Signer is the signer that issues it; "" for
	// kubernetes.io/kube-apiserver-client.
	Signer string
	// DefaultName is the user name when the caller chooses none.
	DefaultName string
	// Life is how long it lives unless the caller says otherwise: a person
	// comes back for another one, a component does not.
	Life time.Duration
	// AdminGroup asks for membership in a group bound to ClusterRole
	// cluster-admin.
	AdminGroup bool
}

// Matches reports whether subject satisfies the rule.
func (r SubjectRule) Matches(subject pki.Subject) bool {
	if r.CommonName != "" && subject.CommonName != r.CommonName && !slices.Contains(r.Also, subject.CommonName) {
		return false
	}
	if rest, ok := strings.CutPrefix(subject.CommonName, r.CommonNamePrefix); r.CommonNamePrefix != "" && (!ok || rest == "") {
		return false
	}
	return r.Organizations == nil || slices.ContainsFunc(r.Organizations, func(o string) bool {
		return slices.Contains(subject.Organizations, o)
	})
}

// String says what the rule wants.
func (r SubjectRule) String() string {
	var parts []string
	switch {
	case r.CommonName != "":
		parts = append(parts, "CN="+r.CommonName)
	case r.CommonNamePrefix != "":
		parts = append(parts, "CN="+r.CommonNamePrefix+"…")
	}
	if len(r.Organizations) > 0 {
		parts = append(parts, "O="+strings.Join(r.Organizations, " or O="))
	}
	return strings.Join(parts, ", ")
}

// All returns every row: CAs first, then servers, then clients. The caller
// may keep and change the slice, not what the rows point to.
func All() []Entry {
	return slices.Clone(entries)
}

// Profiles returns the rows that can be issued, by the names of their
// profiles.
func Profiles() (names []string, rows []Entry) {
	for _, e := range entries {
		if e.Profile != nil {
			names = append(names, cmp.Or(e.Profile.Name, e.Name))
			rows = append(rows, e)
		}
	}
	return names, rows
}

// Person is what a certificate for somebody outside the catalog is issued
// with.
func Person() Profile {
	return Profile{Life: personLife}
}

// ConventionalFiles returns the names, without directories, that the row's
// kubeconfig, certificate and key go by; the last two are the same where both
// are kept in one file.
func (e Entry) ConventionalFiles() (config, certificate, key string) {
	for _, file := range e.Files {
		base := path.Base(file)
		switch path.Ext(base) {
		case ".conf":
			config = base
		case ".crt":
			certificate = base
		case ".key":
			key = base
		case ".pem":
			certificate, key = base, base
		}
	}
	return config, certificate, key
}

// Lookup returns the row called name.
func Lookup(name string) (Entry, bool) {
	for _, e := range entries {
		if e.Name == name {
			return e, true
		}
	}
	return Entry{}, false
}

// Recognise returns the row of a certificate with this subject, seen at place.
// Where the place tells of one certificate and no other, Lookup is for it.
func Recognise(place Place, subject pki.Subject) (Entry, bool) {
	for _, e := range entries {
		if slices.Contains(e.SeenAt, place) && (e.Subject == nil || e.Subject.Matches(subject)) {
			return e, true
		}
	}
	return Entry{}, false
}

// UserName returns the user name that a certificate of this profile gets when
// the caller chose chosen, or nothing.
func (p Profile) UserName(chosen string) string {
	return cmp.Or(p.CommonName, chosen, p.DefaultName)
}
