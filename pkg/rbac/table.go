package rbac

import (
	certificatesv1 "k8s.io/api/certificates/v1"
	rbacv1 "k8s.io/api/rbac/v1"
)

// act is something that a rule may allow: any of verbs on any of resources in
// any of groups.
type act struct {
	verbs, groups, resources []string // no resources: whatever they are called
}

// need is one permission that a way takes: any of acts. only are the names of
// the objects that the way is about: a rule that is limited to others does not
// count. nil for all objects.
type need struct {
	acts []act
	only []string
}

// limited says what a rule means that is limited to some objects by
// resourceNames.
type limited int

const (
	asMuch      limited = iota // one object is enough
	less                       // in all namespaces, those of one name are less than all
	theRole                    // as much as the roles of these names give
	theUser                    // as much as the users of these names may do
	theGroup                   // as much as the groups of these names may do
	theAccounts                // as much as the service accounts of these names may do
)

// rule is a known way to more power.
type rule struct {
	// what is in words that follow "may".
	what string
	// cluster says that its objects are in no namespace: RoleBindings cannot
	// give it.
	cluster bool
	needs   []need
	named   limited
	// What it means in all namespaces, in one where powerful service accounts
	// are (or in home, if set), and in any other.
	everywhere, strong, ordinary Level
	home                         string
}

func on(verbs []string, group string, resources ...string) act {
	return act{verbs, []string{group}, resources}
}

func needs(acts ...act) []need { return []need{{acts: acts}} }

var (
	write  = []string{"create", "update", "patch"}
	change = []string{"update", "patch"}
	create = []string{"create"}
	remove = []string{"update", "patch", "delete", "deletecollection"}
	anyUse = []string{"get", "create", "update", "patch", "delete"}
)

const (
	core         = ""
	admission    = "admissionregistration.k8s.io"
	certificates = certificatesv1.GroupName
	authn        = "authentication.k8s.io"
	kubeSystem   = "kube-system"
)

// clientSigners are those whose certificates the API server, or the callers of
// kubelets, believe; kubernetes.io/* stands for all of them
// (pkg/certauthorization/certauthorization.go).
var clientSigners = []string{"kubernetes.io/*", certificatesv1.KubeAPIServerClientSignerName,
	certificatesv1.KubeAPIServerClientKubeletSignerName, certificatesv1.KubeletServingSignerName}

// trustedMaps are the ConfigMaps of kube-system that components take orders
// from: who is who, what they trust, how they run.
var trustedMaps = []string{"extension-apiserver-authentication", "aws-auth", "kubeadm-config", "kubelet-config", "kube-proxy", "coredns", "kube-root-ca.crt"}

// Rules of the table that others ask for by name (Way.Rule).
const (
	Escalate      = "grant itself any permission, by changing roles"
	Bind          = "grant itself further roles, by bindings"
	ActAsUsers    = "impersonate users"
	ActAsGroups   = "impersonate groups"
	ActAsAccounts = "impersonate service accounts"
	MakeTokens    = "create tokens of service accounts"
	Approve       = "approve requests for certificates of other users"
	Sign          = "sign certificate requests"
)

func impersonating(mode string, resources ...string) act {
	return act{[]string{"impersonate", "impersonate:" + mode}, []string{core, authn}, resources}
}

