package kubeconfig_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// parts writes a CA, a certificate and a key of user into dir.
func parts(t *testing.T, dir, user string) {
	t.Helper()
	ca := pkitest.NewCA(t, "kubernetes")
	write(t, filepath.Join(dir, "ca.crt"), string(ca.PEM()), 0o644)
	write(t, filepath.Join(dir, user+".crt"), string(pki.EncodeCertificates(ca.Issue(t, pkitest.Client(user)))), 0o644)
	write(t, filepath.Join(dir, user+".key"), string(keyPEM(t, user)), 0o600)
}

const byFiles = `clusters:
- name: c
  cluster:
    server: https://c:6443
    certificate-authority: ca.crt
    x-unknown: kept
- name: other
  cluster:
    server: https://other:6443
users:
- name: alice
  user: {client-certificate: alice.crt, client-key: alice.key}
contexts:
- name: x
  context: {cluster: c, user: alice, namespace: ns}
- name: z
  context: {cluster: other, user: alice}
`

func TestExtract(t *testing.T) {
	dir := t.TempDir()
	parts(t, dir, "alice")
	c := kubeconfig.NewConfig(parse(t, filepath.Join(dir, "config"), byFiles))
	text, left, err := c.Extract("x")
	if err != nil || len(left) > 0 {
		t.Fatal(left, err)
	}
	want := "apiVersion: v1\nkind: Config\nclusters:\n- name: c\n  cluster:\n    server: https://c:6443\n    x-unknown: kept\n    certificate-authority-data: " + encodedFile(t, dir, "ca.crt") +
		"\ncontexts:\n- name: x\n  context:\n    cluster: c\n    user: alice\n    namespace: ns\nusers:\n- name: alice\n  user:\n    client-certificate-data: " + encodedFile(t, dir, "alice.crt") +
		"\n    client-key-data: " + encodedFile(t, dir, "alice.key") + "\ncurrent-context: x\n"
	if text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	// What several contexts share is there once.
	if text, _, err = c.Extract("z", "x"); err != nil || strings.Count(text, "client-key-data") != 1 || !strings.Contains(text, "current-context: z\n") {
		t.Errorf("%v\n%s", err, text)
	}
	if err := os.Remove(filepath.Join(dir, "alice.key")); err != nil {
		t.Fatal(err)
	}
	if _, _, err = c.Extract("x"); err == nil || !strings.Contains(err.Error(), "its client-key (line 12 of") {
		t.Errorf("without the key: %v", err)
	}
}

func encodedFile(t *testing.T, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return encoded(data)
}

func TestExtractSaysWhatItCannotTake(t *testing.T) {
	c := kubeconfig.NewConfig(parse(t, "/a/config", single("server: https://c", "tokenFile: token, exec: {command: ./login}")))
	text, left, err := c.Extract("x")
	if err != nil || strings.Join(left, "; ") != `user "u" takes its token from /a/token; user "u" authenticates with the program /a/login` {
		t.Errorf("%q, %v", left, err)
	}
	if !strings.Contains(text, "command: /a/login\n") || !strings.Contains(text, "tokenFile: /a/token\n") {
		t.Errorf("paths that lead nowhere:\n%s", text)
	}
}

// Unembed undoes embed, and embed undoes unembed.
func TestEmbedAndUnembed(t *testing.T) {
	dir := t.TempDir()
	parts(t, dir, "alice")
	path := filepath.Join(dir, "config")
	c := kubeconfig.NewConfig(parse(t, path, byFiles))
	changes, err := c.Embed()
	if err != nil {
		t.Fatal(err)
	}
	checkChanges(t, changes, []string{"cluster c changed", "user alice changed"})
	embedded := c.Target().Text()
	if strings.Contains(embedded, ".crt") || !strings.Contains(embedded, "client-key-data: "+encodedFile(t, dir, "alice.key")) {
		t.Errorf("embedded:\n%s", embedded)
	}
	if again, err := c.Embed("x"); err != nil || len(again) > 0 || c.Target().Text() != embedded {
		t.Errorf("again: %v, %v", again, err)
	}
	// Into the same directory, where the same files are there already but one.
	_, files, err := c.Unembed(dir, "x")
	if err != nil || len(files) != 1 || filepath.Base(files[0].Path) != "c-ca.crt" {
		t.Fatalf("%+v, %v", files, err)
	}
	if err := files[0].Write(); err != nil {
		t.Fatal(err)
	}
	checkFile(t, files[0].Path, string(pkitest.NewCA(t, "kubernetes").PEM()))
	for _, field := range []string{"certificate-authority: c-ca.crt\n", "client-certificate: alice.crt\n", "client-key: alice.key\n"} {
		if !strings.Contains(c.Target().Text(), field) {
			t.Errorf("no %q in\n%s", field, c.Target().Text())
		}
	}
	// What is there and says something else is not replaced.
	write(t, filepath.Join(dir, "alice.key"), "precious", 0o600)
	_, _, err = kubeconfig.NewConfig(parse(t, path, embedded)).Unembed(dir, "x")
	checkError(t, err, `unembedding user "alice": `+filepath.Join(dir, "alice.key")+` already exists with other contents`)
}

