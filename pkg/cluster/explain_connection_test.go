package cluster

import (
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

	"k8s.io/client-go/rest"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// serveTLS runs an HTTPS server with config until the test ends.
func serveTLS(t *testing.T, config *tls.Config) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.TLS = config
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

func keyPair(cert *x509.Certificate) tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: pkitest.Key(cert.Subject.CommonName)}
}

// today is a validity that began long ago and ends after left.
func today(left time.Duration) pkitest.Option {
	return pkitest.Valid(time.Now().Add(-1000*time.Hour), time.Now().Add(left))
}

const (
	year = 8760 * time.Hour
	gone = -49*time.Hour - 30*time.Minute // for which people say 2d1h
)

// wantExplained checks that an error is told in a sentence with a hint, and is not
// told as a server that could not be reached.
func wantExplained(t *testing.T, got error, wants ...string) {
	t.Helper()
	if got == nil || hint.Of(got) == "" {
		t.Fatalf("explained as %v, with hint %q", got, hint.Of(got))
	}
	for _, want := range wants {
		if !strings.Contains(got.Error(), want) {
			t.Errorf("explained as %v\nwant     %s", got, want)
		}
	}
	if strings.Contains(got.Error(), "cannot reach the API server") {
		t.Errorf("it was reached: %v", got)
	}
}

// A server that refuses the caller's certificate was reached, and says what is
// wrong with the certificate.
func TestExplainARefusedClientCertificate(t *testing.T) {
	ca, stranger := pkitest.NewCA(t, "kubernetes", today(year)), pkitest.NewCA(t, "stranger", today(year))
	clients := x509.NewCertPool()
	clients.AddCert(ca.Certificate)
	serving := keyPair(ca.Issue(t, pkitest.Server("kube-apiserver", "127.0.0.1"), today(year)))
	tests := []struct {
		name   string
		client *x509.Certificate
		want   string
	}{
		{"another cluster's", stranger.Issue(t, pkitest.Client("alice"), today(year)), `refuses the client certificate of context "test" (CN=alice, signed by "stranger"): `},
		{"expired", ca.Issue(t, pkitest.Client("alice"), today(gone)), `the client certificate of context "test" (CN=alice) expired 2d1h ago`},
		{"none", nil, `requires a client certificate, but context "test" has none`},
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		url := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{serving}, MinVersion: version, MaxVersion: version,
			ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients})
		for _, test := range tests {
			t.Run(tls.VersionName(version)+"/"+test.name, func(t *testing.T) {
				var shown []byte
				c, err := at(t, url, func(config *rest.Config) {
					config.CAData = ca.PEM()
					if test.client == nil {
						return
					}
					shown = pki.EncodeCertificates(test.client)
					config.CertData, config.KeyData = shown, encodedKey(t, test.client.Subject.CommonName)
				})
				c.ClientCertificate = shown
				if test.client == nil && version == tls.VersionTLS12 { // which has no alert for that
					got := c.Explain(err, time.Now())
					wantExplained(t, got, " refused the TLS handshake: handshake failure")
					if !strings.Contains(hint.Of(got), "it may require a client certificate") {
						t.Errorf("hint %q", hint.Of(got))
					}
					return
				}
				wantExplained(t, c.Explain(err, time.Now()), test.want)
			})
		}
	}
}

