package scan_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// conf is a neighbor with another kubeconfig of the scheduler.
func conf(change func(x *tree, c *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo)) func(x *tree) {
	return func(x *tree) {
		c := clientcmdapi.Cluster{CertificateAuthorityData: x.cas[caFile].PEM()}
		u := clientcmdapi.AuthInfo{ClientKeyData: keyPEM(x.t, "system:kube-scheduler"),
			ClientCertificateData: pki.EncodeCertificates(x.issue(caFile, pkitest.Client("system:kube-scheduler")))}
		x.leaf(pkiDir+"scheduler.crt", caFile, pkitest.Client("system:kube-scheduler"))
		x.write(pkiDir+"empty.txt", nil)
		change(x, &c, &u)
		x.write(confFile, kubeconfig(x.t, c, u))
	}
}

// cluster and user change one part of it.
func cluster(change func(x *tree, c *clientcmdapi.Cluster)) func(x *tree) {
	return conf(func(x *tree, c *clientcmdapi.Cluster, _ *clientcmdapi.AuthInfo) { change(x, c) })
}

func user(change func(u *clientcmdapi.AuthInfo)) func(x *tree) {
	return conf(func(_ *tree, _ *clientcmdapi.Cluster, u *clientcmdapi.AuthInfo) { change(u) })
}

// authorityIn names a file instead of the CA itself.
func authorityIn(name string) func(x *tree) {
	return cluster(func(_ *tree, c *clientcmdapi.Cluster) { c.CertificateAuthority, c.CertificateAuthorityData = name, nil })
}

// filed names files instead of the user's pair.
func filed(cert, key string) func(x *tree) {
	return user(func(u *clientcmdapi.AuthInfo) { *u = clientcmdapi.AuthInfo{ClientCertificate: cert, ClientKey: key} })
}

// text changes the kubeconfig as text.
func text(change func([]byte) []byte) func(x *tree) {
	return func(x *tree) { x.edit(confFile, change) }
}

func replace(old, with string) func([]byte) []byte {
	return func(data []byte) []byte { return bytes.Replace(data, []byte(old), []byte(with), 1) }
}

// brokenLines breaks each line of base64 in two, in some style of YAML.
func brokenLines(first, between, last string) func([]byte) []byte {
	return func(data []byte) []byte {
		lines := strings.Split(string(data), "\n")
		for i, line := range lines {
			if field, value, ok := strings.Cut(line, "-data: "); ok {
				lines[i] = field + "-data: " + first + value[:60] + between + value[60:] + last
			}
		}
		return []byte(strings.Join(lines, "\n"))
	}
}

// twoUsers has an expired user beside a good one.
func twoUsers(current string) func(x *tree) {
	return func(x *tree) {
		info := func(options ...pkitest.Option) *clientcmdapi.AuthInfo {
			cert := x.issue(caFile, append([]pkitest.Option{pkitest.Client("system:kube-scheduler")}, options...)...)
			return &clientcmdapi.AuthInfo{ClientCertificateData: pki.EncodeCertificates(cert), ClientKeyData: keyPEM(x.t, "system:kube-scheduler")}
		}
		data, err := clientcmd.Write(clientcmdapi.Config{
			Clusters: map[string]*clientcmdapi.Cluster{
				"local": {Server: "https://127.0.0.1:6443", CertificateAuthorityData: x.cas[caFile].PEM()},
				"other": {Server: "https://127.0.0.1:6443", CertificateAuthorityData: pkitest.NewCA(x.t, "other").PEM()}},
			AuthInfos: map[string]*clientcmdapi.AuthInfo{"fresh": info(), "old": info(pkitest.Left(-pkitest.Day))},
			Contexts: map[string]*clientcmdapi.Context{"fresh": {Cluster: "local", AuthInfo: "fresh"}, "old": {Cluster: "local", AuthInfo: "old"},
				"other": {Cluster: "other", AuthInfo: "fresh"}},
			CurrentContext: current,
		})
		if err != nil {
			x.t.Fatal(err)
		}
		x.write(confFile, data)
	}
}

