package catalog

import (
	"slices"
	"strings"
)

// Distribution is what a way to run Kubernetes makes different for those who
// check and renew its certificates. It is the one home of these facts.
type Distribution struct {
	// Name is that of its Layout, or of the Managed service.
	Name string
	// Renew says how the certificates of its components are replaced.
	Renew string
	// RenewKubelet says so for the kubelet's client certificate, where the kubelet
	// does not renew that by itself; "" elsewhere.
	RenewKubelet string
	// Admins are the administrators whose kubeconfigs it makes, the usual one first.
	Admins []Administrator
	// RenewCA says how its CAs are replaced; "" where it has no way of its own.
	RenewCA string
	// InstallsMasters is the common name of the administrator that it installs in
	// group system:masters, for everyday use; "" where it installs none.
	InstallsMasters string
	// Loopback are the ports that its servers open on 127.0.0.1 only, where no pod
	// leads to.
	Loopback []Place
	// EtcdLabel is a label of the nodes that etcd runs on; "" where it sets none.
	EtcdLabel string
	// WithoutEtcd says what a node without etcd keeps its data in.
	WithoutEtcd string
}

// Administrator is an administrator in group system:masters whose kubeconfig a Distribution
// makes.
type Administrator struct {
	// CommonName is that of its certificate; "" for whatever name it was given.
	CommonName string
	// Command replaces its certificate; "" where there is no single one.
	Command string
	// Renew says how, with the machine to do it on, and what to do afterwards.
	Renew string
}

// RenewAdmin says how the kubeconfig of the administrator called commonName is
// replaced; "" where d does not say.
func (d Distribution) RenewAdmin(commonName string) string {
	for _, a := range d.Admins {
		if a.CommonName == commonName {
			return a.Renew
		}
	}
	if len(d.Admins) == 0 {
		return ""
	}
	return d.Admins[0].Renew
}

// Kubeadm is the name of kubeadm's Layout and Distribution.
const Kubeadm = "kubeadm"

const byProvider = "the provider renews it: no action is possible inside the cluster; if it is overdue, contact the provider's support"

// distributions has what is to be known of each Layout.
//
// k3s and RKE2 renew at their start what has less than 120 days left, before May
// 2025 less than 90 (docs.k3s.io/cli/certificate, docs.rke2.io/security/certificates).
// k0s issues what its own CAs signed again at each start of a controller
// (regenerateCert in its pkg/certificate/manager.go).
var distributions = []Distribution{
	{
		Name:    kubeadm.Name,
		Renew:   "on its control-plane node: kubeadm certs renew all; then restart the components that use it: move their manifests out of /etc/kubernetes/manifests for 20 seconds",
		Admins:  []Administrator{kubeadmAdmin("kubernetes-admin", "admin.conf"), kubeadmAdmin("kubernetes-super-admin", "super-admin.conf")},
		RenewCA: "kubeadm has no command for this: replace the CA as described in the Kubernetes documentation (\"Manual Rotation of CA Certificates\"); reissue everything it signed, and distribute the new CA to everything that trusts it",
	},
	ofRancher("k3s", "k3s", "k3s-agent"),
	ofRancher("rke2", "rke2-server", "rke2-agent"),
	{
		Name:  k0s.Name,
		Renew: "on its controller: systemctl restart k0scontroller; k0s reissues its certificates at each start",
		Admins: []Administrator{{CommonName: "kubernetes-admin", Command: "k0s kubeconfig admin",
			Renew: "on a controller: k0s kubeconfig admin; its output has a new certificate"}},
		InstallsMasters: "kubernetes-admin",
		WithoutEtcd:     "with k0s, etcd listens only on 127.0.0.1, or kine is used instead",
	},
	{
		Name:            hardWay.Name,
		Renew:           "sign a new one with the CA's key, the way it was created (openssl x509 -req -CA ca.crt -CAkey ca.key, or cfssl gencert), copy it to its machines, and restart its users with systemctl",
		Admins:          []Administrator{{Renew: "sign a new one with the CA's key, the way it was created (openssl x509 -req -CA ca.crt -CAkey ca.key, or cfssl gencert)"}},
		RenewKubelet:    "sign a new one with the CA's key, the way it was created (openssl x509 -req -CA ca.crt -CAkey ca.key, or cfssl gencert), copy it to its node, and systemctl restart kubelet",
		InstallsMasters: "admin",
	},
}

