// These tests promise that each way in which a connection fails is told apart, by
// asking real servers and proxies with the HTTP client that client-go uses.
package netfault_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/netfault"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// bed is a CA, and who asks.
type bed struct {
	ca        *pkitest.CA
	transport *http.Transport
}

func newBed(t *testing.T) *bed {
	ca := pkitest.NewCA(t, "kubernetes")
	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate)
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots, Time: func() time.Time { return pkitest.Now }},
		ForceAttemptHTTP2: true,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &bed{ca, transport}
}

func (b *bed) ask(t *testing.T, target string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := (&http.Client{Transport: b.transport}).Do(request)
	if err == nil {
		answer.Body.Close()
	}
	return err
}

// pair is a certificate with the key of its common name, and what is above it.
func pair(chain ...*x509.Certificate) tls.Certificate {
	c := tls.Certificate{PrivateKey: pkitest.Key(chain[0].Subject.CommonName)}
	for _, cert := range chain {
		c.Certificate = append(c.Certificate, cert.Raw)
	}
	return c
}

// serve starts a server that presents chain, changed by config.
func serve(t *testing.T, config func(*tls.Config), chain ...*x509.Certificate) string {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair(chain...)}, Time: func() time.Time { return pkitest.Now }}
	if config != nil {
		config(server.TLS)
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

// speak starts a server that sends text to whoever connects and said something,
// and hangs up.
func speak(t *testing.T, text string) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = io.WriteString(conn, text)
			conn.Close()
		}
	}()
	return listener.Addr().String()
}

func server(b *bed, t *testing.T, options ...pkitest.Option) *x509.Certificate {
	return b.ca.Issue(t, append([]pkitest.Option{pkitest.Server("kube-apiserver", "127.0.0.1")}, options...)...)
}

// throughProxy lets b connect by the proxy at address.
func (b *bed) throughProxy(scheme, address string) {
	b.transport.Proxy = http.ProxyURL(&url.URL{Scheme: scheme, Host: address})
}

