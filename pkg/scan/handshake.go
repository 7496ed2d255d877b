package scan

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/netfault"
)

// handshake returns the chain that the server at the other end of conn
// presents to a client that asks for serverName ("" for no name) and shows no
// certificate of its own. Nothing is verified: whatever is presented is to be
// seen. A server that demands a client certificate has shown its own before it
// refuses. conn is closed.
func handshake(ctx context.Context, conn net.Conn, serverName string) ([]*x509.Certificate, error) {
	defer conn.Close()
	// Not every conn knows deadlines; every one can be closed.
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()

	var chain []*x509.Certificate
	client := tls.Client(conn, &tls.Config{
		InsecureSkipVerify: true, // #nosec G402 -- it is read, not trusted
		ServerName:         serverName,
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			for _, der := range raw {
				cert, err := x509.ParseCertificate(der)
				if err != nil {
					return err
				}
				chain = append(chain, cert)
			}
			return nil
		},
	})
	err := client.HandshakeContext(ctx)
	switch {
	case len(chain) > 0:
		return chain, nil // whatever came afterwards
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	return nil, cmp.Or(err, errNoCertificate)
}

var (
	errNoCertificate = errors.New("no certificate was presented")
	errTooLate       = errors.New("timed out")
	errEmpty         = errors.New("it is empty")
)

// unreached says why the server at a place could not be seen, and what would
// change that.
func unreached(at inventory.Location, err error) inventory.Skip {
	reason := err
	if request, ok := errors.AsType[*url.Error](err); ok {
		reason = request.Err // without the address, which is said already or the same for all
	}
	s := inventory.Skip{Source: at.Source, Where: at.Where, Reason: oneLine(reason),
		Hint: cmp.Or(hint.Of(err), "check that the address is reachable from this machine")}
	fault, known := netfault.Of(err)
	switch {
	// A scan is cancelled when the API server answers nothing; what a person
	// interrupts is not reported.
	case errors.Is(err, errTooLate) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
		s.Reason = errTooLate.Error()
	case known:
		s.Reason, s.Hint = refused(fault)
	case netfault.HungUp(err):
		s.Reason, s.Hint = "the connection was closed without a response", "try again; if it persists, check its log, and the proxy or load balancer in front of it"
	case strings.Contains(err.Error(), "connection refused"):
		s.Reason, s.Hint = "connection refused", "check that the server runs, and that it listens on this address"
	}
	return s
}

// refused says whose fault it is that there was no connection, where that can be
// told: the proxy's, the server's, or that of the caller's certificate.
func refused(fault netfault.Fault) (reason, advice string) {
	switch fault.Kind {
	case netfault.ProxyUnreachable:
		return "the proxy cannot be reached: " + fault.Reason, "check the proxy in the kubeconfig (proxy-url) or the environment (HTTPS_PROXY)"
	case netfault.ProxyLogin:
		return "the proxy requires a user name and a password", "add them to the proxy's URL, in the kubeconfig (proxy-url) or the environment (HTTPS_PROXY)"
	case netfault.ProxyRefused:
		return "the proxy cannot connect: " + fault.Reason, "ask the proxy's administrator, or list the address in NO_PROXY"
	case netfault.NotTLS:
		return "it does not speak TLS", "check the port: another program may listen there"
	case netfault.ServerUntrusted:
		return "the API server's certificate " + fault.Reason, "no requests are sent until this is fixed"
	case netfault.ClientRefused:
		if fault.Demanded {
			return "the API server requires a client certificate", "choose a context that has one, with --context"
		}
		return "the API server refuses your client certificate: " + fault.Reason, "use another context, with --context or --kubeconfig"
	}
	return "the server refused the TLS handshake: " + fault.Reason, "check that the address and the port are its own"
}

// oneLine joins an error that has several lines.
func oneLine(err error) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), "\n", "; ")), " ")
}