func TestAssemble(t *testing.T) {
	dir := t.TempDir()
	parts(t, dir, "alice")
	parts(t, dir, "bob")
	at := func(name string) string { return filepath.Join(dir, name) }
	sound := kubeconfig.Parts{Cluster: "prod", Server: "https://prod:6443", CA: at("ca.crt"), Certificate: at("alice.crt"), Key: at("alice.key"), Namespace: "n"}
	data, doubts, err := kubeconfig.Assemble(sound, pkitest.Now)
	if err != nil || len(doubts) > 0 {
		t.Fatal(doubts, err)
	}
	d := parse(t, "", string(data))
	context := d.Entry(kubeconfig.ContextEntry, "alice@prod")
	if context == nil || d.Current() != "alice@prod" || context.Text("user") != "alice" || context.Text("namespace") != "n" || d.Entry(kubeconfig.ClusterEntry, "prod").Text("server") != sound.Server {
		t.Errorf("got\n%s", data)
	}
	tests := []struct {
		name   string
		change func(*kubeconfig.Parts)
		want   string
	}{
		{"another's key", func(p *kubeconfig.Parts) { p.Key = at("bob.key") }, "does not match the certificate in"},
		{"no URL", func(p *kubeconfig.Parts) { p.Server = "prod" }, `the server "prod" is not a URL`},
		{"no such file", func(p *kubeconfig.Parts) { p.CA = at("nothing") }, "nothing: no such file or directory"},
		{"no certificate", func(p *kubeconfig.Parts) { p.Certificate = at("bob.key") }, "it contains no PEM certificate"},
		{"no key", func(p *kubeconfig.Parts) { p.Key = at("bob.crt") }, "it contains no PEM private key"},
		{"of another component", func(p *kubeconfig.Parts) { p.Profile = "scheduler" }, "is for CN=alice, not for scheduler"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := sound
			tt.change(&p)
			if _, _, err := kubeconfig.Assemble(p, pkitest.Now); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	if _, doubts, err = kubeconfig.Assemble(sound, pkitest.Now.Add(1000*pkitest.Day)); err != nil || len(doubts) != 1 || !strings.Contains(doubts[0], "expired") {
		t.Errorf("expired: %q, %v", doubts, err)
	}
}

func TestConventional(t *testing.T) {
	layouts := map[string][]string{
		"kubeadm":          {"pki/ca.crt", "pki/kube-scheduler.crt", "pki/kube-scheduler.key"},
		"a flat directory": {"ca.crt", "kube-scheduler.crt", "kube-scheduler.key"},
		"by PEM":           {"ca.pem", "kube-scheduler.pem", "kube-scheduler-key.pem"},
		"by profile":       {"ca.crt", "scheduler.crt", "scheduler.key"},
	}
	for name, files := range layouts {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "pki"), 0o755); err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				write(t, filepath.Join(dir, file), "", 0o600)
			}
			write(t, filepath.Join(dir, "admin.conf"), single("server: https://from-admin:6443", ""), 0o600)
			p, err := kubeconfig.Conventional(kubeconfig.Parts{Profile: "scheduler"}, dir)
			got := []string{p.CA, p.Certificate, p.Key}
			for i := range got {
				got[i] = filepath.ToSlash(strings.TrimPrefix(got[i], dir+string(filepath.Separator)))
			}
			if err != nil || strings.Join(got, " ") != strings.Join(files, " ") || p.Server != "https://from-admin:6443" {
				t.Errorf("got %+v, %v", p, err)
			}
		})
	}
	dir := t.TempDir()
	_, err := kubeconfig.Conventional(kubeconfig.Parts{Profile: "proxy"}, dir)
	checkError(t, err, "assembling proxy from "+dir+": there is no ca.crt, no kube-proxy.crt, no kube-proxy.key")
	parts(t, dir, "kube-proxy")
	_, err = kubeconfig.Conventional(kubeconfig.Parts{Profile: "proxy"}, dir)
	checkError(t, err, "assembling proxy: no kubeconfig in "+dir+" has the server's address")
}

