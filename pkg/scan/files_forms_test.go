package scan_test

// These tests promise that what lies in files is read or named, whatever form it
// has, and that what only quotes certificates raises no alarm.

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// marshal is DER of value.
func marshal(t *testing.T, value any, params string) []byte {
	t.Helper()
	der, err := asn1.MarshalWithParams(value, params)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// pkcs7 is a SignedData structure that signs nothing (RFC 5652, section 5.1).
func pkcs7(t *testing.T, certs ...*x509.Certificate) []byte {
	var all []byte
	for _, cert := range certs {
		all = append(all, cert.Raw...)
	}
	set := asn1.RawValue{Tag: asn1.TagSet, IsCompound: true}
	signed := struct {
		Version      int
		Algorithms   asn1.RawValue
		Content      struct{ Type asn1.ObjectIdentifier }
		Certificates asn1.RawValue
		Signers      asn1.RawValue
	}{1, set, struct{ Type asn1.ObjectIdentifier }{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}},
		asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: all}, set}
	return marshal(t, struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue
	}{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2},
		asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: marshal(t, signed, "")}}, "")
}

func keystore(t *testing.T, encoder *pkcs12.Encoder, password string, cert *x509.Certificate) []byte {
	t.Helper()
	data, err := encoder.Encode(pkitest.Key("web"), cert, nil, password)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func request(t *testing.T) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "alice", Organization: []string{"devs"}}, DNSNames: []string{"a.example"}}, pkitest.Key("alice"))
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func revocations(t *testing.T, ca *pkitest.CA) []byte {
	t.Helper()
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: pkitest.Now, NextUpdate: pkitest.Now.Add(pkitest.Day)},
		ca.Certificate, pkitest.Key("my CA"))
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestFilesOfEveryForm(t *testing.T) {
	ca := pkitest.NewCA(t, "my CA", func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageCRLSign })
	expired := ca.Issue(t, pkitest.Server("web", "web.example"), pkitest.Left(-pkitest.Day))
	block := func(label string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}) }
	key, err := x509.MarshalPKCS8PrivateKey(pkitest.Key("x"))
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(pkitest.Key("x").Public())
	if err != nil {
		t.Fatal(err)
	}
	asked := `a certificate request, not a certificate: subject "O=devs,CN=alice"`
	if want := "CN=alice,O=devs"; strings.Contains(pki.NameText(mustRequest(t, request(t)).RawSubject), want) {
		asked = "a certificate request, not a certificate: subject " + want
	}
	for _, tt := range []struct {
		name, file string
		data       []byte
		seen       int
		said       string // "" for nothing
		code       int    // of a check, by what is found: 2 with an expired certificate
	}{
		{"PKCS #7", "a.p7b", pkcs7(t, expired, ca.Certificate), 2, "", 2},
		{"PKCS #7 in PEM", "chain.crt", block("PKCS7", pkcs7(t, expired)), 1, "", 2},
		{"PKCS #7 without certificates", "a.p7b", pkcs7(t), 0, "it is a PKCS #7 bundle, which is not supported", 3},
		{"PKCS #12", "a.p12", keystore(t, pkcs12.Modern, "secret", expired), 0, "it is a PKCS #12 keystore, which is not supported", 3},
		{"PKCS #12 without a password", "a.p12", keystore(t, pkcs12.Passwordless, "", expired), 1, "", 2},
		{"PKCS #12 under another name", "a.keystore", keystore(t, pkcs12.Legacy, "secret", expired), 0, "it is a PKCS #12 keystore", 3},
		{"JKS", "a.jks", append([]byte{0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2}, make([]byte, 100)...), 0, "it is a Java keystore, which is not supported", 3},
		{"JCEKS", "cacerts", append([]byte{0xce, 0xce, 0xce, 0xce, 0, 0, 0, 2}, make([]byte, 100)...), 0, "it is a Java keystore", 3},
		{"a request", "alice.csr", block("CERTIFICATE REQUEST", request(t)), 0, asked, 0},
		{"a request as older programs write it", "alice.csr", block("NEW CERTIFICATE REQUEST", request(t)), 0, asked, 0},
		{"a request as DER", "alice.der", request(t), 0, asked, 0},
		{"a request that was changed", "alice.csr", block("CERTIFICATE REQUEST", append(request(t)[:len(request(t))-1], 'x')), 0, "its signature is invalid", 0},
		{"a revocation list", "a.crl", block("X509 CRL", revocations(t, ca)), 0, `a certificate revocation list of "CN=my CA" with 0 entries`, 0},
		{"a revocation list as DER", "a.crl", revocations(t, ca), 0, `a certificate revocation list of "CN=my CA" with 0 entries`, 0},
		{"a key as DER", "x.der", key, 0, "", 0},
		{"a public key as DER", "x.der", public, 0, "", 0},
		{"a certificate in DER", "x.cer", expired.Raw, 1, "", 2},
		{"in UTF-16", "x.crt", utf16le(pki.EncodeCertificates(expired)), 1, "is encoded in UTF-16", 2},
		{"a database", "state.db", append([]byte("SQLite format 3\x00clusters users contexts -----BEGIN CERTIFICATE-----\n"), make([]byte, 4096)...), 0, "files without certificates", 0},
		{"a core dump", "core", append([]byte("\x7fELF\x00\x00"), pki.EncodeCertificates(expired)...), 0, "files without certificates", 0},
		{"DER of something else", "data", []byte{0x30, 0x03, 0x02, 0x01, 0x05}, 0, "", 0},
		{"garbage under a certificate's name", "x.crt", []byte("\x00\x01\x02"), 0, "it contains no certificate", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := newTree(t)
			x.write("ok.crt", pkitest.NewCA(t, "another CA").PEM()) // so that there is something
			x.write(tt.file, tt.data)
			inv := x.inspect()
			if got := len(inv.Items) - 1; got != tt.seen {
				t.Errorf("%d certificates, want %d", got, tt.seen)
			}
			all := strings.Join(said(inv), "\n")
			if !strings.Contains(all, tt.said) || tt.said == "" && all != "" {
				t.Errorf("said %q, want %q", all, tt.said)
			}
			if got := codeOf(inv); got != tt.code {
				t.Errorf("it comes to %d, want %d: %q", got, tt.code, all)
			}
		})
	}
}

