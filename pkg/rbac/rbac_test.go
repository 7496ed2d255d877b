// These tests promise that each known way to more power is seen, by whatever
// rules and bindings somebody has it, and that what leads to none is not called
// one.
package rbac

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// policy reads "get,list secrets,pods/exec.GROUP [names]"; a group follows the
// first dot of the first resource. EMPTY is the empty name.
func policy(t testing.TB, text string) rbacv1.PolicyRule {
	t.Helper()
	fields := strings.Fields(text)
	if len(fields) < 2 {
		t.Fatalf("no rule: %q", text)
	}
	resources, group, _ := strings.Cut(fields[1], ".")
	rule := rbacv1.PolicyRule{Verbs: strings.Split(fields[0], ","), APIGroups: []string{group}, Resources: strings.Split(resources, ",")}
	if strings.HasPrefix(fields[1], "/") {
		return rbacv1.PolicyRule{Verbs: rule.Verbs, NonResourceURLs: []string{fields[1]}}
	}
	if len(fields) > 2 {
		rule.ResourceNames = strings.Split(strings.ReplaceAll(fields[2], "EMPTY", ""), ",")
	}
	return rule
}

// small is a cluster in which group devs has rules: in the whole cluster, where
// namespace is "", each by a role and a binding of its own.
func small(t testing.TB, namespace string, rules ...string) *Index {
	t.Helper()
	roles := builtIn(t)
	var everywhere []rbacv1.ClusterRoleBinding
	var somewhere []rbacv1.RoleBinding
	devs := []rbacv1.Subject{{Kind: "Group", Name: "devs"}}
	for i, text := range rules {
		name := fmt.Sprintf("role%d", i)
		ref := rbacv1.RoleRef{Kind: "ClusterRole", Name: name}
		if role, ok := strings.CutPrefix(text, "@"); ok { // a role that is there
			ref.Name = role
		} else {
			roles = append(roles, rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: []rbacv1.PolicyRule{policy(t, text)}})
		}
		meta := metav1.ObjectMeta{Name: fmt.Sprintf("binding%d", i), Namespace: namespace}
		if namespace == "" {
			everywhere = append(everywhere, rbacv1.ClusterRoleBinding{ObjectMeta: meta, RoleRef: ref, Subjects: devs})
		} else {
			somewhere = append(somewhere, rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: ref, Subjects: devs})
		}
	}
	// A namespace with a service account that has full permissions, one with
	// one that can get there, and users and groups who are worth being.
	bind := func(role string, subject rbacv1.Subject) {
		everywhere = append(everywhere, rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: role + "-" + subject.Name},
			RoleRef:    rbacv1.RoleRef{Kind: "ClusterRole", Name: role}, Subjects: []rbacv1.Subject{subject}})
	}
	bind("cluster-admin", rbacv1.Subject{Kind: "ServiceAccount", Namespace: "argo", Name: "controller"})
	bind("view", rbacv1.Subject{Kind: "ServiceAccount", Namespace: "web", Name: "shop"})
	bind("cluster-admin", rbacv1.Subject{Kind: "User", Name: "root"})
	bind("view", rbacv1.Subject{Kind: "User", Name: "bob"})
	bind("edit", rbacv1.Subject{Kind: "Group", Name: "ops"})
	somewhere = append(somewhere, rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "deploys-argo", Namespace: "argo"},
		RoleRef:  rbacv1.RoleRef{Kind: "ClusterRole", Name: "edit"},
		Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: "ci", Name: "deployer"}}})
	return NewIndex(roles, nil, everywhere, somewhere)
}

