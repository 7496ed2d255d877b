// These tests promise that a request which would make its holder more than it
// seems is remarked on, that one which is in order is not, and that what was
// shown is what is decided about.
package access

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/rbac"
)

const day = 24 * time.Hour

// change makes a request another one than alice's sound request for a day.
type change func(*certificatesv1.CertificateSigningRequest, *x509.CertificateRequest, *crypto.Signer)

func asking(t *testing.T, changes ...change) *certificatesv1.CertificateSigningRequest {
	t.Helper()
	object := &certificatesv1.CertificateSigningRequest{
		ObjectMeta: metav1.ObjectMeta{Name: "r", UID: "uid-1", ResourceVersion: "1", CreationTimestamp: metav1.NewTime(pkitest.Now)},
		Spec: certificatesv1.CertificateSigningRequestSpec{
			SignerName: certificatesv1.KubeAPIServerClientSignerName,
			Usages:     []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageClientAuth},
			Username:   "alice",
			Groups:     []string{"system:authenticated"},
		},
	}
	life(day)(object, nil, nil)
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: "alice", Organization: []string{"devs"}}}
	var key crypto.Signer = pkitest.Key("alice")
	for _, c := range changes {
		c(object, template, &key)
	}
	if object.Spec.Request == nil {
		der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
		if err != nil {
			t.Fatal(err)
		}
		object.Spec.Request = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	}
	return object
}

func life(d time.Duration) change {
	return func(o *certificatesv1.CertificateSigningRequest, _ *x509.CertificateRequest, _ *crypto.Signer) {
		o.Spec.ExpirationSeconds = nil
		if seconds := int32(d / time.Second); seconds > 0 {
			o.Spec.ExpirationSeconds = &seconds
		}
	}
}

func subject(cn string, groups ...string) change {
	return func(_ *certificatesv1.CertificateSigningRequest, r *x509.CertificateRequest, _ *crypto.Signer) {
		r.Subject = pkix.Name{CommonName: cn, Organization: groups}
	}
}

func by(user string, groups ...string) change {
	return func(o *certificatesv1.CertificateSigningRequest, _ *x509.CertificateRequest, _ *crypto.Signer) {
		o.Spec.Username, o.Spec.Groups = user, append(groups, "system:authenticated")
	}
}

func to(signer string, usages ...certificatesv1.KeyUsage) change {
	return func(o *certificatesv1.CertificateSigningRequest, _ *x509.CertificateRequest, _ *crypto.Signer) {
		o.Spec.SignerName, o.Spec.Usages = signer, usages
	}
}

// names are DNS names, IP addresses, URIs or email addresses.
func names(all ...string) change {
	return func(_ *certificatesv1.CertificateSigningRequest, r *x509.CertificateRequest, _ *crypto.Signer) {
		for _, name := range all {
			if ip := net.ParseIP(name); ip != nil {
				r.IPAddresses = append(r.IPAddresses, ip)
			} else if strings.Contains(name, "@") {
				r.EmailAddresses = append(r.EmailAddresses, name)
			} else if u, err := url.Parse(name); err == nil && u.Scheme != "" {
				r.URIs = append(r.URIs, u)
			} else {
				r.DNSNames = append(r.DNSNames, name)
			}
		}
	}
}

func key(t *testing.T, k crypto.Signer, err error) change {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return func(_ *certificatesv1.CertificateSigningRequest, _ *x509.CertificateRequest, into *crypto.Signer) {
		*into = k
	}
}

func garbage(text string) change {
	return func(o *certificatesv1.CertificateSigningRequest, _ *x509.CertificateRequest, _ *crypto.Signer) {
		o.Spec.Request = []byte(text)
	}
}

// clientOf, kubelet and serving are what each signer takes.
var (
	kubelet = to(certificatesv1.KubeAPIServerClientKubeletSignerName, certificatesv1.UsageDigitalSignature, certificatesv1.UsageClientAuth)
	serving = to(certificatesv1.KubeletServingSignerName, certificatesv1.UsageDigitalSignature, certificatesv1.UsageServerAuth)
)

