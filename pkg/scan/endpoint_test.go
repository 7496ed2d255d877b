// These tests promise that every certificate that can be seen is seen, that
// what cannot is reported with its reason, and that one bad source neither
// spoils nor delays another.
package scan_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/scan"
)

// long is more than any test needs; short is what a test waits for in vain.
const (
	long  = time.Minute
	short = 500 * time.Millisecond
)

// read reads sources and returns what they report.
func read(timeout time.Duration, sources ...scan.Source) *inventory.Inventory {
	found := inventory.Collector{Now: pkitest.Now}
	scan.Run(context.Background(), timeout, sources, &found, nil)
	return found.Inventory(inventory.Cluster{})
}

// check reports where inv is not what was expected. seen lists the items as
// "common name: where, where"; skipped as "where: a part of the reason".
func check(t *testing.T, inv *inventory.Inventory, seen, faults []string) {
	t.Helper()
	var items []string
	for _, e := range inv.Items {
		var places []string
		for _, l := range e.Locations {
			places = append(places, l.Where)
		}
		items = append(items, e.Subject.CommonName+": "+strings.Join(places, ", "))
	}
	if !slices.Equal(items, seen) {
		t.Errorf("seen: got %q, want %q", items, seen)
	}
	var skips []string
	for _, s := range inv.Skipped {
		skips = append(skips, s.Where+": "+s.Reason)
		if s.Source == "" || s.Hint == "" {
			t.Errorf("skipped without a source or a hint: %+v", s)
		}
	}
	for _, f := range inv.Findings {
		skips = append(skips, f.Where+": "+f.Message)
		if f.Source == "" || f.Fix == "" || f.Code == "" || f.Severity == "" {
			t.Errorf("found without a source, a fix, a code or a severity: %+v", f)
		}
	}
	slices.Sort(skips)
	if !slices.EqualFunc(skips, faults, func(got, want string) bool {
		where, reason, _ := strings.Cut(want, ": ")
		rest, ok := strings.CutPrefix(got, where+": ")
		return ok && strings.Contains(rest, reason)
	}) {
		t.Errorf("faults: got %q, want %q", skips, faults)
	}
}

// certified returns a server's certificate, and the chain behind it.
func certified(ca *pkitest.CA, cert *x509.Certificate, chain ...*x509.Certificate) tls.Certificate {
	c := tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: pkitest.Key(cert.Subject.CommonName)}
	for _, above := range chain {
		c.Certificate = append(c.Certificate, above.Raw)
	}
	return c
}

// serve runs a TLS server until the test ends, and returns its address.
func serve(t *testing.T, config *tls.Config, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.TLS = config
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func ok(http.ResponseWriter, *http.Request) {}

// accept listens until the test ends and leaves each connection to handle.
func accept(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
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
			t.Cleanup(func() { conn.Close() })
			go handle(conn)
		}
	}()
	return listener.Addr().String()
}

