package kubeconfig

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// A certificate that renews itself is seen in the file that it is in: one that
// was not renewed is not sound because the kubeconfig does not hold it.
func TestRenewed(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	for _, tt := range []struct {
		name   string
		args   string
		ended  bool
		file   bool
		status inventory.Status
		codes  []Code
	}{
		{"renewed", `[credential, "--file=FILE"]`, false, true, inventory.OK, nil},
		{"with another flag", `[credential, --wait, "--file=FILE"]`, false, true, inventory.OK, nil},
		{"not renewed", `[credential, "--file=FILE"]`, true, true, inventory.Expired, []Code{CodeExpired}},
		{"gone", `[credential, "--file=FILE"]`, false, false, "", []Code{CodeBadCertificate}},
		{"another program's", `[get-token, "--file=FILE"]`, true, true, "", nil},
		{"no arguments", `[]`, true, true, "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			pair, path := filepath.Join(dir, "alice.pem"), filepath.Join(dir, "config")
			left := 30 * pkitest.Day
			if tt.ended {
				left = -pkitest.Day
			}
			if tt.file {
				write(t, pair, string(pki.EncodeCertificates(ca.Issue(t, pkitest.Client("alice"), pkitest.Left(left)))))
			}
			write(t, path, `apiVersion: v1
kind: Config
current-context: c
clusters: [{name: c, cluster: {server: "https://c"}}]
users: [{name: alice, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: kubectl-certs, args: `+strings.ReplaceAll(tt.args, "FILE", pair)+`}}}]
contexts: [{name: c, context: {cluster: c, user: alice}}]
`)
			files := Files{Paths: []string{path}}
			config, err := Load(files)
			if err != nil {
				t.Fatal(err)
			}
			var status inventory.Status
			if cert := config.List(pkitest.Now).Items[0].Certificate; cert != nil {
				status = cert.Status
				if cert.From != pair {
					t.Errorf("it is said to be in %q", cert.From)
				}
			}
			var codes []Code
			for _, f := range Lint(files, pkitest.Now, Programs{Installed: func(string) bool { return true }, Allowed: func(string) error { return nil }}).Findings {
				if f.Code != CodeExec { // each of them runs a program
					codes = append(codes, f.Code)
				}
			}
			if status != tt.status || !slices.Equal(codes, tt.codes) {
				t.Errorf("got %q and %q, want %q and %q", status, codes, tt.status, tt.codes)
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
