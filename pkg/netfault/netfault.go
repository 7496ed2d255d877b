// Package netfault tells the reasons apart for which no HTTPS request could be
// made: the server, the proxy before it, its certificate, or the client's.
package netfault

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
)

// Kind is whose fault it is.
type Kind string

// The kinds.
const (
	// ProxyUnreachable: no connection to the proxy, or no trust in it.
	ProxyUnreachable Kind = "proxy-unreachable"
	// ProxyLogin: the proxy requires a user name and a password (407).
	ProxyLogin Kind = "proxy-login"
	// ProxyRefused: the proxy does not connect to the server.
	ProxyRefused Kind = "proxy-refused"
	// NotTLS: the server answers, but not in TLS.
	NotTLS Kind = "not-tls"
	// ServerUntrusted: the server's certificate is not verified.
	ServerUntrusted Kind = "server-untrusted"
	// ClientRefused: the server refuses the client's certificate, or demands one.
	ClientRefused Kind = "client-refused"
	// HandshakeRefused: the server ends the handshake for another reason.
	HandshakeRefused Kind = "handshake-refused"
)

// Fault is why a request could not be made.
type Fault struct {
	Kind Kind
	// Reason is the cause in a few words, without addresses.
	Reason string
	// Demanded is set where the server demands a client certificate and none
	// was shown.
	Demanded bool
	// Chain is what a server that is not verified presents, the leaf first.
	Chain []*x509.Certificate
}

// Of returns the fault that err, from an HTTPS request, tells of. ok is false
// where it tells of none of the kinds above: the server did not answer, or it
// answered by HTTP.
func Of(err error) (f Fault, ok bool) {
	if f, ok := proxyFault(err); ok {
		return f, true
	}
	if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return Fault{Kind: ServerUntrusted, Reason: verification(untrusted), Chain: untrusted.UnverifiedCertificates}, true
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == remoteError {
		return alertFault(op.Err), true
	}
	// net/http drops the type where a plain answer looks like HTTP.
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return Fault{Kind: NotTLS, Reason: "it does not speak TLS"}, true
	}
	if _, ok := errors.AsType[*url.Error](err); ok && strings.HasSuffix(err.Error(), "server gave HTTP response to HTTPS client") {
		return Fault{Kind: NotTLS, Reason: "it speaks plain HTTP"}, true
	}
	return Fault{}, false
}

// The operations of net.OpError by which others than the dialer tell theirs:
// net/http (wrapErr of Transport.dialConn), net/http's SOCKS client, crypto/tls
// (Conn.readRecordOrCCS).
const (
	proxyConnect = "proxyconnect"
	socksConnect = "socks connect"
	remoteError  = "remote error"
)

func proxyFault(err error) (Fault, bool) {
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == proxyConnect || op.Op == socksConnect) {
		if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](op.Err); ok {
			return Fault{Kind: ProxyUnreachable, Reason: "its certificate " + verification(untrusted)}, true
		}
		return Fault{Kind: ProxyUnreachable, Reason: innermost(op.Err)}, true
	}
	// Of an answer to CONNECT, net/http keeps the text of the status line. The
	// API server's own answers are of another type.
	request, ok := errors.AsType[*url.Error](err)
	if !ok {
		return Fault{}, false
	}
	text := request.Err.Error()
	switch {
	case text == http.StatusText(http.StatusProxyAuthRequired):
		return Fault{Kind: ProxyLogin, Reason: "it requires a user name and a password"}, true
	case slices.Contains(refusals, text):
		return Fault{Kind: ProxyRefused, Reason: "it responds with " + text}, true
	}
	return Fault{}, false
}

// refusals are the texts of the status lines by which a proxy refuses.
var refusals = func() []string {
	var texts []string
	for code := http.StatusBadRequest; code < 600; code++ {
		if text := http.StatusText(code); text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}()

// The alerts that a server sends about a client's certificate (RFC 8446, section
// 6.2; certificate_revoked as OpenSSL numbers them too).
var clientAlerts = []tls.AlertError{42, 43, 44, 45, 46, 48, 49, certificateRequired}

const certificateRequired tls.AlertError = 116

// alertFault tells what a server said when it ended a handshake. The type of an
// alert is crypto/tls's own; its text is that of tls.AlertError.
func alertFault(alert error) Fault {
	text := strings.TrimPrefix(alert.Error(), "tls: ")
	for _, about := range clientAlerts {
		if alert.Error() == about.Error() {
			return Fault{Kind: ClientRefused, Reason: text, Demanded: about == certificateRequired}
		}
	}
	return Fault{Kind: HandshakeRefused, Reason: text}
}

// verification says why a certificate is not verified, after "its certificate".
func verification(untrusted *tls.CertificateVerificationError) string {
	err := untrusted.Err
	const day = "2006-01-02 15:04 MST"
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired && e.Cert != nil {
		whose := ""
		if chain := untrusted.UnverifiedCertificates; len(chain) > 0 && !e.Cert.Equal(chain[0]) {
			whose = "is signed by a CA that "
		}
		if strings.Contains(e.Detail, "is before") {
			return whose + "is not valid before " + e.Cert.NotBefore.UTC().Format(day)
		}
		return whose + "expired on " + e.Cert.NotAfter.UTC().Format(day)
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "is not signed by a trusted CA"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "is for other names"
	}
	return "cannot be verified: " + strings.TrimPrefix(err.Error(), "x509: ")
}

// innermost is the last cause in a chain of errors: "connection refused" without
// the addresses.
func innermost(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		if dns, ok := inner.(*net.DNSError); ok {
			return dns.Name + ": " + dns.Err
		}
		err = inner
	}
}

// HungUp reports whether the server was reached, and ended the connection
// without an answer. net/http has texts, but no types, for a server that hangs
// up early: which one it is depends on which of the two ends notices first
// (errServerClosedIdle and errServerClosedConn in net/http, transport.go and
// h2_bundle.go).
func HungUp(err error) bool {
	request, ok := errors.AsType[*url.Error](err)
	if !ok {
		return false // no HTTP request failed, whatever words are in it
	}
	text := request.Err.Error()
	return strings.HasPrefix(text, "http: server closed") || strings.HasPrefix(text, "http2: ") ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
