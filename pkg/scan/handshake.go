package scan

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
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
	errTooLate       = errors.New("no answer in time")
	errEmpty         = errors.New("it is empty")
)

// unreached says why the server at a place could not be seen, and what would
// change that.
func unreached(at inventory.Location, err error) inventory.Skip {
	s := inventory.Skip{Source: at.Source, Where: at.Where, Reason: oneLine(err),
		Hint: cmp.Or(hint.Of(err), "check that the address can be reached from this machine")}
	switch {
	// A scan is cancelled when the API server answers nothing; what a person
	// interrupts is not reported.
	case errors.Is(err, errTooLate) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
		s.Reason = errTooLate.Error()
	case strings.Contains(err.Error(), "connection refused"):
		s.Reason, s.Hint = "connection refused", "check that the server runs, and that it listens on this address"
	// net/http and crypto/tls have no types for these.
	case strings.HasSuffix(err.Error(), "first record does not look like a TLS handshake"),
		strings.HasSuffix(err.Error(), "server gave HTTP response to HTTPS client"):
		s.Reason, s.Hint = "it does not speak TLS", "check the port: another program may listen there"
	}
	return s
}

// oneLine joins an error that has several lines.
func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}
