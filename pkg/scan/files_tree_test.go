package scan_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/scan"
)

// tree is a copy of a node's files.
type tree struct {
	t      *testing.T
	root   string
	cas    map[string]*pkitest.CA
	serial int64
}

func newTree(t *testing.T) *tree {
	return &tree{t: t, root: t.TempDir(), cas: map[string]*pkitest.CA{}}
}

func (x *tree) path(name string) string { return filepath.Join(x.root, filepath.FromSlash(name)) }

func (x *tree) write(name string, data []byte) {
	x.t.Helper()
	if err := os.MkdirAll(filepath.Dir(x.path(name)), 0o755); err != nil {
		x.t.Fatal(err)
	}
	if err := os.WriteFile(x.path(name), data, 0o600); err != nil {
		x.t.Fatal(err)
	}
}

func (x *tree) link(name, target string) {
	x.t.Helper()
	if err := os.Symlink(target, x.path(name)); err != nil {
		x.t.Fatal(err)
	}
}

// keyPEM is the private key of a common name.
func keyPEM(t *testing.T, commonName string) []byte {
	t.Helper()
	key, err := pki.EncodeKey(pkitest.Key(commonName))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// ca writes a CA's certificate and key.
func (x *tree) ca(name, commonName string) {
	x.t.Helper()
	if x.cas[name] == nil {
		x.cas[name] = pkitest.NewCA(x.t, commonName)
	}
	x.write(name, x.cas[name].PEM())
	x.write(keyName(name), keyPEM(x.t, commonName))
}

func keyName(name string) string {
	if stem, ok := strings.CutSuffix(name, ".pem"); ok {
		return stem + "-key.pem"
	}
	return strings.TrimSuffix(name, ".crt") + ".key"
}

// issue returns a certificate of the CA in the file called signer. No two have
// the same number.
func (x *tree) issue(signer string, options ...pkitest.Option) *x509.Certificate {
	x.t.Helper()
	x.serial++
	n := big.NewInt(x.serial)
	return x.cas[signer].Issue(x.t, append(options, func(c *x509.Certificate) { c.SerialNumber = n })...)
}

// leaf writes a certificate and its key: beside it, or in a kubeconfig.
func (x *tree) leaf(name, signer string, options ...pkitest.Option) *x509.Certificate {
	x.t.Helper()
	cert := x.issue(signer, options...)
	key := keyPEM(x.t, cert.Subject.CommonName)
	switch filepath.Ext(name) {
	case ".crt", ".pem":
		x.write(name, pki.EncodeCertificates(cert))
		x.write(keyName(name), key)
	default:
		x.write(name, kubeconfig(x.t, clientcmdapi.Cluster{CertificateAuthorityData: x.cas[signer].PEM()},
			clientcmdapi.AuthInfo{ClientCertificateData: pki.EncodeCertificates(cert), ClientKeyData: key}))
	}
	return cert
}

// kubeconfig returns one with one cluster and one user.
func kubeconfig(t testing.TB, cluster clientcmdapi.Cluster, user clientcmdapi.AuthInfo) []byte {
	t.Helper()
	cluster.Server = "https://127.0.0.1:6443"
	data, err := clientcmd.Write(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"local": &cluster},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"user": &user},
		Contexts:       map[string]*clientcmdapi.Context{"Default": {Cluster: "local", AuthInfo: "user"}},
		CurrentContext: "Default",
	})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// inspect reads paths of the tree, all of it where there are none.
func (x *tree) inspect(paths ...string) *inventory.Inventory {
	x.t.Helper()
	if len(paths) == 0 {
		paths = []string{""}
	}
	for i := range paths {
		paths[i] = x.path(paths[i])
	}
	return inspectFiles(x.t.Context(), paths, nil)
}

func inspectFiles(ctx context.Context, paths []string, stdin []byte) *inventory.Inventory {
	found := inventory.Collector{Now: pkitest.Now}
	scan.Files(paths, bytes.NewReader(stdin)).Read(ctx, &found)
	return found.Inventory(inventory.Cluster{})
}

// rows are the names in inv by the path that they were seen at, relative to the
// tree.
func (x *tree) rows(inv *inventory.Inventory) map[string]string {
	rows := map[string]string{}
	for _, e := range inv.Items {
		for _, l := range e.Locations {
			rows[strings.TrimPrefix(strings.TrimPrefix(filepath.ToSlash(l.Where), filepath.ToSlash(x.root)), "/")] = e.Name
		}
	}
	return rows
}

// faults lists what is wrong in inv: "name: code".
func faults(inv *inventory.Inventory) []string {
	var all []string
	for _, e := range inv.Items {
		for _, f := range e.Findings {
			if f.Severity != inventory.Info {
				all = append(all, e.Name+": "+string(f.Code))
			}
		}
	}
	for _, f := range inv.Findings {
		all = append(all, filepath.Base(f.Where)+": "+string(f.Code))
	}
	return all
}
