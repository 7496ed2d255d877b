package scan_test

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// Backups and copies are listed with their path, and nobody is alarmed.
func TestCopiesAreNotInUse(t *testing.T) {
	x := newTree(t)
	makeKubeadm(x)
	gone := pki.EncodeCertificates(x.issue("etc/kubernetes/pki/ca.crt", pkitest.Server("kube-apiserver", "old"), pkitest.Left(-pkitest.Day)))
	copies := []string{"etc/kubernetes/tmp/kubeadm-backup-certs-2026-10-01/apiserver.crt", "etc/kubernetes/pki.old/apiserver.crt", "etc/kubernetes/pki.bak/ca.crt",
		"etc/kubernetes/pki/apiserver.crt.2025", "etc/kubernetes/pki/apiserver.crt.old", "etc/kubernetes/pki/apiserver.crt~", "etc/kubernetes/pki/apiserver-old.crt",
		"etc/kubernetes/pki-backup-2025-01-01/etcd/server.crt", "etc/kubernetes/pki.2025-01-01/front-proxy-ca.crt", "etc/kubernetes/pki/apiserver.crt.bak-20250101", "etc/kubernetes/backup/pki/sa.pem"}
	for _, name := range copies {
		x.write(name, gone)
	}
	x.write("etc/kubernetes/pki.old/apiserver.key", keyPEM(t, "another"))
	x.write("etc/kubernetes/pki.old/broken.crt", []byte("garbage"))
	x.write("etc/kubernetes/admin.conf.bak", kubeconfig(t, clientcmdapi.Cluster{InsecureSkipTLSVerify: true}, clientcmdapi.AuthInfo{ClientCertificateData: gone, ClientKeyData: []byte("x")}))
	inv := x.inspect()
	if codeOf(inv) != 0 {
		t.Errorf("faults %q, said %q", faults(inv), said(inv))
	}
	told := false
	for _, e := range inv.Items {
		if !e.Copy {
			continue
		}
		told = true
		for _, name := range append(copies, "etc/kubernetes/admin.conf.bak") {
			if !slices.ContainsFunc(e.Locations, func(l inventory.Location) bool { return l.Where == x.path(name) }) {
				t.Errorf("%s is not told of", name)
			}
		}
	}
	if !told || !strings.Contains(strings.Join(said(inv), "\n"), "certificates in copies and backups, listed but not checked: 12") {
		t.Errorf("copies are not told of: %q", said(inv))
	}
	// Whoever names a backup asks about it.
	if got := codeOf(x.inspect("etc/kubernetes/pki.old")); got != 2 {
		t.Errorf("a backup that was named comes to %d", got)
	}
	// What only looks like one is in use.
	for _, name := range []string{"node-0.pem", "web-2.crt", "old-school.crt", "backup-server.crt", "kubelet-client-2026-01-01-00-00-00.pem", "golden.crt"} {
		y := newTree(t)
		y.write(name, gone)
		if got := codeOf(y.inspect()); got != 2 {
			t.Errorf("%s comes to %d", name, got)
		}
	}
}