func encodedKey(t *testing.T, name string) []byte {
	t.Helper()
	key, err := pki.EncodeKey(pkitest.Key(name))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// A server that is not trusted because of a date is told with the certificate
// whose date it is.
func TestExplainAServerOutOfDate(t *testing.T) {
	ca, old := pkitest.NewCA(t, "kubernetes", today(year)), pkitest.NewCA(t, "old", today(gone))
	intermediate := ca.Intermediate(t, "issuing", today(gone))
	server := func(of *pkitest.CA, option pkitest.Option) *x509.Certificate {
		return of.Issue(t, pkitest.Server("kube-apiserver", "127.0.0.1"), option)
	}
	chained := keyPair(server(intermediate, today(year)))
	chained.Certificate = append(chained.Certificate, intermediate.Certificate.Raw)
	soon := pkitest.Valid(time.Now().Add(150*time.Second), time.Now().Add(year))
	tests := []struct {
		name      string
		presented tls.Certificate
		trusted   *pkitest.CA
		want      string
	}{
		{"expired", keyPair(server(ca, today(gone))), ca, "presents a certificate (CN=kube-apiserver) that expired 2d1h ago, on "},
		{"not yet valid", keyPair(server(ca, soon)), ca, "presents a certificate (CN=kube-apiserver) that is not valid before "},
		{"by an expired CA", keyPair(server(old, today(year))), old, "presents a certificate whose CA (CN=old) expired 2d1h ago, on "},
		{"by an expired intermediate", chained, ca, "presents a certificate whose CA (CN=issuing) expired 2d1h ago, on "},
		{"by an unknown CA", keyPair(server(ca, today(year))), old, "presents a certificate that is not signed by the CA in the kubeconfig"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			url := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{test.presented}})
			c, err := at(t, url, func(config *rest.Config) { config.CAData = test.trusted.PEM() })
			got := c.Explain(err, time.Now())
			wantExplained(t, got, test.want)
			for _, wrong := range []string{"current time", "kubectl certs inspect"} {
				if strings.Contains(got.Error()+hint.Of(got), wrong) {
					t.Errorf("it says %q: %v, %s", wrong, got, hint.Of(got))
				}
			}
		})
	}
}

// What is wrong with a proxy is told of the proxy, without its password.
func TestExplainAProxy(t *testing.T) {
	closed := listener(t, nil)
	closed.Close()
	answers := func(code int) *httptest.Server {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }))
		t.Cleanup(server.Close)
		return server
	}
	secure := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{keyPair(
		pkitest.NewCA(t, "proxies", today(year)).Issue(t, pkitest.Server("proxy", "127.0.0.1"), today(year)))}})
	tests := []struct{ name, proxy, want, advice string }{
		{"dead", "http://me:secret@" + closed.Addr().String(), "cannot reach the proxy http://me:xxxxx@" + closed.Addr().String() + " for the API server at https://api.invalid: connection refused", "proxy-url"},
		{"dead, SOCKS", "socks5://" + closed.Addr().String(), "cannot reach the proxy socks5://" + closed.Addr().String(), "proxy-url"},
		{"no such host", "http://proxy.invalid:3128", "cannot reach the proxy http://proxy.invalid:3128 for the API server at https://api.invalid: proxy.invalid: ", "proxy-url"},
		{"asks for a password", answers(http.StatusProxyAuthRequired).URL, "requires a user name and a password (407)", "USER:PASSWORD"},
		{"does not connect", answers(http.StatusBadGateway).URL, "cannot connect to the API server at https://api.invalid: it responds with Bad Gateway", "proxy"},
		{"forbids", answers(http.StatusForbidden).URL, "cannot connect to the API server at https://api.invalid: it responds with Forbidden", "proxy"},
		{"is not trusted", secure, "cannot reach the proxy " + secure + " for the API server at https://api.invalid: its certificate is not signed by a trusted CA", "proxy-url"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			proxy, err := url.Parse(test.proxy)
			if err != nil {
				t.Fatal(err)
			}
			c, err := at(t, "https://api.invalid", func(config *rest.Config) { config.Proxy = http.ProxyURL(proxy) })
			got := c.Explain(err, time.Now())
			wantExplained(t, got, test.want)
			if !strings.Contains(hint.Of(got), test.advice) || strings.Contains(got.Error(), "secret") {
				t.Errorf("explained as %v, with hint %q", got, hint.Of(got))
			}
		})
	}
}

// Whatever does not speak TLS is not an API server.
func TestExplainAnotherProgram(t *testing.T) {
	ssh := listener(t, func(conn net.Conn) { _, _ = io.WriteString(conn, "SSH-2.0-OpenSSH_9\r\n") })
	c, err := at(t, "https://"+ssh.Addr().String(), nil)
	wantExplained(t, c.Explain(err, time.Now()), "the server at https://"+ssh.Addr().String()+" is not an API server: it does not speak TLS")
}