// builtIn are the roles that users are given, with what counts in them
// (plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go).
func builtIn(t testing.TB) []rbacv1.ClusterRole {
	view := []string{"get,list,watch pods,services,configmaps,serviceaccounts,persistentvolumeclaims,namespaces,events,pods/log,pods/status",
		"get,list,watch deployments,daemonsets,statefulsets,replicasets.apps", "get,list,watch jobs,cronjobs.batch"}
	edit := append([]string{"get,list,watch secrets,pods/attach,pods/exec,pods/portforward,pods/proxy,services/proxy", "impersonate serviceaccounts",
		"create,delete,deletecollection,patch,update pods,pods/attach,pods/exec,pods/portforward,pods/proxy,configmaps,secrets,services",
		"create pods/eviction", "create serviceaccounts/token", "create,delete,deletecollection,patch,update deployments,deployments/scale.apps"}, view...)
	admin := append([]string{"create,delete,deletecollection,get,list,patch,update,watch roles,rolebindings.rbac.authorization.k8s.io", "create localsubjectaccessreviews.authorization.k8s.io"}, edit...)
	role := func(name string, rules []string) rbacv1.ClusterRole {
		r := rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}}
		for _, text := range rules {
			r.Rules = append(r.Rules, policy(t, text))
		}
		return r
	}
	return []rbacv1.ClusterRole{role("view", view), role("edit", edit), role("admin", admin),
		role("system:basic-user", []string{"create selfsubjectaccessreviews,selfsubjectrulesreviews.authorization.k8s.io", "create selfsubjectreviews.authentication.k8s.io"}),
		role("system:discovery", []string{"get /api/*"}), role("system:public-info-viewer", []string{"get /version"})}
}