func TestOf(t *testing.T) {
	demand := func(version uint16) func(*tls.Config) {
		return func(c *tls.Config) { c.ClientAuth, c.MaxVersion = tls.RequireAnyClientCert, version }
	}
	tests := []struct {
		name string
		// ask meets the server that the name speaks of.
		ask    func(t *testing.T, b *bed) error
		want   netfault.Kind
		reason string
		check  func(f netfault.Fault) bool
	}{
		{"a CA of the same name with another key", func(t *testing.T, b *bed) error {
			return b.ask(t, serve(t, nil, b.ca.Impostor(t).Issue(t, pkitest.Server("kube-apiserver", "127.0.0.1"))))
		}, netfault.ServerUntrusted, "is not signed by a trusted CA", hasChain},
		{"expired", func(t *testing.T, b *bed) error {
			return b.ask(t, serve(t, nil, server(b, t, pkitest.Left(-2*pkitest.Day))))
		}, netfault.ServerUntrusted, "expired on 2026-01-13 12:00 UTC", hasChain},
		{"not valid yet", func(t *testing.T, b *bed) error {
			return b.ask(t, serve(t, nil, server(b, t, pkitest.Valid(pkitest.Now.Add(time.Hour), pkitest.Now.Add(pkitest.Day)))))
		}, netfault.ServerUntrusted, "is not valid before 2026-01-15 13:00 UTC", hasChain},
		{"an expired intermediate", func(t *testing.T, b *bed) error {
			old := b.ca.Intermediate(t, "issuing", pkitest.Left(-pkitest.Day))
			return b.ask(t, serve(t, nil, old.Issue(t, pkitest.Server("kube-apiserver", "127.0.0.1")), old.Certificate))
		}, netfault.ServerUntrusted, "is signed by a CA that expired on 2026-01-14 12:00 UTC", hasChain},
		{"other names", func(t *testing.T, b *bed) error {
			return b.ask(t, serve(t, nil, b.ca.Issue(t, pkitest.Server("kube-apiserver", "kubernetes", "10.96.0.1"))))
		}, netfault.ServerUntrusted, "is for other names", hasChain},
		{"a client's certificate", func(t *testing.T, b *bed) error {
			return b.ask(t, serve(t, nil, server(b, t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })))
		}, netfault.ServerUntrusted, "cannot be verified: certificate specifies an incompatible key usage", hasChain},
		{"plain HTTP", func(t *testing.T, b *bed) error {
			plain := httptest.NewServer(http.NotFoundHandler())
			t.Cleanup(plain.Close)
			return b.ask(t, strings.Replace(plain.URL, "http", "https", 1))
		}, netfault.NotTLS, "it speaks plain HTTP", nil},
		{"SSH", func(t *testing.T, b *bed) error {
			return b.ask(t, "https://"+speak(t, "SSH-2.0-OpenSSH_9\r\n"))
		}, netfault.NotTLS, "it does not speak TLS", nil},
		{"a client certificate is demanded, TLS 1.3", func(t *testing.T, b *bed) error {
			return b.ask(t, serve(t, demand(tls.VersionTLS13), server(b, t)))
		}, netfault.ClientRefused, "certificate required", demanded},
		{"a client certificate is demanded, TLS 1.2", func(t *testing.T, b *bed) error {
			return b.ask(t, serve(t, demand(tls.VersionTLS12), server(b, t)))
		}, netfault.HandshakeRefused, "handshake failure", nil}, // RFC 5246, section 7.4.6, has no word of its own for it
		{"the client's CA is not accepted", func(t *testing.T, b *bed) error {
			stranger := pair(pkitest.NewCA(t, "elsewhere").Issue(t, pkitest.Client("stranger")))
			// Whatever CAs the server names.
			b.transport.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &stranger, nil }
			return b.ask(t, serve(t, func(c *tls.Config) {
				c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, b.transport.TLSClientConfig.RootCAs
			}, server(b, t)))
		}, netfault.ClientRefused, "unknown certificate authority", nil},
		{"no version of TLS in common", func(t *testing.T, b *bed) error {
			b.transport.TLSClientConfig.MaxVersion = tls.VersionTLS12
			return b.ask(t, serve(t, func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }, server(b, t)))
		}, netfault.HandshakeRefused, "protocol version not supported", nil},
		{"no proxy at its address", func(t *testing.T, b *bed) error {
			b.throughProxy("http", closedPort(t))
			return b.ask(t, "https://api.example")
		}, netfault.ProxyUnreachable, "connection refused", nil},
		{"no SOCKS proxy at its address", func(t *testing.T, b *bed) error {
			b.throughProxy("socks5", closedPort(t))
			return b.ask(t, "https://api.example")
		}, netfault.ProxyUnreachable, "connection refused", nil},
		{"a proxy that is not trusted", func(t *testing.T, b *bed) error {
			at := serve(t, nil, pkitest.NewCA(t, "elsewhere").Issue(t, pkitest.Server("proxy", "127.0.0.1")))
			b.throughProxy("https", strings.TrimPrefix(at, "https://"))
			return b.ask(t, "https://api.example")
		}, netfault.ProxyUnreachable, "its certificate is not signed by a trusted CA", nil},
		{"a proxy that asks for a password", func(t *testing.T, b *bed) error {
			b.throughProxy("http", speak(t, "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"))
			return b.ask(t, "https://api.example")
		}, netfault.ProxyLogin, "it requires a user name and a password", nil},
		{"a proxy that forbids the server", func(t *testing.T, b *bed) error {
			b.throughProxy("http", speak(t, "HTTP/1.1 403 Forbidden\r\n\r\n"))
			return b.ask(t, "https://api.example")
		}, netfault.ProxyRefused, "it responds with Forbidden", nil},
		{"a proxy that does not find the server", func(t *testing.T, b *bed) error {
			b.throughProxy("http", speak(t, "HTTP/1.1 502 Bad Gateway\r\n\r\n"))
			return b.ask(t, "https://api.example")
		}, netfault.ProxyRefused, "it responds with Bad Gateway", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.ask(t, newBed(t))
			got, ok := netfault.Of(err)
			if !ok || got.Kind != tt.want || got.Reason != tt.reason {
				t.Errorf("of %v\ngot %t %q %q, want %q %q", err, ok, got.Kind, got.Reason, tt.want, tt.reason)
			}
			if tt.check != nil && !tt.check(got) {
				t.Errorf("it lacks what belongs to it: %+v", got)
			}
			if netfault.HungUp(err) {
				t.Errorf("it says that the server hung up: %v", err)
			}
		})
	}
}

func hasChain(f netfault.Fault) bool { return len(f.Chain) > 0 }

func demanded(f netfault.Fault) bool { return f.Demanded }

// closedPort is an address at which nothing listens.
func closedPort(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// A server that hangs up was reached. One that was not, or that said why, did
// something else.
func TestHungUp(t *testing.T) {
	b := newBed(t)
	if err := b.ask(t, "https://"+speak(t, "")); !netfault.HungUp(err) {
		t.Errorf("during the handshake: %v", err)
	}
	inside := serve(t, nil, server(b, t))
	hangUp := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	hangUp.Config.ErrorLog = log.New(io.Discard, "", 0)
	hangUp.TLS = &tls.Config{Certificates: []tls.Certificate{pair(server(b, t))}}
	hangUp.StartTLS()
	t.Cleanup(hangUp.Close)
	if err := b.ask(t, hangUp.URL); !netfault.HungUp(err) {
		t.Errorf("instead of an answer: %v", err)
	}
	if err := b.ask(t, inside); err != nil {
		t.Errorf("from a server that answers: %v", err)
	}
	for name, err := range map[string]error{
		"nobody is there":   b.ask(t, "https://"+closedPort(t)),
		"no error":          nil,
		"words in an error": &net.OpError{Op: "read", Err: io.ErrShortBuffer},
	} {
		if netfault.HungUp(err) {
			t.Errorf("%s: %v", name, err)
		}
		if _, ok := netfault.Of(err); ok {
			t.Errorf("%s is a fault that is known: %v", name, err)
		}
	}
}
