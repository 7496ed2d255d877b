//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
)

// scenario runs a command with the rights of g, for a user or request of a name
// that nothing else has, and checks its effect in the cluster.
type scenario func(t *testing.T, g granted) result

// The sections of the document, and how the test runs each of them.
var scenarios = map[string]scenario{
	"issue NAME":                issues(),
	"issue admin":               issuesAdmin,
	"issue NAME --group":        issues("--group", "e2e-permitted"),
	"issue NAME --cluster-role": issues("--cluster-role", "view"),
	"issue NAME --role":         issues("--role", "view", "-n", "default"),
	"issue -f":                  issuesMany,
	"issue --request":           issuesRequest,
	"issue scheduler":           issuesComponent("scheduler"),
	"issue controller-manager":  issuesComponent("controller-manager"),
	"issue proxy":               issuesComponent("proxy"),
	"users":                     plainly("users"),
	"csr":                       listsRequests,
	"approve NAME":              approves,
	"approve --kubelet-serving": approvesServing,
	"deny NAME":                 denies,
	"renew CONTEXT":             renews,
	"credential":                renewsItself,
	"offboard NAME":             offboards,
	"offboard NAME --all-bindings --deny-pending": offboardsAll,
	"inspect":                plainly("inspect", "--reach", "port-forward"),
	"check":                  checks,
	"inspect --node-files":   readsNodeFiles,
	"accept":                 accepts,
	"kubeconfig list --ping": pings,
}

// inTurn are scenarios that would get into the way of themselves: who approves
// the requests of kubelets approves all that there are.
var inTurn = map[string]bool{"approve --kubelet-serving": true}

// With what the document lists, each command does its work; without any one of the
// rules, it fails or says what it left out.
func TestDocumentedPermissions(t *testing.T) {
	sections := readPermissions(t)
	if got, want := slices.Sorted(maps.Keys(sections)), slices.Sorted(maps.Keys(scenarios)); !slices.Equal(got, want) {
		t.Fatalf("the document has rules for %q, the test runs %q", got, want)
	}
	if err := loadImage(); err != nil {
		t.Fatal(err)
	}
	run := newTrial(t)
	// Most of the time they wait for the cluster.
	const atATime = 5
	turns := make(chan struct{}, atATime)
	var all sync.WaitGroup
	for at, section := range slices.Sorted(maps.Keys(sections)) {
		all.Go(func() {
			t.Run(strings.ReplaceAll(section, " ", "_"), func(t *testing.T) {
				trySection(t, run, section, fmt.Sprintf("%s-%d", run.name, at), sections[section], turns)
			})
		})
	}
	all.Wait()
}

// trySection runs a command with all rules, and without each of them.
func trySection(t *testing.T, run trial, section, name string, rules []documented, turns chan struct{}) {
	t.Helper()
	var all sync.WaitGroup
	for left := -1; left < len(rules); left++ {
		try := func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			g := granted{trial: run, id: fmt.Sprintf("%s-%d", name, left+1), rules: slices.Clone(rules), lacking: left >= 0}
			label := "with all"
			if g.lacking {
				g.rules, label = slices.Delete(g.rules, left, left+1), "without "+rules[left].String()
			}
			t.Run(label, func(t *testing.T) {
				began := time.Now()
				r := scenarios[section](t, g)
				t.Logf("%s, exit %d", time.Since(began).Round(100*time.Millisecond), r.code)
				if g.lacking {
					wantLack(t, rules[left], r)
				} else {
					wantAllDone(t, rules, r)
				}
			})
		}
		if inTurn[section] {
			try()
		} else {
			all.Go(try)
		}
	}
	all.Wait()
}

// wantAllDone checks what a command says that may do all it should.
func wantAllDone(t *testing.T, rules []documented, r result) {
	t.Helper()
	said := r.stdout + r.stderr
	if r.code != 0 || strings.Contains(said, "you may not") {
		t.Fatalf("with all that is documented: exit %d\n%s", r.code, said)
	}
	for _, rule := range rules {
		if !rule.fails && strings.Contains(said, rule.without) {
			t.Errorf("with all that is documented, it says %q:\n%s", rule.without, said)
		}
	}
}

// wantLack checks what a command says that lacks one rule: it names what is
// missing, or what it has left out for that.
func wantLack(t *testing.T, lacking documented, r result) {
	t.Helper()
	if lacking.fails && r.code == 0 {
		t.Errorf("without %v, it works all the same\n%s", lacking, r.stderr)
	}
	if !strings.Contains(r.stdout+r.stderr, lacking.without) {
		t.Errorf("without %v, it does not say %q\n%s", lacking, lacking.without, r.stdout+r.stderr)
	}
}

// plainly runs a command that only looks: as a user, for service accounts may
// list ClusterTrustBundles in any case.
func plainly(args ...string) scenario {
	return func(t *testing.T, g granted) result { return g.user(t).certsAlone(args...) }
}

// check ends with what it has found, which may be something on a cluster where
// other tests have been.
func checks(t *testing.T, g granted) result {
	r := g.user(t).certsAlone("check", "--reach", "port-forward")
	if r.code == 1 || r.code == 2 {
		r.code = 0
	}
	return r
}

func readsNodeFiles(t *testing.T, g granted) result {
	return g.person(t).certsAlone("inspect", "--sources", "kubeconfig", "--node-files=kubectl-certs-worker", "--image", image)
}

// certsAlone runs the program itself, without kubectl before it.
func (p *person) certsAlone(args ...string) result {
	p.t.Helper()
	return p.run("kubectl-certs", args...)
}

// issueAlone issues a certificate to a user as administrator.
func issueAlone(t *testing.T, user string, args ...string) string {
	t.Helper()
	root := newPerson(t, adminKubeconfig(t))
	root.must("kubectl-certs", append([]string{"issue", user, "--expires-in", "1h"}, args...)...)
	return root.path(user + ".kubeconfig")
}

// ofTrial reports whether the program made an object for a user of the trial.
func (run trial) ofTrial(annotations map[string]string) bool {
	return strings.HasPrefix(annotations[access.UserAnnotation], run.name)
}
