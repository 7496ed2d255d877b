//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// undumped is a log, and what the hexadecimal dumps in it are of.
func undumped(log string) string {
	var dumped []byte
	for _, line := range regexp.MustCompile(`[0-9a-f]{8}  ((?:[0-9a-f]{2} +){1,16}) ?\|`).FindAllStringSubmatch(log, -1) {
		part, err := hex.DecodeString(strings.ReplaceAll(line[1], " ", ""))
		if err == nil {
			dumped = append(dumped, part...)
		}
	}
	return log + string(dumped)
}

// The log of a command that reads Secrets holds none of their private keys, at
// the highest verbosity, in any alignment of base64 and in any dump; nor do
// those of commands that make keys.
func TestLogHoldsNoKey(t *testing.T) {
	const namespace = "e2e-log"
	namespaces := admin(t).CoreV1().Namespaces()
	if _, err := namespaces.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := namespaces.Delete(context.WithoutCancel(t.Context()), namespace, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	key, err := pki.GenerateKey(pki.RSA3072)
	if err != nil {
		t.Fatal(err)
	}
	keyPEM, err := pki.EncodeKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pkitest.NewCA(t, "e2e log").Issue(t, pkitest.Server("log", "log.example"), pkitest.PublicKey(key.Public()))
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "log"}, Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{corev1.TLSCertKey: pki.EncodeCertificates(cert), corev1.TLSPrivateKeyKey: keyPEM},
	}
	if _, err := admin(t).CoreV1().Secrets(namespace).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	secrets := secretsOf(t, string(keyPEM))

	// The search finds the key in what client-go would log.
	asJSON, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	asProtobuf, err := secret.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(keyPEM)
	for name, text := range map[string]string{
		"JSON": string(asJSON), "protobuf": hex.Dump(asProtobuf), "a dump within a quoted line": fmt.Sprintf("body=<\n\t%s >", strings.ReplaceAll(hex.Dump(asProtobuf), "\n", "\n\t")),
		"base64 once more": base64.StdEncoding.EncodeToString(bytes.Join([][]byte{[]byte("x"), keyPEM}, nil)), "DER": base64.StdEncoding.EncodeToString(block.Bytes),
	} {
		if leaks(undumped(text), secrets) == 0 {
			t.Errorf("%s: the search does not find the key", name)
		}
	}

	p := newPerson(t, adminKubeconfig(t))
	for _, verbosity := range []string{"8", "9", "10"} {
		r := p.certs("inspect", "-n", namespace, "-v="+verbosity)
		log := undumped(r.stdout + r.stderr)
		if !strings.Contains(log, "/secrets?") {
			t.Fatalf("at -v=%s, the log does not say that Secrets were listed:\n%.2000s", verbosity, log)
		}
		holdsNoKey(t, log, secrets)
		if leaks(log, secretsOf(t, keyIn(t, adminKubeconfig(t)))) > 0 {
			t.Errorf("at -v=%s, the log holds the caller's own key", verbosity)
		}
	}
	r := p.certs("issue", "e2e-log", "--out", "e2e-log.kubeconfig", "-v=10")
	if r.code != 0 || !strings.Contains(r.stderr, "certificatesigningrequests") {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	holdsNoKey(t, undumped(r.stdout+r.stderr), secretsOf(t, keyIn(t, p.path("e2e-log.kubeconfig"))))
}