func clientWith(usages ...certificatesv1.KeyUsage) change {
	return to(certificatesv1.KubeAPIServerClientSignerName, usages...)
}

// somePowers are those of a cluster with two kinds of administrators.
func somePowers() *Powers {
	bind := func(role string, kind, name string) rbacv1.ClusterRoleBinding {
		return rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: role + "-of-" + name},
			RoleRef:    rbacv1.RoleRef{Kind: "ClusterRole", Name: role},
			Subjects:   []rbacv1.Subject{{Kind: kind, Name: name}},
		}
	}
	rule := func(verb, group, resource string) []rbacv1.PolicyRule {
		return []rbacv1.PolicyRule{{Verbs: []string{verb}, APIGroups: []string{group}, Resources: []string{resource}}}
	}
	role := func(name string, rules []rbacv1.PolicyRule) rbacv1.ClusterRole {
		return rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules}
	}
	index := rbac.NewIndex(
		[]rbacv1.ClusterRole{
			role("everything", rule("*", "*", "*")), role("core", rule("*", "", "*")),
			role("apps", rule("*", "apps", "*")), role("viewer", rule("get", "", "pods")),
			role("editor", rule("create", "", "pods")), role("secrets", rule("list", "", "secrets")), role("nodes", rule("patch", "", "nodes")),
		}, nil,
		[]rbacv1.ClusterRoleBinding{
			bind("cluster-admin", "Group", "kubeadm:cluster-admins"), bind("everything", "Group", "roots"), bind("core", "Group", "cores"),
			bind("apps", "Group", "deployers"), bind("cluster-admin", "User", "root"),
			bind("cluster-admin", "ServiceAccount", "alice"), bind("viewer", "User", "system:monitoring"), bind("viewer", "Group", "lookers"),
			bind("secrets", "Group", "keepers"), bind("secrets", "User", "keeper"), bind("nodes", "Group", "stewards"), bind("gone", "Group", "ghosts"),
			bind("viewer", "Group", "keepers"), bind("viewer", "Group", "system:authenticated"),
		},
		[]rbacv1.RoleBinding{{
			ObjectMeta: metav1.ObjectMeta{Name: "edit", Namespace: "dev"},
			RoleRef:    rbacv1.RoleRef{Kind: "ClusterRole", Name: "cluster-admin"},
			Subjects:   []rbacv1.Subject{{Kind: "User", Name: "bob"}, {Kind: "Group", Name: "locals"}},
		}, {
			ObjectMeta: metav1.ObjectMeta{Name: "editors", Namespace: "dev"},
			RoleRef:    rbacv1.RoleRef{Kind: "ClusterRole", Name: "editor"},
			Subjects:   []rbacv1.Subject{{Kind: "Group", Name: "editors"}, {Kind: "User", Name: "carol"}},
		}})
	return &Powers{RBAC: index, SignerLife: DefaultSignerLife}
}

