//go:build e2e

package e2e

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// Somebody renews etcd's certificate on disk, and etcd does not see it: it reads
// its files at every handshake, but those of the directory that its container has
// mounted, and the directory was replaced as a whole.
func TestNodeFilesFindAnEtcdThatWasNotRestarted(t *testing.T) {
	const dir, held = "/etc/kubernetes/pki/etcd", "/etc/kubernetes/pki/.etcd-e2e-held"
	inode := func() string { return strings.TrimSpace(onControlPlane(t, "stat", "-c", "%i", dir)) }
	before := inode()
	t.Cleanup(func() {
		onNodeWith(t, controlPlane, nil, "sh", "-c", "if [ -d "+held+" ]; then rm -rf "+dir+" && mv "+held+" "+dir+"; fi")
		onNodeWith(t, controlPlane, nil, "sh", "-c", "[ $(stat -c %i "+dir+") = "+before+" ]")
	})
	certificate, key := renewed(t, dir)
	onControlPlane(t, "sh", "-c", "mv "+dir+" "+held+" && cp -a "+held+" "+dir)
	if inode() == before {
		t.Fatal("the directory is still the same")
	}
	onNodeWith(t, controlPlane, certificate, "sh", "-c", "cat > "+dir+"/server.crt")
	onNodeWith(t, controlPlane, key, "sh", "-c", "cat > "+dir+"/server.key")

	p := newPerson(t, adminKubeconfig(t))
	inv, _ := p.inspect(0, onNodes(t, "--node-files="+controlPlane)[1:]...)
	var served, lying []inventory.Entry
	for _, e := range inv.Items {
		if e.Name != "etcd-server" {
			continue
		}
		if slices.ContainsFunc(e.Findings, func(f inventory.Finding) bool {
			return f.Code == inventory.CodeServedDiffers && strings.Contains(f.Message, controlPlane+":"+dir+"/server.crt")
		}) {
			served = append(served, e)
		} else {
			lying = append(lying, e)
		}
	}
	if len(served) != 1 || len(lying) != 1 {
		t.Fatalf("with the finding %+v, without %+v", served, lying)
	}
	agreesWithOpenSSL(t, newPerson(t, ""), served[0], certificateIn(t, controlPlane, held+"/server.crt"))
	agreesWithOpenSSL(t, newPerson(t, ""), lying[0], string(certificate))
}

// renewed returns another certificate for etcd, signed by its CA in dir, and its
// key.
func renewed(t *testing.T, dir string) (certificate, key []byte) {
	t.Helper()
	parse := func(file string) *x509.Certificate {
		certs, err := pki.ParseCertificates([]byte(onControlPlane(t, "cat", dir+"/"+file)))
		if err != nil {
			t.Fatal(err)
		}
		return certs[0]
	}
	old, ca := parse("server.crt"), parse("ca.crt")
	signer := privateKey(t, onControlPlane(t, "cat", dir+"/ca.key"))
	fresh, err := pki.GenerateKey(pki.ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: old.Subject.CommonName},
		NotBefore: old.NotBefore, NotAfter: old.NotAfter.Add(24 * time.Hour), KeyUsage: old.KeyUsage, ExtKeyUsage: old.ExtKeyUsage,
		BasicConstraintsValid: true, DNSNames: old.DNSNames, IPAddresses: old.IPAddresses,
	}, ca, fresh.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if key, err = pki.EncodeKey(fresh); err != nil {
		t.Fatal(err)
	}
	return pki.EncodeCertificates(cert), key
}
