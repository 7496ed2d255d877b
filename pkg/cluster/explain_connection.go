package cluster

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/netfault"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

const minute = "2006-01-02 15:04 MST"

// explainConnection says whose fault it is that no request could be made: the
// proxy's, the server's, or that of the caller's certificate. It returns nil for
// every other error.
func (c *Cluster) explainConnection(err error, now time.Time) error {
	fault, ok := netfault.Of(err)
	if !ok {
		return nil
	}
	const whereProxy = "proxy-url in the kubeconfig, or HTTPS_PROXY and NO_PROXY in the environment"
	switch fault.Kind {
	case netfault.ProxyUnreachable:
		return hint.Wrap(fmt.Errorf("cannot reach the proxy %sfor the API server at %s: %s", c.proxyInUse(), c.Server, fault.Reason),
			"check the proxy: "+whereProxy)
	case netfault.ProxyLogin:
		return hint.Wrap(fmt.Errorf("the proxy %sfor the API server at %s requires a user name and a password (407)", c.proxyInUse(), c.Server),
			"add them to the proxy's URL, such as http://USER:PASSWORD@HOST:PORT: "+whereProxy)
	case netfault.ProxyRefused:
		return hint.Wrap(fmt.Errorf("the proxy %scannot connect to the API server at %s: %s", c.proxyInUse(), c.Server, fault.Reason),
			"ask the proxy's administrator, or connect without it: "+whereProxy)
	case netfault.NotTLS:
		return hint.Wrap(fmt.Errorf("the server at %s is not an API server: %s", c.Server, fault.Reason),
			"check the address and the port: another program may listen there")
	case netfault.ClientRefused:
		return c.explainClientRefused(fault, err, now)
	case netfault.HandshakeRefused:
		advice := "check that it is the API server: there may be a proxy or load balancer in front of it"
		if c.ClientLeaf() == nil { // in TLS 1.2 there is no alert of its own for that
			advice = "it may require a client certificate: choose a context that has one, with --context"
		}
		return hint.Wrap(fmt.Errorf("%s refused the TLS handshake: %s", c.Server, fault.Reason), advice)
	case netfault.ServerUntrusted:
		if _, ok := errors.AsType[x509.HostnameError](err); ok {
			return nil // whatever the dates are
		}
		return c.explainExpiredServer(fault.Chain, now)
	}
	return nil
}

// explainClientRefused says that the server ended the handshake because of the
// caller's certificate, and which one that is.
func (c *Cluster) explainClientRefused(fault netfault.Fault, err error, now time.Time) error {
	leaf := c.ClientLeaf()
	switch {
	case fault.Demanded || leaf == nil:
		return hint.Wrap(fmt.Errorf("%s requires a client certificate, but context %q has none (%s)", c.Server, c.Context, fault.Reason),
			"choose a context that has one, with --context")
	case now.After(leaf.NotAfter):
		return c.explainUnauthorized(err, now)
	}
	return hint.Wrap(fmt.Errorf("%s refuses the client certificate of context %q (%s, signed by %q): %s",
		c.Server, c.Context, pki.SubjectOf(leaf), leaf.Issuer.CommonName, fault.Reason),
		"it may be from another cluster, or the server's client CA was replaced: ask an administrator for a new one")
}

// explainExpiredServer names the certificate that is the cause where the server
// is not trusted because of a date: its own, or that of a CA which signed it. It
// returns nil where no date is the cause.
func (c *Cluster) explainExpiredServer(chain []*x509.Certificate, now time.Time) error {
	if len(chain) == 0 {
		return nil
	}
	if leaf := chain[0]; now.After(leaf.NotAfter) {
		return hint.Wrap(fmt.Errorf("%s presents a certificate (%s) that expired %s ago, on %s",
			c.Server, pki.SubjectOf(leaf), duration.HumanDuration(now.Sub(leaf.NotAfter)), leaf.NotAfter.UTC().Format(minute)),
			"renew it on the API server's machine; if that is done, restart the API server, and check this machine's clock")
	} else if now.Before(leaf.NotBefore) {
		return hint.Wrap(fmt.Errorf("%s presents a certificate (%s) that is not valid before %s, in %s",
			c.Server, pki.SubjectOf(leaf), leaf.NotBefore.UTC().Format(minute), duration.HumanDuration(leaf.NotBefore.Sub(now))),
			"compare the clocks of this machine and of the issuer")
	}
	anchors, _ := pki.ParseCertificates(c.CA)
	for _, above := range append(chain[1:], anchors...) {
		if !now.After(above.NotAfter) || !signedAny(above, chain) {
			continue
		}
		return hint.Wrap(fmt.Errorf("%s presents a certificate whose CA (%s) expired %s ago, on %s",
			c.Server, pki.SubjectOf(above), duration.HumanDuration(now.Sub(above.NotAfter)), above.NotAfter.UTC().Format(minute)),
			"the CA must be renewed on the control plane; if that is done, add the new one from a trusted source to the kubeconfig")
	}
	return nil
}

func signedAny(ca *x509.Certificate, certs []*x509.Certificate) bool {
	for _, cert := range certs {
		if cert.CheckSignatureFrom(ca) == nil {
			return true
		}
	}
	return false
}

// proxyInUse names the proxy for requests to the API server, without its
// password and with a space behind it; "" where it is not known.
func (c *Cluster) proxyInUse() string {
	if c.Config == nil || c.Config.Proxy == nil {
		return ""
	}
	request, err := http.NewRequest(http.MethodGet, c.Server, nil)
	if err != nil {
		return ""
	}
	proxy, err := c.Config.Proxy(request)
	if err != nil || proxy == nil {
		return ""
	}
	return proxy.Redacted() + " "
}