func mustRequest(t *testing.T, der []byte) *x509.CertificateRequest {
	t.Helper()
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

func utf16le(text []byte) []byte {
	out := []byte{0xff, 0xfe}
	for _, c := range text {
		out = append(out, c, 0)
	}
	return out
}

// codeOf is what check would make of inv: 2 critical, 1 warnings, 3 skipped.
func codeOf(inv *inventory.Inventory) int {
	worst, code := inventory.Info, 0
	for _, e := range inv.Items {
		for _, f := range e.Findings {
			if f.Severity.Compare(worst) > 0 {
				worst = f.Severity
			}
		}
	}
	for _, f := range inv.Findings {
		if f.Severity.Compare(worst) > 0 {
			worst = f.Severity
		}
	}
	if slices.ContainsFunc(inv.Skipped, func(s inventory.Skip) bool { return !s.Expected }) {
		code = 3
	}
	switch worst {
	case inventory.Critical:
		code = 2
	case inventory.Warning:
		code = 1
	}
	return code
}

// What mentions certificates or kubeconfigs, or quotes them, is no alarm.
func TestFilesThatOnlyQuote(t *testing.T) {
	ca := pkitest.NewCA(t, "my CA")
	expired := string(pki.EncodeCertificates(ca.Issue(t, pkitest.Server("web", "web.example"), pkitest.Left(-pkitest.Day))))
	config := "apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\n"
	for name, text := range map[string]string{
		"README.md":              "# Notes\n\nOur clusters serve many users; switch contexts with kubectx.\n",
		"docs/kubeconfig.md":     "```yaml\n" + config + "```\n",
		"docs/tls.md":            "```\n" + expired + "```\n",
		"README":                 "-----BEGIN CERTIFICATE-----\nMIIC...\n-----END CERTIFICATE-----\n",
		"notes.txt":              "It looks like this:\n-----BEGIN CERTIFICATE-----\nMIIC...\n-----END CERTIFICATE-----\n",
		"server_test.go":         "const cert = `" + expired + "`\n",
		"tls.py":                 "CERT = \"\"\"\n" + expired + "\"\"\"\n",
		"setup.sh":               "cat > x.crt <<EOF\n" + expired + "EOF\n",
		"kubeconfig.yaml.j2":     strings.ReplaceAll(config, "[]", "{{ x }}"),
		"templates/secret.yaml":  "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ .Release.Name }}\ntype: kubernetes.io/tls\ndata:\n  tls.crt: {{ .Values.crt | b64enc }}\n",
		"values.yaml":            "tls:\n  enabled: true\n  # -----BEGIN CERTIFICATE-----\n  crt: \"\"\nclusters: 3\nusers: 4\n",
		"proxy.yaml":             "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kube-proxy}\ndata:\n  kubeconfig.conf: |\n    " + strings.ReplaceAll(config, "\n", "\n    ") + "\n",
		"envoy.yaml":             "clusters: []\nlisteners: []\n",
		"cluster.yaml":           "apiVersion: x/v1\nkind: Fleet\nclusters: 1\nusers: [x]\ncontexts: 2\n",
		"pod.yaml":               "apiVersion: v1\nkind: Pod\nmetadata: {name: tls.crt}\n",
		"sops.yaml":              "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/tls\nmetadata: {name: a}\ndata:\n  tls.crt: ENC[AES256_GCM,data:x,type:str]\n  tls.key: ENC[AES256_GCM,data:x,type:str]\n",
		"sealed.yaml":            "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a}\nspec: {encryptedData: {tls.crt: AgBy}}\n",
		"placeholder.yaml":       "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/tls\nmetadata: {name: a}\nstringData:\n  tls.crt: ${TLS_CRT}\n  tls.key: ${TLS_KEY}\n",
		"certificate.yaml":       "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: a}\nspec: {secretName: tls.crt}\n",
		"bindings.yaml":          "apiVersion: v1\nkind: List\nitems:\n- kind: ClusterRole\n  apiVersion: x\n",
		"apt.key":                "key \"x\" { secret \"abcd\"; };\n",
		"deep/package-lock.json": "{\"clusters\": 1, \"users\": 2}\n",
	} {
		x := newTree(t)
		x.write("ok.crt", ca.PEM())
		x.write(name, []byte(text))
		inv := x.inspect()
		if len(inv.Items) != 1 || codeOf(inv) != 0 {
			t.Errorf("%s: %d certificates, %q", name, len(inv.Items), said(inv))
		}
	}
	// One that signs code is not used as a server.
	signer := func(usage x509.ExtKeyUsage) pkitest.Option {
		return func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{usage} }
	}
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning, x509.ExtKeyUsageEmailProtection, x509.ExtKeyUsageTimeStamping, x509.ExtKeyUsageOCSPSigning} {
		x := newTree(t)
		x.write("ok.crt", ca.PEM())
		x.write("sign.pem", pki.EncodeCertificates(ca.Issue(t, pkitest.Server("signer"), signer(usage))))
		if inv := x.inspect(); codeOf(inv) != 0 {
			t.Errorf("usage %d: %q", usage, faults(inv))
		}
	}
}

