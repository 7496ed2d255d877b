package cluster

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/netfault"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// Explain puts the faults that have nothing to do with the question asked (no
// connection, no trust, no login) into words that name the cluster and say
// what to do. Every other error is returned as it is.
func (c *Cluster) Explain(err error, now time.Time) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if plugin, ok := errors.AsType[*PluginError](err); ok {
		return plugin // without the request that came first
	}
	if apierrors.IsUnauthorized(err) {
		return c.explainUnauthorized(err, now)
	}
	if explained := c.explainConnection(err, now); explained != nil {
		return explained
	}
	if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return c.explainUntrusted(untrusted.Err)
	}
	if !os.IsTimeout(err) && netfault.HungUp(err) {
		return hint.Wrap(fmt.Errorf("%s closed the connection without a response", c.Server),
			"try again; if it persists, check the log of the API server, and the proxy or load balancer in front of it")
	}
	if fault := transportFault(err); fault != "" {
		return hint.Wrap(fmt.Errorf("cannot reach the API server at %s: %s", c.Server, fault),
			"check the address, the network or VPN, and that the API server is running")
	}
	return err
}

// explainUntrusted says why the server's certificate was not verified. Only an
// error of a handshake comes here: one about any other certificate says nothing
// about the server.
func (c *Cluster) explainUntrusted(err error) error {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok && len(c.CA) == 0 {
		return hint.Wrap(fmt.Errorf("%s presents a certificate that is not signed by any of the system's root CAs, and the kubeconfig has no CA", c.Server),
			"add the cluster's CA from a trusted source to the kubeconfig, as certificate-authority-data")
	} else if ok {
		return hint.Wrap(fmt.Errorf("%s presents a certificate that is not signed by the CA in the kubeconfig", c.Server),
			"get the cluster's current CA (ConfigMap kube-root-ca.crt) over a trusted channel; the connection may also be intercepted")
	}
	if certErr, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return hint.Wrap(fmt.Errorf("%s presents a certificate that cannot be trusted: %w", c.Server, certErr),
			"compare this machine's clock with the certificate's dates: kubectl certs inspect")
	}
	if hostErr, ok := errors.AsType[x509.HostnameError](err); ok {
		return hint.Wrap(fmt.Errorf("%s presents a certificate for other names: %w", c.Server, hostErr),
			"use one of its names as the server, or set tls-server-name in the kubeconfig")
	}
	return hint.Wrap(fmt.Errorf("%s presents a certificate that could not be verified: %w", c.Server, err),
		"inspect that certificate: kubectl certs inspect")
}

func (c *Cluster) explainUnauthorized(err error, now time.Time) error {
	leaf := c.ClientLeaf()
	switch {
	case leaf == nil:
		return hint.Wrap(fmt.Errorf("%s does not accept the credentials of context %q: %w", c.Server, c.Context, err),
			"log in again, or choose another context with --context")
	case now.After(leaf.NotAfter):
		return hint.Wrap(fmt.Errorf("the client certificate of context %q (%s) expired %s ago, on %s",
			c.Context, pki.SubjectOf(leaf), duration.HumanDuration(now.Sub(leaf.NotAfter)), leaf.NotAfter.UTC().Format("2006-01-02 15:04 MST")),
			renewExpired(leaf, c.Context))
	default:
		return hint.Wrap(fmt.Errorf("%s does not accept the client certificate of context %q (%s, signed by %q)",
			c.Server, c.Context, pki.SubjectOf(leaf), leaf.Issuer.CommonName),
			"it may be from another cluster, or the cluster's CA was replaced: kubectl certs inspect")
	}
}

// renewExpired says how the client certificate of context is replaced.
func renewExpired(leaf *x509.Certificate, context string) string {
	if slices.Contains(leaf.Subject.Organization, catalog.Masters) {
		return catalog.RenewMasters(leaf.Subject.CommonName)
	}
	return fmt.Sprintf("renew it using the credentials of another context: kubectl certs renew %s --context OTHER; or on a kubeadm control-plane node: kubeadm certs renew admin.conf", cmp.Or(context, "CONTEXT"))
}

// transportFault says why no connection came about, or "".
func transportFault(err error) string {
	if errors.Is(err, context.DeadlineExceeded) || os.IsTimeout(err) {
		return "timed out"
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Sprintf("%s: %s", dns.Name, dns.Err)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		// "connect: connection refused" without the addresses.
		if sys, ok := errors.AsType[*os.SyscallError](op.Err); ok {
			return sys.Err.Error()
		}
		return op.Err.Error()
	}
	return ""
}
