//go:build e2e

package e2e

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"regexp"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

// nodeSecrets returns the texts that the private keys on a node would show up
// as, whatever they were wrapped in: the private numbers as hexadecimal and
// base64, and base64 of their PEM, each in any alignment.
func nodeSecrets(t *testing.T, node string) []string {
	t.Helper()
	text := onNode(t, node, "sh", "-c", "find /etc/kubernetes /var/lib/kubelet/pki -type f -exec cat {} + ")
	keys := regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----`).FindAllString(text, -1)
	for _, data := range regexp.MustCompile(`client-key-data: (\S+)`).FindAllStringSubmatch(text, -1) {
		key, err := base64.StdEncoding.DecodeString(data[1])
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, string(key))
	}
	if len(keys) == 0 {
		t.Fatalf("no private key on %s", node)
	}
	return secretsOf(t, keys...)
}

// secretsOf returns the texts that private keys, as PEM, would show up as.
func secretsOf(t *testing.T, keys ...string) []string {
	t.Helper()
	var texts []string
	for _, key := range keys {
		for _, number := range privateNumbers(t, key) {
			texts = append(texts, hex.EncodeToString(number))
			texts = append(texts, aligned(number)...)
			texts = append(texts, string(number))
		}
		// A line of its PEM that holds private numbers: the first of a short key,
		// the last whole one of RSA's.
		lines := strings.Split(strings.TrimSpace(key), "\n")
		line := lines[1]
		if len(lines) > 10 {
			line = lines[len(lines)-3]
		}
		texts = append(append(texts, line), aligned([]byte(line))...)
	}
	return texts
}

// aligned are the parts of data's base64 that do not depend on what precedes
// and follows it, for each place it could begin at.
func aligned(data []byte) []string {
	var texts []string
	for skip := range 3 {
		whole := data[skip:]
		whole = whole[:len(whole)/3*3]
		texts = append(texts, base64.StdEncoding.EncodeToString(whole))
	}
	return texts
}

// privateKey reads a key in any form that nodes have.
func privateKey(t *testing.T, text string) crypto.Signer {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatal("a key on the node is no PEM")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key
	}
	if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
		return key
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(crypto.Signer)
}

func privateNumbers(t *testing.T, text string) [][]byte {
	t.Helper()
	switch key := privateKey(t, text).(type) {
	case *rsa.PrivateKey:
		return [][]byte{key.D.Bytes(), key.Primes[0].Bytes(), key.Primes[1].Bytes()}
	case *ecdsa.PrivateKey:
		number, err := key.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return [][]byte{number}
	case ed25519.PrivateKey:
		return [][]byte{key.Seed()}
	default:
		t.Fatalf("a key on the node is a %T", key)
		return nil
	}
}

// leaks counts those of secrets that are in text.
func leaks(text string, secrets []string) int {
	n := 0
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			n++
		}
	}
	return n
}

func holdsNoKey(t *testing.T, text string, secrets []string) {
	t.Helper()
	if n := leaks(text, secrets); n > 0 {
		t.Errorf("%d parts of private keys are in it", n)
	}
	if strings.Contains(text, "PRIVATE KEY") || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte("-----BEGIN RSA PRIVATE KEY"))) {
		t.Error("a private key is in it")
	}
}

// The search finds keys where they are: in the node's own files, as PEM and
// inside of a kubeconfig, and in what wraps them once more.
func TestKeysWouldBeFound(t *testing.T) {
	secrets := nodeSecrets(t, controlPlane)
	conf := onControlPlane(t, "cat", "/etc/kubernetes/admin.conf")
	config, err := clientcmd.Load([]byte(conf))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"PEM":             onControlPlane(t, "cat", "/etc/kubernetes/pki/ca.key"),
		"a kubelet's":     onControlPlane(t, "cat", "/var/lib/kubelet/pki/kubelet-server-current.pem"),
		"a kubeconfig":    conf,
		"a kubeconfig's":  string(config.AuthInfos["kubernetes-admin"].ClientKeyData),
		"base64 of a key": base64.StdEncoding.EncodeToString([]byte("x" + onControlPlane(t, "cat", "/etc/kubernetes/pki/sa.key"))),
	} {
		if leaks(text, secrets) == 0 {
			t.Errorf("%s: not found", name)
		}
	}
}

// keyIn is the private key, as PEM, of the current context of a kubeconfig.
func keyIn(t *testing.T, path string) string {
	t.Helper()
	config, err := clientcmd.LoadFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(config.AuthInfos[config.Contexts[config.CurrentContext].AuthInfo].ClientKeyData)
}
