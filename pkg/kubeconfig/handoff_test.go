package kubeconfig_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
)

// What Build makes for somebody else is what ReadHandOff takes from it.
func TestReadHandOff(t *testing.T) {
	id := kubeconfig.Identity{
		Cluster: "prod", Server: "https://10.0.0.1:6443", CA: []byte("ca"), ServerName: "kubernetes", ProxyURL: "http://proxy:3128",
		User: "alice", Certificate: []byte("certificate"), Namespace: "dev",
	}
	for name, key := range map[string][]byte{"without a key": nil, "with a key": []byte("key")} {
		t.Run(name, func(t *testing.T) {
			id.Key = key
			data, err := kubeconfig.Build(id)
			if err != nil {
				t.Fatal(err)
			}
			got, err := kubeconfig.ReadHandOff(data)
			if err != nil || !reflect.DeepEqual(got, id) {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, id)
			}
		})
	}
}

// Files that are named are referred to, and nothing of them is embedded.
func TestBuildRefersToFiles(t *testing.T) {
	data, err := kubeconfig.Build(kubeconfig.Identity{
		Cluster: "c", Server: "https://c", User: "u", CA: []byte("x"), Certificate: []byte("x"), Key: []byte("x"),
		CAFile: "ca.crt", CertificateFile: "u.crt", KeyFile: "u.key",
	})
	if err != nil || strings.Contains(string(data), "-data:") {
		t.Errorf("got %v\n%s", err, data)
	}
	for _, want := range []string{"certificate-authority: ca.crt", "client-certificate: u.crt", "client-key: u.key"} {
		if !strings.Contains(string(data), want) {
			t.Errorf("it does not say %q:\n%s", want, data)
		}
	}
}

// A kubeconfig from somebody else may not run programs, read files, or make
// its reader act as somebody else.
func TestReadHandOffRefuses(t *testing.T) {
	const head = "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
	const cluster = "clusters: [{name: c, cluster: {server: 'https://c'}}]\n"
	user := func(fields string) string { return "users: [{name: u, user: {" + fields + "}}]\n" }
	good := user("client-certificate-data: QQ==")
	tests := []struct{ name, input, want string }{
		{"an exec plugin", head + cluster + user("client-certificate-data: QQ==, exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, interactiveMode: Never}"), "run a program"},
		{"an auth provider", head + cluster + user("client-certificate-data: QQ==, auth-provider: {name: gcp}"), "run a program"},
		{"a token", head + cluster + user("client-certificate-data: QQ==, token: t"), "a token or a password"},
		{"a token in a file", head + cluster + user("client-certificate-data: QQ==, tokenFile: /etc/shadow"), "a token or a password"},
		{"a password", head + cluster + user("client-certificate-data: QQ==, username: u, password: p"), "a token or a password"},
		{"another user", head + cluster + user("client-certificate-data: QQ==, as: admin"), "impersonates another user"},
		{"somebody else's groups", head + cluster + user("client-certificate-data: QQ==, as-groups: [admins]"), "impersonates another user"},
		{"a certificate's file", head + cluster + user("client-certificate: /etc/shadow"), "refers to files"},
		{"a key's file", head + cluster + user("client-certificate-data: QQ==, client-key: /etc/shadow"), "refers to files"},
		{"a CA's file", head + "clusters: [{name: c, cluster: {server: 'https://c', certificate-authority: /etc/shadow}}]\n" + good, "refers to files"},
		{"no verification", head + "clusters: [{name: c, cluster: {server: 'https://c', insecure-skip-tls-verify: true}}]\n" + good, "does not verify"},
		{"plain HTTP", head + "clusters: [{name: c, cluster: {server: 'http://c'}}]\n" + good, "is not an https URL"},
		{"a password in its address", head + "clusters: [{name: c, cluster: {server: 'https://u:hunter2@c'}}]\n" + good, "its server URL has user information: https://xxxxx@c"},
		{"a query in its address", head + "clusters: [{name: c, cluster: {server: 'https://c/?t=hunter2'}}]\n" + good, "a query or fragment"},
		{"an address without a host", head + "clusters: [{name: c, cluster: {server: 'https:///hunter2'}}]\n" + good, "is not an https URL"},
		{"no address", head + "clusters: [{name: c, cluster: {server: 'https://u:hunter2@c:x'}}]\n" + good, "is not an https URL"},
		{"a password for a proxy", head + "clusters: [{name: c, cluster: {server: 'https://c', proxy-url: 'http://u:hunter2@p'}}]\n" + good, "its proxy-url contains credentials: http://xxxxx@p"},
		{"a proxy that is no address", head + "clusters: [{name: c, cluster: {server: 'https://c', proxy-url: 'u:hunter2@p'}}]\n" + good, "proxy-url is not a URL"},
		{"a name that moves the cursor", strings.Replace(head, "cluster: c,", "cluster: \"c\\e[2J\",", 1) + "clusters: [{name: \"c\\e[2J\", cluster: {server: 'https://c'}}]\n" + good, "invisible characters"},
		{"a name that nobody sees", strings.Replace(head, "user: u", "user: u, namespace: \"a\\u202eb\"", 1) + cluster + good, "invisible characters"},
		{"a name without an end", strings.Replace(head, "user: u", "user: u, namespace: "+strings.Repeat("a", 300), 1) + cluster + good, "too long"},
		{"a server name that moves the cursor", head + "clusters: [{name: c, cluster: {server: 'https://c', tls-server-name: \"a\\nb\"}}]\n" + good, "invisible characters"},
		{"no certificate", head + cluster + user(""), "it has no certificate"},
		{"no context", "apiVersion: v1\nkind: Config\n" + cluster + good, "not a kubeconfig with a current context"},
		{"no user", head + cluster, "lacks a cluster or a user"},
		{"no kubeconfig", "secret: hunter2: x", "not a kubeconfig"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := kubeconfig.ReadHandOff([]byte(tt.input))
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %v, want one that says %q", err, tt.want)
			}
		})
	}
}
