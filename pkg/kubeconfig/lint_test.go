package kubeconfig_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

func encoded(data []byte) string { return base64.StdEncoding.EncodeToString(data) }

// keyPEM is the private key that pkitest gives a name.
func keyPEM(t testing.TB, name string) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(pkitest.Key(name))
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// certified is a user's entry with a certificate and a key, embedded.
func certified(t testing.TB, name string, options ...pkitest.Option) string {
	t.Helper()
	cert := pkitest.NewCA(t, "kubernetes").Issue(t, append([]pkitest.Option{pkitest.Client(name, "devs")}, options...)...)
	return fmt.Sprintf("client-certificate-data: %s, client-key-data: %s", encoded(pki.EncodeCertificates(cert)), encoded(keyPEM(t, name)))
}

// single is a kubeconfig of one context.
func single(cluster, user string) string {
	return fmt.Sprintf("clusters:\n- name: c\n  cluster: {%s}\nusers:\n- name: u\n  user: {%s}\ncontexts:\n- name: x\n  context: {cluster: c, user: u}\ncurrent-context: x\n", cluster, user)
}

// lint judges a file on a machine where no program is installed.
func lint(path string) *kubeconfig.Report {
	return kubeconfig.Lint(one(path), pkitest.Now, kubeconfig.Programs{Installed: func(string) bool { return false }, Allowed: func(string) error { return nil }})
}

func TestLint(t *testing.T) {
	const server = "server: https://c:6443"
	alice := certified(t, "alice")
	ca := pkitest.NewCA(t, "kubernetes")
	junk := append(slices.Clone(ca.PEM()), "and more"...)
	tests := []struct {
		name string
		text string
		want []kubeconfig.Code
	}{
		{"sound", single(server, alice), nil},
		{"no YAML", "a: b: c\n", []kubeconfig.Code{kubeconfig.CodeUnreadable}},
		{"another kind of file", "kind: Pod\n", []kubeconfig.Code{kubeconfig.CodeMalformed}},
		{"twice", "users:\n- name: a\n- name: a\ncontexts:\n- name: x\n  context: {user: a}\n", []kubeconfig.Code{kubeconfig.CodeDuplicateName}},
		{"dangling", "contexts:\n- name: x\n  context: {cluster: c, user: u}\ncurrent-context: z\n", []kubeconfig.Code{kubeconfig.CodeDangling, kubeconfig.CodeDangling, kubeconfig.CodeDangling}},
		{"no server", single("", alice), []kubeconfig.Code{kubeconfig.CodeNoServer}},
		{"http", single("server: http://c", alice), []kubeconfig.Code{kubeconfig.CodePlainHTTP}},
		{"not verified", single(server+", insecure-skip-tls-verify: true", alice), []kubeconfig.Code{kubeconfig.CodeInsecure}},
		{"no certificate", single(server, "client-certificate-data: aGk="), []kubeconfig.Code{kubeconfig.CodeBadCertificate}},
		{"a file that is not there", single(server, "client-certificate: nowhere"), []kubeconfig.Code{kubeconfig.CodeBadCertificate}},
		{"another's key", single(server, strings.Replace(alice, encoded(keyPEM(t, "alice")), encoded(keyPEM(t, "bob")), 1)), []kubeconfig.Code{kubeconfig.CodeKeyMismatch}},
		{"no key", single(server, strings.Split(alice, ",")[0]), []kubeconfig.Code{kubeconfig.CodeKeyMismatch}},
		{"expired", single(server, certified(t, "alice", pkitest.Left(-pkitest.Day))), []kubeconfig.Code{kubeconfig.CodeExpired}},
		{"expiring", single(server, certified(t, "alice", pkitest.Left(pkitest.Day))), []kubeconfig.Code{kubeconfig.CodeExpiresSoon}},
		{"not yet valid", single(server, certified(t, "alice", pkitest.Valid(pkitest.Now.Add(pkitest.Day), pkitest.Now.Add(2*pkitest.Day)))), []kubeconfig.Code{kubeconfig.CodeNotYetValid}},
		{"an old CA", single(server+", certificate-authority-data: "+encoded(pkitest.NewCA(t, "kubernetes", pkitest.Left(-pkitest.Day)).PEM()), alice), []kubeconfig.Code{kubeconfig.CodeCAExpired}},
		{"data and path", single(server+", certificate-authority: ca.crt, certificate-authority-data: "+encoded(ca.PEM()), alice), []kubeconfig.Code{kubeconfig.CodeDataAndPath}},
		{"junk", single(server+", certificate-authority-data: "+encoded(junk), alice), []kubeconfig.Code{kubeconfig.CodeTrailingJunk}},
		{"no such program", single(server, "exec: {command: no-such-program-here}"), []kubeconfig.Code{kubeconfig.CodeExecMissing, kubeconfig.CodeExec}},
		{"no program there", single(server, "exec: {command: ./login}"), []kubeconfig.Code{kubeconfig.CodeExecMissing, kubeconfig.CodeExec}},
		{"unused", single(server, alice) + "extensions: []\n", nil},
		{"nobody refers to it", "users:\n- name: u\n  user: {token: t}\n", []kubeconfig.Code{kubeconfig.CodeUnused}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config")
			write(t, path, tt.text, 0o600)
			report := lint(path)
			var got []kubeconfig.Code
			for _, f := range report.Findings {
				got = append(got, f.Code)
				if f.Message == "" || f.Fix == "" || f.Where == "" || f.File != path || f.Severity == "" {
					t.Errorf("it says too little: %+v", f)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q: %+v", got, tt.want, report.Findings)
			}
		})
	}
}

