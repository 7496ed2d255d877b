package kubeconfig_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// shown is all that is shown of a kubeconfig.
func shown(t *testing.T, text string) string {
	t.Helper()
	d := parse(t, "config", text)
	c := kubeconfig.NewConfig(d)
	var out strings.Builder
	fmt.Fprintf(&out, "%+v\n%+v\n%+v\n", c.List(pkitest.Now), c.Detail(c.Entry(kubeconfig.ContextEntry, "x"), pkitest.Now),
		kubeconfig.Compare(c, kubeconfig.NewConfig(parse(t, "other", single("server: x", "")))))
	for _, change := range []kubeconfig.FileChange{{Path: "config", After: d}, {Path: "config", Before: d, After: parse(t, "config", "")}} {
		diff, err := change.Diff()
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString(diff)
	}
	return out.String()
}

// A secret is not shown wherever a kubeconfig may hold one.
func TestSecretsWhereverTheyAre(t *testing.T) {
	const secret = "s3cr3t"
	user := func(fields string) string { return single("server: https://c:6443", fields) }
	cluster := func(fields string) string { return single(fields, "") }
	exec := func(fields string) string { return user("exec: {command: sh, " + fields + "}") }
	for name, text := range map[string]string{
		"password in the server":    cluster(`server: "https://u:s3cr3t@c:6443"`),
		"a token for a user name":   cluster(`server: "https://s3cr3t@c:6443"`),
		"query of the server":       cluster(`server: "https://c:6443/?token=s3cr3t"`),
		"fragment of the server":    cluster(`server: "https://c:6443/#s3cr3t"`),
		"a server that is no URL":   cluster(`server: "https://u:s3cr3t@c:port"`),
		"backslashes":               cluster(`server: "https:\\\\u:s3cr3t@c"`),
		"no scheme":                 cluster(`server: "u:s3cr3t@c:6443"`),
		"proxy":                     cluster(`proxy-url: "socks5://u:s3cr3t@p:1"`),
		"proxy without a scheme":    cluster(`proxy-url: "u:s3cr3t@p:1"`),
		"a list for a server":       cluster(`tls-server-name: x, x: [s3cr3t]`),
		"unknown field, cluster":    cluster("server: https://c, x: s3cr3t"),
		"extension, cluster":        cluster("extensions: [{name: x, extension: {y: s3cr3t}}]"),
		"unknown field, user":       user("x: s3cr3t"),
		"unknown map, user":         user("x: {y: [s3cr3t]}"),
		"a secret for a number":     user(`x: "s3cr3t"`),
		"extension, user":           user("extensions: [{name: x, extension: {y: s3cr3t}}]"),
		"user extra":                user("as: a, as-user-extra: {x: [s3cr3t]}"),
		"token":                     user("token: s3cr3t"),
		"password":                  user("password: s3cr3t"),
		"provider":                  user("auth-provider: {name: oidc, config: {x: s3cr3t}}"),
		"provider, unknown field":   user("auth-provider: {name: oidc, x: s3cr3t}"),
		"the key for its path":      user(`client-key: "-----BEGIN PRIVATE KEY-----\ns3cr3t\n-----END PRIVATE KEY-----\n"`),
		"base64 for its path":       user(`client-key: "` + strings.Repeat("s3cr3t", 100) + `"`),
		"bearer header":             exec(`args: [-H, "Authorization: Bearer s3cr3t"]`),
		"basic header":              exec(`args: ["--header=Authorization: Basic s3cr3t"]`),
		"script":                    exec(`args: [-c, "curl -u u:s3cr3t https://x"]`),
		"flag that nobody knows":    exec(`args: [--x, s3cr3t, --y=s3cr3t]`),
		"positional":                exec(`args: [s3cr3t]`),
		"glued to its flag":         exec(`args: [-ps3cr3t=]`),
		"password in an address":    exec(`args: [--oidc-issuer-url, "https://u:s3cr3t@c", "--cluster=https://u:s3cr3t@c"]`),
		"environment":               exec(`env: [{name: X, value: s3cr3t}]`),
		"environment, unknown":      exec(`env: [{name: X, valueFrom: {y: s3cr3t}}]`),
		"exec, unknown":             exec(`x: {y: s3cr3t}`),
		"comment":                   user("token: x") + "# s3cr3t\n",
		"comment behind a value":    strings.Replace(user("token: x"), "name: c\n", "name: c # s3cr3t\n", 1),
		"comment behind a tab":      strings.Replace(user("token: x"), "name: c\n", "name: c\t#s3cr3t\n", 1),
		"comment, indented":         strings.Replace(user("token: x"), "name: c\n", "name: c\n  #s3cr3t#\n", 1),
		"comment, CR LF":            strings.ReplaceAll(strings.Replace(user("token: x"), "name: c\n", "name: c # s3cr3t\n", 1), "\n", "\r\n"),
		"beside the body":           strings.Replace(user("token: x"), "- name: u\n", "- name: u\n  x: s3cr3t\n", 1),
		"extension, beside":         strings.Replace(user("token: x"), "- name: u\n", "- name: u\n  extensions: [{name: s3cr3t}]\n", 1),
		"unknown field, context":    strings.Replace(user("token: x"), "user: u}", "user: u, x: s3cr3t}", 1),
		"unknown field, root":       user("token: x") + "x: s3cr3t\n",
		"preferences":               user("token: x") + "preferences: {x: s3cr3t}\n",
		"extension, root":           user("token: x") + "extensions: [{name: x, extension: {y: s3cr3t}}]\n",
		"an anchor":                 user("token: &a s3cr3t, password: *a"),
		"JSON":                      `{"users":[{"name":"u","user":{"token":"s3cr3t","x":"s3cr3t"}}],"contexts":[{"name":"x","context":{"user":"u","cluster":"c"}}]}`,
		"several lines":             strings.Replace(user("token: x"), "  user: {token: x}", "  user:\n    x: |\n      a\n      s3cr3t\n", 1),
		"extra of an impersonation": user("as-user-extra: {x: [s3cr3t]}"),
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(text, secret) {
				t.Fatalf("the test has no secret: %s", text)
			}
			if got := shown(t, text); strings.Contains(got, secret) {
				t.Errorf("it shows the secret:\n%s\nof\n%s", got, text)
			}
		})
	}
}

