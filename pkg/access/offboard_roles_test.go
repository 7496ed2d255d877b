package access

import (
	"slices"
	"strings"
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// Rights to single objects and in single namespaces are ways back too, though no
// question of the form "may they bind any role" finds them.
func TestRemainsByRoles(t *testing.T) {
	rule := func(verb, group, resource string, names ...string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{Verbs: []string{verb}, APIGroups: []string{group}, Resources: []string{resource}, ResourceNames: names}
	}
	for _, tt := range []struct {
		name  string
		rules []rbacv1.PolicyRule
		// want is a part of the way, without those that all have.
		want     string
		approves bool
	}{
		{"none", []rbacv1.PolicyRule{rule("list", "", "pods")}, "", false},
		{"bind one role", []rbacv1.PolicyRule{rule("bind", rbacv1.GroupName, "clusterroles", "cluster-admin")}, "grant itself further roles, by bindings", false},
		{"impersonate one group", []rbacv1.PolicyRule{rule("impersonate", "", "groups", "system:masters")}, "impersonate groups", false},
		{"secrets", []rbacv1.PolicyRule{rule("get", "", "secrets")}, "read Secrets in namespace shop", false},
		{"pods", []rbacv1.PolicyRule{rule("create", "", "pods")}, "create pods in namespace shop", false},
		{"approve", []rbacv1.PolicyRule{rule("patch", "certificates.k8s.io", "certificatesigningrequests/approval", "csr-1"),
			rule("approve", "certificates.k8s.io", "signers", clientSigner)}, "approve requests for certificates of other users", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "few"}, Rules: tt.rules}
			bound := clusterBinding("few", nil, groupSubject("oncall"))
			bound.RoleRef.Name = "few"
			client := town(t)
			objects := []runtime.Object{role, bound}
			if strings.Contains(tt.want, "namespace shop") {
				local := roleBinding("few", nil, userSubject("alice"))
				local.Namespace, local.RoleRef.Name = "shop", "few"
				objects = []runtime.Object{role, local}
			}
			for _, o := range objects {
				if err := client.Tracker().Add(o); err != nil {
					t.Fatal(err)
				}
			}
			f, err := PrepareOffboard(t.Context(), client, may(), Leaver{User: "alice"}, pkitest.Now)
			if err != nil {
				t.Fatal(err)
			}
			remains, err := f.Remains(t.Context(), client)
			if err != nil {
				t.Fatal(err)
			}
			ways := remains[0].WaysBack
			if tt.want == "" && len(ways) > 0 || tt.want != "" && !slices.ContainsFunc(ways, func(w string) bool { return strings.HasPrefix(w, tt.want) && strings.Contains(w, "few") }) {
				t.Errorf("the ways back are %q, want %q", ways, tt.want)
			}
			if f.approver != tt.approves {
				t.Errorf("may approve: %v", f.approver)
			}
		})
	}
}

// Roles that cannot be read are said; bindings that cannot be read are an error.
func TestOffboardUnreadRoles(t *testing.T) {
	for _, tt := range []struct {
		resource string
		unread   []string
		fails    string
	}{
		{"clusterroles", []string{"clusterroles"}, ""},
		{"roles", []string{"roles"}, ""},
		{"rolebindings", nil, "you may not list rolebindings"},
	} {
		client := town(t)
		client.PrependReactor("list", tt.resource, func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, apierrors.NewForbidden(rbacv1.Resource(tt.resource), "", nil)
		})
		f, err := PrepareOffboard(t.Context(), client, may(), Leaver{User: "alice"}, pkitest.Now)
		switch {
		case tt.fails != "":
			if err == nil || !strings.Contains(err.Error(), tt.fails) {
				t.Errorf("%s: got %v, want %q", tt.resource, err, tt.fails)
			}
		case err != nil:
			t.Errorf("%s: %v", tt.resource, err)
		case !slices.Equal(f.UnreadRoles, tt.unread):
			t.Errorf("%s: unread are %q", tt.resource, f.UnreadRoles)
		}
	}
}

// A request that is answered while it is withdrawn stays: it is the trace of a
// certificate that is valid. One that only changed is withdrawn as it is by then.
func TestOffboardWithdrawsOnlyUnanswered(t *testing.T) {
	for _, tt := range []struct {
		name        string
		certificate string
		stays       bool
	}{{"answered", "certificate", true}, {"changed", "", false}} {
		t.Run(tt.name, func(t *testing.T) {
			client := town(t)
			f, err := PrepareOffboard(t.Context(), client, may(), Leaver{User: "alice"}, pkitest.Now)
			if err != nil {
				t.Fatal(err)
			}
			open := f.Pending[slices.IndexFunc(f.Pending, func(r Request) bool { return r.Name == "open" })]
			raced := false
			client.PrependReactor("delete", "certificatesigningrequests", func(action clienttesting.Action) (bool, runtime.Object, error) {
				if raced || action.(clienttesting.DeleteAction).GetName() != "open" {
					return false, nil, nil
				}
				raced = true
				changed := open.object.DeepCopy()
				changed.Status.Certificate = []byte(tt.certificate)
				if err := client.Tracker().Update(requestsResource, changed, ""); err != nil {
					t.Error(err)
				}
				return true, nil, apierrors.NewConflict(requestsResource.GroupResource(), "open", nil)
			})
			errs := f.Offboard(t.Context(), client, Extent{}, pkitest.Now, func(string) {})
			if said := len(errs) == 1 && strings.Contains(errs[0].Error(), "was issued in the meantime"); said != tt.stays {
				t.Errorf("the errors are %v", errs)
			}
			_, err = client.Tracker().Get(requestsResource, "", "open")
			if stays := err == nil; stays != tt.stays {
				t.Errorf("it stays: %v, want %v", stays, tt.stays)
			}
		})
	}
}

var requestsResource = certificatesv1.SchemeGroupVersion.WithResource("certificatesigningrequests")