// Every code has its section in the documentation, and no other is there.
func TestCodesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/kubeconfig.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for line := range strings.Lines(string(text)) {
		if code, ok := strings.CutPrefix(strings.TrimSpace(line), "### "); ok {
			documented = append(documented, code)
		}
	}
	var codes []string
	for _, code := range kubeconfig.Codes() {
		codes = append(codes, string(code))
	}
	if !slices.Equal(documented, codes) {
		t.Errorf("documented: %q\ncodes:      %q", documented, codes)
	}
}

func TestLintJudgesModes(t *testing.T) {
	dir := t.TempDir()
	path, key := filepath.Join(dir, "config"), filepath.Join(dir, "a.key")
	write(t, key, string(keyPEM(t, "alice")), 0o640)
	write(t, path, single("server: https://c", "client-key: a.key"), 0o644)
	report := lint(path)
	if len(report.Findings) != 2 || report.Findings[0].Severity != inventory.Critical || report.Findings[1].Severity != inventory.Warning || report.Worst() != inventory.Critical {
		t.Fatalf("%+v", report.Findings)
	}
	fixed, err := report.FixModes()
	if err != nil || len(fixed) != 2 {
		t.Errorf("%v, %v", fixed, err)
	}
	if report := lint(path); len(report.Findings) > 0 {
		t.Errorf("%+v", report.Findings)
	}
}

func TestFix(t *testing.T) {
	text := "users:\n- name: u\n  user:\n    client-key: a.key\n    client-key-data: " + encoded(keyPEM(t, "u")) + "\ncurrent-context: gone\n"
	c := kubeconfig.NewConfig(parse(t, "config", text))
	changes, err := c.Fix()
	if err != nil {
		t.Fatal(err)
	}
	checkChanges(t, changes, []string{"user u changed", "current-context gone removed"})
	if got, want := c.Target().Text(), strings.NewReplacer("    client-key: a.key\n", "", "gone", `""`).Replace(text); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// What a user runs is named, its secrets hidden; what kubectl's preferences do
// not allow is an error with the reason.
func TestLintNamesPrograms(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	write(t, path, single("server: https://c:6443", `exec: {command: aws, args: [eks, get-token, --cluster-name, prod, --password=s3cr3t]}`), 0o600)
	refusal := hint.New("not allowed", "allow it")
	report := kubeconfig.Lint(one(path), pkitest.Now, kubeconfig.Programs{
		Installed: func(string) bool { return true },
		Allowed: func(command string) error {
			if command != "aws" {
				t.Errorf("it asks for %q", command)
			}
			return refusal
		},
	})
	want := []kubeconfig.Finding{
		{Code: kubeconfig.CodeExecNotAllowed, Severity: inventory.Critical, Message: "not allowed", Fix: "allow it"},
		{Code: kubeconfig.CodeExec, Severity: inventory.Info, Message: "authenticates with a program: aws eks get-token --cluster-name prod --password=<hidden, 6 characters>",
			Fix: "nothing, if you know and trust the program"},
	}
	for i := range report.Findings {
		f := &report.Findings[i]
		f.Where, f.File, f.Line = "", "", 0
	}
	if !slices.Equal(report.Findings, want) {
		t.Errorf("got  %+v\nwant %+v", report.Findings, want)
	}
}

// No secret is in what is shown of a kubeconfig, in whatever field it stands.
func TestNothingShowsSecrets(t *testing.T) {
	const secret = "s3cr3t"
	text := single("server: https://c:6443", strings.Join([]string{
		"token: " + secret, "username: me", "password: " + secret, "client-key-data: " + encoded(keyPEM(t, "u")),
		"auth-provider: {name: oidc, config: {client-secret: " + secret + ", id-token: " + secret + "}}",
		"exec: {command: sh, args: [--client-secret=" + secret + ", --token, " + secret + "], env: [{name: X, value: " + secret + "}]}",
		"x-api-key: " + secret, "as-groups: [one, two]",
	}, ", "))
	d := parse(t, "config", text)
	c := kubeconfig.NewConfig(d)
	var shown strings.Builder
	fmt.Fprintf(&shown, "%+v\n%+v\n%+v\n", c.List(pkitest.Now), c.Detail(c.Entry(kubeconfig.ContextEntry, "x"), pkitest.Now),
		kubeconfig.Compare(c, kubeconfig.NewConfig(parse(t, "other", single("server: x", "")))))
	diff, err := kubeconfig.FileChange{Path: "config", After: d}.Diff()
	if err != nil {
		t.Fatal(err)
	}
	shown.WriteString(diff)
	for _, leak := range []string{secret, encoded(keyPEM(t, "u"))[:40], encoded([]byte(secret))} {
		if strings.Contains(shown.String(), leak) {
			t.Errorf("%q is in\n%s", leak, &shown)
		}
	}
	if !strings.Contains(diff, "<hidden, 6 characters>") || !strings.Contains(diff, "https://c:6443") {
		t.Errorf("the diff shows too little:\n%s", diff)
	}
}