// What is known to be harmless is shown, or nobody could review a change.
func TestHarmlessIsShown(t *testing.T) {
	got := shown(t, single("server: https://c:6443/path, proxy-url: http://proxy:3128, tls-server-name: name.example",
		"username: me, client-key: a.key, as: them, as-groups: [ones, twos], exec: {command: aws, args: [--region, eu-1, eks, get-token, --cluster-name=prod, --output, json], env: [{name: AWS_PROFILE, value: x}]}"))
	for _, want := range []string{"https://c:6443/path", "http://proxy:3128", "name.example", "me", "a.key", "them", "ones", "twos", "eu-1", "eks", "get-token", "--cluster-name=prod", "AWS_PROFILE"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

func TestRedactURL(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "",
		"https://c:6443":              "https://c:6443",
		"https://[::1]:6443/a":        "https://[::1]:6443/a",
		"c:6443":                      "c:6443",
		"10.0.0.1:6443":               "10.0.0.1:6443",
		"https://u:p@c:6443/a":        "https://xxxxx@c:6443/a",
		"https://u@c":                 "https://xxxxx@c",
		"http://u:@c":                 "http://xxxxx@c",
		"https://c/?a=b":              "https://c/?xxxxx",
		"https://u:p@c:x":             "<hidden, 15 characters>",
		"u:p@c":                       "<hidden, 5 characters>",
		"https://c\x1b[2J":            "<hidden, 13 characters>",
		"mailto:u@c":                  "<hidden, 10 characters>",
		"//u:p@c":                     "//xxxxx@c",
		"https://c:6443/k8s/clusters": "https://c:6443/k8s/clusters",
	} {
		if got := kubeconfig.RedactURL(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}
