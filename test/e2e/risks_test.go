//go:build e2e

package e2e

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"os"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// power is a role that a group has, and what the API server itself says that a
// member may do by it: proof that the test is about real power.
type power struct {
	name  string
	rules string // of a ClusterRole, a list in YAML; "" if role is there already
	role  string
	// namespace of a RoleBinding; "" for a ClusterRoleBinding.
	namespace string
	want      string // the risk
	says      string
	may       authorizationv1.ResourceAttributes
}

const rbacGroup, certificatesGroup = "rbac.authorization.k8s.io", "certificates.k8s.io"

func powers() []power {
	attributes := func(verb, group, resource, subresource, namespace, name string) authorizationv1.ResourceAttributes {
		return authorizationv1.ResourceAttributes{Verb: verb, Group: group, Resource: resource, Subresource: subresource, Namespace: namespace, Name: name}
	}
	return []power{
		{"escalate", `[{apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [get, update, escalate]}]`, "", "", "privileged",
			"grant itself any permission, by changing roles", attributes("escalate", rbacGroup, "clusterroles", "", "", "")},
		{"bind", `[{apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [bind]}, {apiGroups: [rbac.authorization.k8s.io], resources: [clusterrolebindings], verbs: [create]}]`, "", "", "privileged",
			"grant itself further roles", attributes("bind", rbacGroup, "clusterroles", "", "", "cluster-admin")},
		{"impersonate", `[{apiGroups: [""], resources: [users, groups], verbs: [impersonate]}]`, "", "", "privileged",
			"impersonate users", attributes("impersonate", "", "groups", "", "", "system:masters")},
		{"secrets", `[{apiGroups: [""], resources: [secrets], verbs: [get, list]}]`, "", "", "privileged",
			"read Secrets in all namespaces", attributes("get", "", "secrets", "", "kube-system", "")},
		{"secrets-patched", `[{apiGroups: [""], resources: [secrets], verbs: [patch]}]`, "", "", "privileged",
			"read Secrets in all namespaces", attributes("patch", "", "secrets", "", "kube-system", "")},
		{"nodes-proxy", `[{apiGroups: [""], resources: [nodes/proxy], verbs: [get]}]`, "", "", "privileged",
			"use the kubelet API of nodes", attributes("get", "", "nodes", "proxy", "", "")},
		{"pods", `[{apiGroups: [""], resources: [pods, pods/exec], verbs: [create]}]`, "", "", "privileged",
			"create pods in all namespaces", attributes("create", "", "pods", "", "kube-system", "")},
		{"tokens", `[{apiGroups: [""], resources: [serviceaccounts/token], verbs: [create]}]`, "", "", "privileged",
			"create tokens of service accounts", attributes("create", "", "serviceaccounts", "token", "kube-system", "generic-garbage-collector")},
		{"approval", `[{apiGroups: [certificates.k8s.io], resources: [certificatesigningrequests/approval], verbs: [update]}, {apiGroups: [certificates.k8s.io], resources: [signers], verbs: [approve], resourceNames: [kubernetes.io/kube-apiserver-client]}]`, "", "", "privileged",
			"approve requests for certificates of other users", attributes("approve", certificatesGroup, "signers", "", "", "kubernetes.io/kube-apiserver-client")},
		{"spelled", `[{apiGroups: ["*"], resources: ["*"], verbs: [get, list, watch, create, update, patch, delete, deletecollection]}]`, "", "", "cluster-admin",
			"full permissions in the cluster", attributes("create", rbacGroup, "clusterrolebindings", "", "", "")},
		{"edit", "", "edit", "", "privileged",
			"in all namespaces", attributes("create", "", "pods", "", "kube-system", "")},
		{"kube-system", "", "cluster-admin", "kube-system", "privileged",
			"do everything in namespace kube-system: RoleBinding e2e-risks-kube-system", attributes("get", "", "secrets", "", "kube-system", "")},
	}
}

// grant gives the role of a power to a group, until the test ends.
func (p *person) grantPower(w power, group string) {
	p.t.Helper()
	name, role := "e2e-risks-"+w.name, w.role
	if w.rules != "" {
		role = name
		file := p.path(name + ".yaml")
		if err := os.WriteFile(file, []byte("apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: "+name+"}\nrules: "+w.rules), 0o600); err != nil {
			p.t.Fatal(err)
		}
		p.must("kubectl", "create", "-f", file)
		p.t.Cleanup(func() { p.again().must("kubectl", "delete", "clusterrole", name, "--ignore-not-found") })
	}
	kind, args := "clusterrolebinding", []string{}
	if w.namespace != "" {
		kind, args = "rolebinding", []string{"-n", w.namespace}
	}
	p.must("kubectl", append([]string{"create", kind, name, "--clusterrole=" + role, "--group=" + group}, args...)...)
	p.t.Cleanup(func() {
		p.again().must("kubectl", append([]string{"delete", kind, name, "--ignore-not-found"}, args...)...)
	})
}

