//go:build e2e

package bench

import (
	"context"
	"crypto/x509/pkix"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	rbacapply "k8s.io/client-go/applyconfigurations/rbac/v1"
	"k8s.io/client-go/kubernetes"
)

// crowd is how many people are let in at once.
const crowd = 500

// sweep removes, in the end, what the benchmarks have left of people in the
// cluster.
func sweep(b *testing.B) {
	client := newClient(b)
	b.Cleanup(func() {
		ctx := context.Background()
		ours := func(user string) bool { return strings.HasPrefix(user, "bench-") }
		bindings, err := client.RbacV1().ClusterRoleBindings().List(ctx, metav1.ListOptions{})
		if err != nil {
			b.Error(err)
		}
		for _, binding := range bindings.Items {
			if len(binding.Subjects) == 1 && ours(binding.Subjects[0].Name) {
				if err := client.RbacV1().ClusterRoleBindings().Delete(ctx, binding.Name, metav1.DeleteOptions{}); err != nil {
					b.Error(err)
				}
			}
		}
		records, err := client.CoreV1().ConfigMaps("kube-system").List(ctx, metav1.ListOptions{})
		if err != nil {
			b.Error(err)
		}
		for _, record := range records.Items {
			if ours(record.Data["user"]) {
				if err := client.CoreV1().ConfigMaps("kube-system").Delete(ctx, record.Name, metav1.DeleteOptions{}); err != nil {
					b.Error(err)
				}
			}
		}
	})
}

// issue for a person with access, as a whole process, against bare client-go
// that makes the same calls in a process of its own (at most twice), and
// against the documentation's procedure (at most 0.15).
func BenchmarkIssuePerson(b *testing.B) {
	sweep(b)
	compare(b,
		command("issue", plugin(b), "issue", "bench-person", "--cluster-role", "view", "--out", "-"),
		command("bare-process", os.Args[0], "-test.run", "^TestBarePersonProcess$", "-test.v"),
		within("documented", documentedWithAccess(b)),
	)
}

// Many people by a file, against one after another by the documentation's
// procedure (at least 20 times as fast): the figure is how many times as long
// that takes for as many.
func BenchmarkIssueMany(b *testing.B) {
	sweep(b)
	documented := documentedWithAccess(b)
	documented(b) // to warm up
	b.ResetTimer()
	for round := range min(b.N, 2) { // a round takes half a minute
		const sample = 10
		start := time.Now()
		for range sample {
			documented(b)
		}
		one := time.Since(start) / sample

		dir := b.TempDir()
		var text strings.Builder
		text.WriteString("apiVersion: certs.kubectl.dev/v1alpha1\nkind: People\npeople:\n")
		for i := range crowd {
			fmt.Fprintf(&text, "- name: bench-%d-%d\n  clusterRoles: [view]\n", round, i)
		}
		file := filepath.Join(dir, "people.yaml")
		if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
			b.Fatal(err)
		}
		start = time.Now()
		command("issue", plugin(b), "issue", "-f", file, "--out", filepath.Join(dir, "people")+"/").run(b)
		ours := time.Since(start)
		b.ReportMetric(ours.Seconds(), "s/500-people")
		b.ReportMetric(one.Seconds()*1000, "ms/documented-one")
		b.ReportMetric(crowd*one.Seconds()/ours.Seconds(), "times-as-fast")
	}
	b.ReportMetric(0, "ns/op")
}

// TestBarePersonProcess is the process that BenchmarkIssuePerson times.
func TestBarePersonProcess(t *testing.T) {
	barePerson(t, newClient(t))
}

// barePerson makes the calls that issue cannot do without: request, approve,
// watch, bind, record.
func barePerson(tb testing.TB, client kubernetes.Interface) {
	ctx := context.Background()
	user := fmt.Sprintf("bench-bare-%d", os.Getpid())
	requestName := certify(tb, client, pkix.Name{CommonName: user})
	binding := rbacapply.ClusterRoleBinding(user).
		WithSubjects(rbacapply.Subject().WithAPIGroup(rbacv1.GroupName).WithKind("User").WithName(user)).
		WithRoleRef(rbacapply.RoleRef().WithAPIGroup(rbacv1.GroupName).WithKind("ClusterRole").WithName("view"))
	if _, err := client.RbacV1().ClusterRoleBindings().Apply(ctx, binding, metav1.ApplyOptions{FieldManager: "bench"}); err != nil {
		tb.Fatal(err)
	}
	record := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "bench-"},
		Data:       map[string]string{"user": user, "request": requestName},
	}
	if _, err := client.CoreV1().ConfigMaps("kube-system").Create(ctx, record, metav1.CreateOptions{}); err != nil {
		tb.Fatal(err)
	}
}

// documentedWithAccess is the documentation's procedure, with the binding that
// it ends in.
func documentedWithAccess(b *testing.B) func(*testing.B) {
	identity := documented(b)
	round := 0
	return func(b *testing.B) {
		identity(b)
		round++
		name := fmt.Sprintf("bench-documented-%d-%d", os.Getpid(), round)
		command("bind", "kubectl", "create", "clusterrolebinding", name, "--clusterrole=view", "--user="+name).run(b)
	}
}