func TestWays(t *testing.T) {
	const r, c, a = ".rbac.authorization.k8s.io", ".certificates.k8s.io", ".admissionregistration.k8s.io"
	tests := []struct {
		name      string
		namespace string // of the bindings; "" for the whole cluster
		rules     []string
		want      Level
		says      string // the first way
	}{
		{"escalate", "", []string{"escalate clusterroles" + r}, Severe, "grant itself any permission, by changing roles in all namespaces: ClusterRoleBinding binding0 -> ClusterRole role0 (escalate clusterroles.rbac.authorization.k8s.io), by group devs"},
		{"escalate on roles, in a namespace", "dev", []string{"escalate,update roles" + r}, Severe, "in namespace dev: RoleBinding binding0 in namespace dev"},
		{"bind", "", []string{"bind clusterroles" + r}, Severe, "further roles"},
		{"bind in a namespace", "dev", []string{"bind clusterroles" + r}, Severe, "in namespace dev"},
		{"bind view alone", "", []string{"bind clusterroles" + r + " view"}, Harmless, ""},
		{"bind edit alone, in a namespace", "dev", []string{"bind clusterroles" + r + " view,edit"}, Local, "ClusterRole edit has these permissions"},
		{"bind edit alone, everywhere", "", []string{"bind clusterroles" + r + " edit"}, Severe, "named edit"},
		{"bind cluster-admin", "dev", []string{"bind clusterroles" + r + " view,cluster-admin"}, Severe, "ClusterRole cluster-admin has these permissions"},
		{"impersonate users", "", []string{"impersonate users"}, Severe, "impersonate users"},
		{"impersonate an administrator", "", []string{"impersonate users root"}, Severe, "user root has these permissions"},
		{"impersonate somebody who views", "", []string{"impersonate users bob"}, Harmless, ""},
		{"impersonate groups", "", []string{"impersonate groups"}, Severe, "impersonate groups"},
		{"impersonate system:masters", "", []string{"impersonate groups system:masters"}, Severe, "group system:masters has full permissions"},
		{"impersonate those who edit everywhere", "", []string{"impersonate groups ops"}, Severe, "group ops"},
		{"impersonate a group without rights", "", []string{"impersonate groups nobody"}, Harmless, ""},
		{"impersonate service accounts", "", []string{"impersonate serviceaccounts"}, Severe, "impersonate service accounts in all namespaces"},
		{"impersonate service accounts of kube-system", "kube-system", []string{"impersonate serviceaccounts"}, Severe, "the cluster's own components"},
		{"impersonate service accounts of a namespace", "dev", []string{"impersonate serviceaccounts"}, Local, ""},
		{"impersonate a service account that administers", "argo", []string{"impersonate serviceaccounts controller"}, Severe, "argo/controller"},
		{"impersonate UIDs", "", []string{"impersonate uids.authentication.k8s.io"}, Limited, "UID"},
		{"impersonate extra attributes", "", []string{"impersonate userextras/scopes.authentication.k8s.io"}, Limited, "impersonate userextras/scopes"},
		{"impersonate users, constrained", "", []string{"impersonate:user-info users.authentication.k8s.io"}, Severe, "impersonate users"},
		{"impersonate any node", "", []string{"impersonate:arbitrary-node nodes.authentication.k8s.io"}, Severe, "impersonate nodes"},
		{"impersonate one's own node", "", []string{"impersonate:associated-node nodes.authentication.k8s.io"}, Limited, "its own node"},
		{"impersonate by a RoleBinding", "dev", []string{"impersonate users,groups"}, Harmless, ""},

		{"create pods", "", []string{"create pods"}, Severe, "create pods in all namespaces"},
		{"change pods", "", []string{"patch pods"}, Severe, "patch pods"},
		{"deployments", "", []string{"create deployments.apps"}, Severe, "create deployments.apps"},
		{"daemonsets", "", []string{"patch daemonsets.apps"}, Severe, "daemonsets"},
		{"statefulsets", "", []string{"update statefulsets.apps"}, Severe, "statefulsets"},
		{"replicasets", "", []string{"create replicasets.apps"}, Severe, "replicasets"},
		{"replicationcontrollers", "", []string{"create replicationcontrollers"}, Severe, "replicationcontrollers"},
		{"jobs", "", []string{"create jobs.batch"}, Severe, "jobs.batch"},
		{"cronjobs", "", []string{"patch cronjobs.batch"}, Severe, "cronjobs.batch"},
		{"pods in kube-system", "kube-system", []string{"create pods"}, Severe, "in namespace kube-system"},
		{"pods beside a service account that administers", "argo", []string{"create pods"}, Severe, "its service account controller"},
		{"pods beside one that can run pods beside one that administers", "ci", []string{"create pods"}, Severe, "its service account deployer"},
		{"pods beside one that views", "web", []string{"create pods"}, Local, "in namespace web"},
		{"one deployment in kube-system", "kube-system", []string{"patch deployments.apps coredns"}, Severe, "named coredns"},
		{"one deployment's name everywhere", "", []string{"patch deployments.apps web"}, Limited, "named web"},
		{"exec", "", []string{"create pods/exec"}, Severe, "run commands in pods"},
		{"exec in kube-system", "kube-system", []string{"create pods/exec"}, Severe, "kube-system"},
		{"exec by get, as before 1.35", "", []string{"get pods/exec"}, Severe, "pods/exec"},
		{"exec by any subresource", "", []string{"create */exec"}, Severe, "pods/exec"},
		{"attach", "", []string{"create pods/attach"}, Severe, "pods/attach"},
		{"ephemeral containers", "", []string{"patch pods/ephemeralcontainers"}, Severe, "pods/ephemeralcontainers"},
		{"read secrets", "", []string{"get secrets"}, Severe, "read Secrets in all namespaces"},
		{"list secrets", "", []string{"list secrets"}, Severe, "list secrets"},
		{"watch secrets", "", []string{"watch secrets"}, Severe, "watch secrets"},
		{"read secrets by patching nothing", "", []string{"patch secrets"}, Severe, "read Secrets in all namespaces"},
		{"read secrets by what a deletion returns", "", []string{"deletecollection secrets"}, Severe, "read Secrets in all namespaces"},
		{"one secret by patching nothing", "", []string{"patch secrets db"}, Limited, "named db"},
		{"secrets of a namespace by patching nothing", "dev", []string{"patch secrets"}, Local, "in namespace dev"},
		{"delete secrets", "", []string{"delete secrets"}, Harmless, ""},
		{"secrets of kube-system", "kube-system", []string{"get secrets"}, Severe, "kube-system"},
		{"secrets of a namespace", "dev", []string{"get secrets"}, Local, "in namespace dev"},
		{"secrets of one name, everywhere", "", []string{"get secrets db"}, Limited, "named db"},
		{"bootstrap tokens", "kube-system", []string{"create secrets"}, Severe, "bootstrap tokens"},
		{"bootstrap tokens, by changing one", "kube-system", []string{"update secrets"}, Severe, "bootstrap tokens"},
		{"write secrets elsewhere", "dev", []string{"create,update secrets"}, Harmless, ""},
		{"token requests", "", []string{"create serviceaccounts/token"}, Severe, "tokens of service accounts in all"},
		{"token requests for one that administers", "argo", []string{"create serviceaccounts/token controller"}, Severe, "argo/controller"},
		{"token requests for one that views", "web", []string{"create serviceaccounts/token shop"}, Local, ""},
		{"who may do what, on EKS", "kube-system", []string{"patch configmaps aws-auth"}, Severe, "ConfigMaps in kube-system"},
		{"whom the API server believes", "kube-system", []string{"update configmaps"}, Severe, "update configmaps"},
		{"some other ConfigMap of kube-system", "kube-system", []string{"update configmaps my-lease"}, Harmless, ""},
		{"ConfigMaps elsewhere", "dev", []string{"create,update configmaps"}, Harmless, ""},
		{"namespaces", "", []string{"patch namespaces"}, Limited, "Pod Security"},

		{"nodes/proxy", "", []string{"get nodes/proxy"}, Severe, "of nodes"},
		{"nodes/proxy, to write", "", []string{"create nodes/proxy"}, Severe, "of nodes"},
		{"nodes/proxy of one node", "", []string{"get nodes/proxy n1"}, Severe, "named n1"},
		{"nodes", "", []string{"patch nodes"}, Limited, "change Nodes"},
		{"the status of nodes", "", []string{"patch nodes/status"}, Limited, "change Nodes"},
		{"persistent volumes", "", []string{"create persistentvolumes"}, Severe, "hostPath"},

		{"approval", "", []string{"update certificatesigningrequests/approval" + c, "approve signers" + c}, Severe, "by group devs; and ClusterRoleBinding binding1 -> ClusterRole role1 (approve signers"},
		{"approval for a client's signer", "", []string{"update certificatesigningrequests/approval" + c, "approve signers" + c + " kubernetes.io/kube-apiserver-client"}, Severe, "approve requests"},
		{"approval for all built-in signers", "", []string{"patch certificatesigningrequests/approval" + c, "approve signers" + c + " kubernetes.io/*"}, Severe, "approve requests"},
		{"approval for another's signer", "", []string{"update certificatesigningrequests/approval" + c, "approve signers" + c + " example.com/x"}, Harmless, ""},
		{"approval without a signer", "", []string{"update certificatesigningrequests/approval" + c}, Harmless, ""},
		{"to ask for certificates", "", []string{"create,get,list,watch certificatesigningrequests" + c}, Harmless, ""},
		{"any node's certificate", "", []string{"create certificatesigningrequests,certificatesigningrequests/nodeclient" + c}, Severe, "any node"},
		{"sign", "", []string{"update certificatesigningrequests/status" + c, "sign signers" + c}, Limited, "sign certificate requests"},
		{"sign for pods", "", []string{"update podcertificaterequests/status" + c, "sign signers" + c}, Limited, "requests of pods"},
		{"ask for a pod", "", []string{"create podcertificaterequests" + c}, Limited, "certificates for pods"},
		{"a node, for no pod", "", []string{"request-serviceaccounts-podcertificate-signer example:x" + c}, Limited, "without a pod"},
		{"trust bundles of a signer", "", []string{"create clustertrustbundles" + c, "attest signers" + c}, Severe, "the cluster's signers"},
		{"trust bundles", "", []string{"patch clustertrustbundles" + c}, Limited, "what pods trust"},

		{"mutating webhooks", "", []string{"create mutatingwebhookconfigurations" + a}, Severe, "webhooks"},
		{"validating webhooks", "", []string{"patch validatingwebhookconfigurations" + a}, Severe, "webhooks"},
		{"one webhook", "", []string{"update validatingwebhookconfigurations" + a + " x"}, Severe, "named x"},
		{"mutating policies", "", []string{"create mutatingadmissionpolicies,mutatingadmissionpolicybindings" + a}, Severe, "admission policies"},
		{"policies, to delete", "", []string{"delete validatingadmissionpolicybindings" + a}, Limited, "remove admission"},
		{"webhooks, to delete all", "", []string{"deletecollection validatingwebhookconfigurations" + a}, Limited, "remove admission"},
		{"APIServices", "", []string{"create apiservices.apiregistration.k8s.io"}, Severe, "APIServices"},
		{"conversion webhooks", "", []string{"patch customresourcedefinitions.apiextensions.k8s.io"}, Limited, "conversion"},

		{"all verbs", "", []string{"* secrets"}, Severe, "secrets"},
		{"all groups", "", []string{"get secrets.*"}, Severe, "get secrets"},
		{"all resources", "", []string{"get *"}, Severe, "get pods/exec"},
		{"edit everywhere", "", []string{"@edit"}, Severe, "ClusterRole edit"},
		{"admin everywhere", "", []string{"@admin"}, Severe, "ClusterRole admin"},
		{"edit in a namespace", "dev", []string{"@edit"}, Local, "in namespace dev"},
		{"admin in a namespace", "dev", []string{"@admin"}, Local, "in namespace dev"},
		{"edit in kube-system", "kube-system", []string{"@edit"}, Severe, "kube-system"},
		{"cluster-admin in kube-system", "kube-system", []string{"@cluster-admin"}, Severe, "do everything in namespace kube-system: RoleBinding binding0"},
		{"cluster-admin in a namespace", "dev", []string{"@cluster-admin"}, Severe, "do everything in namespace dev"},

		{"view", "", []string{"@view"}, Harmless, ""},
		{"read pods", "", []string{"get,list,watch pods,pods/log"}, Harmless, ""},
		{"roles and bindings within one's own rights", "", []string{"create,update,patch,delete roles,rolebindings,clusterroles,clusterrolebindings" + r}, Harmless, ""},
		{"cluster-scoped objects by a RoleBinding", "dev", []string{"create,get persistentvolumes,nodes/proxy"}, Harmless, ""},
		{"create with names, which allows nothing", "", []string{"create pods web"}, Harmless, ""},
		{"a resource of the same name in another group", "", []string{"get,create secrets,pods.example.com"}, Harmless, ""},
		{"scaling", "", []string{"patch deployments/scale.apps"}, Harmless, ""},
		{"make pods, of the empty name", "", []string{"create pods EMPTY"}, Severe, "create pods"},
		{"make pods, of the empty name or another", "", []string{"* daemonsets.apps x,EMPTY"}, Severe, "create daemonsets"},
		{"list Secrets, of the empty name", "", []string{"list secrets EMPTY"}, Severe, "list secrets"},
		{"make PersistentVolumes, of the empty name", "", []string{"create persistentvolumes EMPTY"}, Severe, "create persistentvolumes"},
		{"impersonate, by the empty name", "", []string{"impersonate users EMPTY"}, Harmless, ""},
		{"what everyone may", "", []string{"@system:basic-user", "@system:discovery", "@system:public-info-viewer"}, Harmless, ""},
		{"every URL that is no resource", "", []string{"get /*"}, Harmless, ""},
		{"whose role does not exist", "", []string{"@nothing"}, Harmless, ""},
	}
	var tried strings.Builder
	defer func() {
		for _, r := range table {
			if !strings.Contains(tried.String(), r.what) {
				t.Errorf("no row tries whether one may %s", r.what)
			}
		}
	}()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ways := small(t, tt.namespace, tt.rules...).Ways("alice", []string{"devs"})
			fmt.Fprint(&tried, ways)
			if got := Worst(ways); got != tt.want {
				t.Fatalf("level %d, want %d: %v", got, tt.want, ways)
			}
			if tt.says != "" && !strings.Contains(ways[0].String(), tt.says) {
				t.Errorf("it does not say %q:\n%s", tt.says, ways[0])
			}
			if ways := small(t, tt.namespace, tt.rules...).Ways("alice", []string{"others"}); len(ways) > 0 {
				t.Errorf("somebody else has %v", ways)
			}
		})
	}
}

