package scan

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
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
	case err == nil:
		err = errors.New("no certificate was presented")
	}
	return nil, err
}
