package schema

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/report"
)

// scratch is a directory for the program, which build builds once.
var (
	scratch string
	build   = sync.OnceValues(func() (program string, err error) {
		program = filepath.Join(scratch, "kubectl-certs")
		made := exec.Command("go", "build", "-o", program, "./cmd/kubectl-certs")
		made.Dir = root
		if said, err := made.CombinedOutput(); err != nil {
			return "", fmt.Errorf("building the program: %w\n%s", err, said)
		}
		return program, nil
	})
)

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "schema"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(scratch) // of the system's temporary files
	os.Exit(code)
}

// caller runs the program in a directory, far from UTC.
type caller struct {
	t   *testing.T
	dir string
	env []string
}

func newCaller(t *testing.T, env ...string) *caller {
	dir := t.TempDir()
	return &caller{t, dir, append([]string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "TZ=Asia/Kolkata"}, env...)}
}

// run runs the program. An exit status is no failure: check has several.
func (c *caller) run(args ...string) []byte {
	c.t.Helper()
	program, err := build()
	if err != nil {
		c.t.Fatal(err)
	}
	cmd := exec.CommandContext(c.t.Context(), program, args...)
	cmd.Dir, cmd.Env = c.dir, c.env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited || len(out) == 0 {
		c.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return out
}

// document is what the program prints for args, as JSON and as YAML, which have to be
// valid.
func (c *caller) document(v *validator, kind string, args ...string) (inJSON, inYAML map[string]any) {
	c.t.Helper()
	printed := map[string]map[string]any{}
	for _, format := range []string{"json", "yaml"} {
		got, document, err := v.check(c.run(append(args, "-o", format)...))
		if err != nil || got != kind {
			c.t.Errorf("%s -o %s: kind %s, %v", strings.Join(args, " "), format, got, err)
		}
		delete(document, "takenAt")
		printed[format] = document
	}
	return printed["json"], printed["yaml"]
}

// write writes a file in the caller's directory.
func (c *caller) write(name string, data []byte) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), data, 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// What the program prints of files is valid, whatever is in them, and the same in
// JSON and YAML.
func TestOutputOfFilesIsValid(t *testing.T) {
	v, c := newValidator(t), newCaller(t)
	now := time.Now()
	ca := pkitest.NewCA(t, "kubernetes", pkitest.Valid(now.Add(-time.Hour), now.Add(10*pkitest.Day)))
	alice := ca.Issue(t, pkitest.Client("alice", "devs"), pkitest.Valid(now.Add(-2*time.Hour), now.Add(-time.Hour)))
	key, err := pki.EncodeKey(pkitest.Key("alice"))
	if err != nil {
		t.Fatal(err)
	}
	c.write("ca.crt", ca.PEM())
	c.write("alice.crt", pki.EncodeCertificates(alice))
	c.write("alice.key", key)
	c.write("tls.crt", []byte("not PEM"))
	c.write("kubeconfig", []byte(`apiVersion: v1
kind: Config
clusters:
- {name: dev, cluster: {server: "https://me:secret@127.0.0.1:1", certificate-authority: ca.crt}}
- {name: "\U0001F600\e[2J", cluster: {server: "http://127.0.0.1:1"}}
users:
- {name: alice, user: {client-certificate: alice.crt, client-key: alice.key}}
- {name: both, user: {client-certificate: alice.crt, client-key: alice.key, client-key-data: aGk=}}
- {name: many, user: {token: secret, exec: {command: nowhere, apiVersion: client.authentication.k8s.io/v1}, username: me, password: secret}}
- {name: file, user: {tokenFile: token}}
- {name: none, user: {}}
contexts:
- {name: alice, context: {cluster: dev, user: alice, namespace: shop}}
- {name: many, context: {cluster: dev, user: many}}
- {name: file, context: {cluster: "\U0001F600\e[2J", user: file}}
- {name: none, context: {cluster: dev, user: none}}
- {name: dangling, context: {cluster: gone, user: gone}}
current-context: alice
`))
	c.write("other", []byte("apiVersion: v1\nkind: Config\nclusters:\n- {name: dev, cluster: {server: \"https://127.0.0.1:2\"}}\ncurrent-context: none\n"))
	for _, tt := range []struct {
		kind, list string // of the document, which has to hold something
		args       []string
	}{
		{"CertificateInventory", "items", []string{"inspect", "--files", "."}},
		{"CertificateInventory", "items", []string{"inspect", "--files", ".", "ca"}},
		{"CertificateInventory", "skipped", []string{"inspect", "--kubeconfig", "kubeconfig"}},
		{"CertificateCheck", "findings", []string{"check", "--files", "."}},
		{"CertificateCheck", "skipped", []string{"check", "--kubeconfig", "kubeconfig"}},
		{"ContextList", "items", []string{"kubeconfig", "list", "--kubeconfig", "kubeconfig"}},
		{"ContextList", "items", []string{"kubeconfig", "list", "--kubeconfig", "kubeconfig", "--ping"}},
		{"ContextDetail", "sections", []string{"kubeconfig", "show", "--kubeconfig", "kubeconfig", "alice"}},
		{"ContextDetail", "sections", []string{"kubeconfig", "show", "--kubeconfig", "kubeconfig", "many"}},
		{"ContextDetail", "sections", []string{"kubeconfig", "show", "--kubeconfig", "kubeconfig", "none"}},
		{"ContextDetail", "problems", []string{"kubeconfig", "show", "--kubeconfig", "kubeconfig", "dangling"}},
		{"KubeconfigReport", "findings", []string{"kubeconfig", "lint", "kubeconfig", "other", "missing"}},
		{"KubeconfigReport", "findings", []string{"kubeconfig", "lint", "--kubeconfig", "kubeconfig", "--ping"}},
		{"KubeconfigDifferences", "items", []string{"kubeconfig", "diff", "kubeconfig", "other"}},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			c := &caller{t, c.dir, c.env}
			inJSON, inYAML := c.document(v, tt.kind, tt.args...)
			if list, _ := inJSON[tt.list].([]any); len(list) == 0 {
				t.Errorf("its %s are empty: %v", tt.list, inJSON)
			}
			if !reflect.DeepEqual(inJSON, inYAML) {
				t.Errorf("JSON and YAML differ:\n%v\n%v", inJSON, inYAML)
			}
		})
	}
}