func TestAdmin(t *testing.T) {
	tests := []struct {
		name  string
		rules []string
		want  int // bindings
	}{
		{"cluster-admin", []string{"@cluster-admin"}, 1},
		{"* on *.*", []string{"* *.*"}, 1},
		{"each verb on *.*", []string{"get,list,watch,create,update,patch,delete,deletecollection *.*"}, 1},
		{"each verb on the core API", []string{"get,list,create,patch,delete *"}, 1},
		{"verbs by two bindings", []string{"get,list *.*", "create,update,delete *"}, 2},
		{"verbs by two bindings, beside one of little", []string{"get,list *.*", "create,update,delete *", "get pods"}, 2},
		{"to read everything, by two bindings", []string{"get,list *.*", "watch *.*"}, 0},
		{"everything about roles", []string{"* *.rbac.authorization.k8s.io"}, 1},
		{"two of them", []string{"@cluster-admin", "* *.*"}, 2},
		{"to read everything", []string{"get,list,watch *.*"}, 0},
		{"everything about apps", []string{"* *.apps"}, 0},
		{"everything by name", []string{"* *.* x"}, 0},
		{"edit", []string{"@edit"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := small(t, "", tt.rules...).Admin("alice", []string{"devs"}); len(got) != tt.want {
				t.Errorf("got %v", got)
			}
			if got := small(t, "dev", tt.rules...).Admin("alice", []string{"devs"}); len(got) > 0 {
				t.Errorf("in a namespace alone: got %v", got)
			}
		})
	}
}