func TestRisks(t *testing.T) {
	weakRSA, rsaErr := rsa.GenerateKey(rand.Reader, 1024)
	weakEC, ecErr := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	rsa2048, rsa2048Err := rsa.GenerateKey(rand.Reader, 2048)
	const digital, cipher = certificatesv1.UsageDigitalSignature, certificatesv1.UsageKeyEncipherment
	const client, server = certificatesv1.UsageClientAuth, certificatesv1.UsageServerAuth
	n1 := by("system:node:n1", "system:nodes")
	tests := []struct {
		name   string
		change []change
		want   string // codes, and what the first message says
		says   string
	}{
		{"alice, for herself", nil, "", ""},
		{"alice, by an administrator", []change{by("root")}, "", ""},
		{"all that the client's signer takes", []change{clientWith(digital, cipher, client)}, "", ""},
		{"alternative names of a client", []change{names("alice.example", "10.0.0.1")}, "", ""},

		{"no PEM", []change{garbage("x")}, "unreadable", "no PEM certificate request"},

		{"a service account", []change{subject("system:serviceaccount:kube-system:x")}, "service-account", "as service account kube-system:x"},
		{"a service account, by itself", []change{subject("system:serviceaccount:a:b"), by("system:serviceaccount:a:b")}, "service-account", "in addition to its token"},
		{"almost a service account", []change{subject("serviceaccount:kube-system:x")}, "", ""},

		{"a node, by somebody", []change{subject("system:node:n1", "system:nodes"), kubelet}, "node", "authenticates as node n1"},
		{"a node, by itself", []change{subject("system:node:n1", "system:nodes"), kubelet, n1}, "", ""},
		{"a node, by another node", []change{subject("system:node:n2", "system:nodes"), kubelet, n1}, "node", "as node n2"},
		{"a node, by a bootstrap token", []change{subject("system:node:n1", "system:nodes"), kubelet, by("system:bootstrap:abcdef", "system:bootstrappers")}, "node", "a bootstrap token requests a certificate for node n1"},
		{"a node's server, by a bootstrap token", []change{subject("system:node:n1", "system:nodes"), serving, names("n1"), by("system:bootstrap:abcdef", "system:bootstrappers")}, "node", "authenticates as node n1"},
		{"a node's server, by somebody", []change{subject("system:node:n1", "system:nodes"), serving, names("n1")}, "node", "as node n1"},
		{"the group of nodes", []change{subject("alice", "system:nodes")}, "node", "a user name that is not a node's"},
		{"a node's name alone", []change{subject("system:node:n1")}, "node", "the name of node n1"},

		{"a component", []change{subject("system:kube-scheduler")}, "system-name", "user system:kube-scheduler (scheduler)"},
		{"a component, by itself", []change{subject("system:kube-scheduler"), by("system:kube-scheduler")}, "", ""},
		{"a group that Kubernetes keeps", []change{subject("alice", "devs", "system:serviceaccounts")}, "system-name", "group system:serviceaccounts"},
		{"a user of a system: binding", []change{subject("system:monitoring")}, "system-name", "user system:monitoring"},

		{"kubeadm's administrators", []change{subject("alice", "devs", "kubeadm:cluster-admins")}, "cluster-admin", "ClusterRoleBinding cluster-admin-of-kubeadm:cluster-admins"},
		{"a group with a role as good as that", []change{subject("alice", "roots")}, "cluster-admin", "group roots"},
		{"a group with everything in the core API", []change{subject("alice", "cores")}, "cluster-admin", "group cores"},
		{"kubectl certs' administrators, not bound as yet", []change{subject("alice", "kubectl-certs:cluster-admins")}, "cluster-admin", "once it is bound"},
		{"two such groups", []change{subject("alice", "roots", "cores")}, "cluster-admin", "group cores (ClusterRoleBinding core-of-cores (ClusterRole core)), group roots"},
		{"a group with everything in one API", []change{subject("alice", "deployers")}, "privileged", "create pods in all namespaces: ClusterRoleBinding apps-of-deployers -> ClusterRole apps"},
		{"a group of cluster-admin in a namespace", []change{subject("alice", "locals")}, "privileged", "do everything in namespace dev: RoleBinding edit in namespace dev"},
		{"a group that reads Secrets, and views", []change{subject("alice", "keepers")}, "privileged,bound-group", "read Secrets in all namespaces"},
		{"a user who reads Secrets", []change{subject("keeper"), by("keeper")}, "privileged", "ClusterRoleBinding secrets-of-keeper -> ClusterRole secrets (list secrets)"},
		{"a group that leads to more with something else", []change{subject("alice", "stewards")}, "privileged", "change Nodes"},
		{"a group that views", []change{subject("alice", "lookers")}, "bound-group", "group lookers has ClusterRoleBinding viewer-of-lookers (ClusterRole viewer)"},
		{"a group that edits a namespace", []change{subject("alice", "editors")}, "bound-group", "RoleBinding editors in namespace dev (ClusterRole editor), and can create pods"},
		{"a group of a role that is not there", []change{subject("alice", "ghosts")}, "bound-group", "does not exist"},
		{"a user who is bound to it", []change{subject("root"), by("root")}, "cluster-admin", "user root"},
		{"a service account of the same name is bound to it", nil, "", ""},
		{"system:masters", []change{subject("alice", "system:masters"), to("example.com/signer", client)}, "system-name,cluster-admin", "group system:masters"},

		{"somebody else's name", []change{subject("carol"), by("mallory")}, "existing-user", "mallory requests the name of an existing user: user carol has RoleBinding editors in namespace dev"},
		{"the name of one who may do everything somewhere", []change{subject("bob"), by("mallory")}, "privileged,existing-user", "namespace dev"},
		{"one's own name", []change{subject("carol"), by("carol")}, "", ""},

		{"a letter of another script", []change{subject("alice", "\u0430nts")}, "confusable", `mixes scripts: Cyrillic, Latin`},
		{"a group that looks like an administrators'", []change{subject("alice", "kubeadm:cluster-\u0430dmins")}, "confusable", "and 1 more"},
		{"a group that looks like one that is bound", []change{subject("alice", "keepers\u200b")}, "confusable", `group "keepers\u200b"`},
		{"ASCII that looks like a group that is bound", []change{subject("alice", "1ocals")}, "confusable", "group 1ocals looks like group locals, but is a different one"},
		{"a user who looks like another", []change{subject("r\u043eot")}, "confusable", "user"},
		{"a user with a space", []change{subject("alice ")}, "confusable", `user "alice " begins or ends with a space`},
		{"one group that looks like two", []change{subject("alice", "devs, readers")}, "", ""},
		{"an accent", []change{subject("José", "Équipe")}, "", ""},
		{"somebody else's administrator", []change{subject("root"), by("mallory")}, "cluster-admin,existing-user", "user root"},

		{"RSA of 1024 bits", []change{key(t, weakRSA, rsaErr)}, "weak-key", "RSA with 1024 bits"},
		{"RSA of 2048 bits", []change{key(t, rsa2048, rsa2048Err)}, "", ""},
		{"ECDSA of 224 bits", []change{key(t, weakEC, ecErr)}, "weak-key", "ECDSA with 224 bits"},

		{"a year", []change{life(365 * day)}, "", ""},
		{"more than a year", []change{life(366 * day)}, "long-lived", "the signer shortens it to 365d"},
		{"more than a year, by a signer of one's own", []change{life(366 * day), to("example.com/signer", client)}, "long-lived", "366d, and cannot be revoked"},
		{"no life", []change{life(0)}, "", ""},

		{"no common name", []change{subject("", "devs")}, "would-fail", "no common name"},
		{"no common name, at a signer of one's own", []change{subject("", "devs"), to("example.com/signer", client)}, "", ""},
		{"a client that serves", []change{clientWith(client, server)}, "would-fail", `it has usage "server auth"`},
		{"a client that is none", []change{clientWith(digital)}, "would-fail", `it lacks usage "client auth"`},
		{"a server at a signer of one's own", []change{to("example.com/signer", server)}, "", ""},
		{"a kubelet without signing", []change{subject("system:node:n1", "system:nodes"), n1, to(certificatesv1.KubeAPIServerClientKubeletSignerName, client)}, "would-fail", `it lacks usage "digital signature"`},
		{"a kubelet with a name", []change{subject("system:node:n1", "system:nodes"), n1, kubelet, names("n1")}, "would-fail", "it has subject alternative names"},
		{"a kubelet in another group too", []change{subject("system:node:n1", "system:nodes", "devs"), n1, kubelet}, "would-fail", "its group is not system:nodes alone"},
		{"a person at the kubelets' signer", []change{kubelet}, "would-fail", "its name does not begin with system:node:"},
		{"a kubelet's server", []change{subject("system:node:n1", "system:nodes"), n1, serving, names("n1", "10.0.0.1")}, "", ""},
		{"a kubelet's server without names", []change{subject("system:node:n1", "system:nodes"), n1, serving}, "would-fail", "no DNS name and no IP address"},
		{"a kubelet's server with a URI", []change{subject("system:node:n1", "system:nodes"), n1, serving, names("n1", "spiffe://x/y")}, "would-fail", "URIs or email"},
		{"a kubelet's server with an email address", []change{subject("system:node:n1", "system:nodes"), n1, serving, names("n1", "a@b")}, "would-fail", "URIs or email"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			request := newRequest(asking(t, tt.change...), somePowers())
			if got := codes(request.Risks); got != tt.want {
				t.Fatalf("got risks %q, want %q: %v", got, tt.want, request.Risks)
			}
			if tt.says != "" && !strings.Contains(request.Risks[0].Message, tt.says) {
				t.Errorf("the message is %q, and does not say %q", request.Risks[0].Message, tt.says)
			}
		})
	}
}

