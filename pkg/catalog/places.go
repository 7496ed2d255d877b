package catalog

import (
	"cmp"
	"slices"
)

// Place is a kind of location of a certificate or of a CA that is trusted. Its value
// is a token, which JSON has; String is for people.
type Place string

// String describes the place in words.
func (p Place) String() string {
	if label, ok := placeLabels[p]; ok {
		return label
	}
	return string(p)
}

// placeLabels has the words for each Place whose token is not as good.
var placeLabels = map[Place]string{
	KubeconfigClient:      "kubeconfig client",
	KubeconfigCA:          "kubeconfig CA",
	APIServerEndpoint:     "API server endpoint",
	KubeletPort:           "kubelet port",
	EtcdClientPort:        "etcd client port",
	EtcdPeerPort:          "etcd peer port",
	ControllerManagerPort: "controller manager port",
	SchedulerPort:         "scheduler port",
	ClusterInfoCA:         "cluster-info CA",
	ServerCAFile:          "CA file for servers",
	ClientCAFile:          "CA file for clients",
	FrontProxyCAFile:      "CA file for the front proxy",
	EtcdCAFile:            "CA file for etcd",
	EtcdPeerCAFile:        "CA file for etcd peers",
	CopyFile:              "copy of a file",
	IssuedRecord:          "record of an issued certificate",
	IssuedRequest:         "certificate signing request",
	OtherSigner:           "request to another signer",
	OtherContextClient:    "client of another context",
	OtherContextCA:        "CA of another context",
	TrustBundle:           "cluster trust bundle",
	CallBundle:            "CA bundle for calls",
	PresentedCA:           "certificate chain",
	SecretLeaf:            "TLS Secret",
	SecretCA:              "CA in a TLS Secret",
	SecretChain:           "chain in a TLS Secret",
}

// The places that certificates are read from.
const (
	// KubeconfigClient is the client certificate of a kubeconfig's user.
	KubeconfigClient Place = "kubeconfig-client"
	// KubeconfigCA is the certificate-authority of a kubeconfig's cluster:
	// what kubectl verifies the API server by.
	KubeconfigCA Place = "kubeconfig-ca"
	// APIServerEndpoint is what an API server presents on its serving port.
	APIServerEndpoint Place = "apiserver-endpoint"
	// KubeletPort is what a kubelet presents.
	KubeletPort Place = "kubelet-port"
	// EtcdClientPort is what etcd presents to its clients.
	EtcdClientPort Place = "etcd-client-port"
	// EtcdPeerPort is what etcd presents to its other members.
	EtcdPeerPort Place = "etcd-peer-port"
	// ControllerManagerPort is what kube-controller-manager presents.
	ControllerManagerPort Place = "controller-manager-port"
	// SchedulerPort is what kube-scheduler presents.
	SchedulerPort Place = "scheduler-port"
	// RootCA is ConfigMap kube-root-ca.crt: what pods verify the API server by.
	RootCA Place = "kube-root-ca.crt"
	// ClientCA is client-ca-file in ConfigMap
	// kube-system/extension-apiserver-authentication: what the API server
	// verifies client certificates by.
	ClientCA Place = "client-ca-file"
	// RequestHeaderCA is requestheader-client-ca-file, beside ClientCA: what
	// verifies the front proxy.
	RequestHeaderCA Place = "requestheader-client-ca-file"
	// ClusterInfoCA is the CA in ConfigMap kube-public/cluster-info: what
	// kubeadm's new nodes verify the API server by.
	ClusterInfoCA Place = "cluster-info-ca"

	// ServerCAFile is a file that clients verify the API server by.
	ServerCAFile Place = "ca-file-for-servers"
	// ClientCAFile is a file that the API server verifies clients by.
	ClientCAFile Place = "ca-file-for-clients"
	// FrontProxyCAFile is a file that verifies the front proxy.
	FrontProxyCAFile Place = "ca-file-for-front-proxy"
	// EtcdCAFile is a file that etcd and its clients verify each other by.
	EtcdCAFile Place = "etcd-ca-file"
	// EtcdPeerCAFile is a file that members of etcd verify each other by.
	EtcdPeerCAFile Place = "etcd-peer-ca-file"
	// LeafFile is a file that holds a server's or a client's certificate.
	LeafFile Place = "file"
	// CopyFile is a file of a backup or a copy, which nothing uses.
	CopyFile Place = "file-copy"

	// IssuedRecord is the record that this program keeps of what it issued.
	IssuedRecord Place = "issued-record"
	// IssuedRequest is a CertificateSigningRequest that a signer of Kubernetes'
	// own has signed.
	IssuedRequest Place = "csr"
	// OtherSigner is a CertificateSigningRequest that somebody else has signed.
	OtherSigner Place = "csr-of-other-signer"
	// OtherContextClient is KubeconfigClient of a context that is not in use,
	// perhaps of another cluster.
	OtherContextClient Place = "other-context-client"
	// OtherContextCA is KubeconfigCA of a context that is not in use.
	OtherContextCA Place = "other-context-ca"
	// TrustBundle is a ClusterTrustBundle.
	TrustBundle Place = "cluster-trust-bundle"
	// CallBundle is what the API server verifies a webhook or an aggregated API
	// server by.
	CallBundle Place = "call-ca-bundle"
	// PresentedCA is a CA that a server or a client sends behind its certificate,
	// or that a file has behind it: an intermediate.
	PresentedCA Place = "certificate-chain"
	// SecretLeaf is tls.crt of a Secret of type kubernetes.io/tls.
	SecretLeaf Place = "tls-secret"
	// SecretCA is ca.crt beside SecretLeaf.
	SecretCA Place = "tls-secret-ca"
	// SecretChain is what stands behind SecretLeaf.
	SecretChain Place = "tls-secret-chain"
)