// Kubeconfigs of a component, judged by client-go.
func TestKubeconfigsAreJudgedAsComponentsDo(t *testing.T) {
	const unreadable, mismatch = "scheduler.conf#certificate-authority unreadable", "does not match the private key"
	other := pkitest.NewCA(t, "other").PEM()
	before := func(data []byte, text string) []byte { return append([]byte(text), data...) }
	after := func(data []byte, text string) []byte { return append(data, text...) }
	authorityAnd := func(put func([]byte, string) []byte, text string) func(x *tree) {
		return cluster(func(_ *tree, c *clientcmdapi.Cluster) {
			c.CertificateAuthorityData = put(c.CertificateAuthorityData, text)
		})
	}
	certificateAnd := func(put func([]byte, string) []byte, text string) func(x *tree) {
		return user(func(u *clientcmdapi.AuthInfo) { u.ClientCertificateData = put(u.ClientCertificateData, text) })
	}
	encode := func(data []byte) []byte { return []byte(base64.StdEncoding.EncodeToString(data)) }
	for _, n := range []neighbor{
		{name: "as it was", spoil: conf(func(*tree, *clientcmdapi.Cluster, *clientcmdapi.AuthInfo) {})},
		{name: "a CA file relative to it", spoil: authorityIn("pki/ca.crt")},
		{name: "a CA file by way of its parent", spoil: authorityIn("../kubernetes/pki/ca.crt")},
		{name: "a CA file that is not there", spoil: authorityIn("nothing.crt"), doubt: true},
		{name: "a CA file that holds a key", spoil: authorityIn("pki/ca.key"), want: unreadable},
		{name: "a CA file that is empty", spoil: authorityIn("pki/empty.txt"), want: unreadable},
		{name: "a CA file of another CA", spoil: func(x *tree) {
			x.write(pkiDir+"other.crt", pkitest.NewCA(x.t, "other").PEM())
			authorityIn("pki/other.crt")(x)
		}, want: "which is missing"},
		{name: "a CA twice, as data and as a file", spoil: cluster(func(_ *tree, c *clientcmdapi.Cluster) { c.CertificateAuthority = "pki/ca.crt" }), want: "it has both certificate-authority and certificate-authority-data"},
		{name: "a CA that is text", spoil: cluster(func(_ *tree, c *clientcmdapi.Cluster) { c.CertificateAuthorityData = []byte("hello") }), want: unreadable},
		{name: "a CA that is a line break", spoil: cluster(func(_ *tree, c *clientcmdapi.Cluster) { c.CertificateAuthorityData = []byte("\n") }), want: unreadable},
		{name: "a CA as DER", spoil: cluster(func(x *tree, c *clientcmdapi.Cluster) { c.CertificateAuthorityData = x.cas[caFile].Certificate.Raw }), want: unreadable},
		{name: "a CA that was encoded twice", spoil: cluster(func(_ *tree, c *clientcmdapi.Cluster) {
			c.CertificateAuthorityData = encode(c.CertificateAuthorityData)
		}), want: unreadable},
		{name: "a CA with nonsense behind", spoil: authorityAnd(after, "-----BEGIN CERTIFICATE-----\nMIIBAAAA\n-----END CERTIFICATE-----\n"), strict: true},
		{name: "a CA with a damaged one behind", spoil: authorityAnd(after, string(other[:400])), strict: true},
		{name: "a CA that is itself behind a mark", spoil: authorityAnd(before, "\ufeff"), want: unreadable},
		{name: "a CA behind text", spoil: authorityAnd(before, "# the CA\n")},
		{name: "a CA behind another", spoil: authorityAnd(before, string(other))},
		{name: "a CA in front of another that expired", spoil: authorityAnd(after, string(pkitest.NewCA(t, "old", pkitest.Left(-pkitest.Day)).PEM()))},
		{name: "a CA joined with another", spoil: cluster(func(_ *tree, c *clientcmdapi.Cluster) {
			c.CertificateAuthorityData = append(bytes.TrimSpace(c.CertificateAuthorityData), other...)
		}), want: "followed by other text on its END line"},
		{name: "a CA with Windows' line ends", spoil: cluster(func(_ *tree, c *clientcmdapi.Cluster) {
			c.CertificateAuthorityData = bytes.ReplaceAll(c.CertificateAuthorityData, []byte("\n"), []byte("\r\n"))
		})},
		{name: "a certificate with nonsense behind", spoil: certificateAnd(after, "-----BEGIN CERTIFICATE-----\nMIIBAAAA\n-----END CERTIFICATE-----\n")},
		{name: "a certificate with a damaged one behind", spoil: certificateAnd(after, string(other[:400]))},
		{name: "a certificate behind a CA", spoil: certificateAnd(before, string(other)), want: "does not begin with the certificate of its private key"},
		{name: "a certificate behind a mark", spoil: certificateAnd(before, "\ufeff"), want: "byte order mark"},
		{name: "a certificate behind text", spoil: certificateAnd(before, "subject=x\n")},
		{name: "no CA", spoil: cluster(func(_ *tree, c *clientcmdapi.Cluster) { c.CertificateAuthorityData = nil }), doubt: true},
		{name: "no verification", spoil: cluster(func(_ *tree, c *clientcmdapi.Cluster) {
			c.InsecureSkipTLSVerify, c.CertificateAuthorityData = true, nil
		})},
		{name: "no verification, and a CA", spoil: cluster(func(_ *tree, c *clientcmdapi.Cluster) { c.InsecureSkipTLSVerify = true }), want: "it has both insecure-skip-tls-verify and certificate-authority"},
		{name: "another name to verify", spoil: cluster(func(_ *tree, c *clientcmdapi.Cluster) { c.TLSServerName = "kubernetes" })},
		{name: "a name that the certificate does not have", spoil: cluster(func(_ *tree, c *clientcmdapi.Cluster) { c.TLSServerName = "a.example" }), want: "does not name a.example"},
		{name: "a name that a wildcard covers", spoil: func(x *tree) {
			cluster(func(_ *tree, c *clientcmdapi.Cluster) { c.TLSServerName = "a.example" })(x)
			x.leaf(apiFile, caFile, pkitest.Server(kubeAPIServer, "*.example", "127.0.0.1"))
		}},
		{name: "a name below what a wildcard covers", spoil: func(x *tree) {
			cluster(func(_ *tree, c *clientcmdapi.Cluster) { c.TLSServerName = "a.b.example" })(x)
			x.leaf(apiFile, caFile, pkitest.Server(kubeAPIServer, "*.example", "127.0.0.1"))
		}, want: "does not name a.b.example"},

		{name: "a pair in files", spoil: filed("pki/scheduler.crt", "pki/scheduler.key")},
		{name: "a pair of two owners", spoil: filed("pki/scheduler.crt", "pki/apiserver.key"), want: mismatch},
		{name: "a key file that is not there", spoil: filed("pki/scheduler.crt", "pki/nothing.key"), doubt: true},
		{name: "a certificate file that is not there", spoil: filed("pki/nothing.crt", "pki/scheduler.key"), doubt: true},
		{name: "a certificate file that is empty", spoil: filed("pki/empty.txt", "pki/scheduler.key"), want: "scheduler.conf#client-certificate unreadable"},
		{name: "a key file that is empty", spoil: filed("pki/scheduler.crt", "pki/empty.txt"), want: "an empty file"},
		{name: "a certificate without a key", spoil: user(func(u *clientcmdapi.AuthInfo) { u.ClientKeyData = nil }), want: "is missing"},
		{name: "a certificate file without a key", spoil: filed("pki/scheduler.crt", ""), want: "is missing"},
		{name: "a key without a certificate", spoil: user(func(u *clientcmdapi.AuthInfo) { u.ClientCertificateData = nil }), want: "without a client certificate"},
		{name: "a certificate twice", spoil: user(func(u *clientcmdapi.AuthInfo) { u.ClientCertificate = "pki/scheduler.crt" }), want: "it has both client-certificate and client-certificate-data"},
		{name: "a key twice", spoil: user(func(u *clientcmdapi.AuthInfo) { u.ClientKey = "pki/scheduler.key" }), want: "it has both client-key and client-key-data"},
		{name: "a certificate in a file, and the key here", spoil: user(func(u *clientcmdapi.AuthInfo) {
			u.ClientCertificate, u.ClientCertificateData = "pki/scheduler.crt", nil
		})},
		{name: "a certificate that was encoded twice", spoil: user(func(u *clientcmdapi.AuthInfo) { u.ClientCertificateData = encode(u.ClientCertificateData) }), want: "scheduler.conf#client-certificate unreadable"},
		{name: "a token too", spoil: user(func(u *clientcmdapi.AuthInfo) { u.Token = "x" })},

		{name: "base64 in several lines", spoil: text(brokenLines("|\n      ", "\n      ", ""))},
		{name: "base64 folded", spoil: text(brokenLines(">-\n      ", "\n      ", "")), want: "not a valid kubeconfig"},
		{name: "base64 in several lines between quotes", spoil: text(brokenLines(`"`, "\n      ", `"`)), want: "not a valid kubeconfig"},
		{name: "base64 in several lines with their breaks", spoil: text(brokenLines(`"`, `\n`, `"`))},
		{name: "base64 cut off", spoil: text(replace("=\n", "\n")), want: "not a valid kubeconfig"},
		{name: "a byte order mark", spoil: text(func(data []byte) []byte { return append([]byte("\ufeff"), data...) })},
		{name: "Windows' line ends", spoil: text(func(data []byte) []byte { return bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n")) })},
		{name: "a tab", spoil: text(replace("\n  user:", "\n\tuser:")), want: "not a valid kubeconfig"},
		{name: "cut off", spoil: text(func(data []byte) []byte { return data[:300] })},
		{name: "empty", spoil: text(func([]byte) []byte { return nil })},
		{name: "blank", spoil: text(func([]byte) []byte { return []byte("\n") })},
		{name: "a comment", spoil: text(func([]byte) []byte { return []byte("# to be filled in\n") })},
		{name: "another kind", spoil: text(replace("kind: Config", "kind: Pod"))},
		{name: "JSON", spoil: text(func(data []byte) []byte {
			data, err := utilyaml.ToJSON(data)
			if err != nil {
				t.Fatal(err)
			}
			return data
		})},

		{name: "no current context", spoil: text(replace("current-context: Default", "")), want: "its current-context is not set"},
		{name: "a current context that is not there", spoil: text(replace("current-context: Default", "current-context: Other")), want: "its current-context does not exist"},
		{name: "a user that is not there", spoil: text(replace("user: user", "user: other")), want: "names a user that does not exist"},
		{name: "a cluster that is not there", spoil: text(replace("cluster: local", "cluster: other")), want: "names a cluster that does not exist"},
		{name: "no server", spoil: text(replace("server: https://127.0.0.1:6443", "server: ''")), want: "has no server"},
		{name: "an expired user that is not in use", spoil: twoUsers("fresh")},
		{name: "an expired user that is in use", spoil: twoUsers("old"), want: "expired"},
		{name: "another cluster that is in use", spoil: twoUsers("other"), want: "chain-broken"},
	} {
		n.hold(t, makePlane)
	}
}