// kubeadmAdmin is the administrator that kubeadm writes file for.
func kubeadmAdmin(commonName, file string) Administrator {
	command := "kubeadm certs renew " + file
	return Administrator{CommonName: commonName, Command: command, Renew: "on a control-plane node: " + command + ", and copy the file"}
}

// ofRancher is k3s or RKE2, whose units on servers and agents have these names.
func ofRancher(name, server, agent string) Distribution {
	d := Distribution{
		Name: name,
		Renew: "on its node: systemctl restart " + server + " renews what has less than 120 days left; to renew all: systemctl stop " + server +
			" && " + name + " certificate rotate && systemctl start " + server + " (first on servers, then on agents, where the unit is " + agent + ")",
		Admins: []Administrator{{CommonName: "system:admin", Command: name + " certificate rotate",
			Renew: "on a server: systemctl restart " + server + " renews it in /etc/rancher/" + name + "/" + name + ".yaml if it has less than 120 days left (" +
				name + " certificate rotate: at once); then copy that file"}},
		RenewCA:         "on a server: " + name + " certificate rotate-ca; reissue everything it signed, and distribute the new CA to everything that trusts it",
		InstallsMasters: "system:admin",
		EtcdLabel:       "node-role.kubernetes.io/etcd",
		WithoutEtcd:     name + " runs no etcd on this node: it uses SQLite or another database, or etcd runs on other nodes",
	}
	d.RenewKubelet = d.Renew
	if name == "k3s" { // RKE2 runs them as static pods of the host's network
		d.Loopback = []Place{ControllerManagerPort, SchedulerPort}
	}
	return d
}

// DistributionNamed returns the Distribution of the layout called name.
func DistributionNamed(name string) (Distribution, bool) {
	i := slices.IndexFunc(distributions, func(d Distribution) bool { return d.Name == name })
	if name == "" || i < 0 {
		return Distribution{}, false
	}
	return distributions[i], true
}

// RecogniseDistribution tells how a cluster is run by its API server's URL and a
// version: the API server's, or a kubelet's. Either may be "". What runs the plain
// binaries cannot be told by them.
func RecogniseDistribution(server, version string) (Distribution, bool) {
	if m, ok := RecogniseManaged(server, version, ""); ok {
		return Distribution{Name: m.Name, Renew: byProvider, RenewCA: byProvider,
			RenewKubelet: "the kubelet renews it automatically; if it did not, replace the node"}, true
	}
	for _, l := range layouts {
		if l.Version != "" && strings.Contains(version, l.Version) {
			return DistributionNamed(l.Name)
		}
	}
	return Distribution{}, false
}

// RenewMasters says how the certificate of commonName in group system:masters is
// replaced, whatever runs the cluster: the CertificateSigningRequest API refuses the
// group. A distribution that names its administrators otherwise is left out, where
// another does make one of that name.
func RenewMasters(commonName string) string {
	var made, others []string
	for _, d := range distributions {
		for i, a := range d.Admins {
			way := "with " + d.Name + ": " + a.Command
			switch {
			case a.Command == "":
			case a.CommonName == commonName:
				made = append(made, way)
			case i == 0:
				others = append(others, way)
			}
		}
	}
	if len(made) == 0 {
		made = others
	}
	return "the API does not issue certificates in group " + Masters + ": renew it on the control plane, " + strings.Join(made, "; ") +
		". For everyday work: kubectl certs issue admin"
}

// insecureMetrics are the marks of those who install metrics-server without its
// being verified: a label or annotation of the APIService, and a value.
var insecureMetrics = []struct{ who, key, value string }{
	{"k3s", "objectset.rio.cattle.io/owner-gvk", "k3s.cattle.io/v1, Kind=Addon"},
	{"rke2", "meta.helm.sh/release-name", "rke2-metrics-server"},
	{"k0s", "k0s.k0sproject.io/stack", "metricserver"},
	{"the provider", "addonmanager.kubernetes.io/mode", "Reconcile"}, // GKE and AKS
}

// InstalledInsecure reports who installed the APIService called name, with these
// labels and annotations, with insecureSkipTLSVerify, as it always does; "" where
// it was somebody's own choice.
func InstalledInsecure(name string, marks ...map[string]string) string {
	if name != "v1beta1.metrics.k8s.io" {
		return ""
	}
	for _, i := range insecureMetrics {
		for _, m := range marks {
			if m[i.key] == i.value {
				return i.who
			}
		}
	}
	return ""
}