// places has every Place, the most telling ones first: a certificate that is
// seen in several of them is named by the first.
var places = []Place{
	APIServerEndpoint, KubeletPort, EtcdClientPort, EtcdPeerPort, ControllerManagerPort, SchedulerPort,
	KubeconfigClient, RootCA, ClientCA, RequestHeaderCA, KubeconfigCA, ClusterInfoCA,
	ServerCAFile, ClientCAFile, FrontProxyCAFile, EtcdCAFile, EtcdPeerCAFile, LeafFile,
	IssuedRecord, IssuedRequest, OtherSigner, OtherContextClient, OtherContextCA, TrustBundle, CallBundle, SecretLeaf, SecretCA, CopyFile,
	PresentedCA, SecretChain,
}

// Places lists every Place, the most telling ones first.
func Places() []Place { return slices.Clone(places) }

// ComparePlaces orders places, the most telling ones first.
func ComparePlaces(a, b Place) int {
	return cmp.Compare(slices.Index(places, a), slices.Index(places, b))
}

// IsAnchor reports whether what is seen at place is a trust anchor of the
// cluster's own.
func IsAnchor(place Place) bool {
	switch place {
	case KubeconfigCA, RootCA, ClientCA, RequestHeaderCA, ClusterInfoCA,
		ServerCAFile, ClientCAFile, FrontProxyCAFile, EtcdCAFile, EtcdPeerCAFile:
		return true
	}
	return false
}

// IsServed reports whether what is seen at place is what a server presents.
func IsServed(place Place) bool {
	_, ok := ports[place]
	return ok || place == APIServerEndpoint
}

// ports are the ports of nodes where components present certificates.
var ports = map[Place]int{
	KubeletPort:           10250,
	EtcdClientPort:        2379,
	EtcdPeerPort:          2380,
	ControllerManagerPort: 10257,
	SchedulerPort:         10259,
}

// Port returns the port of a node that place is.
func Port(place Place) (number int, ok bool) {
	number, ok = ports[place]
	return number, ok
}

// Anchors returns the places whose certificates verify what is seen at place
// when no row tells more.
func Anchors(place Place) []Place {
	switch place {
	case APIServerEndpoint:
		return servedBy
	case KubeconfigClient, IssuedRecord, IssuedRequest:
		return clientsBy
	case EtcdClientPort:
		return []Place{EtcdCAFile}
	case EtcdPeerPort:
		return []Place{EtcdPeerCAFile}
	}
	return nil
}
