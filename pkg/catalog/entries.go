package catalog

import "time"

// Lives of what is issued: a working day and its night, and kubeadm's year
// (cmd/kubeadm/app/constants/constants.go).
const (
	personLife    = 24 * time.Hour
	componentLife = 365 * 24 * time.Hour
)

// Places of the trust that the API server and its clients are held against,
// and where clients' certificates can be seen.
var (
	servedBy  = []Place{KubeconfigCA, RootCA, ClusterInfoCA, ServerCAFile}
	clientsBy = []Place{ClientCA, ClientCAFile}
	heldAt    = []Place{KubeconfigClient}
)

// entries is the catalog. Subjects, files and signers are kubeadm's
// (cmd/kubeadm/app/phases/certs/certlist.go, .../phases/kubeconfig) and the
// built-in bindings' (plugin/pkg/auth/authorizer/rbac/bootstrappolicy), which
// other installers follow for everything that RBAC reads. An earlier row wins
// where two recognise the same certificate.
var entries = []Entry{
	{
		Name: "ca", Role: CA,
		Use:      "signs the API server's serving certificate and the client certificates of users and components",
		SignedBy: "ca",
		Files:    []string{"pki/ca.crt", "pki/ca.key"},
		SeenAt:   []Place{KubeconfigCA, RootCA, ClientCA, ClusterInfoCA, ServerCAFile, ClientCAFile},
	},
	{
		Name: ClientCAName, Role: CA,
		Use:      "signs the client certificates of users and components, if server certificates have a separate CA",
		SignedBy: ClientCAName,
	},
	{
		Name: "etcd-ca", Role: CA,
		Use:      "signs the certificates of etcd and its clients",
		SignedBy: "etcd-ca",
		Files:    []string{"pki/etcd/ca.crt", "pki/etcd/ca.key"},
		SeenAt:   []Place{EtcdCAFile, EtcdPeerCAFile},
	},
	{
		Name: "etcd-peer-ca", Role: CA,
		Use:      "signs the peer certificates of etcd members, if its clients have a separate CA",
		SignedBy: "etcd-peer-ca",
	},
	{
		Name: "front-proxy-ca", Role: CA,
		Use:      "signs the certificate with which the API server authenticates to aggregated API servers",
		SignedBy: "front-proxy-ca",
		Files:    []string{"pki/front-proxy-ca.crt", "pki/front-proxy-ca.key"},
		SeenAt:   []Place{RequestHeaderCA, FrontProxyCAFile},
	},
	{
		Name: "apiserver", Role: Server,
		Use:        "kube-apiserver presents it to every client",
		SignedBy:   "ca",
		Files:      []string{"pki/apiserver.crt", "pki/apiserver.key"},
		SeenAt:     []Place{APIServerEndpoint},
		VerifiedBy: servedBy,
	},
	{
		Name: "etcd-server", Role: Server,
		Use:        "etcd presents it to kube-apiserver on port 2379",
		SignedBy:   "etcd-ca",
		Files:      []string{"pki/etcd/server.crt", "pki/etcd/server.key"},
		SeenAt:     []Place{EtcdClientPort},
		VerifiedBy: []Place{EtcdCAFile},
	},
	{
		Name: "etcd-peer", Role: Server, Mutual: true,
		Use:        "etcd presents it to other etcd members on port 2380, as server and as client",
		SignedBy:   "etcd-ca",
		Files:      []string{"pki/etcd/peer.crt", "pki/etcd/peer.key"},
		SeenAt:     []Place{EtcdPeerPort},
		VerifiedBy: []Place{EtcdPeerCAFile},
	},
	{
		Name: "kubelet-server", Role: Server,
		Use:      "kubelet presents it to kube-apiserver on port 10250, for logs, exec and port-forward",
		SignedBy: "ca",
		Files:    []string{"/var/lib/kubelet/pki/kubelet.crt", "/var/lib/kubelet/pki/kubelet-server-current.pem"},
		SeenAt:   []Place{KubeletPort},
	},
	{
		Name: "scheduler-server", Role: Server,
		Use:      "kube-scheduler presents it to probes and metrics collectors on port 10259; generated in memory at each start",
		SignedBy: "scheduler-server",
		SeenAt:   []Place{SchedulerPort},
	},
	{
		Name: "controller-manager-server", Role: Server,
		Use:      "kube-controller-manager presents it to probes and metrics collectors on port 10257; generated in memory at each start",
		SignedBy: "controller-manager-server",
		SeenAt:   []Place{ControllerManagerPort},
	},
	{
		Name: "k0s-api", Role: Server,
		Use:        "k0s presents it to joining controllers",
		SignedBy:   "ca",
		VerifiedBy: servedBy,
	},
	{
		Name: SuperAdmin, Role: Client,
		Use:        "break-glass access that RBAC does not limit; the CertificateSigningRequest API refuses to issue it",
		Subject:    &SubjectRule{Organizations: []string{Masters}},
		SignedBy:   "ca",
		Files:      []string{"super-admin.conf"},
		SeenAt:     heldAt,
		VerifiedBy: clientsBy,
	},
	{
		Name: Admin, Role: Client,
		Use:        "a user with full permissions authenticates to kube-apiserver",
		Subject:    &SubjectRule{Organizations: []string{KubeadmAdmins, OwnAdmins}},
		SignedBy:   "ca",
		Files:      []string{"admin.conf", "admin.crt", "admin.key"},
		SeenAt:     heldAt,
		VerifiedBy: clientsBy,
		Profile:    &Profile{DefaultName: "admin", Life: personLife, AdminGroup: true},
	},
	{
		Name: "scheduler", Role: Client,
		Use:        "kube-scheduler authenticates to kube-apiserver",
		Subject:    &SubjectRule{CommonName: "system:kube-scheduler"},
		SignedBy:   "ca",
		Files:      []string{"scheduler.conf", "pki/kube-scheduler.crt", "pki/kube-scheduler.key"},
		SeenAt:     heldAt,
		VerifiedBy: clientsBy,
		Profile:    &Profile{CommonName: "system:kube-scheduler", Life: componentLife},
	},
	{
		Name: "controller-manager", Role: Client,
		Use:        "kube-controller-manager authenticates to kube-apiserver",
		Subject:    &SubjectRule{CommonName: "system:kube-controller-manager"},
		SignedBy:   "ca",
		Files:      []string{"controller-manager.conf", "pki/kube-controller-manager.crt", "pki/kube-controller-manager.key"},
		SeenAt:     heldAt,
		VerifiedBy: clientsBy,
		Profile:    &Profile{CommonName: "system:kube-controller-manager", Life: componentLife},
	},
	{
		Name: "proxy", Role: Client,
		Use:        "kube-proxy authenticates to kube-apiserver; kubeadm uses a service account token instead",
		Subject:    &SubjectRule{CommonName: "system:kube-proxy"},
		SignedBy:   "ca",
		Files:      []string{"kube-proxy.conf", "pki/kube-proxy.crt", "pki/kube-proxy.key"},
		SeenAt:     heldAt,
		VerifiedBy: clientsBy,
		Profile:    &Profile{CommonName: "system:kube-proxy", Life: componentLife},
	},
	{
		Name: "kubelet-client", Role: Client,
		Use:        "kubelet authenticates to kube-apiserver",
		Subject:    &SubjectRule{CommonNamePrefix: "system:node:", Organizations: []string{"system:nodes"}},
		SignedBy:   "ca",
		Files:      []string{"kubelet.conf", "/var/lib/kubelet/pki/kubelet-client-current.pem"},
		SeenAt:     heldAt,
		VerifiedBy: clientsBy,
		Profile: &Profile{Name: "kubelet", CommonNamePrefix: "system:node:", Groups: []string{"system:nodes"},
			Signer: "kubernetes.io/kube-apiserver-client-kubelet", Life: componentLife},
	},
	{
		Name: "apiserver-kubelet-client", Role: Client,
		Use: "kube-apiserver authenticates to kubelets",
		Subject: &SubjectRule{CommonName: "kube-apiserver-kubelet-client",
			Also: []string{"system:apiserver", "apiserver-kubelet-client"}}, // k3s and RKE2; k0s
		SignedBy:   "ca",
		Files:      []string{"pki/apiserver-kubelet-client.crt", "pki/apiserver-kubelet-client.key"},
		VerifiedBy: clientsBy,
	},
	{
		Name: "apiserver-etcd-client", Role: Client,
		Use: "kube-apiserver authenticates to etcd",
		Subject: &SubjectRule{CommonName: "kube-apiserver-etcd-client",
			Also: []string{"etcd-client", "apiserver-etcd-client"}}, // k3s and RKE2; k0s
		SignedBy:   "etcd-ca",
		Files:      []string{"pki/apiserver-etcd-client.crt", "pki/apiserver-etcd-client.key"},
		VerifiedBy: []Place{EtcdCAFile},
	},
	{
		Name: "etcd-healthcheck-client", Role: Client,
		Use:        "etcd's liveness probe authenticates to etcd",
		Subject:    &SubjectRule{CommonName: "kube-etcd-healthcheck-client"},
		SignedBy:   "etcd-ca",
		Files:      []string{"pki/etcd/healthcheck-client.crt", "pki/etcd/healthcheck-client.key"},
		VerifiedBy: []Place{EtcdCAFile},
	},
	{
		Name: "front-proxy-client", Role: Client,
		Use:        "kube-apiserver authenticates to aggregated API servers",
		Subject:    &SubjectRule{CommonName: "front-proxy-client", Also: []string{"system:auth-proxy"}}, // k3s and RKE2
		SignedBy:   "front-proxy-ca",
		Files:      []string{"pki/front-proxy-client.crt", "pki/front-proxy-client.key"},
		VerifiedBy: []Place{RequestHeaderCA, FrontProxyCAFile},
	},
	{
		Name: "cloud-controller-manager", Role: Client,
		Use:        "cloud-controller-manager authenticates to kube-apiserver",
		Subject:    &SubjectRule{CommonName: "k3s-cloud-controller-manager", Also: []string{"rke2-cloud-controller-manager"}},
		SignedBy:   "ca",
		VerifiedBy: clientsBy,
	},
	{
		Name: "supervisor", Role: Client,
		Use:        "the k3s and RKE2 supervisor authenticates to kube-apiserver",
		Subject:    &SubjectRule{CommonName: "system:k3s-supervisor", Also: []string{"system:rke2-supervisor"}, Organizations: []string{Masters}},
		SignedBy:   "ca",
		VerifiedBy: clientsBy,
	},
	{
		Name: "agent-controller", Role: Client,
		Use:        "k3s and RKE2 authenticate to kube-apiserver on every node",
		Subject:    &SubjectRule{CommonName: "system:k3s-controller", Also: []string{"system:rke2-controller"}},
		SignedBy:   "ca",
		VerifiedBy: clientsBy,
	},
	{
		Name: "konnectivity", Role: Client,
		Use:        "konnectivity-server authenticates to kube-apiserver, as k0s runs it",
		Subject:    &SubjectRule{CommonName: "kubernetes-konnectivity", Organizations: []string{Masters}},
		SignedBy:   "ca",
		VerifiedBy: clientsBy,
	},
	{
		Name: "service-account", Role: Client,
		Use:        "its key signs service account tokens; the certificate is never presented, and its dates are not checked",
		Subject:    &SubjectRule{CommonName: "service-accounts"},
		SignedBy:   "ca",
		VerifiedBy: clientsBy,
	},
}

// Groups that hold administrators.
const (
	// KubeadmAdmins is kubeadm's group of administrators since v1.29, bound
	// to cluster-admin by a ClusterRoleBinding of the same name.
	KubeadmAdmins = "kubeadm:cluster-admins"
	// OwnAdmins is the group that this program makes where KubeadmAdmins is
	// not bound.
	OwnAdmins = "kubectl-certs:cluster-admins"
	// Masters is bound to cluster-admin everywhere and passes every
	// authorizer; the API refuses requests for it
	// (plugin/pkg/admission/certificates/subjectrestriction).
	Masters = "system:masters"
)
