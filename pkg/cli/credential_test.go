package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// desk is a person's home with a kubeconfig for a server that is not there.
type desk struct {
	t           *testing.T
	home        string
	env         map[string]string
	now         time.Time
	out, errOut bytes.Buffer
}

func newDesk(t *testing.T, certificate pkitest.Option) *desk {
	t.Helper()
	d := &desk{t: t, home: t.TempDir(), now: pkitest.Now}
	key, err := pki.EncodeKey(pkitest.Key("alice"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := kubeconfig.Build(kubeconfig.Identity{
		Cluster: "prod", Server: "https://127.0.0.1:1", User: "alice", Key: key,
		Certificate: pki.EncodeCertificates(pkitest.NewCA(t, "kubernetes").Issue(t, pkitest.Client("alice"), certificate)),
	})
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(d.home, "config")
	if err := os.WriteFile(config, data, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", config) // for client-go
	d.env = map[string]string{"HOME": d.home, "KUBECONFIG": config}
	return d
}

func (d *desk) run(args ...string) int {
	d.out.Reset()
	d.errOut.Reset()
	a := &app{
		in: strings.NewReader(""), out: &d.out, errOut: &d.errOut, program: "kubectl-certs",
		now: func() time.Time { return d.now }, getenv: func(name string) string { return d.env[name] },
	}
	return a.run(d.t.Context(), args)
}

// asKubectl runs what stands in the kubeconfig, as kubectl does.
func (d *desk) asKubectl() int {
	d.t.Helper()
	config, err := kubeconfig.Load(kubeconfig.Files{Paths: []string{d.env["KUBECONFIG"]}})
	if err != nil {
		d.t.Fatal(err)
	}
	e, ok := config.Exec("alice")
	if !ok {
		d.t.Fatal("the user does not log in by a program")
	}
	d.env["KUBERNETES_EXEC_INFO"] = `{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":{"cluster":{"server":"https://127.0.0.1:1"},"interactive":false}}`
	return d.run(e.Args...)
}

func (d *desk) expires() string {
	d.t.Helper()
	var answer struct {
		Status struct{ ExpirationTimestamp, ClientCertificateData, ClientKeyData string }
	}
	if err := json.Unmarshal(d.out.Bytes(), &answer); err != nil {
		d.t.Fatalf("%v: %s", err, d.out.String())
	}
	if _, err := kubeconfig.NewPair([]byte(answer.Status.ClientCertificateData), []byte(answer.Status.ClientKeyData)); err != nil {
		d.t.Errorf("what was handed out: %v", err)
	}
	return answer.Status.ExpirationTimestamp
}

func TestCredential(t *testing.T) {
	// Ten hours, of which the last two are for renewing.
	d := newDesk(t, pkitest.Valid(pkitest.Now, pkitest.Now.Add(10*time.Hour)))
	if code := d.run("credential", "--install"); code != 0 {
		t.Fatalf("exit %d: %s", code, d.errOut.String())
	}
	file := filepath.Join(d.home, ".kube", "certs", "alice@prod.pem")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v (%v), want mode 0600", info, err)
	}
	if code := d.run("credential", "--install"); code != 1 || !strings.Contains(d.errOut.String(), "already authenticates with this plugin") {
		t.Errorf("twice: exit %d: %s", code, d.errOut.String())
	}
	for _, tt := range []struct {
		name    string
		after   time.Duration
		code    int
		expires string // after Now
		says    string
		mark    bool
	}{
		{"fresh", 0, 0, "8h", "", false},
		{"just before it is due", 8*time.Hour - time.Second, 0, "8h", "", false},
		{"due, and the server does not answer", 8 * time.Hour, 0, "9h59m30s", "was not renewed: cannot reach the API server", true},
		{"due, and it has failed lately", 8*time.Hour + 30*time.Second, 0, "9h59m30s", "", true},
		{"over", 10 * time.Hour, 1, "", "and cannot be renewed", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d.now = pkitest.Now.Add(tt.after)
			if code := d.asKubectl(); code != tt.code {
				t.Fatalf("exit %d, want %d: %s", code, tt.code, d.errOut.String())
			}
			if tt.says == "" && d.errOut.Len() > 0 || !strings.Contains(d.errOut.String(), tt.says) {
				t.Errorf("said %q, want %q", d.errOut.String(), tt.says)
			}
			if tt.expires != "" {
				life, _ := time.ParseDuration(tt.expires)
				if got, want := d.expires(), pkitest.Now.Add(life).Format(time.RFC3339); got != want {
					t.Errorf("to be asked for again at %s, want %s", got, want)
				}
			} else if d.out.Len() > 0 {
				t.Errorf("handed out %s", d.out.String())
			}
			if isThere(file+".failed") != tt.mark {
				t.Errorf("a failure is marked: %t", !tt.mark)
			}
			// The mark's date is the machine's; here it is the test's.
			if tt.mark {
				if err := os.Chtimes(file+".failed", d.now, d.now); err != nil {
					t.Fatal(err)
				}
			}
			if isThere(file + ".lock") {
				t.Error("the lock is left behind")
			}
		})
	}
}

// A person finds what kubectl is told by the name of the context.
func TestCredentialByHand(t *testing.T) {
	d := newDesk(t, pkitest.Valid(pkitest.Now, pkitest.Now.Add(10*time.Hour)))
	if code := d.run("credential"); code != 1 || !strings.Contains(d.errOut.String(), `context "alice@prod" does not authenticate with this plugin`) {
		t.Errorf("not installed: exit %d: %s", code, d.errOut.String())
	}
	if code := d.run("credential", "--install", "--renew-before", "1h", "--file", filepath.Join(d.home, "own.pem")); code != 0 {
		t.Fatal(d.errOut.String())
	}
	if code := d.run("credential"); code != 0 || d.expires() != pkitest.Now.Add(9*time.Hour).Format(time.RFC3339) {
		t.Errorf("exit %d: %s", code, d.errOut.String())
	}
	a := &app{out: io.Discard, errOut: &d.errOut, outIsTerminal: true}
	if err := a.credential(t.Context(), nil, credentialFlags{}); err == nil || !strings.Contains(err.Error(), "the private key would be shown") {
		t.Errorf("on a terminal: got %v", err)
	}
}

// What cannot work is not installed, and nothing is touched.
func TestCredentialInstallRefuses(t *testing.T) {
	for _, tt := range []struct {
		name    string
		prepare func(d *desk)
		option  pkitest.Option
		want    string
	}{
		{"the file is there", func(d *desk) {
			if err := os.WriteFile(filepath.Join(d.home, "taken.pem"), []byte("precious"), 0o600); err != nil {
				d.t.Fatal(err)
			}
		}, pkitest.Left(pkitest.Day), "already exists"},
		{"system:masters", func(*desk) {}, pkitest.Client("alice", "system:masters"), "is in group system:masters"},
		{"a read-only kubeconfig", func(d *desk) {
			if err := os.Chmod(d.env["KUBECONFIG"], 0o400); err != nil {
				d.t.Fatal(err)
			}
		}, pkitest.Left(pkitest.Day), "it is read-only"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t, tt.option)
			tt.prepare(d)
			file := filepath.Join(d.home, "taken.pem")
			there := isThere(file)
			before, _ := os.ReadFile(d.env["KUBECONFIG"])
			if code := d.run("credential", "--install", "--file", file); code != 1 || !strings.Contains(d.errOut.String(), tt.want) {
				t.Errorf("exit %d: %s", code, d.errOut.String())
			}
			if after, _ := os.ReadFile(d.env["KUBECONFIG"]); !bytes.Equal(before, after) {
				t.Error("the kubeconfig has changed")
			}
			if data, _ := os.ReadFile(file); there && string(data) != "precious" || isThere(file) != there {
				t.Errorf("the file now holds %q", data)
			}
		})
	}
}

// A renewal that failed is tried again after a minute, whatever date a mark has
// that another user left.
func TestFailedLately(t *testing.T) {
	now := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	a := &app{now: func() time.Time { return now }}
	f := credentialFlags{file: filepath.Join(t.TempDir(), "alice.pem")}
	if a.failedLately(f) {
		t.Error("without a mark")
	}
	for ago, want := range map[time.Duration]bool{0: true, retryAfter / 2: true, -retryAfter / 2: true, retryAfter: false, -24 * 365 * time.Hour: false} {
		if err := os.WriteFile(failedMark(f), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(failedMark(f), now.Add(-ago), now.Add(-ago)); err != nil {
			t.Fatal(err)
		}
		if got := a.failedLately(f); got != want {
			t.Errorf("marked %s ago: %t", ago, got)
		}
	}
}