// An absolute link in a copy of a node's files leads into the copy.
func TestLinksLeadIntoTheCopy(t *testing.T) {
	x := newTree(t)
	makeKubeadm(x)
	host, backup := x.path("host"), "copy"+x.path("host")
	for _, root := range []string{"host", backup} {
		x.cas[root] = pkitest.NewCA(t, "kubernetes")
		x.write(root+"/k/ssl/ca.crt", x.cas[root].PEM())
		x.write(root+"/k/ssl/etcd/ca.crt", pkitest.NewCA(t, "etcd of "+root).PEM())
		x.write(root+"/k/other/x.crt", nil)
	}
	x.write("host/k/ssl/apiserver.crt", pki.EncodeCertificates(x.issue("host", pkitest.Server("kube-apiserver", "host"))))
	x.write(backup+"/k/ssl/apiserver.crt", pki.EncodeCertificates(x.issue(backup, pkitest.Server("kube-apiserver", "copy"), pkitest.Left(-pkitest.Day))))
	for _, root := range []string{"host", backup} {
		x.link(root+"/k/pki", filepath.Join(host, "k/ssl"))
		x.link(root+"/k/other/tls", filepath.Join(host, "k/pki"))
	}
	for path, want := range map[string]int{
		backup + "/k/pki": 2, backup + "/k": 2, "copy": 2, backup + "/k/pki/apiserver.crt": 2, backup + "/k/other/tls": 2, backup + "/k/other/tls/apiserver.crt": 2,
		"host/k/pki": 0, "host/k/pki/apiserver.crt": 0, "host/k/other/tls": 0,
	} {
		inv := x.inspect(path)
		expired := slices.Contains(faults(inv), "apiserver: expired") || slices.ContainsFunc(faults(inv), func(f string) bool { return strings.HasSuffix(f, "apiserver.crt: expired") })
		if expired != (want == 2) {
			t.Errorf("%s: %q, said %q", path, faults(inv), said(inv))
		}
	}
	// What the copy does not have is not this machine's.
	y := newTree(t)
	y.write("real/ssl/ca.crt", pkitest.NewCA(t, "this machine's").PEM())
	y.write("copy/etc/kubernetes/admin.txt", nil)
	y.link("copy/etc/kubernetes/pki", y.path("real/ssl"))
	// The link's own target, seen from the node, is not in the copy.
	inv := y.inspect("copy")
	if len(inv.Items) != 0 || !strings.Contains(strings.Join(said(inv), "\n"), "which is not in this copy") {
		t.Errorf("seen %q, said %q", y.names(inv), said(inv))
	}
}

