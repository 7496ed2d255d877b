package kubeconfig_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// house is a kubeconfig with something to tidy up.
const house = `clusters:
# production
- name: prod
  cluster:
    server: https://prod:6443
# a test
- name: dev
  cluster: {server: "https://dev:6443"}
- name: spare
  cluster:
    server: https://spare:6443
contexts:
- name: a
  context: # mine
    cluster: prod
    user: alice
- context: {cluster: dev, user: alice}
  name: b
- name: broken
  context:
    cluster: gone
    user: bob
users:
- name: alice
  user:
    token: t
- name: bob
  user:
    token: t
current-context: a # now
`

func TestChanges(t *testing.T) {
	tests := []struct {
		name    string
		do      func(*kubeconfig.Config) ([]kubeconfig.Change, error)
		want    *strings.Replacer
		changes []string
	}{
		{"use", func(c *kubeconfig.Config) ([]kubeconfig.Change, error) { return c.Use("b") },
			strings.NewReplacer("current-context: a #", "current-context: b #"), []string{"current-context b changed (was a)"}},
		{"use what is used", func(c *kubeconfig.Config) ([]kubeconfig.Change, error) { return c.Use("a") }, strings.NewReplacer(), nil},
		{"rename a context", func(c *kubeconfig.Config) ([]kubeconfig.Change, error) {
			return c.Rename(kubeconfig.ContextEntry, "a", "prod: a")
		}, strings.NewReplacer("- name: a\n", "- name: \"prod: a\"\n", "current-context: a #", "current-context: \"prod: a\" #"), []string{"context prod: a renamed (was a)"}},
		{"rename a user", func(c *kubeconfig.Config) ([]kubeconfig.Change, error) {
			return c.Rename(kubeconfig.UserEntry, "alice", "carol")
		}, strings.NewReplacer("user: alice\n", "user: carol\n", "- name: alice", "- name: carol",
			"- context: {cluster: dev, user: alice}\n", "- context:\n    cluster: dev\n    user: carol\n"), []string{"user carol renamed (was alice)"}},
		{"rename a cluster", func(c *kubeconfig.Config) ([]kubeconfig.Change, error) {
			return c.Rename(kubeconfig.ClusterEntry, "prod", "p")
		}, strings.NewReplacer("- name: prod", "- name: p", "cluster: prod\n", "cluster: p\n"), []string{"cluster p renamed (was prod)"}},
		{"remove", func(c *kubeconfig.Config) ([]kubeconfig.Change, error) { return c.Remove(false, "b") },
			strings.NewReplacer("# a test\n- name: dev\n  cluster: {server: \"https://dev:6443\"}\n", "", "- context: {cluster: dev, user: alice}\n  name: b\n", ""),
			[]string{"cluster dev removed", "context b removed"}},
		{"remove the current one", func(c *kubeconfig.Config) ([]kubeconfig.Change, error) { return c.Remove(true, "a") },
			strings.NewReplacer("- name: a\n  context: # mine\n    cluster: prod\n    user: alice\n", "", "current-context: a #", "current-context: \"\" #"),
			[]string{"context a removed", "current-context a removed"}},
		{"remove all", func(c *kubeconfig.Config) ([]kubeconfig.Change, error) { return c.Remove(false, "a", "b", "broken") },
			strings.NewReplacer(house[strings.Index(house, "contexts:"):], "contexts: []\nusers: []\ncurrent-context: \"\" # now\n",
				"# production\n- name: prod\n  cluster:\n    server: https://prod:6443\n# a test\n- name: dev\n  cluster: {server: \"https://dev:6443\"}\n", "# production\n"),
			[]string{"cluster prod removed", "cluster dev removed", "context a removed", "context b removed", "context broken removed", "user alice removed", "user bob removed", "current-context a removed"}},
		{"prune", func(c *kubeconfig.Config) ([]kubeconfig.Change, error) { return c.Prune(false, pkitest.Now) },
			strings.NewReplacer("- name: spare\n  cluster:\n    server: https://spare:6443\n", "", "- name: broken\n  context:\n    cluster: gone\n    user: bob\n", "", "- name: bob\n  user:\n    token: t\n", ""),
			[]string{"cluster spare removed", "context broken removed", "user bob removed"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := kubeconfig.NewConfig(parse(t, "config", house))
			changes, err := tt.do(c)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := c.Target().Text(), tt.want.Replace(house); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			checkChanges(t, changes, tt.changes)
		})
	}
}

