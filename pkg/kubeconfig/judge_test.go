package kubeconfig_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// named is a kubeconfig whose names and references are all this text, unquoted.
func named(name string) string {
	return strings.ReplaceAll("apiVersion: v1\nkind: Config\nclusters:\n- name: NAME\n  cluster: {server: \"https://c:6443\"}\nusers:\n- name: NAME\n  user: {token: x}\ncontexts:\n- name: NAME\n  context: {cluster: NAME, user: NAME, namespace: NAME}\ncurrent-context: NAME\n", "NAME", name)
}

// plainNames are words that YAML 1.1 takes for something else than text without
// quotes, some of them, and words that look like those.
var plainNames = []string{"y", "Y", "yes", "Yes", "YES", "n", "N", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF", "true", "False", "TRUE",
	"yEs", "nO", "oN", "null", "~", "Null", ".inf", "-.Inf", "+.INF", ".nan", ".NaN", ".5", "5.", "+1", "-0", "0x1F", "0X1f", "0b1", "0b2", "0o17", "0777", "089",
	"1_000", "1__0", "_1", "1e3", "1E-3", "1e", "12:30:45", "2024-01-01", "2001-12-14t21:59:43.10-05:00", "1.2.3", "v1", "a", "=", "<<", "0x", "infinity", "NaN", "inf", "1e400", "99999999999999999999"}

// What kubectl refuses is refused, and lint says so; what it reads is read.
func TestNamesAreReadAsKubectlReads(t *testing.T) {
	for _, name := range plainNames {
		text := named(name)
		_, wantErr := clientcmd.Load([]byte(text))
		path := filepath.Join(t.TempDir(), "config")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := kubeconfig.Read(path)
		if wantErr != nil && err == nil {
			t.Errorf("%s: kubectl refuses it (%v), and it is read", name, wantErr)
		}
		files := kubeconfig.Files{Paths: []string{path}, Explicit: true}
		report := kubeconfig.Lint(files, pkitest.Now, kubeconfig.Programs{Installed: func(string) bool { return true }, Allowed: func(string) error { return nil }})
		if refused := report.Has(kubeconfig.CodeMalformed) || report.Has(kubeconfig.CodeUnreadable); wantErr != nil && !refused {
			t.Errorf("%s: kubectl refuses it (%v), and lint finds %+v", name, wantErr, report.Findings)
		}
		// A name without a value is none to either: no context can be chosen by it.
		if wantErr == nil && err != nil && !strings.Contains(err.Error(), "it has no name") && !strings.Contains(err.Error(), "put it in quotes") {
			t.Errorf("%s: kubectl reads it, and it is refused: %v", name, err)
		}
	}
}

// A merge never makes the user's file unreadable for kubectl, nor does a rename to
// such a name.
func TestNothingIsWrittenThatKubectlRefuses(t *testing.T) {
	for _, name := range plainNames {
		path := filepath.Join(t.TempDir(), "config")
		if err := os.WriteFile(path, []byte(single("server: https://c", "token: x")), 0o600); err != nil {
			t.Fatal(err)
		}
		files := kubeconfig.Files{Paths: []string{path}, Explicit: true}
		update := func(change func(*kubeconfig.Config) error) error {
			_, err := kubeconfig.Update{Files: files, Now: func() time.Time { return pkitest.Now }, Change: change}.Run(t.Context())
			return err
		}
		if in, err := kubeconfig.Parse("", named(name)); err == nil {
			_ = update(func(c *kubeconfig.Config) error {
				_, err := c.Merge(in, func(kubeconfig.Conflict) (kubeconfig.Resolution, error) { return kubeconfig.Rename, nil })
				return err
			})
		}
		readable(t, path, "a merge of "+name)
		_ = update(func(c *kubeconfig.Config) error { _, err := c.Rename(kubeconfig.ContextEntry, "x", name); return err })
		readable(t, path, "a rename to "+name)
	}
}

func readable(t *testing.T, path, after string) {
	t.Helper()
	config, err := clientcmd.LoadFromFile(path)
	if err != nil || len(config.Contexts) == 0 {
		t.Errorf("after %s, kubectl refuses the file: %v", after, err)
	}
}

// Wrong types are refused wherever they are, also where only kubectl knows the
// field; the reason names no value.
func TestWrongTypesAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"args of exec":      single("server: https://c", "exec: {command: a, apiVersion: client.authentication.k8s.io/v1, args: [1, true]}"),
		"env of exec":       single("server: https://c", "exec: {command: a, apiVersion: client.authentication.k8s.io/v1, env: {A: b}}"),
		"env, a number":     single("server: https://c", "exec: {command: a, apiVersion: client.authentication.k8s.io/v1, env: [{name: A, value: 12345}]}"),
		"auth-provider":     single("server: https://c", "auth-provider: {name: gcp, config: [a]}"),
		"groups":            single("server: https://c", "as-groups: [1, 2]"),
		"extra":             single("server: https://c", "as-user-extra: {a: b}"),
		"a numeric token":   single("server: https://c", "token: 12345"),
		"another version":   strings.Replace(named("a"), "apiVersion: v1", "apiVersion: v2", 1),
		"preferences":       named("a") + "preferences: [a]\n",
		"extensions":        named("a") + "extensions: {a: b}\n",
		"a number as CA":    single("server: https://c, certificate-authority-data: 12345678", "token: x"),
		"a list as current": strings.Replace(named("a"), "current-context: a", "current-context: [a]", 1),
	} {
		if _, err := clientcmd.Load([]byte(text)); err == nil {
			t.Errorf("%s: kubectl reads it; the test is wrong", name)
		}
		_, err := kubeconfig.Parse("config", text)
		if err == nil {
			t.Errorf("%s: it is read", name)
		} else if strings.Contains(err.Error(), "12345") {
			t.Errorf("%s: the reason has the value: %v", name, err)
		}
	}
}

// What lint calls healthy, kubectl reads.
func TestLintAsksKubectl(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(named("a")+"preferences: [a]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	report := kubeconfig.Lint(kubeconfig.Files{Paths: []string{path}, Explicit: true}, pkitest.Now, kubeconfig.Programs{Installed: func(string) bool { return true }, Allowed: func(string) error { return nil }})
	if report.Worst() != inventory.Critical || !report.Has(kubeconfig.CodeMalformed) {
		t.Errorf("found %+v", report.Findings)
	}
}
