package cli

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// control is an API server that is not one: it has certificates and answers
// nothing but 401.
type control struct {
	ca     *pkitest.CA
	client *x509.Certificate
	url    string
}

// inDate is the validity of what is good today.
func inDate(left time.Duration) pkitest.Option {
	return pkitest.Valid(time.Now().Add(-1000*time.Hour), time.Now().Add(left))
}

// serveTLS runs a server whose handshakes configure decides about, one by one.
func serveTLS(t *testing.T, configure func(ca *pkitest.CA, hello *tls.ClientHelloInfo) *tls.Config) control {
	t.Helper()
	ca := pkitest.NewCA(t, "kubernetes", inDate(10_000*time.Hour))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	server.TLS = &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		return configure(ca, hello), nil
	}}
	server.TLS.Certificates = configure(ca, nil).Certificates
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return control{ca: ca, client: ca.Issue(t, pkitest.Client("alice"), inDate(1000*time.Hour)), url: server.URL}
}

// presents is a server's certificate that has left to live.
func presents(t *testing.T, ca *pkitest.CA, left time.Duration) tls.Certificate {
	cert := ca.Issue(t, pkitest.Server("kube-apiserver", "127.0.0.1"), inDate(left))
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: pkitest.Key("kube-apiserver")}
}

// kubeconfig writes a kubeconfig for server and returns its path. The user's key
// is that of keyOf.
func (c control) kubeconfig(t *testing.T, server, keyOf string) string {
	t.Helper()
	key, err := pki.EncodeKey(pkitest.Key(keyOf))
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.StdEncoding.EncodeToString
	text := fmt.Sprintf(`current-context: prod
clusters: [{name: prod, cluster: {server: "%s", certificate-authority-data: %s}}]
users: [{name: alice, user: {client-certificate-data: %s, client-key-data: %s}}]
contexts: [{name: prod, context: {cluster: prod, user: alice}}]
`, server, encode(c.ca.PEM()), encode(pki.EncodeCertificates(c.client)), encode(key))
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// program runs this program in a process of its own, as a shell does: the test
// binary is it when called by its name (TestMain).
func program(t *testing.T, kubeconfig string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "kubectl-certs")
	if err := os.Symlink(self, name); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = []string{"HOME=" + t.TempDir(), "KUBECONFIG=" + kubeconfig, "GORACE=atexit_sleep_ms=0"}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // the exit code says it
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// A peer that resets its connections is a fault of that peer, and ends nothing
// else: SIGPIPE for a socket is not SIGPIPE for standard output.
func TestAPeerThatHangsUp(t *testing.T) {
	c := serveTLS(t, func(ca *pkitest.CA, _ *tls.ClientHelloInfo) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{presents(t, ca, 1000*time.Hour)}}
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	config := &tls.Config{Certificates: []tls.Certificate{presents(t, c.ca, 1000*time.Hour)}}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _ = tls.Server(hangsUp{conn}, config).Handshake() }()
		}
	}()
	for range 3 { // it is a race between the two ends
		out, errs, code := program(t, c.kubeconfig(t, "https://"+listener.Addr().String(), "alice"), "inspect", "--request-timeout", "3s")
		if code != 1 || strings.Contains(errs, "interrupted") || !strings.Contains(errs, "closed the connection without a response") {
			t.Errorf("exit %d: %s", code, errs)
		}
		for _, want := range []string{"CN=alice", "CN=kube-apiserver"} {
			if !strings.Contains(out, want) {
				t.Errorf("it does not show %q:\n%s", want, out)
			}
		}
	}
}

// hangsUp closes a connection when the first words of its server were sent: what
// the client writes then meets a closed socket.
type hangsUp struct{ net.Conn }

func (h hangsUp) Write(data []byte) (int, error) {
	defer h.Conn.Close()
	return h.Conn.Write(data)
}

// One signal for each write into a socket that is closed: none of them ends the
// program.
func TestSIGPIPEOfSockets(t *testing.T) {
	outlivePipes()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for range 3 {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		peer, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		_ = peer.(*net.TCPConn).SetLinger(0)
		peer.Close()
		// The first write may learn of the reset, the second is a SIGPIPE.
		for err == nil {
			_, err = conn.Write([]byte("x"))
		}
		_, err = conn.Write([]byte("x"))
		if err == nil {
			t.Error("a closed socket took something")
		}
		conn.Close()
	}
}

// A reader of the output that goes away ends the command, and is not told of.
func TestAReaderThatGoesAway(t *testing.T) {
	c := serveTLS(t, func(ca *pkitest.CA, _ *tls.ClientHelloInfo) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{presents(t, ca, 1000*time.Hour)}}
	})
	for _, stream := range []string{"stdout", "stderr"} {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		read.Close()
		gone := make(chan bool, 2)
		p := &pipe{write, func() { gone <- true }}
		if _, err := p.Write([]byte("x")); err == nil {
			t.Error("a closed pipe took something")
		}
		select {
		case <-gone:
		default:
			t.Errorf("%s is closed, and nothing ends", stream)
		}
		write.Close()
	}
	self, _ := os.Executable()
	name := filepath.Join(t.TempDir(), "kubectl-certs")
	if err := os.Symlink(self, name); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `"$0" inspect 2>&1 >/dev/full | cat; "$0" inspect 2>err | true; cat err`, name)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "KUBECONFIG=" + c.kubeconfig(t, c.url, "alice")}
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "no space left") || strings.Contains(string(out), "interrupted") {
		t.Errorf("%v: %s", err, out)
	}
}

// Behind one address are a good server and one whose certificate has expired: the
// certificate that kept the caller out is shown, though the scan itself met the
// other one.
func TestInspectShowsTheCauseBehindALoadBalancer(t *testing.T) {
	c := serveTLS(t, func(ca *pkitest.CA, hello *tls.ClientHelloInfo) *tls.Config {
		left := 1000 * time.Hour
		if hello != nil && len(hello.SupportedProtos) > 0 { // a request, not a look
			left = -50*time.Hour - 30*time.Minute
		}
		return &tls.Config{Certificates: []tls.Certificate{presents(t, ca, left)}}
	})
	out, errs, code := program(t, c.kubeconfig(t, c.url, "alice"), "inspect")
	if code != 1 || !strings.Contains(errs, "presents a certificate (CN=kube-apiserver) that expired 2d2h ago, on ") {
		t.Errorf("exit %d: %s", code, errs)
	}
	for _, want := range []string{"apiserver      expired", "apiserver      ok"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not show %q:\n%s", want, out)
		}
	}
	for _, wrong := range []string{"current time", "interrupted", "cannot reach", "can be reached"} {
		if strings.Contains(out+errs, wrong) {
			t.Errorf("it says %q:\n%s%s", wrong, out, errs)
		}
	}
}

// Credentials that do not fit each other keep nobody from looking at what the
// server presents and what the kubeconfig holds.
func TestInspectWithCredentialsThatDoNotFit(t *testing.T) {
	c := serveTLS(t, func(ca *pkitest.CA, _ *tls.ClientHelloInfo) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{presents(t, ca, -50*time.Hour-30*time.Minute)}}
	})
	out, errs, code := program(t, c.kubeconfig(t, c.url, "another user"), "inspect")
	if code != 1 || !strings.Contains(errs, `error: using the credentials of context "prod"`) {
		t.Errorf("exit %d: %s", code, errs)
	}
	for _, want := range []string{"apiserver", "expired 2d2h ago", "CN=alice"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not show %q:\n%s", want, out)
		}
	}
}