// Where roles could not be read, nobody is said to have power.
func TestWithoutAnIndex(t *testing.T) {
	var x *Index
	if ways := x.WaysBy([]Grant{{}}); ways != nil {
		t.Errorf("got %v", ways)
	}
}

// A binding applies to users, groups and service accounts to the letter, and to
// everyone by system:authenticated.
func TestGrants(t *testing.T) {
	bind := func(name, kind, namespace, subject string) rbacv1.ClusterRoleBinding {
		return rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: rbacv1.RoleRef{Kind: "ClusterRole", Name: "view"},
			Subjects: []rbacv1.Subject{{Kind: kind, Namespace: namespace, Name: subject}, {Kind: kind, Namespace: namespace, Name: subject}}}
	}
	x := NewIndex(builtIn(t), nil, []rbacv1.ClusterRoleBinding{
		bind("all", "Group", "", "system:authenticated"), bind("account", "ServiceAccount", "a", "b"), bind("user", "User", "", "alice"),
		bind("group", "Group", "", "alice"),
	}, []rbacv1.RoleBinding{{ObjectMeta: metav1.ObjectMeta{Name: "own", Namespace: "n"}, RoleRef: rbacv1.RoleRef{Kind: "Role", Name: "x"},
		Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Name: "b"}}}})
	for user, want := range map[string]string{
		"alice": "user all", "bob": "all", "Alice": "all", "system:serviceaccount:a:b": "account all", "system:serviceaccount:n:b": "own all",
	} {
		var got []string
		for _, g := range x.Grants(user, nil) {
			got = append(got, g.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s has %v, want %s", user, got, want)
		}
	}
	if got := x.Grants("bob", []string{"alice", "alice"}); len(got) != 2 || got[0].Group != "alice" {
		t.Errorf("by a group: got %v", got)
	}
	if got := (*Index)(nil).Ways("alice", []string{"devs"}); got != nil {
		t.Errorf("no index: got %v", got)
	}
}