func TestChangesRefused(t *testing.T) {
	tests := []struct {
		name string
		do   func(*kubeconfig.Config) ([]kubeconfig.Change, error)
		want string
	}{
		{"use what is not there", func(c *kubeconfig.Config) ([]kubeconfig.Change, error) { return c.Use("x") }, `context "x" is not in the kubeconfig`},
		{"rename to a name that is taken", func(c *kubeconfig.Config) ([]kubeconfig.Change, error) {
			return c.Rename(kubeconfig.ContextEntry, "a", "b")
		}, `renaming context "a": context "b" already exists, in config`},
		{"rename to nothing", func(c *kubeconfig.Config) ([]kubeconfig.Change, error) {
			return c.Rename(kubeconfig.ContextEntry, "a", "")
		}, `renaming context "a": the new name is empty`},
		{"remove what is not there", func(c *kubeconfig.Config) ([]kubeconfig.Change, error) { return c.Remove(false, "a", "x") }, `context "x" is not in the kubeconfig`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := kubeconfig.NewConfig(parse(t, "config", house))
			_, err := tt.do(c)
			checkError(t, err, tt.want)
			if c.Target().Text() != house {
				t.Errorf("it changed:\n%s", c.Target().Text())
			}
		})
	}
}

// Of a list of files, each is changed where the entry stands; the current
// context goes to the first; an entry that never counted does not come to
// light.
func TestChangesInSeveralFiles(t *testing.T) {
	first := "contexts:\n- name: a\n  context: {cluster: prod, user: bob}\n"
	c := kubeconfig.NewConfig(parse(t, "first", first), parse(t, "second", house))
	if _, err := c.Use("b"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Remove(true, "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Rename(kubeconfig.ContextEntry, "b", "bee"); err != nil {
		t.Fatal(err)
	}
	files := c.Files()
	if got, want := files[0].Text(), "contexts: []\ncurrent-context: bee\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	want := strings.NewReplacer("- name: a\n  context: # mine\n    cluster: prod\n    user: alice\n", "", "name: b\n", "name: bee\n", "current-context: a #", "current-context: \"\" #").Replace(house)
	if got := files[1].Text(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestLocate(t *testing.T) {
	dir := t.TempDir()
	there := filepath.Join(dir, "there")
	write(t, there, "", 0o600)
	list := func(paths ...string) string { return strings.Join(paths, string(os.PathListSeparator)) }
	tests := []struct {
		name, explicit, env string
		want                []string
		target              int
	}{
		{"nothing said", "", "", []string{filepath.Join("home", ".kube", "config")}, 0},
		{"a flag stands alone", "x", list("a", "b"), []string{"x"}, 0},
		{"one file", "", "a", []string{"a"}, 0},
		{"a list, of which the second is there", "", list("a", there, "b"), []string{"a", there, "b"}, 1},
		{"a list, of which none is there", "", list("a", "b"), []string{"a", "b"}, 1},
		{"gaps and repetitions", "", list("", "a", "", "a", "./a", "b"), []string{"a", "b"}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := kubeconfig.Locate(tt.explicit, tt.env, "home")
			if strings.Join(got.Paths, " ") != strings.Join(tt.want, " ") || got.Default() != tt.target || got.Explicit != (tt.explicit != "") {
				t.Errorf("got %+v, default %d", got, got.Default())
			}
		})
	}
}