// again is the same person when the test has ended, and its context with it.
func (p *person) again() *person { return newPerson(p.t, p.kubeconfig) }

type judged struct {
	Name            string
	Risks           []struct{ Code, Severity, Message string }
	OtherAttributes []struct{ Type, Value string }
}

// judged returns what `requests -o json` says of one request.
func (p *person) judged(name string) judged {
	p.t.Helper()
	var list struct{ Items []judged }
	if err := json.Unmarshal([]byte(p.must("kubectl", "certs", "csr", name, "-o", "json")), &list); err != nil {
		p.t.Fatal(err)
	}
	if len(list.Items) != 1 {
		p.t.Fatalf("%d requests of one name", len(list.Items))
	}
	return list.Items[0]
}

func (j judged) codes() string {
	var all []string
	for _, risk := range j.Risks {
		all = append(all, risk.Code)
	}
	return strings.Join(all, ",")
}

// reallyMay asks the API server whether a member of group may do it.
func reallyMay(t *testing.T, group string, act authorizationv1.ResourceAttributes) bool {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", adminKubeconfig(t))
	if err != nil {
		t.Fatal(err)
	}
	review, err := kubernetes.NewForConfigOrDie(config).AuthorizationV1().SubjectAccessReviews().Create(t.Context(), &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{User: "e2e-risks-member", Groups: []string{group, "system:authenticated"}, ResourceAttributes: &act},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return review.Status.Allowed
}

// writeRequest writes a certificate request into a file in the person's home.
func (p *person) writeRequest(file string, subject pkix.Name) {
	p.t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: subject}, pkitest.Key(file))
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(p.path(file), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// A request that would make its holder an administrator in effect is not let
// through, by approve or by issue --request, whatever the role is called.
func TestRisksOfGroupsWithPower(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	for _, w := range powers() {
		t.Run(w.name, func(t *testing.T) {
			p := newPerson(t, p.kubeconfig)
			group, name, user := "e2e-risks-"+w.name, "e2e-risks-"+w.name, "e2e-risks-"+w.name+"-user"
			p.grantPower(w, group)
			if !reallyMay(t, group, w.may) {
				t.Fatal("the group has not the power that this test is about")
			}
			askAsClient(t, name, user, group)
			got := p.judged(name)
			if got.codes() != w.want || got.Risks[0].Severity != "critical" || !strings.Contains(got.Risks[0].Message, w.says) || !strings.Contains(got.Risks[0].Message, "inding e2e-risks-"+w.name) {
				t.Errorf("got %s: %v", got.codes(), got.Risks)
			}
			wantFailure(t, p.certs("approve", name, "--yes"), "unaccepted risks: "+w.want+" of request "+name, "--accept-risk "+w.want)
			if got := p.conditions(name); got != "" {
				t.Errorf("the request is %s", got)
			}

			p.writeRequest("r.csr", pkix.Name{CommonName: user, Organization: []string{group}})
			wantFailure(t, p.certs("issue", user, "--request", "r.csr", "--group", group, "--yes"), "unaccepted risks: "+w.want, "--accept-risk "+w.want)
			if left := ours(t, "certs-"+user); len(left) > 0 {
				t.Errorf("requests were made: %q", left)
			}
		})
	}
}

// Everyone is in system:authenticated, and administrators' groups count before
// they are bound.
func TestRisksOfEveryoneAndOfAdminGroups(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	askAsClient(t, "e2e-risks-plain", "e2e-risks-plain")
	if got := p.judged("e2e-risks-plain").codes(); got != "" {
		t.Errorf("what everyone may by default is called %s", got)
	}
	askAsClient(t, "e2e-risks-own", "e2e-risks-own", "kubectl-certs:cluster-admins")
	if got := p.judged("e2e-risks-own").codes(); got != "cluster-admin" {
		t.Errorf("this program's administrators are called %s", got)
	}
	wantFailure(t, p.certs("approve", "e2e-risks-own", "--yes"), "unaccepted risks: cluster-admin", "--accept-risk cluster-admin")
}

// A power that everyone has is everyone's; for a moment, in the cluster that
// all tests share, that is a Secret of one namespace of the test's own.
func TestRisksOfEveryoneInANamespace(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	namespace(t, "e2e-risks-all")
	p.grantPower(power{name: "all", rules: `[{apiGroups: [""], resources: [secrets], verbs: [get]}]`, namespace: "e2e-risks-all"}, "system:authenticated")
	askAsClient(t, "e2e-risks-everyone", "e2e-risks-everyone")
	got := p.judged("e2e-risks-everyone")
	if got.codes() != "bound-group" || !strings.Contains(got.Risks[0].Message, "group system:authenticated has RoleBinding e2e-risks-all") {
		t.Errorf("got %v", got.Risks)
	}
}

// To look at things is told, and asks for nothing; to edit one namespace is to
// be accepted.
func TestRisksOfOrdinaryGroups(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	namespace(t, "e2e-risks-dev")
	p.grantPower(power{name: "view", role: "view"}, "e2e-risks-viewers")
	p.grantPower(power{name: "dev", role: "edit", namespace: "e2e-risks-dev"}, "e2e-risks-devs")
	askAsClient(t, "e2e-risks-viewer", "e2e-risks-viewer", "e2e-risks-viewers")
	askAsClient(t, "e2e-risks-dev", "e2e-risks-dev", "e2e-risks-devs")
	if got := p.judged("e2e-risks-viewer"); got.codes() != "bound-group" || got.Risks[0].Severity != "info" {
		t.Errorf("who may look has %v", got.Risks)
	}
	p.must("kubectl", "certs", "approve", "e2e-risks-viewer", "--yes")
	if got := p.judged("e2e-risks-dev"); got.codes() != "bound-group" || got.Risks[0].Severity != "warning" || !strings.Contains(got.Risks[0].Message, "read Secrets") {
		t.Errorf("who edits a namespace has %v", got.Risks)
	}
	wantFailure(t, p.certs("approve", "e2e-risks-dev", "--yes"), "unaccepted risks: bound-group", "--accept-risk bound-group")
	p.must("kubectl", "certs", "approve", "e2e-risks-dev", "--yes", "--accept-risk", "bound-group")
}

// A risk is accepted for one request.
func TestRisksAreAcceptedOneByOne(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	askAsClient(t, "e2e-risks-one", "e2e-risks-one", "kubeadm:cluster-admins")
	askAsClient(t, "e2e-risks-two", "e2e-risks-two", "kubeadm:cluster-admins")
	both := []string{"approve", "e2e-risks-one", "e2e-risks-two", "--yes", "--accept-risk"}
	wantFailure(t, p.certs(append(both, "cluster-admin")...), "does not say for which request", "e2e-risks-one=cluster-admin")
	wantFailure(t, p.certs(append(both, "e2e-risks-one=cluster-admin")...), "unaccepted risks: cluster-admin of request e2e-risks-two", "--accept-risk e2e-risks-two=cluster-admin")
	for _, name := range []string{"e2e-risks-one", "e2e-risks-two"} {
		if got := p.conditions(name); got != "" {
			t.Errorf("%s is %s", name, got)
		}
	}
	p.must("kubectl", append([]string{"certs"}, append(both, "e2e-risks-one=cluster-admin,e2e-risks-two=cluster-admin")...)...)
}

// A subject shows what it is: one group is not two, none is not nothing, and
// what else it holds is there.
func TestRisksOfDeceivingSubjects(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	ask(t, "e2e-risks-odd", certificatesv1.KubeAPIServerClientSignerName, nil, &x509.CertificateRequest{Subject: pkix.Name{
		CommonName: "none", Organization: []string{"devs, readers"}, OrganizationalUnit: []string{"ops"},
		ExtraNames: []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57683, 2}, Value: "some-uid"}},
	}}, certificatesv1.UsageClientAuth)
	shown := p.must("kubectl", "certs", "csr", "e2e-risks-odd")
	for _, want := range []string{`user      "none"`, `groups    "devs, readers"`, "OU=ops", "1.3.6.1.4.1.57683.2 (UID in Kubernetes)=some-uid"} {
		if !strings.Contains(shown, want) {
			t.Errorf("it does not show %s:\n%s", want, shown)
		}
	}
	if table := p.must("kubectl", "certs", "csr"); !strings.Contains(table, `"devs, readers"`) {
		t.Errorf("the table does not quote:\n%s", table)
	}
	askAsClient(t, "e2e-risks-like", "e2e-risks-like", "kubeadm:cluster-\u0430dmins")
	got := p.judged("e2e-risks-like")
	if got.codes() != "confusable" || got.Risks[0].Severity != "critical" {
		t.Errorf("a group that looks like the administrators': %v", got.Risks)
	}
	wantFailure(t, p.certs("approve", "e2e-risks-like", "--yes"), "unaccepted risks: confusable", "--accept-risk confusable")
	askAsClient(t, "e2e-risks-nobody", "", "devs")
	if got := p.judged("e2e-risks-nobody").codes(); got != "would-fail" {
		t.Errorf("without a common name: %s", got)
	}
}

