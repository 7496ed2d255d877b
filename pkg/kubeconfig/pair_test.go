package kubeconfig

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// alicesPair is a certificate, one of its issuer's, and the key.
func alicesPair(t *testing.T) (certificate, key []byte) {
	t.Helper()
	ca := pkitest.NewCA(t, "kubernetes")
	key, err := pki.EncodeKey(pkitest.Key("alice"))
	if err != nil {
		t.Fatal(err)
	}
	return pki.EncodeCertificates(ca.Issue(t, pkitest.Client("alice")), ca.Certificate), key
}

func TestPair(t *testing.T) {
	certificate, key := alicesPair(t)
	pair, err := NewPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "certs", "alice.pem")
	if err := pair.Write(path, false); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v), want 0600", info.Mode(), err)
	}
	read, err := ReadPair(path)
	if err != nil || !bytes.Equal(read.Certificate, certificate) || !bytes.Equal(read.Key, key) ||
		read.Leaf.Subject.CommonName != "alice" || len(read.Chain) != 1 {
		t.Errorf("read %q and %d more (%v)", read.Leaf.Subject, len(read.Chain), err)
	}
	if err := pair.Write(path, false); err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("a file that is there: got %v", err)
	}
	if err := pair.Write(path, true); err != nil {
		t.Error(err)
	}
}

func TestReadPairRefuses(t *testing.T) {
	certificate, key := alicesPair(t)
	bobs, err := pki.EncodeKey(pkitest.Key("bob"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, want string
		data       []byte
		mode       os.FileMode
	}{
		{"for others to read", "others may read or write it (mode 0640)", slices.Concat(certificate, key), 0o640},
		{"for others to write", "others may read or write it (mode 0602)", slices.Concat(certificate, key), 0o602},
		{"another's key", "the private key does not match", slices.Concat(certificate, bobs), 0o600},
		{"no key", "no PEM private key", certificate, 0o600},
		{"no certificate", "the certificate cannot be read", key, 0o600},
		{"nothing", "the certificate cannot be read", nil, 0o600},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "pair.pem")
			if err := os.WriteFile(path, tt.data, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, tt.mode); err != nil {
				t.Fatal(err)
			}
			if _, err := ReadPair(path); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error that says %q", err, tt.want)
			}
		})
	}
	if _, err := ReadPair(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("no file: got %v", err)
	}
}

func TestLockFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alice.pem")
	now := time.Now()
	release, ok, err := LockFor(path, now, time.Minute)
	if !ok || err != nil {
		t.Fatalf("a free lock: %t, %v", ok, err)
	}
	if _, ok, err := LockFor(path, now, time.Minute); ok || err != nil {
		t.Errorf("a lock that another has: %t, %v", ok, err)
	}
	later, ok, err := LockFor(path, now.Add(2*time.Minute), time.Minute)
	if !ok || err != nil {
		t.Errorf("a lock that was left behind: %t, %v", ok, err)
	}
	later()
	release() // twice does no harm
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, ok, err := LockFor(filepath.Join(path, "no", "dir"), now, time.Minute); ok || err == nil {
		t.Errorf("no directory: %t, %v", ok, err)
	}
}

// kubectl's own reader finds the program, and nothing of the old certificate.
func TestInstallExec(t *testing.T) {
	certificate, key := alicesPair(t)
	data, err := Build(Identity{Cluster: "prod", Server: "https://x:1", User: "alice", Certificate: certificate, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, append([]byte("# mine\n"), data...), 0o600); err != nil {
		t.Fatal(err)
	}
	files := Files{Paths: []string{path}}
	want := Exec{Command: "kubectl-certs", Args: []string{"credential", `--file=/a b/"c: #.pem`, "--renew-before=1h"}, InstallHint: "get it: somewhere"}
	if _, err := InstallExec(t.Context(), files, "alice", want, time.Now); err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.LoadFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	user := config.AuthInfos["alice"]
	e := user.Exec
	if e == nil || e.Command != want.Command || !slices.Equal(e.Args, want.Args) || e.InstallHint != want.InstallHint ||
		!e.ProvideClusterInfo || e.InteractiveMode != "Never" || e.APIVersion != execVersion {
		t.Errorf("kubectl reads %+v", e)
	}
	if len(user.ClientCertificateData)+len(user.ClientKeyData) > 0 {
		t.Error("the certificate or the key is still in the kubeconfig")
	}
	if text, _ := os.ReadFile(path); !bytes.HasPrefix(text, []byte("# mine\n")) {
		t.Error("the remark in the file is gone")
	}
	own, err := Load(files)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := own.Exec("alice"); !ok || got.Command != want.Command || !slices.Equal(got.Args, want.Args) {
		t.Errorf("we read %+v", got)
	}
	if _, ok := own.Exec("bob"); ok {
		t.Error("somebody who is not there logs in by a program")
	}
}

func TestParseExecInfo(t *testing.T) {
	const v1 = `{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":`
	got, err := ParseExecInfo(v1 + `{"cluster":{"server":"https://x:1","tls-server-name":"n","certificate-authority-data":"Y2E=","proxy-url":"http://p"},"interactive":false}}`)
	if err != nil || got.Server != "https://x:1" || got.ServerName != "n" || string(got.CA) != "ca" || got.ProxyURL != "http://p" || got.Insecure {
		t.Errorf("got %+v (%v)", got, err)
	}
	for text, want := range map[string]string{
		`{`:        "reading KUBERNETES_EXEC_INFO",
		v1 + `{}}`: "has no cluster",
		`{"apiVersion":"client.authentication.k8s.io/v1beta1","spec":{"cluster":{"server":"https://x"}}}`: `version "client.authentication.k8s.io/v1beta1"`,
	} {
		if _, err := ParseExecInfo(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error that says %q", text, err, want)
		}
	}
}

func TestExecCredential(t *testing.T) {
	data, err := ExecCredential([]byte("cert"), []byte("key"), pkitest.Now)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		APIVersion, Kind string
		Status           map[string]string
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"clientCertificateData": "cert", "clientKeyData": "key", "expirationTimestamp": "2026-01-15T12:00:00Z"}
	if got.APIVersion != execVersion || got.Kind != "ExecCredential" || len(got.Status) != 3 {
		t.Errorf("got %s", data)
	}
	for k, v := range want {
		if got.Status[k] != v {
			t.Errorf("%s is %q, want %q", k, got.Status[k], v)
		}
	}
}
