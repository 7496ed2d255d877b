package catalog_test

import (
	"path"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
)

// instance is a name that a pattern fits and no other of the tables does.
func instance(pattern string) string {
	return strings.NewReplacer("*", "some-node-7", "?", "x").Replace(pattern)
}

// Whatever the tables say, a file is that of the most specific pattern of its
// tree, at its home as in a copy of the whole tree.
func TestTheMostSpecificPatternWins(t *testing.T) {
	wild := func(pattern string) bool { return strings.ContainsAny(pattern, "*?[") }
	for _, l := range catalog.Layouts() {
		for _, tree := range l.Trees {
			for _, root := range []string{tree.Home, "/srv/copy" + tree.Home} {
				var names []string
				for _, f := range tree.Files {
					names = append(names, path.Join(root, instance(f.Path)))
				}
				matches := catalog.MatchFiles(names)
				for _, f := range tree.Files {
					name := path.Join(root, instance(f.Path))
					got, ok := matches[name]
					if !ok {
						t.Errorf("%s: nothing is known of %s", l.Name, name)
						continue
					}
					want := f
					for _, other := range tree.Files {
						fits, _ := path.Match(other.Path, instance(f.Path))
						if fits && (wild(want.Path) && !wild(other.Path) || wild(want.Path) == wild(other.Path) && len(other.Path) > len(want.Path)) {
							want = other
						}
					}
					// Two distributions may share a home: the kubelet's.
					if got.File.Row != want.Row || got.Home != tree.Home {
						t.Errorf("%s: %s is %q of %q at %q, want %q", l.Name, name, got.File.Row, got.Layout, got.Home, want.Row)
					}
				}
			}
		}
	}
}

// No name of a tree is claimed twice: of patterns without wildcards there is one.
func TestNoFileIsClaimedTwice(t *testing.T) {
	for _, l := range catalog.Layouts() {
		taken := map[string]string{}
		for _, tree := range l.Trees {
			for _, f := range tree.Files {
				name := path.Join(tree.Home, f.Path)
				if other, ok := taken[name]; ok {
					t.Errorf("%s: %s is claimed by %q and %q", l.Name, name, other, f.Row)
				}
				taken[name] = f.Row
			}
		}
	}
}

// The names that gave trouble.
func TestNamesThatSeveralUse(t *testing.T) {
	const k3s = "/var/lib/rancher/k3s/server/tls/"
	for name, want := range map[string]string{
		k3s + "kube-scheduler/kube-scheduler.crt":                                                    "scheduler-server",
		k3s + "kube-controller-manager/kube-controller-manager.crt":                                  "controller-manager-server",
		"/var/lib/rancher/rke2/server/tls/kube-scheduler/kube-scheduler.crt":                         "scheduler-server",
		"/tmp/x/var/lib/rancher/rke2/server/tls/kube-controller-manager/kube-controller-manager.crt": "controller-manager-server",
		"/var/lib/kubernetes/kube-scheduler.crt":                                                     "scheduler",
		"/var/lib/kubernetes/kubernetes.pem":                                                         "apiserver",
		"/var/lib/kubernetes/kube-api-server.crt":                                                    "apiserver",
		"/var/lib/kubernetes/worker-7.pem":                                                           "kubelet-client",
		"/var/lib/kubernetes/kube-proxy.kubeconfig":                                                  "proxy",
	} {
		if got := catalog.MatchFiles([]string{name})[name].File.Row; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	// Copied alone, the name is all that there is to go by.
	for name, want := range map[string]bool{"/x/kube-scheduler.crt": true, k3s + "kube-scheduler/kube-scheduler.crt": false, "/var/lib/kubernetes/kube-scheduler.crt": false} {
		if got := catalog.MatchFiles([]string{name})[name].Alone; got != want {
			t.Errorf("%s: alone %t", name, got)
		}
	}
}
