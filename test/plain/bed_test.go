//go:build e2e

// Package plain holds the program against control planes of plain processes:
// etcd, kube-apiserver and kube-controller-manager started by hand, with PKIs
// that no installer makes. It needs no nodes and no containers, so that one
// table covers what a kind cluster cannot be made into. Run it by `make plain`,
// and against older versions of Kubernetes by `make matrix`.
package plain

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// startTimeout bounds the start of one process: older versions on a loaded
// machine take their time.
const startTimeout = 90 * time.Second

// etcdURL is the one etcd that all control planes use, each under a prefix of its own.
var etcdURL string

func TestMain(m *testing.M) {
	code, err := runWithEtcd(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "the etcd of the test bed:", err)
		code = 1
	}
	os.Exit(code)
}

func runWithEtcd(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "plain-etcd-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	client, err := freePort()
	if err != nil {
		return 1, err
	}
	peer, err := freePort()
	if err != nil {
		return 1, err
	}
	etcdURL = fmt.Sprintf("http://127.0.0.1:%d", client)
	peerURL := fmt.Sprintf("http://127.0.0.1:%d", peer)
	etcd := exec.Command("etcd", "--data-dir", filepath.Join(dir, "data"), "--unsafe-no-fsync",
		"--listen-client-urls", etcdURL, "--advertise-client-urls", etcdURL,
		"--listen-peer-urls", peerURL, "--initial-advertise-peer-urls", peerURL, "--initial-cluster", "default="+peerURL)
	var log bytes.Buffer
	etcd.Stdout, etcd.Stderr = &log, &log
	etcd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := etcd.Start(); err != nil {
		return 1, fmt.Errorf("%w (make plain builds it)", err)
	}
	defer func() {
		_ = etcd.Process.Kill()
		_ = etcd.Wait()
	}()
	if err := waitFor(context.Background(), http.DefaultClient, etcdURL+"/health"); err != nil {
		return 1, fmt.Errorf("%w\n%s", err, log.String())
	}
	return m.Run(), nil
}

// freePort returns a port of 127.0.0.1 that nothing listens on.
func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// waitFor waits until url answers with 200.
func waitFor(ctx context.Context, client *http.Client, url string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	last := "no answer"
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err == nil {
			body, _ := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
			err = fmt.Errorf("%s: %.300s", response.Status, body)
		}
		if ctx.Err() == nil {
			last = err.Error()
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("%s did not come up: %s", url, last)
		}
	}
}

// controlPlane is an API server that runs, with what it was made of.
type controlPlane struct {
	t      *testing.T
	trust  *trust
	dir    string
	server string
	client *kubernetes.Clientset
}

// start starts an API server with trust and, unless the variant has no signer,
// a controller manager.
func start(t *testing.T, trust *trust) *controlPlane {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	p := &controlPlane{t: t, trust: trust, dir: t.TempDir(), server: fmt.Sprintf("https://127.0.0.1:%d", port)}
	trust.write(t, p.dir)
	args := []string{
		"--etcd-servers=" + etcdURL, "--etcd-prefix=/" + strings.ReplaceAll(t.Name(), "/", "-"),
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port), "--advertise-address=127.0.0.1",
		"--endpoint-reconciler-type=none", // Endpoints may not hold a loopback address
		"--service-cluster-ip-range=10.96.0.0/16", "--authorization-mode=RBAC",
		"--client-ca-file=" + p.path("client-ca.crt"),
		"--requestheader-client-ca-file=" + p.path("front-proxy-ca.crt"),
		"--requestheader-allowed-names=front-proxy-client", "--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group", "--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--tls-cert-file=" + p.path("apiserver.crt"), "--tls-private-key-file=" + p.path("apiserver.key"),
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=" + p.path("sa.pub"),
		"--service-account-signing-key-file=" + p.path("sa.key"), "--token-auth-file=" + p.path("tokens.csv"),
		"--shutdown-delay-duration=0s",
	}
	p.run("kube-apiserver", append(args, trust.flags(p.dir)...)...)
	client, config := p.admin()
	if err := waitFor(t.Context(), client, p.server+"/readyz"); err != nil {
		t.Fatal(err)
	}
	p.client = kubernetes.NewForConfigOrDie(config)
	if !trust.noSigner {
		p.startControllerManager()
	}
	return p
}

// startControllerManager starts the signers, the publisher of the root CA, and what fills ClusterRole view.
func (p *controlPlane) startControllerManager() {
	p.t.Helper()
	// Some variants present what no client accepts.
	config := p.kubeconfig("controller-manager", p.trust.masters, nil, func(c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) { c.InsecureSkipTLSVerify = true })
	p.run("kube-controller-manager",
		"--kubeconfig="+config, "--leader-elect=false", "--secure-port=0",
		"--controllers=certificatesigningrequest-signing-controller,root-ca-certificate-publisher-controller,clusterrole-aggregation-controller",
		"--cluster-signing-cert-file="+p.path("signing-ca.crt"), "--cluster-signing-key-file="+p.path("signing-ca.key"),
		"--root-ca-file="+p.path("root-ca.crt"), "--service-account-private-key-file="+p.path("sa.key"))
	ctx, cancel := context.WithTimeout(p.t.Context(), startTimeout)
	defer cancel()
	for again := time.NewTicker(100 * time.Millisecond); ; {
		_, err := p.client.CoreV1().ConfigMaps("default").Get(ctx, "kube-root-ca.crt", get)
		if err == nil {
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			p.t.Fatalf("the controller manager does not publish the root CA: %v", err)
		}
	}
}

// run starts a process that ends with the test, and shows its log where that failed.
func (p *controlPlane) run(name string, args ...string) {
	p.t.Helper()
	cmd := exec.Command(name, args...)
	log, err := os.Create(p.path(name + ".log"))
	if err != nil {
		p.t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		p.t.Fatalf("%v (make plain builds it)", err)
	}
	p.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = log.Close()
		if p.t.Failed() {
			text, _ := os.ReadFile(log.Name())
			p.t.Logf("%s:\n%s", name, text[max(0, len(text)-2000):])
		}
	})
}

func (p *controlPlane) path(name string) string { return filepath.Join(p.dir, name) }

// admin returns a client that may do everything, and that does not mind what
// the server presents: some variants present what nobody accepts.
func (p *controlPlane) admin() (*http.Client, *rest.Config) {
	pair := p.trust.masters.pair(p.t)
	config := &rest.Config{Host: p.server, TLSClientConfig: rest.TLSClientConfig{
		Insecure: true, CertData: p.trust.masters.certPEM(), KeyData: p.trust.masters.keyPEM(p.t),
	}, QPS: -1}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{pair}}}
	return &http.Client{Transport: transport}, config
}