func TestEndpoint(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	api := certified(ca, ca.Issue(t, pkitest.Server("kube-apiserver", "127.0.0.1")))
	serving := func(change func(*tls.Config), handler http.HandlerFunc) func(*testing.T) string {
		return func(t *testing.T) string {
			config := &tls.Config{Certificates: []tls.Certificate{api}}
			change(config)
			return serve(t, config, handler)
		}
	}
	unchanged := func(*tls.Config) {}
	client := fake.NewClientset()
	tests := []struct {
		name    string
		listen  func(*testing.T) (address string)
		timeout time.Duration
		wantErr string // a part of the reason; "" where the certificate is seen
	}{
		{"an API server", serving(unchanged, ok), long, ""},
		{"one that refuses to answer", serving(unchanged, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }), long, ""},
		{"one that does not speak HTTP behind TLS", serving(unchanged, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), long, ""},
		{"one that never answers behind TLS", serving(unchanged, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), short, ""},
		{"one that wants a client certificate", serving(func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }, ok), long, ""},
		{"one that wants a client certificate, by TLS 1.2", serving(func(c *tls.Config) {
			c.ClientAuth, c.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12
		}, ok), long, ""},
		{"one that wants HTTP/2", serving(func(c *tls.Config) { c.NextProtos = []string{"h2"} }, ok), long, ""},
		{"plain HTTP", func(t *testing.T) string {
			return accept(t, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.0 400 Bad Request\r\n\r\n") })
		}, long, "it does not speak TLS"},
		{"no TLS", func(t *testing.T) string {
			return accept(t, func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.9\r\n") })
		}, long, "it does not speak TLS"},
		{"one that hangs up", func(t *testing.T) string {
			return accept(t, func(c net.Conn) {
				_, _ = c.Read(make([]byte, 1<<16))
				c.Close()
			})
		}, long, "EOF"},
		{"one that accepts and says nothing", func(t *testing.T) string {
			return accept(t, func(net.Conn) {})
		}, short, "timed out"},
		{"one that sends an endless chain", serving(func(c *tls.Config) {
			c.Certificates = []tls.Certificate{{Certificate: slices.Repeat(api.Certificate, 10_000), PrivateKey: api.PrivateKey}}
		}, ok), long, "handshake message of length"},
		{"one that never stops talking", func(t *testing.T) string {
			return accept(t, func(c net.Conn) {
				for {
					// Records of TLS 1.2 that hold nothing (RFC 5246, section 6.2.1).
					if _, err := c.Write([]byte{22, 3, 3, 0, 0}); err != nil {
						return
					}
				}
			})
		}, long, "tls: "},
		{"nobody", func(t *testing.T) string {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			return listener.Addr().String()
		}, long, "connection refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			address := tt.listen(t)
			start := time.Now()
			inv := read(tt.timeout, scan.Endpoint(client, scan.Server{URL: "https://" + address}))
			// Less than the time that a single connection is given by default.
			if took := time.Since(start); tt.timeout == short && took > 4*time.Second {
				t.Errorf("it took %s", took)
			}
			if tt.wantErr == "" {
				check(t, inv, []string{"kube-apiserver: " + address}, nil)
			} else {
				check(t, inv, nil, []string{address + ": " + tt.wantErr})
			}
		})
	}
}

// slice is an EndpointSlice of Service default/kubernetes with one address.
func slice(t *testing.T, address, node string) *discoveryv1.EndpointSlice {
	t.Helper()
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.ParseInt(portText, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	number := int32(port)
	endpoint := discoveryv1.Endpoint{Addresses: []string{host}}
	if node != "" {
		endpoint.NodeName = &node
	}
	return &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: "kubernetes-" + portText,
			Labels: map[string]string{discoveryv1.LabelServiceName: "kubernetes"},
		},
		Endpoints: []discoveryv1.Endpoint{endpoint},
		Ports:     []discoveryv1.EndpointPort{{Port: &number}},
	}
}

func TestEndpointReplicas(t *testing.T) {
	t.Parallel()
	ca := pkitest.NewCA(t, "kubernetes")
	listen := func(name string) string {
		cert := certified(ca, ca.Issue(t, pkitest.Server(name, "127.0.0.1", "kubernetes.default.svc")))
		return serve(t, &tls.Config{Certificates: []tls.Certificate{cert}}, ok)
	}
	first, second, third := listen("first"), listen("second"), listen("third")
	dead := accept(t, func(net.Conn) {})
	other := slice(t, third, "")
	other.Labels[discoveryv1.LabelServiceName] = "other"
	anyPort := slice(t, first, "")
	anyPort.Name, anyPort.Ports[0].Port = "any-port", nil

	client := fake.NewClientset(slice(t, first, "node-1"), slice(t, second, "node-2"), slice(t, dead, ""), other, anyPort)
	inv := read(short, scan.Endpoint(client, scan.Server{URL: "https://" + first}))
	check(t, inv, []string{"first: " + first, "second: " + second}, []string{dead + ": timed out"})
	for _, e := range inv.Items {
		if want := map[string]string{"first": "node-1", "second": "node-2"}[e.Subject.CommonName]; e.Node != want {
			t.Errorf("%s: got node %q, want %q", e.Subject.CommonName, e.Node, want)
		}
	}
}