// Roles that lead to each other in a circle come to an end.
func TestCircles(t *testing.T) {
	x := small(t, "", "bind clusterroles.rbac.authorization.k8s.io role0,role1", "impersonate groups devs,others")
	done := make(chan []Way, 1)
	go func() { done <- x.Ways("alice", []string{"devs"}) }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("it does not end")
	}
}

// All service accounts together can be strong too.
func TestAllServiceAccountsAreStrong(t *testing.T) {
	x := NewIndex(builtIn(t), nil,
		[]rbacv1.ClusterRoleBinding{{ObjectMeta: metav1.ObjectMeta{Name: "oops"}, RoleRef: rbacv1.RoleRef{Kind: "ClusterRole", Name: "cluster-admin"},
			Subjects: []rbacv1.Subject{{Kind: "Group", Name: "system:serviceaccounts"}}}},
		[]rbacv1.RoleBinding{{ObjectMeta: metav1.ObjectMeta{Name: "e", Namespace: "dev"}, RoleRef: rbacv1.RoleRef{Kind: "ClusterRole", Name: "edit"},
			Subjects: []rbacv1.Subject{{Kind: "User", Name: "alice"}}}})
	if ways := x.Ways("alice", nil); Worst(ways) != Severe || !strings.Contains(ways[0].Note, "all service accounts") {
		t.Errorf("got %v", ways)
	}
}