// Where roles or bindings may not be listed, that is a risk too, of a request
// that came as a file as of any other.
func TestRisksUnchecked(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	issuer := p.using(limited(t, p, "e2e-risks-blind", `
- {apiGroups: [certificates.k8s.io], resources: [certificatesigningrequests], verbs: [create, get, list, watch, delete]}
- {apiGroups: [certificates.k8s.io], resources: [certificatesigningrequests/approval], verbs: [update]}
- {apiGroups: [certificates.k8s.io], resources: [signers], verbs: [approve]}
- {apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles, clusterrolebindings, rolebindings], verbs: [list]}
- {apiGroups: [""], resources: [configmaps], verbs: [list, get, create]}
`))
	issuer.writeRequest("r.csr", pkix.Name{CommonName: "e2e-risks-file"})
	wantFailure(t, issuer.certs("issue", "e2e-risks-file", "--request", "r.csr", "--yes"), "unaccepted risks: unchecked", "--accept-risk unchecked")
	forgetUsers(t, "e2e-risks-file")
	if r := issuer.certs("issue", "e2e-risks-file", "--request", "r.csr", "--yes", "--accept-risk", "unchecked"); r.code != 0 {
		t.Errorf("accepted: exit %d\n%s", r.code, r.stderr)
	}
	askAsClient(t, "e2e-risks-unchecked", "e2e-risks-unchecked")
	wantFailure(t, issuer.certs("approve", "e2e-risks-unchecked", "--yes"), "unaccepted risks: unchecked", "--accept-risk unchecked")
}