// A server is held against the name by which it is reached: the kubeconfig's
// by the host or tls-server-name there, each replica by the service's.
func TestEndpointNames(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	presents := func(names ...string) string {
		cert := certified(ca, ca.Issue(t, pkitest.Server("kube-apiserver", names...)))
		return serve(t, &tls.Config{Certificates: []tls.Certificate{cert}}, ok)
	}
	local, named := presents("127.0.0.1"), presents("k8s.example")
	bySNI := serve(t, &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert := certified(ca, ca.Issue(t, pkitest.Server("for "+hello.ServerName, hello.ServerName)))
		return &cert, nil
	}}, ok)
	service := presents("kubernetes.default.svc")
	tests := []struct {
		name     string
		server   scan.Server
		replica  string
		wantName string
		want     []string // messages of its findings
	}{
		{"by its address", scan.Server{URL: "https://" + local}, "", "kube-apiserver", nil},
		{"by an address that it does not name", scan.Server{URL: "https://" + named}, "", "kube-apiserver", []string{"does not name 127.0.0.1, the address it is reached at"}},
		{"by tls-server-name", scan.Server{URL: "https://" + named, ServerName: "k8s.example"}, "", "kube-apiserver", nil},
		{"by a tls-server-name that it does not name", scan.Server{URL: "https://" + local, ServerName: "k8s.example"}, "", "kube-apiserver", []string{"does not name k8s.example, the address it is reached at"}},
		{"by a name that chooses the certificate", scan.Server{URL: "https://" + bySNI, ServerName: "k8s.example"}, "", "for k8s.example", nil},
		{"a replica by the service's name", scan.Server{URL: "http://none"}, service, "kube-apiserver", nil},
		{"a replica by its address only", scan.Server{URL: "http://none"}, local, "kube-apiserver", []string{"does not name kubernetes.default.svc, the address it is reached at"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := fake.NewClientset()
			if tt.replica != "" {
				client = fake.NewClientset(slice(t, tt.replica, ""))
			}
			inv := read(long, scan.Endpoint(client, tt.server))
			if len(inv.Items) != 1 {
				t.Fatalf("got %d certificates, and skipped %v", len(inv.Items), inv.Skipped)
			}
			var messages []string
			for _, f := range inv.Items[0].Findings {
				if f.Code != inventory.CodeUnverified { // no CA is read here
					messages = append(messages, f.Message)
				}
			}
			if got := inv.Items[0].Subject.CommonName; got != tt.wantName || !slices.Equal(messages, tt.want) {
				t.Errorf("got %q with %q, want %q with %q", got, messages, tt.wantName, tt.want)
			}
		})
	}
}

// What a server sends behind its certificate counts as intermediates.
func TestEndpointSendsIntermediates(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	between := ca.Intermediate(t, "intermediate")
	cert := between.Issue(t, pkitest.Server("kube-apiserver", "127.0.0.1"))
	trust := func(address string) scan.Source {
		return scan.Kubeconfig(scan.Credentials{Context: "dev", InUse: true, CA: ca.PEM(), Server: "https://" + address})
	}
	for name, tt := range map[string]struct {
		chain []*x509.Certificate
		want  int // findings
	}{
		"sent":     {[]*x509.Certificate{between.Certificate}, 0},
		"not sent": {nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			address := serve(t, &tls.Config{Certificates: []tls.Certificate{certified(ca, cert, tt.chain...)}}, ok)
			inv := read(long, trust(address), scan.Endpoint(fake.NewClientset(), scan.Server{URL: "https://" + address}))
			for _, e := range inv.Items {
				if e.Role == "server" && len(e.Findings) != tt.want {
					t.Errorf("got %v, want %d findings", e.Findings, tt.want)
				}
			}
			seen := []string{"kubernetes: dev#certificate-authority", "kube-apiserver: " + address}
			if len(tt.chain) > 0 { // an entry of its own
				seen = slices.Insert(seen, 1, "intermediate: "+address)
			}
			check(t, inv, seen, nil)
		})
	}
}

