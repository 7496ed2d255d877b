package scan_test

// The components of a control plane, as judges of the files that they read: they
// load them as Kubernetes does, and connect.

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	certutil "k8s.io/client-go/util/cert"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

const (
	confDir       = "etc/kubernetes/"
	pkiDir        = confDir + "pki/"
	caFile        = pkiDir + "ca.crt"
	apiFile       = pkiDir + "apiserver.crt"
	apiKey        = pkiDir + "apiserver.key"
	confFile      = confDir + "scheduler.conf"
	kubeAPIServer = "kube-apiserver"
)

// makePlane writes the smallest tree of a control plane.
func makePlane(x *tree) {
	x.ca(caFile, "kubernetes")
	x.leaf(apiFile, caFile, apiNames())
	x.leaf(pkiDir+"apiserver-kubelet-client.crt", caFile, pkitest.Client("kube-apiserver-kubelet-client", "kubeadm:cluster-admins"))
	x.leaf(confDir+"admin.conf", caFile, pkitest.Client("kubernetes-admin", "kubeadm:cluster-admins"))
	x.leaf(confFile, caFile, pkitest.Client("system:kube-scheduler"))
}

func apiNames() pkitest.Option {
	return pkitest.Server(kubeAPIServer, "kubernetes", "10.96.0.1", "127.0.0.1")
}

func clock() time.Time { return pkitest.Now }

// pool is what the API server makes of a file of CAs
// (apiserver/pkg/server/dynamiccertificates, loadCABundle).
func (x *tree) pool(name string) (*x509.CertPool, error) {
	data, err := os.ReadFile(x.path(name))
	if err != nil {
		return nil, err
	}
	certs, err := certutil.ParseCertsPEM(data)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, c := range certs {
		pool.AddCert(c)
	}
	return pool, nil
}

// verify is what a server makes of the certificates that a client presents
// (apiserver/pkg/authentication/request/x509).
func verify(certs []*x509.Certificate, pool *x509.CertPool, usage x509.ExtKeyUsage) error {
	if len(certs) == 0 {
		return errors.New("no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range certs[1:] {
		between.AddCert(c)
	}
	_, err := certs[0].Verify(x509.VerifyOptions{Roots: pool, Intermediates: between, CurrentTime: pkitest.Now, KeyUsages: []x509.ExtKeyUsage{usage}})
	return err
}

// handshake connects a client to a server that asks for its certificate, and
// returns what it presented.
func handshake(server, client *tls.Config) ([]*x509.Certificate, error) {
	listener, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	type answer struct {
		certs []*x509.Certificate
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			answers <- answer{err: err}
			return
		}
		defer conn.Close()
		_, err = conn.Write([]byte("x"))
		answers <- answer{conn.(*tls.Conn).ConnectionState().PeerCertificates, err}
	}()
	conn, err := tls.Dial("tcp", listener.Addr().String(), client)
	if err == nil {
		defer conn.Close()
		_, err = io.ReadFull(conn, make([]byte, 1))
	}
	got := <-answers
	return got.certs, cmp.Or(err, got.err)
}

// pair loads a certificate and its key, as a server or a client does.
func (x *tree) pair(name string) (tls.Certificate, []*x509.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(x.path(pkiDir+name+".crt"), x.path(pkiDir+name+".key"))
	if err != nil {
		return pair, nil, err
	}
	var certs []*x509.Certificate
	for _, der := range pair.Certificate {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return pair, nil, err
		}
		certs = append(certs, cert)
	}
	return pair, certs, nil
}

// brokenBy says which components of a kubeadm tree fail, and how.
func (x *tree) brokenBy() []string {
	var all []string
	fail := func(who string, err error) {
		if err != nil {
			all = append(all, who+": "+err.Error())
		}
	}
	clientCA, err := x.pool(caFile)
	fail("client-ca-file", err)
	serving, _, err := x.pair("apiserver")
	fail("apiserver", err)
	if len(all) > 0 {
		return all
	}
	server := &tls.Config{Certificates: []tls.Certificate{serving}, ClientAuth: tls.RequestClientCert, Time: clock}
	for _, name := range []string{"admin", "scheduler"} {
		certs, err := x.connect(server, confDir+name+".conf")
		if err == nil {
			err = verify(certs, clientCA, x509.ExtKeyUsageClientAuth)
		}
		fail(name, err)
	}
	for _, p := range []struct {
		name, ca string
		usages   []x509.ExtKeyUsage
	}{
		{"apiserver-kubelet-client", "ca", []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}},
		{"front-proxy-client", "front-proxy-ca", []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}},
		{"apiserver-etcd-client", "etcd/ca", []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}},
		{"etcd/server", "etcd/ca", []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}},
		{"etcd/peer", "etcd/ca", []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}},
	} {
		if _, err := os.Stat(x.path(pkiDir + p.name + ".crt")); err != nil {
			continue // not of this tree
		}
		pool, err := x.pool(pkiDir + p.ca + ".crt")
		fail(p.name, err)
		_, certs, err := x.pair(p.name)
		for _, usage := range p.usages {
			if err == nil {
				err = verify(certs, pool, usage)
			}
		}
		fail(p.name, err)
	}
	return all
}

// connect connects with a kubeconfig, as client-go does, and returns what the
// server sees of the client.
func (x *tree) connect(server *tls.Config, conf string) ([]*x509.Certificate, error) {
	config, err := clientcmd.BuildConfigFromFlags("", x.path(conf))
	if err != nil {
		return nil, err
	}
	client, err := rest.TLSConfigFor(config)
	if err != nil {
		return nil, err
	}
	client.Time, client.ServerName = clock, cmp.Or(client.ServerName, "127.0.0.1")
	return handshake(server, client)
}

// neighbor is a way to spoil a tree, or to make it odd.
type neighbor struct {
	name  string
	spoil func(x *tree)
	// want is a part of what is said of it as critical; "" for anything.
	want string
	// doubt is set where what breaks it is not in the tree: it is said to be
	// skipped. strict is set where the components pass over a loss in silence.
	doubt, strict bool
}

// hold holds what is said of a tree against what its components make of it.
func (n neighbor) hold(t *testing.T, make func(x *tree)) {
	t.Run(n.name, func(t *testing.T) {
		x := newTree(t)
		make(x)
		n.spoil(x)
		broken := x.brokenBy()
		inv := x.inspect()
		var critical []string
		for _, e := range inv.Items {
			for _, f := range e.Findings {
				if f.Severity == inventory.Critical {
					critical = append(critical, fmt.Sprintf("%s %s: %s", e.Name, f.Code, f.Message))
				}
			}
		}
		for _, f := range inv.Findings {
			if f.Severity == inventory.Critical {
				critical = append(critical, fmt.Sprintf("%s %s: %s", f.Where, f.Code, f.Message))
			}
		}
		told := len(critical) > 0
		switch {
		case n.doubt && !told:
			told = slices.ContainsFunc(inv.Skipped, func(s inventory.Skip) bool { return !s.Expected })
		case n.strict && len(broken) == 0:
			told = !told
		}
		if told != (len(broken) > 0) {
			t.Errorf("Kubernetes: %q\nsaid: %q", broken, critical)
		}
		if !strings.Contains(strings.Join(critical, "\n"), n.want) {
			t.Errorf("%q is not said, but %q", n.want, critical)
		}
	})
}