// What there is to say of a cluster's requests and records is valid, whatever
// strangers wrote into them.
func TestOutputOfObjectsIsValid(t *testing.T) {
	v := newValidator(t)
	ca := pkitest.NewCA(t, "kubernetes")
	record := access.NewRecord(ca.Issue(t, pkitest.Client("alice", "devs")), "signer", "alice", "", "r", pkitest.Now)
	ended, damaged, unrecorded := record, record, record
	ended.Ended = &record.NotBefore
	damaged.Damaged, damaged.Fingerprint, damaged.Serial, damaged.NotAfter = []string{"user: \x1b[2J"}, "none", "", time.Time{}
	unrecorded.Unrecorded, unrecorded.Groups = true, nil
	request := func(data string) access.Request {
		object := &certificatesv1.CertificateSigningRequest{Spec: certificatesv1.CertificateSigningRequestSpec{Request: []byte(data)}}
		object.CreationTimestamp = metav1.NewTime(pkitest.Now.In(time.FixedZone("IST", 19800)))
		return *access.JudgeCSR(object, &access.Powers{})
	}
	key := pkitest.Key("alice")
	good, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "system:admin", Country: []string{"\u202e"}}}, key)
	if err != nil {
		t.Fatal(err)
	}
	for kind, document := range map[string]any{
		access.RecordsKind: access.NewRecordList([]access.Record{record, ended, damaged, unrecorded}, pkitest.Now),
		access.RequestsKind: access.NewRequestList(inventory.Cluster{}, []access.Request{
			request("nothing"), request(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: good}))),
		}),
	} {
		for format, write := range map[string]func(io.Writer, any) error{"json": report.WriteJSON, "yaml": report.WriteYAML} {
			var out bytes.Buffer
			if err := write(&out, document); err != nil {
				t.Fatal(err)
			}
			if got, _, err := v.check(out.Bytes()); err != nil || got != kind {
				t.Errorf("%s as %s: %v\n%s", kind, format, err, out.String())
			}
		}
	}
}