// table is what is looked for. Its sources: "Privilege escalation risks" in
// Kubernetes' documentation (RBAC good practices), and the checks of Kubernetes
// itself, named with each. docs/risks.md lists the same for users.
var table = []rule{
	// pkg/registry/rbac/escalation_check.go
	{what: Escalate, needs: needs(on([]string{"escalate"}, rbacv1.GroupName, "clusterroles", "roles")), everywhere: Severe, strong: Severe, ordinary: Severe},
	{what: Bind, needs: needs(on([]string{"bind"}, rbacv1.GroupName, "clusterroles", "roles")), named: theRole, everywhere: Severe, strong: Severe, ordinary: Severe},

	// staging/src/k8s.io/apiserver/pkg/endpoints/filters/impersonation
	{what: ActAsUsers, cluster: true, needs: needs(impersonating("user-info", "users")), named: theUser, everywhere: Severe},
	{what: ActAsGroups, cluster: true, needs: needs(impersonating("user-info", "groups")), named: theGroup, everywhere: Severe},
	{what: ActAsAccounts, needs: needs(impersonating("serviceaccount", "serviceaccounts")), named: theAccounts, everywhere: Severe, strong: Severe, ordinary: Local},
	{what: "impersonate nodes", cluster: true, needs: needs(on([]string{"impersonate:arbitrary-node"}, authn, "nodes")), everywhere: Severe},
	{what: "impersonate its own node", cluster: true, needs: needs(on([]string{"impersonate:associated-node"}, authn, "nodes")), everywhere: Limited},
	{what: "impersonate UIDs", cluster: true, needs: needs(impersonating("user-info", "uids")), everywhere: Limited},
	{what: "impersonate extra attributes of users", cluster: true, needs: needs(impersonating("user-info", "userextras/*")), everywhere: Limited},

	{what: "create pods", needs: needs(
		on(write, core, "pods", "replicationcontrollers"), on(write, "apps", "deployments", "daemonsets", "statefulsets", "replicasets"),
		on(create, "batch", "jobs"), on(write, "batch", "cronjobs")), named: less, everywhere: Severe, strong: Severe, ordinary: Local},
	{what: "run commands in pods", needs: needs(on([]string{"get", "create"}, core, "pods/exec", "pods/attach"), on(change, core, "pods/ephemeralcontainers")),
		named: less, everywhere: Severe, strong: Severe, ordinary: Local},
	// The API server answers a patch, even a dry run, with the whole object, and
	// the deletion of a collection with what it deletes
	// (staging/src/k8s.io/apiserver/pkg/endpoints/handlers/patch.go,
	// pkg/registry/generic/registry/store.go).
	{what: "read Secrets", needs: needs(on([]string{"get", "list", "watch", "patch", "deletecollection"}, core, "secrets")), named: less, everywhere: Severe, strong: Severe, ordinary: Local},
	{what: "create or change bootstrap tokens (Secrets in kube-system), and thereby nodes", needs: needs(on(write, core, "secrets")), named: less, everywhere: Severe, strong: Severe, home: kubeSystem},
	{what: MakeTokens, needs: needs(on(create, core, "serviceaccounts/token")), named: theAccounts, everywhere: Severe, strong: Severe, ordinary: Local},
	{what: "change the configuration of components, through ConfigMaps in kube-system", needs: []need{{[]act{on(write, core, "configmaps")}, trustedMaps}},
		everywhere: Severe, strong: Severe, home: kubeSystem},
	{what: "change Namespaces, and the Pod Security level in their labels", needs: needs(on(change, core, "namespaces")), named: less, everywhere: Limited, strong: Limited, ordinary: Local},

	{what: "use the kubelet API of nodes with the permissions of the API server", cluster: true, needs: needs(on(anyUse, core, "nodes/proxy")), everywhere: Severe},
	{what: "change Nodes: their labels, taints and addresses", cluster: true, needs: needs(on(change, core, "nodes", "nodes/status")), everywhere: Limited},
	{what: "create PersistentVolumes, including hostPath", cluster: true, needs: needs(on(create, core, "persistentvolumes")), everywhere: Severe},

	// plugin/pkg/admission/certificates, pkg/controller/certificates/approver
	{what: Approve, cluster: true, needs: []need{
		{acts: []act{on(change, certificates, "certificatesigningrequests/approval")}},
		{[]act{on([]string{"approve"}, certificates, "signers")}, clientSigners}}, everywhere: Severe},
	{what: "get the certificate of any node without approval", cluster: true, needs: []need{
		{acts: []act{on(create, certificates, "certificatesigningrequests/nodeclient")}},
		{acts: []act{on(create, certificates, "certificatesigningrequests")}}}, everywhere: Severe},
	{what: Sign, cluster: true, needs: []need{
		{acts: []act{on(change, certificates, "certificatesigningrequests/status")}},
		{acts: []act{on([]string{"sign"}, certificates, "signers")}}}, everywhere: Limited},
	// pkg/registry/certificates/podcertificaterequest/strategy.go: signers are
	// in no namespace, and a check of one is not either.
	{what: "sign the certificate requests of pods", needs: []need{
		{acts: []act{on(change, certificates, "podcertificaterequests/status")}},
		{acts: []act{on([]string{"sign"}, certificates, "signers")}}}, everywhere: Limited, strong: Limited, ordinary: Limited},
	{what: "request certificates for pods", needs: needs(on(create, certificates, "podcertificaterequests")), everywhere: Limited, strong: Limited, ordinary: Local},
	// plugin/pkg/admission/noderestriction: the resource is the signer's name.
	{what: "request, as a node, certificates without a pod", needs: needs(
		on([]string{"request-serviceaccounts-podcertificate-signer", "request-podcertificate-signer"}, certificates)), everywhere: Limited, strong: Limited, ordinary: Limited},
	{what: "replace the trust bundles of the cluster's signers", cluster: true, needs: []need{
		{acts: []act{on(write, certificates, "clustertrustbundles")}},
		{[]act{on([]string{"attest"}, certificates, "signers")}, []string{"kubernetes.io/*", "kubernetes.io/kube-apiserver-serving"}}}, everywhere: Severe},
	{what: "change what pods trust", cluster: true, needs: needs(on(write, certificates, "clustertrustbundles")), everywhere: Limited},

	{what: "read and change API requests of others, through admission webhooks", cluster: true, needs: needs(
		on(write, admission, "mutatingwebhookconfigurations", "validatingwebhookconfigurations")), everywhere: Severe},
	{what: "change API requests of others, through admission policies", cluster: true, needs: needs(
		on(write, admission, "mutatingadmissionpolicies", "mutatingadmissionpolicybindings")), everywhere: Severe},
	{what: "remove admission policies and webhooks", cluster: true, needs: needs(
		on(remove, admission, "validatingadmissionpolicies", "validatingadmissionpolicybindings"),
		on([]string{"delete", "deletecollection"}, admission, "mutatingwebhookconfigurations", "validatingwebhookconfigurations", "mutatingadmissionpolicies", "mutatingadmissionpolicybindings")),
		everywhere: Limited},
	{what: "take over parts of the API, through APIServices", cluster: true, needs: needs(on(write, "apiregistration.k8s.io", "apiservices")), everywhere: Severe},
	{what: "read and change custom resources, through conversion webhooks", cluster: true, needs: needs(on(change, "apiextensions.k8s.io", "customresourcedefinitions")), everywhere: Limited},
}