// A key belongs to the certificate that it fits, of those that share its name.
func TestKeysOfSiblings(t *testing.T) {
	a, b := pkitest.NewCA(t, "a"), pkitest.NewCA(t, "b")
	for name, tt := range map[string]struct {
		files map[string][]byte
		want  []string
	}{
		"x.pem beside x.crt and x.key":    {map[string][]byte{"ca.crt": a.PEM(), "ca.key": keyPEM(t, "a"), "ca.pem": b.PEM()}, nil},
		"x.cer too":                       {map[string][]byte{"ca.crt": a.PEM(), "ca.key": keyPEM(t, "a"), "ca.cer": b.Certificate.Raw}, nil},
		"x-key.pem belongs to x.pem":      {map[string][]byte{"ca.crt": a.PEM(), "ca.key": keyPEM(t, "a"), "ca.pem": b.PEM(), "ca-key.pem": keyPEM(t, "b")}, nil},
		"neither fits":                    {map[string][]byte{"ca.crt": a.PEM(), "ca.key": keyPEM(t, "c"), "ca.pem": b.PEM()}, []string{"ca.crt: key-mismatch", "ca.pem: key-mismatch"}},
		"key.pem beside cert.pem":         {map[string][]byte{"cert.pem": a.PEM(), "key.pem": keyPEM(t, "b")}, []string{"cert.pem: key-mismatch"}},
		"another's key in x.pem":          {map[string][]byte{"web.pem": append(a.PEM(), keyPEM(t, "b")...), "web-key.pem": keyPEM(t, "a")}, nil},
		"its own key in x.pem":            {map[string][]byte{"web.pem": append(a.PEM(), keyPEM(t, "a")...), "web-key.pem": keyPEM(t, "b")}, nil},
		"another's key in x.pem alone":    {map[string][]byte{"web.pem": append(a.PEM(), keyPEM(t, "b")...)}, []string{"web.pem: key-mismatch"}},
		"a certificate in x.key":          {map[string][]byte{"web.crt": a.PEM(), "web.key": append(keyPEM(t, "a"), b.PEM()...)}, nil},
		"a certificate in x.key alone":    {map[string][]byte{"web.key": append(keyPEM(t, "a"), b.PEM()...)}, []string{"web.key: key-mismatch"}},
		"privkey.pem of certbot":          {map[string][]byte{"fullchain.pem": a.PEM(), "privkey.pem": keyPEM(t, "b")}, []string{"fullchain.pem: key-mismatch"}},
		"privkey.pem of certbot, rightly": {map[string][]byte{"fullchain.pem": a.PEM(), "cert.pem": a.PEM(), "privkey.pem": keyPEM(t, "a")}, nil},
	} {
		x := newTree(t)
		for file, data := range tt.files {
			x.write(file, data)
		}
		var got []string
		inv := x.inspect()
		for _, e := range inv.Items {
			for _, f := range e.Findings {
				if f.Severity != inventory.Info {
					got = append(got, filepath.Base(e.Name)+": "+string(f.Code))
				}
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q (%q)", name, got, tt.want, said(inv))
		}
	}
}

// A large kubeconfig is read, and one beyond all bounds named; what clientcmd
// refuses is broken.
func TestLargeKubeconfigs(t *testing.T) {
	ca := pkitest.NewCA(t, "my CA")
	gone := pki.EncodeCertificates(ca.Issue(t, pkitest.Client("gone"), pkitest.Left(-pkitest.Day)))
	config := kubeconfig(t, clientcmdapi.Cluster{CertificateAuthorityData: ca.PEM()}, clientcmdapi.AuthInfo{ClientCertificateData: gone, ClientKeyData: keyPEM(t, "gone")})
	padding := func(n int) []byte { return []byte("# " + strings.Repeat("x", n) + "\n") }
	for name, tt := range map[string]struct {
		data []byte
		code int
		said string
	}{
		"6 MB":    {slices.Concat(config, padding(6<<20)), 2, ""},
		"20 MB":   {slices.Concat(config, padding(20<<20)), 3, "it is a kubeconfig larger than 16 MiB"},
		"a torn":  {append(config, "\t{"...), 1, "it is not a valid kubeconfig"},
		"of JSON": {[]byte(`{"kind":"Config","apiVersion":"v1","clusters":[{"name":"x","cluster":{"insecure-skip-tls-verify":true}}],"users":[],"contexts":[]}`), 1, "allows anyone to impersonate"},
	} {
		x := newTree(t)
		x.write("config", tt.data)
		for _, path := range []string{"", "config"} {
			inv := x.inspect(path)
			if got := codeOf(inv); got != tt.code || !strings.Contains(strings.Join(said(inv), "\n"), tt.said) {
				t.Errorf("%s: it comes to %d: %q %q", name, got, faults(inv), said(inv))
			}
		}
		if _, err := clientcmd.Load(tt.data); (err != nil) != (name == "a torn") {
			t.Errorf("%s: clientcmd says %v", name, err)
		}
	}
}

// What is done with a kubeconfig of many contexts grows with it, and not with its
// square.
func TestManyContexts(t *testing.T) {
	ca := pkitest.NewCA(t, "my CA")
	cert, key := pki.EncodeCertificates(ca.Issue(t, pkitest.Client("alice"))), keyPEM(t, "alice")
	took := func(contexts int) time.Duration {
		config := clientcmdapi.NewConfig()
		for i := range contexts {
			name := strconv.Itoa(i)
			config.Clusters[name] = &clientcmdapi.Cluster{Server: "https://" + name + ".example", CertificateAuthorityData: ca.PEM()}
			config.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificateData: cert, ClientKeyData: key}
			config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
		}
		data, err := clientcmd.Write(*config)
		if err != nil {
			t.Fatal(err)
		}
		x := newTree(t)
		x.write("config", data)
		best := time.Hour
		for range 2 {
			start := time.Now()
			x.inspect("config")
			best = min(best, time.Since(start))
		}
		return best
	}
	if few, many := took(1000), took(4000); many > 9*few {
		t.Errorf("1,000 contexts take %s, and 4,000 %s", few, many)
	}
}

// Rows are looked for where they would be: in the directories that were read.
func TestRowsThatAreLookedFor(t *testing.T) {
	x := newTree(t)
	makeKubeadm(x)
	for path, want := range map[string][]string{
		"":                                 {"admin", "apiserver", "etcd-server", "scheduler"},
		"etc/kubernetes":                   {"admin", "apiserver", "etcd-server", "scheduler"},
		"etc/kubernetes/pki":               {"apiserver", "etcd-server"},
		"etc/kubernetes/pki/etcd":          {"etcd-server"},
		"etc/kubernetes/pki/apiserver.crt": nil,
		"var/lib/kubelet/pki":              nil,
	} {
		var got []string
		for _, row := range x.inspect(path).LookedFor {
			if slices.Contains([]string{"admin", "apiserver", "etcd-server", "scheduler"}, row) {
				got = append(got, row)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: looked for %q, want %q", path, got, want)
		}
	}
	y := newTree(t)
	makeRancher(y, "k3s")
	if got := y.inspect().LookedFor; len(got) > 0 {
		t.Errorf("in k3s's files it looked for %q", got)
	}
}