// The API server answers a patch of a Secret, and the deletion of a collection
// of them, with what they hold, even in a dry run: these verbs read.
func TestWritingSecretsReadsThem(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	namespace(t, "e2e-secret-readers")
	p.must("kubectl", "create", "secret", "generic", "db", "-n", "e2e-secret-readers", "--from-literal=password=correct-horse")
	config, err := clientcmd.BuildConfigFromFlags("", limited(t, p, "e2e-secret-writer", `
- {apiGroups: [""], resources: [secrets], verbs: [patch, deletecollection]}
`))
	if err != nil {
		t.Fatal(err)
	}
	secrets := kubernetes.NewForConfigOrDie(config).CoreV1().RESTClient()
	if err := secrets.Get().Namespace("e2e-secret-readers").Resource("secrets").Name("db").Do(t.Context()).Error(); !apierrors.IsForbidden(err) {
		t.Fatalf("reading is not forbidden: %v", err)
	}
	wantSecret(t, "a patch", func(ctx context.Context) ([]byte, error) {
		return secrets.Patch(types.MergePatchType).Namespace("e2e-secret-readers").Resource("secrets").Name("db").Param("dryRun", "All").Body([]byte("{}")).DoRaw(ctx)
	})
	wantSecret(t, "a deletion", func(ctx context.Context) ([]byte, error) {
		return secrets.Delete().Namespace("e2e-secret-readers").Resource("secrets").Param("dryRun", "All").DoRaw(ctx)
	})
}

// wantSecret makes a call as soon as the API server knows that it may be made.
func wantSecret(t *testing.T, what string, call func(context.Context) ([]byte, error)) {
	t.Helper()
	var answer []byte
	awaiting(t, what+" is allowed", func(ctx context.Context) (bool, error) {
		var err error
		answer, err = call(ctx)
		if apierrors.IsForbidden(err) {
			return false, nil
		}
		return err == nil, err
	})
	if !strings.Contains(string(answer), base64.StdEncoding.EncodeToString([]byte("correct-horse"))) {
		t.Errorf("%s does not return the Secret any more; docs/risks.md says that it does:\n%s", what, answer)
	}
}