func config(t *testing.T, path, text string) *kubeconfig.Config {
	t.Helper()
	return kubeconfig.NewConfig(parse(t, path, text))
}

func TestCompare(t *testing.T) {
	a := config(t, "/a/config", "clusters:\n- name: c\n  cluster:\n    server: x\n    certificate-authority: ca.crt\nusers:\n- name: u\n  user: {token: one}\n- name: v\n")
	same := config(t, "/b/config", `{"users":[{"name":"v"},{"name":"u","user":{"token":"one"}}],"clusters":[{"name":"c","cluster":{"certificate-authority":"/a/ca.crt","server":"x"}}],"current-context":""}`)
	if d := kubeconfig.Compare(a, same); len(d.Items) > 0 {
		t.Errorf("they mean the same: %+v", d.Items)
	}
	other := config(t, "/a/other", "clusters:\n- name: c\n  cluster:\n    server: x\n    certificate-authority: ca.crt\nusers:\n- name: u\n  user: {token: two!}\n- name: w\ncurrent-context: z\n")
	var got []string
	for _, d := range kubeconfig.Compare(a, other).Items {
		line := d.String()
		for _, f := range d.Fields {
			line += " " + f.Field + ": " + f.First + " -> " + f.Second
		}
		got = append(got, line)
	}
	want := []string{"~ user u token: <hidden, 3 characters> -> <hidden, 4 characters>", "- user v", "+ user w", "~ field current-context current-context:  -> z"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// A kubeconfig that came by mail names files of its reader's. What is no
// certificate is not sent on as one, and no key is beside a certificate.
func TestEmbedTakesOnlyWhatBelongs(t *testing.T) {
	dir := t.TempDir()
	parts(t, dir, "alice")
	read := func(name string) string {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	both := read("alice.crt") + read("alice.key")
	write(t, filepath.Join(dir, "both.pem"), both, 0o600)
	write(t, filepath.Join(dir, "token"), "a-token", 0o600)
	for _, c := range []struct{ from, to, refused string }{
		{"certificate-authority: ca.crt", "certificate-authority: alice.key", "contains no valid certificate"},
		{"certificate-authority: ca.crt", "certificate-authority: token", "contains no valid certificate"},
		{"client-certificate: alice.crt", "client-certificate: alice.key", "contains no valid certificate"},
		{"client-key: alice.key", "client-key: token", "contains no usable private key"},
	} {
		text := strings.Replace(byFiles, c.from, c.to, 1)
		config := kubeconfig.NewConfig(parse(t, filepath.Join(dir, "config"), text))
		_, _, err := config.Extract("x")
		if err == nil || !strings.Contains(err.Error(), c.refused) || strings.Contains(err.Error(), "a-token") {
			t.Errorf("extract with %s: %v", c.to, err)
		}
		if _, err := config.Embed(); err == nil || !strings.Contains(err.Error(), c.refused) {
			t.Errorf("embed with %s: %v", c.to, err)
		}
	}
	text := strings.NewReplacer("ca.crt", "both.pem", "alice.crt", "both.pem", "alice.key", "both.pem").Replace(byFiles)
	config := kubeconfig.NewConfig(parse(t, filepath.Join(dir, "config"), text))
	out, _, err := config.Extract("x")
	if err != nil {
		t.Fatal(err)
	}
	certificate := encodedFile(t, dir, "alice.crt")
	if !strings.Contains(out, "client-certificate-data: "+certificate+"\n") || !strings.Contains(out, "certificate-authority-data: "+certificate+"\n") {
		t.Errorf("more than the certificate is where certificates belong:\n%s", out)
	}
}
