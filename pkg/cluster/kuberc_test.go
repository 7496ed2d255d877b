package cluster_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// plugins is a machine with credential plugins, each of which leaves a line in
// runs when it is run.
type plugins struct {
	dir, runs string
	server    *httptest.Server
}

func newPlugins(t *testing.T) *plugins {
	t.Helper()
	dir := t.TempDir()
	p := &plugins{dir: dir, runs: filepath.Join(dir, "runs")}
	write := func(name, script string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\necho run >> "+p.runs+"\n"+script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write("good", `echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"good"}}'`)
	write("bad", "exit 7\n")
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	p.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"kind":"NodeList","apiVersion":"v1","items":[]}`)
	}))
	t.Cleanup(p.server.Close)
	return p
}

// count is how often a plugin was run.
func (p *plugins) count() int {
	text, _ := os.ReadFile(p.runs)
	return strings.Count(string(text), "run\n")
}

// connect connects with a user whose plugin is command.
func (p *plugins) connect(t *testing.T, command string, policy *cluster.PluginPolicy) *cluster.Cluster {
	t.Helper()
	config := filepath.Join(t.TempDir(), "config")
	text := fmt.Sprintf(`clusters:
- {name: c, cluster: {server: "%s", insecure-skip-tls-verify: true}}
users:
- {name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: %q, interactiveMode: Never, env: [{name: T, value: %q}]}}}
contexts:
- {name: x, context: {cluster: c, user: u}}
current-context: x
`, p.server.URL, command, t.Name())
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := genericclioptions.NewConfigFlags(true)
	flags.KubeConfig = &config
	c, err := cluster.Connect(flags, cluster.Options{UserAgent: "test", Plugins: policy})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func nodes(t *testing.T, c *cluster.Cluster) error {
	t.Helper()
	_, err := c.Client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	return c.Explain(err, time.Now())
}

func kuberc(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kuberc")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const header = "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\n"

// Whether a plugin runs is what kuberc says, as client-go understands it, and
// Check foretells it.
func TestPluginPolicy(t *testing.T) {
	p := newPlugins(t)
	good := filepath.Join(p.dir, "good")
	link := filepath.Join(t.TempDir(), "good")
	if err := os.Symlink(good, link); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		kuberc, command string
		runs            bool
	}{
		"nothing":              {"", "good", true},
		"no policy":            {header, "good", true},
		"AllowAll":             {header + "credentialPluginPolicy: AllowAll\n", "good", true},
		"DenyAll":              {header + "credentialPluginPolicy: DenyAll\n", "good", false},
		"DenyAll, by its path": {header + "credentialPluginPolicy: DenyAll\n", good, false},
		"its name":             {header + "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [{command: good}]\n", "good", true},
		"its name, by path":    {header + "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [{command: good}]\n", good, true},
		"its path, by name":    {header + "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [{command: " + good + "}]\n", "good", true},
		"the old field":        {header + "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [{name: good}]\n", "good", true},
		"a link to it":         {header + "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [{command: good}]\n", link, false},
		"another of its name":  {header + "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [{command: " + link + "}]\n", "good", false},
		"another":              {header + "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [{command: bad}]\n", "good", false},
		"a roundabout path":    {header + "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [{command: " + good + "}]\n", p.dir + "/./x/../good", true},
		"a second document":    {"apiVersion: v1\nkind: ConfigMap\n---\n" + header + "credentialPluginPolicy: DenyAll\n", "good", false},
		"v1alpha1 has none":    {strings.Replace(header, "v1beta1", "v1alpha1", 1) + "credentialPluginPolicy: DenyAll\n", "good", true},
	} {
		t.Run(name, func(t *testing.T) {
			path := ""
			if tt.kuberc != "" {
				path = kuberc(t, tt.kuberc)
			}
			policy, err := cluster.ReadPluginPolicy(path)
			if err != nil {
				t.Fatal(err)
			}
			foretold := policy.Check(tt.command)
			before := p.count()
			err = nodes(t, p.connect(t, tt.command, policy))
			if ran := p.count() > before; ran != tt.runs || (foretold == nil) != tt.runs || (err == nil) != tt.runs {
				t.Errorf("ran %t, foretold %v, and the request ended with %v; want it run: %t", ran, foretold, err, tt.runs)
			}
			if !tt.runs && (!strings.Contains(err.Error(), path) || !strings.Contains(hint.Of(err), path) || !strings.Contains(hint.Of(err), "command:")) {
				t.Errorf("it does not say how to allow it: %v (%s)", err, hint.Of(err))
			}
		})
	}
}

// Whoever forgets to say what may run, has nothing run.
func TestNoPluginPolicy(t *testing.T) {
	p := newPlugins(t)
	if err := nodes(t, p.connect(t, "good", nil)); err == nil || p.count() > 0 {
		t.Errorf("it ran %d times: %v", p.count(), err)
	}
}

// What kubectl refuses is refused, and what it passes over is passed over with
// its warning.
func TestReadPluginPolicyFaults(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"an unknown policy":       {header + "credentialPluginPolicy: denyall\n", `unknown plugin policy: "denyall"`},
		"a list without policy":   {header + "credentialPluginAllowlist: [{command: x}]\n", "allowlist is non-nil"},
		"a policy without list":   {header + "credentialPluginPolicy: Allowlist\n", "allowlist is unspecified"},
		"an empty list":           {header + "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: []\n", "allowlist is empty"},
		"an empty entry":          {header + "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [{}]\n", "empty allowlist entry"},
		"a path that is not neat": {header + "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [{command: /a/../b}]\n", "non-normalized"},
		"two names":               {header + "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [{command: a, name: b}]\n", "no valid preferences"},
		"no YAML":                 {"{", "no valid preferences"},
		"another kind":            {"apiVersion: v1\nkind: Config\n", "no valid preferences"},
		"an alias":                {header + "aliases: [{name: a1, command: get}]\n", `alias "a1"`},
		"an alias twice":          {header + "aliases: [{name: a, command: get}, {name: a, command: get}]\n", "duplicate alias"},
		"a flag with dashes":      {header + "defaults: [{command: get, options: [{name: --output, default: wide}]}]\n", "without dashes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := cluster.ReadPluginPolicy(kuberc(t, tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	policy, err := cluster.ReadPluginPolicy(kuberc(t, header+"credentialPluginPolicy: DenyAll\nmisspelt: 1\n"))
	if err != nil || policy.Check("x") == nil || !strings.Contains(policy.Warning, "misspelt") {
		t.Errorf("an unknown field: %v, %+v", err, policy)
	}
	if _, err := cluster.ReadPluginPolicy(filepath.Join(t.TempDir(), "gone")); err == nil {
		t.Error("a file that is named and not there is no error")
	}
	t.Setenv("KUBERC", "off")
	if policy, err := cluster.ReadPluginPolicy(""); err != nil || policy.Check("x") != nil {
		t.Errorf("switched off: %v", err)
	}
	t.Setenv("KUBERC", kuberc(t, header+"credentialPluginPolicy: DenyAll\n"))
	if policy, err := cluster.ReadPluginPolicy(""); err != nil || policy.Check("x") == nil {
		t.Errorf("by KUBERC: %v", err)
	}
}

// A plugin that fails is run once, however many requests wait for it, and the
// error says what client-go says of it.
func TestPluginFailsOnce(t *testing.T) {
	p := newPlugins(t)
	policy, err := cluster.ReadPluginPolicy("")
	if err != nil {
		t.Fatal(err)
	}
	c := p.connect(t, "bad", policy)
	var all sync.WaitGroup
	errs := make([]error, 14)
	for i := range errs {
		all.Go(func() {
			_, err := c.Client.CoreV1().Pods("x").Create(t.Context(), &corev1.Pod{}, metav1.CreateOptions{})
			errs[i] = c.Explain(err, time.Now())
		})
	}
	all.Wait()
	const want = `the credential plugin "bad" failed: executable bad failed with exit code 7`
	for _, err := range errs {
		if err == nil || err.Error() != want {
			t.Fatalf("got %v, want %s", err, want)
		}
	}
	if p.count() != 1 {
		t.Errorf("it was run %d times", p.count())
	}
	missing := p.connect(t, "not-there", policy)
	if err := nodes(t, missing); err == nil || err.Error() != `the credential plugin "not-there" failed: executable not-there not found` || !strings.Contains(hint.Of(err), "install it") {
		t.Errorf("got %v (%s)", err, hint.Of(err))
	}
}

// Several contexts of one user run its plugin once, if it fails; none is run
// unless that is asked for.
func TestPingPlugins(t *testing.T) {
	p := newPlugins(t)
	config := filepath.Join(t.TempDir(), "config")
	text := fmt.Sprintf(`clusters:
- {name: c, cluster: {server: "%[1]s", insecure-skip-tls-verify: true}}
- {name: d, cluster: {server: "%[1]s", insecure-skip-tls-verify: true, tls-server-name: d}}
users:
- {name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: bad, interactiveMode: Never, provideClusterInfo: true}}}
contexts:
- {name: a, context: {cluster: c, user: u}}
- {name: b, context: {cluster: d, user: u}}
- {name: e, context: {cluster: d, user: u, namespace: e}}
`, p.server.URL)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := genericclioptions.NewConfigFlags(true)
	flags.KubeConfig = &config
	for _, run := range []bool{false, true} {
		pinger, err := cluster.NewPinger(flags, cluster.Options{Plugins: cluster.UnlimitedPlugins()}, 5*time.Second, run)
		if err != nil {
			t.Fatal(err)
		}
		want := map[bool]cluster.Fault{false: cluster.Skipped, true: cluster.Plugin}[run]
		var all sync.WaitGroup
		for _, name := range []string{"a", "b", "e"} {
			all.Go(func() {
				if answer := pinger.Ping(t.Context(), name, time.Now); answer.Fault != want {
					t.Errorf("%s: %q (%v), want %q", name, answer.Fault, answer.Err, want)
				}
			})
		}
		all.Wait()
		if wantRuns := map[bool]int{false: 0, true: 1}[run]; p.count() != wantRuns {
			t.Errorf("run %t: it was run %d times", run, p.count())
		}
	}
}