func TestEndpointURL(t *testing.T) {
	for _, url := range []string{"http://127.0.0.1:8080", "unix:///run/apiserver.sock", "127.0.0.1", "https://[::1"} {
		t.Run(url, func(t *testing.T) {
			inv := read(long, scan.Endpoint(fake.NewClientset(), scan.Server{URL: url}))
			check(t, inv, nil, []string{url + ": "})
		})
	}
}

// forbid makes the API server refuse to tell.
func forbid(client *fake.Clientset, verb, resource, name string) {
	client.PrependReactor(verb, resource, func(action clienttesting.Action) (bool, runtime.Object, error) {
		if get, ok := action.(clienttesting.GetAction); ok && get.GetName() != name {
			return false, nil, nil
		}
		return true, nil, apierrors.NewForbidden(action.GetResource().GroupResource(), name, fmt.Errorf("RBAC"))
	})
}

func TestEndpointWithoutPermission(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	cert := certified(ca, ca.Issue(t, pkitest.Server("kube-apiserver", "127.0.0.1")))
	address := serve(t, &tls.Config{Certificates: []tls.Certificate{cert}}, ok)
	client := fake.NewClientset()
	forbid(client, "list", "endpointslices", "")
	inv := read(long, scan.Endpoint(client, scan.Server{URL: "https://" + address}))
	check(t, inv, []string{"kube-apiserver: " + address}, []string{"endpointslices of default/kubernetes: forbidden"})
}

// proxy runs an HTTP proxy, itself behind TLS, that answers CONNECT by connect.
func proxy(t *testing.T, connect http.HandlerFunc) func(*http.Request) (*url.URL, error) {
	t.Helper()
	ca := pkitest.NewCA(t, "proxy CA")
	cert := certified(ca, ca.Issue(t, pkitest.Server("proxy", "127.0.0.1")))
	address := serve(t, &tls.Config{Certificates: []tls.Certificate{cert}}, connect)
	return http.ProxyURL(&url.URL{Scheme: "https", Host: address})
}

// The certificate of a proxy on the way is not the API server's.
func TestEndpointThroughProxy(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	cert := certified(ca, ca.Issue(t, pkitest.Server("kube-apiserver", "127.0.0.1")))
	address := serve(t, &tls.Config{Certificates: []tls.Certificate{cert}}, ok)
	tests := []struct {
		name    string
		connect http.HandlerFunc
		seen    []string
		skipped []string
	}{
		{"connects", tunnel, []string{"kube-apiserver: " + address}, nil},
		{"refuses", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, nil, []string{address + ": Bad Gateway"}},
		{"hangs up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, nil, []string{address + ": the connection was closed without a response"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := scan.Server{URL: "https://" + address, Proxy: proxy(t, tt.connect)}
			check(t, read(long, scan.Endpoint(fake.NewClientset(), server)), tt.seen, tt.skipped)
		})
	}
}

// tunnel does what CONNECT asks for.
func tunnel(w http.ResponseWriter, r *http.Request) {
	server, err := net.Dial("tcp", r.Host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer server.Close()
	w.WriteHeader(http.StatusOK)
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	go func() { _, _ = io.Copy(server, buffered) }()
	_, _ = io.Copy(client, server)
}

// Cut off at any moment, a look at a server ends with a certificate or a
// reason. The race detector is half of this test.
func TestEndpointCutOff(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	cert := certified(ca, ca.Issue(t, pkitest.Server("kube-apiserver", "127.0.0.1")))
	address := serve(t, &tls.Config{Certificates: []tls.Certificate{cert}}, ok)
	client := fake.NewClientset()
	for i := range 100 {
		timeout := time.Duration(i) * 50 * time.Microsecond
		inv := read(timeout, scan.Endpoint(client, scan.Server{URL: "https://" + address}))
		if len(inv.Items)+len(inv.Skipped) != 1 {
			t.Errorf("after %s: got %v and skipped %v", timeout, inv.Items, inv.Skipped)
		}
	}
}
