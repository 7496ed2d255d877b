package kubeconfig_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
)

const (
	mine = `# my clusters
apiVersion: v1
kind: Config
clusters:
# the one at work
- name: work
  cluster:
    server: https://work:6443 # behind the VPN
    certificate-authority: work/ca.crt
- name: kubernetes
  cluster: {server: "https://home:6443"}
users:
- name: admin
  user:
    token: home
    x-unknown: kept
contexts:
- name: home
  context:
    user: admin
    cluster: kubernetes
current-context: home
preferences:
  colors: true
`
	theirs = `apiVersion: v1
kind: Config
current-context: admin@kubernetes
clusters:
- cluster:
    server: https://theirs:6443
  name: kubernetes
contexts:
- context:
    cluster: kubernetes
    user: admin
  name: admin@kubernetes
users:
- name: admin
  user:
    client-certificate: certs/admin.crt
    client-key: /etc/admin.key
    exec:
      command: bin/login
      args: [a, b]
extensions:
- name: theirs
  extension: {a: b}
`
)

func parse(t testing.TB, path, text string) *kubeconfig.Document {
	t.Helper()
	d, err := kubeconfig.Parse(path, text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return d
}

func TestMerge(t *testing.T) {
	tests := []struct {
		name       string
		into, from string
		resolve    kubeconfig.Resolution
		want       string
		changes    []string
	}{
		{"into nothing", "", "apiVersion: v1\nkind: Config\nclusters:\n- name: a\n  cluster:\n    server: b\nusers: []\ncontexts: []\ncurrent-context: ''\n", kubeconfig.Fail,
			"apiVersion: v1\nkind: Config\nclusters:\n- name: a\n  cluster:\n    server: b\ncontexts: []\nusers: []\n", []string{"cluster a added"}},
		{"the same, in another style", mine, strings.ReplaceAll(mine, `{server: "https://home:6443"}`, "\n    server: https://home:6443"), kubeconfig.Fail, mine, nil},
		{"null lists", "clusters: null\nusers:\ncontexts: []\n", "users:\n  - name: a\n    # a comment\n    user:\n      token: b\nclusters: [{name: c, cluster: {server: d}}]\n", kubeconfig.Fail,
			"clusters:\n- name: c\n  cluster:\n    server: d\nusers:\n- name: a\n  # a comment\n  user:\n    token: b\ncontexts: []\n", []string{"cluster c added", "user a added"}},
		{"renamed", mine, theirs, kubeconfig.Rename, strings.NewReplacer(
			"cluster: {server: \"https://home:6443\"}\n", "cluster: {server: \"https://home:6443\"}\n- cluster:\n    server: https://theirs:6443\n  name: kubernetes-2\n",
			"    x-unknown: kept\n", "    x-unknown: kept\n- name: admin-2\n  user:\n    client-certificate: /b/certs/admin.crt\n    client-key: /etc/admin.key\n    exec:\n      command: /b/bin/login\n      args:\n      - a\n      - b\n",
			"    cluster: kubernetes\n", "    cluster: kubernetes\n- context:\n    cluster: kubernetes-2\n    user: admin-2\n  name: admin@kubernetes\n",
			"  colors: true\n", "  colors: true\nextensions:\n- name: theirs\n  extension:\n    a: b\n").Replace(mine),
			[]string{"cluster kubernetes-2 added (was kubernetes)", "user admin-2 added (was admin)", "context admin@kubernetes added", "field extensions added"}},
		{"kept", mine, theirs, kubeconfig.Keep, strings.NewReplacer(
			"    cluster: kubernetes\n", "    cluster: kubernetes\n- context:\n    cluster: kubernetes\n    user: admin\n  name: admin@kubernetes\n",
			"  colors: true\n", "  colors: true\nextensions:\n- name: theirs\n  extension:\n    a: b\n").Replace(mine),
			[]string{"cluster kubernetes kept", "user admin kept", "context admin@kubernetes added", "field extensions added"}},
		{"replaced", mine, theirs, kubeconfig.Replace, strings.NewReplacer(
			"- name: kubernetes\n  cluster: {server: \"https://home:6443\"}\n", "- cluster:\n    server: https://theirs:6443\n  name: kubernetes\n",
			"    token: home\n    x-unknown: kept\n", "    client-certificate: /b/certs/admin.crt\n    client-key: /etc/admin.key\n    exec:\n      command: /b/bin/login\n      args:\n      - a\n      - b\n",
			"    cluster: kubernetes\n", "    cluster: kubernetes\n- context:\n    cluster: kubernetes\n    user: admin\n  name: admin@kubernetes\n",
			"  colors: true\n", "  colors: true\nextensions:\n- name: theirs\n  extension:\n    a: b\n").Replace(mine),
			[]string{"cluster kubernetes replaced", "user admin replaced", "context admin@kubernetes added", "field extensions added"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := kubeconfig.NewConfig(parse(t, "/a/config", tt.into))
			path := "/a/other"
			if tt.from == theirs {
				path = "/b/config"
			}
			changes, err := c.Merge(parse(t, path, tt.from), kubeconfig.Always(tt.resolve))
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Target().Text(); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
			checkChanges(t, changes, tt.changes)
		})
	}
}

func checkChanges(t *testing.T, got []kubeconfig.Change, want []string) {
	t.Helper()
	var lines []string
	for _, c := range got {
		lines = append(lines, c.String())
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("changes %q, want %q", lines, want)
	}
}

func TestMergeFailsAsAWhole(t *testing.T) {
	c := kubeconfig.NewConfig(parse(t, "/a/config", mine))
	_, err := c.Merge(parse(t, "/b/config", theirs), kubeconfig.Always(kubeconfig.Fail))
	conflicts, ok := errors.AsType[*kubeconfig.ConflictsError](err)
	if !ok || len(conflicts.Conflicts) != 2 {
		t.Fatalf("got %v", err)
	}
	const want = `cluster "kubernetes" is different in /a/config (they differ in: server); ` +
		`user "admin" is different in /a/config (they differ in: token, x-unknown, client-certificate, client-key, exec)`
	if err.Error() != want || !strings.Contains(hint.Of(err), "--on-conflict") {
		t.Errorf("got  %v (%s)\nwant %s", err, hint.Of(err), want)
	}
	if got := c.Target().Text(); got != mine {
		t.Errorf("it changed:\n%s", got)
	}
}

// An entry of a list of files is found, and replaced, in its own file.
func TestMergeIntoSeveralFiles(t *testing.T) {
	first := parse(t, "/a/first", "")
	second := parse(t, "/a/second", mine)
	c := kubeconfig.NewConfig(first, second)
	if _, err := c.Merge(parse(t, "/b/config", theirs), kubeconfig.Always(kubeconfig.Replace)); err != nil {
		t.Fatal(err)
	}
	files := c.Files()
	if e := files[1].Entry(kubeconfig.UserEntry, "admin"); e == nil || files[0].Entry(kubeconfig.UserEntry, "admin") != nil {
		t.Error("the user is not in the file it came from")
	}
	if files[0].Entry(kubeconfig.ContextEntry, "admin@kubernetes") == nil || files[1].Entry(kubeconfig.ContextEntry, "admin@kubernetes") != nil {
		t.Error("the new context is not in the first file")
	}
}

// generated is a kubeconfig of few names, so that two of them often meet.
func generated(r *rand.Rand, path string) string {
	var out strings.Builder
	out.WriteString("kind: Config\n")
	name := func() string { return string(rune('a' + r.IntN(4))) }
	list := func(kind string, body func() string) {
		if r.IntN(5) == 0 {
			return
		}
		indent := strings.Repeat(" ", r.IntN(3))
		fmt.Fprintf(&out, "%ss:\n", kind)
		seen := map[string]bool{}
		for range 1 + r.IntN(4) {
			n := name()
			if seen[n] {
				continue
			}
			seen[n] = true
			if r.IntN(3) == 0 {
				fmt.Fprintf(&out, "%s# %s\n", indent, n)
			}
			fmt.Fprintf(&out, "%s- name: %s\n%s  %s: {%s}\n", indent, n, indent, kind, body())
		}
	}
	list("cluster", func() string { return fmt.Sprintf("server: %q, certificate-authority: %s", name(), name()) })
	list("user", func() string {
		return fmt.Sprintf("token: %q, client-key-data: %s", name(), base64.StdEncoding.EncodeToString([]byte(name())))
	})
	list("context", func() string { return fmt.Sprintf("user: %s, cluster: %s, x: %s", name(), name(), name()) })
	if r.IntN(2) == 0 {
		fmt.Fprintf(&out, "current-context: %s\n", name())
	}
	return out.String()
}

// reach is what a context leads to: the meaning of its cluster and its user.
func reach(c *kubeconfig.Config, context *kubeconfig.Entry) string {
	var out []string
	for _, part := range []struct {
		kind  kubeconfig.Kind
		field string
	}{{kubeconfig.ClusterEntry, "cluster"}, {kubeconfig.UserEntry, "user"}} {
		e := c.Entry(part.kind, context.Text(part.field))
		if e == nil {
			out = append(out, "nothing")
			continue
		}
		meaning := ""
		for _, field := range []string{"server", "token", "client-key-data"} {
			meaning += e.Text(field) + ","
		}
		meaning += e.Path("certificate-authority")
		out = append(out, meaning)
	}
	return strings.Join(append(out, context.Text("x")), "|")
}

// The laws of merging, over generated pairs: merging anything with itself
// changes nothing; merging twice is merging once; and under rename, whatever
// either side's contexts led to, some context leads to afterwards, and all of
// ours under their own names.
func TestMergeLaws(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 1500 {
		a, b := generated(random, "a"), generated(random, "b")
		checkMergeLaws(t, a, b)
		if t.Failed() {
			t.Fatalf("a:\n%s\nb:\n%s", a, b)
		}
	}
}

func checkMergeLaws(t *testing.T, a, b string) {
	t.Helper()
	docA, errA := kubeconfig.Parse(filepath.FromSlash("/a/config"), a)
	docB, errB := kubeconfig.Parse(filepath.FromSlash("/b/config"), b)
	if errA != nil || errB != nil {
		return
	}
	self := kubeconfig.NewConfig(docA)
	if changes, err := self.Merge(docA, kubeconfig.Always(kubeconfig.Fail)); err != nil || len(changes) > 0 || self.Target().Text() != a {
		t.Errorf("merging with itself: %v, %v\n%s", changes, err, self.Target().Text())
	}
	merged := kubeconfig.NewConfig(docA)
	if _, err := merged.Merge(docB, kubeconfig.Always(kubeconfig.Rename)); err != nil {
		t.Errorf("merging: %v", err)
		return
	}
	once := merged.Target().Text()
	if changes, err := merged.Merge(docB, kubeconfig.Always(kubeconfig.Rename)); err != nil || merged.Target().Text() != once {
		t.Errorf("merging again: %v, %v\n%s\nwas\n%s", changes, err, merged.Target().Text(), once)
	}
	leads := map[string]bool{}
	for _, e := range merged.Entries(kubeconfig.ContextEntry) {
		leads[reach(merged, e)] = true
	}
	before := kubeconfig.NewConfig(docA)
	for _, e := range before.Entries(kubeconfig.ContextEntry) {
		after := merged.Entry(kubeconfig.ContextEntry, e.Name)
		if was := reach(before, e); !strings.Contains(was, "nothing") && (after == nil || reach(merged, after) != was) {
			t.Errorf("our context %s led to %s\n%s", e.Name, was, once)
		}
	}
	theirs := kubeconfig.NewConfig(docB)
	for _, e := range theirs.Entries(kubeconfig.ContextEntry) {
		if was := reach(theirs, e); !strings.Contains(was, "nothing") && !leads[was] {
			t.Errorf("nothing leads to %s any more, as their context %s did\n%s", was, e.Name, once)
		}
	}
}

func FuzzMerge(f *testing.F) {
	f.Add(mine, theirs)
	f.Add("", mine)
	random := rand.New(rand.NewPCG(5, 6))
	for range 5 {
		f.Add(generated(random, "a"), generated(random, "b"))
	}
	f.Fuzz(checkMergeLaws)
}
