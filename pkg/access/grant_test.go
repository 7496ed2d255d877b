// These tests promise what a real API server hardly lets happen: names that
// collide, permissions that are missing in part, and bindings that fail half
// way. That access is really given is tested in test/e2e.
package access_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/permit"
)

func clusterRole(name string) *rbacv1.ClusterRole {
	return &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

func role(namespace, name string) *rbacv1.Role {
	return &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
}

// prepare prepares grants for alice, without a dry run.
func prepare(t *testing.T, client *fake.Clientset, grants ...access.Grant) ([]access.Grant, error) {
	t.Helper()
	return access.Prepare(t.Context(), client, "alice", grants, false)
}

// A Role of the namespace comes before a ClusterRole of that name.
func TestPrepareFindsTheRole(t *testing.T) {
	client := fake.NewClientset(clusterRole("edit"), clusterRole("view"), role("dev", "edit"))
	tests := []struct {
		name  string
		grant access.Grant
		kind  string
		want  string // of the error; "" for none
	}{
		{"a Role", access.Grant{Role: "edit", Namespace: "dev"}, "Role", ""},
		{"a ClusterRole in a namespace", access.Grant{Role: "edit", Namespace: "prod"}, "ClusterRole", ""},
		{"a ClusterRole in the cluster", access.Grant{Role: "view"}, "ClusterRole", ""},
		{"neither", access.Grant{Role: "edti", Namespace: "dev"}, "", `there is no role "edti": neither a Role in namespace dev nor a ClusterRole`},
		{"none in the cluster", access.Grant{Role: "edti"}, "", `there is no ClusterRole "edti"`},
		{"a path", access.Grant{Role: "../edit"}, "", `invalid role name "../edit"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := prepare(t, client, tt.grant)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) || hint.Of(err) == "" {
					t.Errorf("error %v (hint %q), want one that says %q", err, hint.Of(err), tt.want)
				}
				return
			}
			if err != nil || got[0].Kind() != tt.kind {
				t.Errorf("got %+v, %v, want a %s", got, err, tt.kind)
			}
		})
	}
}

// A binding that is not ours, or another user's, is never touched.
func TestPrepareLeavesOthersBindingsAlone(t *testing.T) {
	grant := access.Grant{Role: "view"}
	name := grant.Name("alice")
	ours := map[string]string{access.ManagedByLabel: access.ManagedBy}
	tests := []struct {
		name        string
		labels      map[string]string
		annotations map[string]string
		refused     bool
	}{
		{"ours", ours, map[string]string{access.UserAnnotation: "alice"}, false},
		{"without our label", nil, map[string]string{access.UserAnnotation: "alice"}, true},
		{"another program's", map[string]string{access.ManagedByLabel: "helm"}, map[string]string{access.UserAnnotation: "alice"}, true},
		{"another user's", ours, map[string]string{access.UserAnnotation: "bob"}, true},
		{"nobody's", ours, nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			there := &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: tt.labels, Annotations: tt.annotations}}
			client := fake.NewClientset(clusterRole("view"), there)
			_, err := prepare(t, client, grant)
			if (err != nil) != tt.refused {
				t.Errorf("error %v, want one: %t", err, tt.refused)
			}
			if _, err := access.Missing(t.Context(), client, "alice", []access.Grant{grant}); (err != nil) != tt.refused {
				t.Errorf("for many people: error %v, want one: %t", err, tt.refused)
			}
			for _, action := range client.Actions() {
				if action.GetVerb() != "get" {
					t.Errorf("it did: %s %s", action.GetVerb(), action.GetResource().Resource)
				}
			}
		})
	}
}

// Everything that the caller may not do is named at once.
func TestPrepareNamesWhatIsMissing(t *testing.T) {
	client := fake.NewClientset(clusterRole("edit"), clusterRole("view"))
	client.PrependReactor("patch", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(action.GetResource().GroupResource(), "x",
			errors.New("user \"bob\" is attempting to grant RBAC permissions not currently held"))
	})
	grants := []access.Grant{{Role: "edit", Namespace: "dev"}, {Role: "view"}}
	_, err := access.Prepare(t.Context(), client, "alice", grants, true)
	missing, ok := errors.AsType[*permit.Missing](err)
	want := []string{
		"bind clusterroles.rbac.authorization.k8s.io/edit -n dev (or all the permissions in it)",
		"bind clusterroles.rbac.authorization.k8s.io/view (or all the permissions in it)",
	}
	if !ok || !slices.Equal(missing.Acts, want) || hint.Of(err) == "" {
		t.Errorf("error %v (hint %q), want %q missing", err, hint.Of(err), want)
	}
}

// When one binding fails, those that were made with it go again, and those
// that were there before stay.
func TestApplyAllOrNothing(t *testing.T) {
	client := fake.NewClientset(clusterRole("view"), clusterRole("edit"), clusterRole("admin"))
	old, err := prepare(t, client, access.Grant{Role: "edit", Namespace: "old"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := access.Apply(t.Context(), client, "alice", old); err != nil {
		t.Fatal(err)
	}
	grants, err := prepare(t, client, access.Grant{Role: "edit", Namespace: "old"}, access.Grant{Role: "view"}, access.Grant{Role: "admin", Namespace: "full"})
	if err != nil {
		t.Fatal(err)
	}
	client.PrependReactor("patch", "rolebindings", func(action clienttesting.Action) (bool, runtime.Object, error) {
		if action.GetNamespace() != "full" {
			return false, nil, nil
		}
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "rolebindings"}, "", errors.New("quota"))
	})
	if _, err := access.Apply(t.Context(), client, "alice", grants); err == nil || !strings.Contains(err.Error(), "in namespace full") {
		t.Errorf("error %v, want one that names the namespace", err)
	}
	cluster, err := client.RbacV1().ClusterRoleBindings().List(t.Context(), metav1.ListOptions{})
	if err != nil || len(cluster.Items) > 0 {
		t.Errorf("left behind: %v (%v)", cluster.Items, err)
	}
	bindings, err := client.RbacV1().RoleBindings("").List(t.Context(), metav1.ListOptions{})
	if err != nil || len(bindings.Items) != 1 || bindings.Items[0].Namespace != "old" {
		t.Errorf("bindings: %v (%v), want the old one alone", bindings.Items, err)
	}
}

// A binding whose answer was lost on the way is taken back too.
func TestApplyTakesBackWhatMayHaveArrived(t *testing.T) {
	client := fake.NewClientset(clusterRole("view"))
	grants, err := prepare(t, client, access.Grant{Role: "view"})
	if err != nil {
		t.Fatal(err)
	}
	lost := errors.New("connection reset by peer")
	client.PrependReactor("patch", "clusterrolebindings", func(action clienttesting.Action) (bool, runtime.Object, error) {
		there := access.Objects("alice", grants)[0].(*rbacv1.ClusterRoleBinding)
		if err := client.Tracker().Create(rbacv1.SchemeGroupVersion.WithResource("clusterrolebindings"), there, ""); err != nil {
			t.Error(err)
		}
		return true, nil, lost
	})
	if _, err := access.Apply(t.Context(), client, "alice", grants); !errors.Is(err, lost) {
		t.Errorf("error %v, want %v", err, lost)
	}
	if list, _ := client.RbacV1().ClusterRoleBindings().List(t.Context(), metav1.ListOptions{}); len(list.Items) > 0 {
		t.Errorf("left behind: %s", list.Items[0].Name)
	}
}

// Nothing is begun after Ctrl-C.
func TestApplyAfterAnInterrupt(t *testing.T) {
	client := fake.NewClientset(clusterRole("view"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := access.Apply(ctx, client, "alice", []access.Grant{{Role: "view"}}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if got := client.Actions(); len(got) > 0 {
		t.Errorf("it did: %v", got)
	}
}

// What is taken back is taken back after Ctrl-C too.
func TestRemoveAfterAnInterrupt(t *testing.T) {
	client := fake.NewClientset(clusterRole("view"))
	grants, err := prepare(t, client, access.Grant{Role: "view"})
	if err != nil {
		t.Fatal(err)
	}
	made, err := access.Apply(t.Context(), client, "alice", grants)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := access.Remove(ctx, client, made); err != nil {
		t.Error(err)
	}
	if list, _ := client.RbacV1().ClusterRoleBindings().List(t.Context(), metav1.ListOptions{}); len(list.Items) > 0 {
		t.Errorf("left behind: %s", list.Items[0].Name)
	}
}

// A binding is labelled so that it is found by its user, and means what was
// shown.
func TestApplyMakesWhatObjectsShows(t *testing.T) {
	const user = "Zoë@example.com"
	client := fake.NewClientset(clusterRole("edit"))
	grants, err := access.Prepare(t.Context(), client, user, []access.Grant{{Role: "edit", Namespace: "dev"}}, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := access.Apply(t.Context(), client, user, grants); err != nil {
		t.Fatal(err)
	}
	list, err := client.RbacV1().RoleBindings("dev").List(t.Context(), metav1.ListOptions{LabelSelector: access.Selector(user)})
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("found by its user: %v (%v)", list.Items, err)
	}
	got, shown := list.Items[0], access.Objects(user, grants)[0].(*rbacv1.RoleBinding)
	if got.Annotations[access.UserAnnotation] != user || got.RoleRef != shown.RoleRef || !slices.Equal(got.Subjects, shown.Subjects) || got.Name != shown.Name {
		t.Errorf("made  %+v\nshown %+v", got, shown)
	}
	if got.Subjects[0].Name != user || got.Subjects[0].Kind != "User" {
		t.Errorf("it binds %+v", got.Subjects)
	}
}

// No two grants share a name, and the same grant has the same name each time.
func TestGrantNames(t *testing.T) {
	names := map[string]string{}
	for _, user := range []string{"alice", "alice-edit", "Alice", "a/b", "a:b", strings.Repeat("x", 64), "日本", "日本人"} {
		for _, r := range []string{"edit", "system:edit", "system-edit", "Edit"} {
			g := access.Grant{Role: r}
			name := g.Name(user)
			if names[name] != "" {
				t.Errorf("%s of %s is called as %s", r, user, names[name])
			}
			names[name] = r + " of " + user
			if name != (access.Grant{Role: r}).Name(user) || len(name) > 253 || strings.ContainsAny(name, "/%") {
				t.Errorf("name %q", name)
			}
		}
	}
}