func codes(risks []Risk) string {
	var all []string
	for _, r := range risks {
		all = append(all, string(r.Code))
	}
	return strings.Join(all, ",")
}

// What has to be accepted is what gives power, not what is only told.
func TestSeverityOfPower(t *testing.T) {
	for group, want := range map[string]inventory.Severity{
		"lookers": inventory.Info, "editors": inventory.Warning, "stewards": inventory.Warning, "deployers": inventory.Critical,
		"locals": inventory.Critical, "kubeadm:cluster-\u0430dmins": inventory.Critical, "\u0430nts": inventory.Warning,
	} {
		risks := newRequest(asking(t, subject("alice", group)), somePowers()).Risks
		if len(risks) != 1 || risks[0].Severity != want || risks[0].ToAccept() != (want != inventory.Info) {
			t.Errorf("%q: got %v, want %s", group, risks, want)
		}
	}
}

// What everyone may, counts for everyone.
func TestPowerOfEveryone(t *testing.T) {
	everyone := func(role string, rules ...rbacv1.PolicyRule) *Powers {
		return &Powers{SignerLife: DefaultSignerLife, RBAC: rbac.NewIndex([]rbacv1.ClusterRole{{ObjectMeta: metav1.ObjectMeta{Name: role}, Rules: rules}}, nil,
			[]rbacv1.ClusterRoleBinding{{ObjectMeta: metav1.ObjectMeta{Name: "oops"}, RoleRef: rbacv1.RoleRef{Kind: "ClusterRole", Name: role},
				Subjects: []rbacv1.Subject{{Kind: "Group", Name: "system:authenticated"}}}}, nil)}
	}
	request := newRequest(asking(t, subject("bob")), everyone("keys", rbacv1.PolicyRule{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"secrets"}}))
	if codes(request.Risks) != "privileged" || !strings.Contains(request.Risks[0].Message, "by group system:authenticated") {
		t.Errorf("got %v", request.Risks)
	}
	if got := codes(newRequest(asking(t, subject("bob")), everyone("all", rbacv1.PolicyRule{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}})).Risks); got != "cluster-admin" {
		t.Errorf("got %s", got)
	}
	harmless := everyone("system:basic-user", rbacv1.PolicyRule{Verbs: []string{"create"}, APIGroups: []string{"authorization.k8s.io"}, Resources: []string{"selfsubjectaccessreviews"}})
	if got := codes(newRequest(asking(t, subject("bob")), harmless).Risks); got != "" {
		t.Errorf("got %s", got)
	}
}

