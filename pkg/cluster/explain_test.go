package cluster

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// at returns a cluster whose API server is at url, and what a first request
// to it ends with.
func at(t *testing.T, url string, edit func(*rest.Config)) (*Cluster, error) {
	t.Helper()
	config := &rest.Config{Host: url, Timeout: 5 * time.Second}
	if edit != nil {
		edit(config)
	}
	told := rest.CopyConfig(config)
	tellRefusals(told)
	client, err := kubernetes.NewForConfig(told)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Discovery().RESTClient().Get().AbsPath("/version").DoRaw(t.Context())
	return &Cluster{Context: "test", Server: url, CA: config.CAData, Config: config, Client: client}, err
}

// Faults of the connection are told in one sentence that names the server, by
// what really happens on the wire.
func TestExplain(t *testing.T) {
	answers := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Unauthorized","code":401}`)
		}
	}
	secure := httptest.NewTLSServer(answers(http.StatusUnauthorized))
	defer secure.Close()
	plain := httptest.NewServer(answers(http.StatusOK))
	defer plain.Close()
	closes := listener(t, func(conn net.Conn) { conn.Close() })
	silent := listener(t, func(net.Conn) {})
	closed := listener(t, nil)
	closed.Close()
	trusted := func(c *rest.Config) {
		c.CAData = pki.EncodeCertificates(secure.Certificate())
	}

	tests := []struct {
		name string
		url  string
		edit func(*rest.Config)
		want string
	}{
		{"nobody listens", "https://" + closed.Addr().String(), nil, "cannot reach the API server at https://" + closed.Addr().String() + ": connection refused"},
		{"no such host", "https://nowhere.invalid", nil, "cannot reach the API server at https://nowhere.invalid: nowhere.invalid: "},
		{"plain HTTP", "https://" + plain.Listener.Addr().String(), nil, "it speaks plain HTTP"},
		{"closes at once", "https://" + closes.Addr().String(), nil, "cannot reach the API server at https://" + closes.Addr().String() + ": "},
		{"never answers", "https://" + silent.Addr().String(), func(c *rest.Config) { c.Timeout = 50 * time.Millisecond }, "timed out"},
		{"unknown CA", secure.URL, func(c *rest.Config) { c.CAData = pkitest.NewCA(t, "stranger").PEM() }, "presents a certificate that is not signed by the CA in the kubeconfig"},
		{"unknown CA, and none given", secure.URL, nil, "the kubeconfig has no CA"},
		{"other name", secure.URL, func(c *rest.Config) { trusted(c); c.ServerName = "elsewhere" }, "presents a certificate for other names"},
		{"not let in", secure.URL, trusted, `does not accept the credentials of context "test"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := at(t, test.url, test.edit)
			got := c.Explain(err, pkitest.Now)
			if got == nil || !strings.Contains(got.Error(), test.want) {
				t.Errorf("explained as %v\nwant     %s", got, test.want)
			}
			if hint.Of(got) == "" {
				t.Error("no hint")
			}
		})
	}
}

// A certificate that is not let in is told with its name: when it has run out,
// and when it is simply not known there.
func TestExplainACertificateThatIsNotLetIn(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	defer server.Close()
	c, err := at(t, server.URL, func(c *rest.Config) { c.Insecure = true })
	ca := pkitest.NewCA(t, "kubernetes")
	for _, test := range []struct {
		left time.Duration
		want string
	}{
		{-3 * pkitest.Day, `the client certificate of context "test" (CN=alice, O=devs) expired 3d ago, on 2026-01-12 12:00 UTC`},
		{pkitest.Day, `does not accept the client certificate of context "test" (CN=alice, O=devs, signed by "kubernetes")`},
	} {
		c.ClientCertificate = pki.EncodeCertificates(ca.Issue(t, pkitest.Client("alice", "devs"), pkitest.Left(test.left)))
		if got := c.Explain(err, pkitest.Now); !strings.Contains(got.Error(), test.want) {
			t.Errorf("explained as %v\nwant     %s", got, test.want)
		}
	}
}

// A server that hangs up is told by the same words whichever end notices first.
func TestExplainAServerThatHangsUp(t *testing.T) {
	for _, inner := range []error{
		io.EOF, io.ErrUnexpectedEOF, fmt.Errorf("writing: %w", net.ErrClosed),
		errors.New("http: server closed idle connection"),
		errors.New("http: server closed connection"),
		errors.New("http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=NO_ERROR"),
		errors.New("http2: client connection lost"),
	} {
		c := &Cluster{Context: "test", Server: "https://example.com"}
		got := c.Explain(&url.Error{Op: "Get", URL: "https://example.com/version", Err: inner}, time.Now())
		const want = "https://example.com closed the connection without a response"
		if got.Error() != want || hint.Of(got) == "" {
			t.Errorf("%v is explained as %q, with hint %q", inner, got, hint.Of(got))
		}
	}
}

// What is not about the connection is not touched.
func TestExplainLeavesTheRest(t *testing.T) {
	c := &Cluster{Server: "https://example"}
	for _, err := range []error{
		nil, context.Canceled, errors.New("forbidden: no"), x509.ErrUnsupportedAlgorithm,
		// What is wrong with a certificate that was issued says nothing about
		// the API server, nor do words that a name happens to hold.
		fmt.Errorf("checking the certificate: %w", x509.UnknownAuthorityError{}),
		fmt.Errorf("checking the certificate: %w", x509.CertificateInvalidError{Reason: x509.Expired}),
		fmt.Errorf("checking the certificate: %w", x509.HostnameError{Certificate: &x509.Certificate{}, Host: "a"}),
		errors.New("user EOF: server gave HTTP response to HTTPS client"),
		fmt.Errorf("reading a file: %w", io.ErrUnexpectedEOF),
	} {
		if got := c.Explain(err, pkitest.Now); got != err {
			t.Errorf("%v became %v", err, got)
		}
	}
}

// listener accepts connections and hands them to serve, until the test ends.
func listener(t *testing.T, serve func(net.Conn)) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	if serve != nil {
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				t.Cleanup(func() { conn.Close() })
				serve(conn)
			}
		}()
	}
	return l
}
