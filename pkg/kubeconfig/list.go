package kubeconfig

import (
	"crypto/x509"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// The kind that contexts are written as.
const (
	APIVersion = inventory.APIVersion
	ListKind   = "ContextList"
)

// ContextList is the contexts of a kubeconfig. It is the output contract of
// `kubeconfig list -o json`.
type ContextList struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// TakenAt is the time that it is as of.
	TakenAt time.Time `json:"takenAt"`
	// Items are the contexts. An item is identified by name.
	Items []Context `json:"items"`
}

// Context is one context, and what it leads to. It contains no secret. It is
// identified by name.
type Context struct {
	// Name is unique in the kubeconfig.
	Name string `json:"name"`
	// Current is set for the current context.
	Current bool `json:"current"`
	// File is the file that it is in.
	File string `json:"file"`

	// Cluster is the name of its cluster.
	Cluster string `json:"cluster"`
	// Server is the cluster's URL, without credentials; "" for none.
	Server string `json:"server"`
	// User is the name of its user.
	User string `json:"user"`
	// Namespace is its namespace; "" for none.
	Namespace string `json:"namespace"`
	// Auth are the ways in which the user authenticates; empty for anonymous.
	Auth []Auth `json:"auth"`
	// Certificate is the user's client certificate; absent for a user without one.
	Certificate *Certificate `json:"certificate,omitempty"`
	// Problems are what keeps the context from being used, in words.
	Problems []string `json:"problems"`
	// Ping is what the server answered; absent where it was not asked.
	Ping *Ping `json:"ping,omitempty"`
}

// Certificate is a client certificate, in short.
type Certificate struct {
	// CommonName is the user.
	CommonName string `json:"commonName"`
	// Organizations are the groups.
	Organizations []string `json:"organizations"`
	// Issuer is the distinguished name of the CA that signed it.
	Issuer string `json:"issuer"`
	// NotBefore is when its validity period begins.
	NotBefore time.Time `json:"notBefore"`
	// NotAfter is when it expires.
	NotAfter time.Time `json:"notAfter"`
	// Status is by its dates alone.
	Status inventory.Status `json:"status"`
	// From is the file that it is in; "" where the kubeconfig embeds it.
	From string `json:"from"`
}

// Ping is what came of asking a server who the caller is there.
type Ping struct {
	// OK is set where the server answered.
	OK bool `json:"ok"`
	// User is who the caller is there.
	User string `json:"user"`
	// Groups are the groups of the caller there.
	Groups []string `json:"groups"`
	// Fault is why the ping failed, as a token; "" for none.
	Fault string `json:"fault"`
	// Error is why the ping failed, in words.
	Error string `json:"error"`
}

// List returns the contexts of c as they are at now.
func (c *Config) List(now time.Time) *ContextList {
	list := &ContextList{APIVersion: APIVersion, Kind: ListKind, TakenAt: now.UTC().Truncate(time.Second), Items: []Context{}}
	for _, e := range c.Entries(ContextEntry) {
		list.Items = append(list.Items, c.Describe(e, now))
	}
	return list
}

// Describe returns one context as it is at now.
func (c *Config) Describe(e *Entry, now time.Time) Context {
	out := Context{
		Name: e.Name, Current: e.Name == c.Current(), File: e.In.Path,
		Cluster: e.Text("cluster"), User: e.Text("user"), Namespace: e.Text("namespace"),
		Auth: []Auth{}, Problems: []string{},
	}
	problem := func(text string) { out.Problems = append(out.Problems, text) }
	if cluster := c.Entry(ClusterEntry, out.Cluster); cluster != nil {
		out.Server = RedactURL(cluster.Text("server"))
	} else {
		problem("its cluster is not in the kubeconfig")
	}
	if out.User == "" {
		return out
	}
	user := c.Entry(UserEntry, out.User)
	if user == nil {
		problem("its user is not in the kubeconfig")
		return out
	}
	out.Auth = append(out.Auth, user.Auths()...)
	certs, err := user.Certificate()
	from := user.Path(certificateFile)
	if len(certs) == 0 && err == nil {
		certs, err = user.Renewed()
		from = user.RenewedFile()
	}
	if len(certs) > 0 {
		out.Certificate = describe(certs[0], now)
		if user.Text(certificateData) == "" {
			out.Certificate.From = from
		}
	}
	if err != nil {
		problem(err.Error())
	}
	return out
}

func describe(cert *x509.Certificate, now time.Time) *Certificate {
	subject := pki.SubjectOf(cert)
	out := &Certificate{
		CommonName: subject.CommonName, Organizations: append([]string{}, subject.Organizations...), Issuer: cert.Issuer.String(),
		NotBefore: pki.UTC(cert.NotBefore), NotAfter: pki.UTC(cert.NotAfter), Status: inventory.OK,
	}
	switch {
	case now.After(cert.NotAfter):
		out.Status = inventory.Expired
	case now.Before(cert.NotBefore):
		out.Status = inventory.Invalid
	case inventory.ExpiresSoon(cert.NotBefore, cert.NotAfter, now):
		out.Status = inventory.Expiring
	}
	return out
}