// What a subject holds beside the user and the groups is shown.
func TestOtherAttributes(t *testing.T) {
	request := newRequest(asking(t, func(_ *certificatesv1.CertificateSigningRequest, r *x509.CertificateRequest, _ *crypto.Signer) {
		r.Subject = pkix.Name{CommonName: "alice", Organization: []string{"devs"}, OrganizationalUnit: []string{"ops, admins"}, Country: []string{"DE"},
			ExtraNames: []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57683, 2}, Value: "root-uid"}, {Type: asn1.ObjectIdentifier{1, 2, 3, 4}, Value: "x"}}}
	}), somePowers())
	var got []string
	for _, a := range request.OtherAttributes {
		got = append(got, a.String())
	}
	slices.Sort(got)
	want := []string{"1.2.3.4=x", "1.3.6.1.4.1.57683.2 (UID in Kubernetes)=root-uid", "C=DE", `OU="ops, admins"`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What cannot be looked at is not called sound, but for a kubelet's own
// request, to which bindings mean nothing.
func TestRisksUnchecked(t *testing.T) {
	powers := somePowers()
	powers.Unseen = []string{"rolebindings"}
	request := newRequest(asking(t), powers)
	if codes(request.Risks) != "unchecked" || !strings.Contains(request.Risks[0].Message, "rolebindings") {
		t.Errorf("got %v", request.Risks)
	}
	request = newRequest(asking(t, subject("system:node:n1", "system:nodes"), by("system:node:n1", "system:nodes"), kubelet), powers)
	if len(request.Risks) > 0 {
		t.Errorf("a kubelet's own request: got %v", request.Risks)
	}
}

// The signer's real limit counts, where it can be seen.
func TestRisksOfAGenerousSigner(t *testing.T) {
	powers := somePowers()
	powers.SignerLife = signerLife([]corev1.Pod{{Spec: corev1.PodSpec{Containers: []corev1.Container{
		{Command: []string{"kube-controller-manager", "--v=2", "--cluster-signing-duration=87600h0m0s"}},
	}}}})
	for d, want := range map[time.Duration]string{
		0: "long-lived", 364 * day: "", 366 * day: "long-lived", 3651 * day: "long-lived",
	} {
		if got := codes(newRequest(asking(t, life(d)), powers).Risks); got != want {
			t.Errorf("life %s: got %q, want %q", d, got, want)
		}
	}
	if got := signerLife(nil); got != DefaultSignerLife {
		t.Errorf("without a pod the signer's life is %s", got)
	}
}

// docs/risks.md has a section for each code, and no other.
func TestEveryRiskIsDocumented(t *testing.T) {
	const path = "../../docs/risks.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var documented []RiskCode
	for line := range strings.Lines(string(text)) {
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			documented = append(documented, RiskCode(strings.TrimSpace(heading)))
		}
	}
	known := RiskCodes()
	slices.Sort(documented)
	slices.Sort(known)
	if !slices.Equal(documented, known) {
		t.Errorf("%s has sections %q, and the codes are %q", path, documented, known)
	}
}