// A service account has what is bound to its user name, and to the group of its
// namespace, which has an account from the start.
func TestAccountsByOtherNames(t *testing.T) {
	for _, subject := range []rbacv1.Subject{
		{Kind: "User", Name: "system:serviceaccount:dev:x"}, {Kind: "Group", Name: "system:serviceaccounts:dev"},
	} {
		for _, rule := range []string{"create pods", "create serviceaccounts/token x", "impersonate serviceaccounts x"} {
			t.Run(subject.Name+" "+rule, func(t *testing.T) {
				x := NewIndex(append(builtIn(t), rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "r"}, Rules: []rbacv1.PolicyRule{policy(t, rule)}}), nil,
					[]rbacv1.ClusterRoleBinding{{ObjectMeta: metav1.ObjectMeta{Name: "oops"}, RoleRef: rbacv1.RoleRef{Kind: "ClusterRole", Name: "cluster-admin"}, Subjects: []rbacv1.Subject{subject}}},
					[]rbacv1.RoleBinding{
						{ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: "dev"}, RoleRef: rbacv1.RoleRef{Kind: "ClusterRole", Name: "r"}, Subjects: []rbacv1.Subject{{Kind: "User", Name: "alice"}}},
						{ObjectMeta: metav1.ObjectMeta{Name: "b", Namespace: "web"}, RoleRef: rbacv1.RoleRef{Kind: "ClusterRole", Name: "r"}, Subjects: []rbacv1.Subject{{Kind: "User", Name: "bob"}}},
					})
				if ways := x.Ways("alice", nil); Worst(ways) != Severe {
					t.Errorf("in the strong namespace: %v", ways)
				}
				if ways := x.Ways("bob", nil); Worst(ways) != Local {
					t.Errorf("in another: %v", ways)
				}
			})
		}
	}
}

// What may not be listed is named; what fails is an error.
func TestRead(t *testing.T) {
	for _, resource := range []string{"clusterroles", "roles", "clusterrolebindings", "rolebindings"} {
		client := fake.NewClientset()
		client.PrependReactor("list", resource, func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", nil)
		})
		x, err := Read(context.Background(), client)
		if err != nil || !slices.Equal(x.Unread, []string{resource}) {
			t.Errorf("%s: unread %v, %v", resource, x, err)
		}
		client.PrependReactor("list", resource, func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, apierrors.NewInternalError(fmt.Errorf("broken"))
		})
		if _, err := Read(context.Background(), client); err == nil || !strings.Contains(err.Error(), "listing "+resource) {
			t.Errorf("%s: %v", resource, err)
		}
	}
}

// A large cluster is no reason to wait: 10,000 bindings, 3,000 roles, 2,000
// service accounts.
func TestLargeCluster(t *testing.T) {
	roles := builtIn(t)
	var everywhere []rbacv1.ClusterRoleBinding
	var somewhere []rbacv1.RoleBinding
	for i := range 3000 {
		roles = append(roles, rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("r", i)}, Rules: []rbacv1.PolicyRule{
			policy(t, "get,list,watch,create,update pods,deployments,secrets"), policy(t, "get,list configmaps"), policy(t, "patch deployments.apps")}})
	}
	for i := range 10000 {
		ns := fmt.Sprint("ns", i%2000)
		somewhere = append(somewhere, rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("b", i), Namespace: ns},
			RoleRef:  rbacv1.RoleRef{Kind: "ClusterRole", Name: fmt.Sprint("r", i%3000)},
			Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: ns, Name: "default"}, {Kind: "User", Name: fmt.Sprint("u", i%500)}}})
	}
	began := time.Now()
	x := NewIndex(roles, nil, everywhere, somewhere)
	for i := range 500 {
		if Worst(x.Ways(fmt.Sprint("u", i), []string{"devs"})) != Local {
			t.Fatal("it was not looked at")
		}
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %s", took)
	} else {
		t.Log(took)
	}
}