// Manifests are read for what is in them: a repository for GitOps is where
// certificates lie.
func TestFilesReadManifests(t *testing.T) {
	ca := pkitest.NewCA(t, "my CA")
	good, gone := pki.EncodeCertificates(ca.Issue(t, pkitest.Server("web", "web.example"))), pki.EncodeCertificates(ca.Issue(t, pkitest.Server("gone", "gone.example"), pkitest.Left(-pkitest.Day)))
	b64 := base64.StdEncoding.EncodeToString
	secret := func(name string, crt, key []byte) string {
		return "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/tls\nmetadata:\n  name: " + name + "\n  namespace: shop\ndata:\n  tls.crt: " + b64(crt) + "\n  tls.key: " + b64(key) + "\n"
	}
	indent := func(pem []byte) string {
		return "    " + strings.ReplaceAll(strings.TrimSpace(string(pem)), "\n", "\n    ") + "\n"
	}
	for _, tt := range []struct {
		name, file, text string
		seen             []string
		code             int
		said             string
	}{
		{"a Secret", "a.yaml", secret("web", good, keyPEM(t, "web")), []string{"a.yaml#secret/shop/web#tls.crt"}, 0, ""},
		{"an expired one", "a.yaml", secret("gone", gone, keyPEM(t, "gone")), []string{"a.yaml#secret/shop/gone#tls.crt"}, 2, ""},
		{"with another's key", "a.yaml", secret("web", good, keyPEM(t, "gone")), []string{"a.yaml#secret/shop/web#tls.crt"}, 2, ""},
		{"with an empty key", "a.yaml", secret("web", good, nil), []string{"a.yaml#secret/shop/web#tls.crt"}, 0, ""},
		{"behind its CA", "a.yaml", secret("web", append(ca.PEM(), good...), keyPEM(t, "web")), []string{"a.yaml#secret/shop/web#tls.crt#1", "a.yaml#secret/shop/web#tls.crt#2"}, 2, "number 2:"},
		{"no certificate", "a.yaml", secret("web", []byte("hello"), keyPEM(t, "web")), nil, 1, "is neither a certificate"},
		{"several documents", "a.yml", "# all\n---\n" + secret("web", good, keyPEM(t, "web")) + "---\n" + secret("gone", gone, keyPEM(t, "gone")), []string{"a.yml#secret/shop/gone#tls.crt", "a.yml#secret/shop/web#tls.crt"}, 2, ""},
		{"in the open", "a.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData:\n  tls.crt: |\n" + indent(gone), []string{"a.yaml#secret/web#tls.crt"}, 2, ""},
		{"a ConfigMap", "a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: roots}\ndata:\n  ca.crt: |\n" + indent(ca.PEM()), []string{"a.yaml#configmap/roots#ca.crt"}, 0, ""},
		{"JSON", "a.json", `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"gone"},"data":{"tls.crt":"` + b64(gone) + `"}}`, []string{"a.json#secret/gone#tls.crt"}, 2, ""},
		{"a List", "a.json", `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Secret","metadata":{"name":"gone"},"data":{"tls.crt":"` + b64(gone) + `"}}]}`, []string{"a.json#secret/gone#tls.crt"}, 2, ""},
		{"a webhook", "a.yaml", "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: w}\nwebhooks:\n- name: x\n  clientConfig:\n    caBundle: " + b64(ca.PEM()) + "\n", []string{"a.yaml#validatingwebhookconfiguration/w#webhooks[0].clientConfig.caBundle"}, 0, ""},
		{"a kubeconfig in a ConfigMap", "a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cluster-info}\ndata:\n  kubeconfig: |\n    apiVersion: v1\n    kind: Config\n    clusters:\n    - name: x\n      cluster: {server: https://x, certificate-authority-data: " + b64(ca.PEM()) + "}\n    contexts: []\n    users:\n    - name: z\n      user: {client-certificate: /var/run/x.crt}\n", []string{"a.yaml#configmap/cluster-info#kubeconfig#ca"}, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := newTree(t)
			x.write(tt.file, []byte(tt.text))
			inv := x.inspect()
			if got := x.names(inv); !slices.Equal(got, tt.seen) {
				t.Errorf("seen %q, want %q", got, tt.seen)
			}
			if got := codeOf(inv); got != tt.code {
				t.Errorf("it comes to %d, want %d: %q %q", got, tt.code, faults(inv), said(inv))
			}
			if all := strings.Join(said(inv), "\n"); !strings.Contains(all, tt.said) {
				t.Errorf("said %q", all)
			}
			if bytes.Contains([]byte(strings.Join(said(inv), "")), []byte("PRIVATE")) {
				t.Error("a key is in what is said")
			}
		})
	}
}