func TestState(t *testing.T) {
	condition := func(kinds ...certificatesv1.RequestConditionType) *certificatesv1.CertificateSigningRequest {
		r := &certificatesv1.CertificateSigningRequest{ObjectMeta: metav1.ObjectMeta{UID: types.UID("x")}}
		for _, k := range kinds {
			r.Status.Conditions = append(r.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{Type: k})
		}
		return r
	}
	issued := condition(certificatesv1.CertificateApproved)
	issued.Status.Certificate = []byte("x")
	hidden := condition(certificatesv1.CertificateApproved, certificatesv1.CertificateFailed)
	hidden.Status.Certificate = []byte("x")
	if got := stateOf(hidden); got != Issued {
		t.Errorf("one that failed after it was issued is %s", got)
	}
	for want, object := range map[State]*certificatesv1.CertificateSigningRequest{
		Pending: condition(), Approved: condition(certificatesv1.CertificateApproved), Issued: issued,
		Denied: condition(certificatesv1.CertificateDenied),
		Failed: condition(certificatesv1.CertificateApproved, certificatesv1.CertificateFailed),
	} {
		if got := stateOf(object); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// The API's times come in the machine's own time zone; what is printed is in UTC.
func TestRequestTimesAreUTC(t *testing.T) {
	object := asking(t, func(o *certificatesv1.CertificateSigningRequest, _ *x509.CertificateRequest, _ *crypto.Signer) {
		o.CreationTimestamp = metav1.NewTime(pkitest.Now.In(time.FixedZone("IST", 19800)))
	})
	if got := JudgeCSR(object, &Powers{}).CreatedAt; !got.Equal(pkitest.Now) || got.Location() != time.UTC {
		t.Errorf("created at %s", got)
	}
}
