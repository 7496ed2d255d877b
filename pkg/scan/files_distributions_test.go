package scan_test

import (
	"crypto/x509"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

const masters = "system:masters"

// both makes it a server's and a client's.
func both(commonName string, names ...string) pkitest.Option {
	return func(c *x509.Certificate) {
		pkitest.Server(commonName, names...)(c)
		c.ExtKeyUsage = append(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	}
}

// distributions make trees as the installers do, and tell the row of each file.
var distributions = []struct {
	name string
	make func(*tree) map[string]string
	// scheduler is the file of the scheduler's certificate, and etcd that of
	// etcd's towards its clients, for tests that break them.
	scheduler, clientCA, etcd string
}{
	{"kubeadm", makeKubeadm, "etc/kubernetes/scheduler.conf", "etc/kubernetes/pki/ca.crt", "etc/kubernetes/pki/etcd/server.crt"},
	{"k3s", func(x *tree) map[string]string { return makeRancher(x, "k3s") },
		"var/lib/rancher/k3s/server/tls/client-scheduler.crt", "var/lib/rancher/k3s/server/tls/client-ca.crt", "var/lib/rancher/k3s/server/tls/etcd/server-client.crt"},
	{"rke2", func(x *tree) map[string]string { return makeRancher(x, "rke2") },
		"var/lib/rancher/rke2/server/tls/client-scheduler.crt", "var/lib/rancher/rke2/server/tls/client-ca.crt", "var/lib/rancher/rke2/server/tls/etcd/server-client.crt"},
	{"k0s", makeK0s, "var/lib/k0s/pki/scheduler.crt", "var/lib/k0s/pki/ca.crt", "var/lib/k0s/pki/etcd/server.crt"},
	{"the hard way", func(x *tree) map[string]string { return makeHardWay(x, ".crt") },
		"var/lib/kubernetes/kube-scheduler.crt", "var/lib/kubernetes/ca.crt", "etc/etcd/kube-api-server.crt"},
	{"the hard way, by cfssl", func(x *tree) map[string]string { return makeHardWay(x, ".pem") },
		"var/lib/kubernetes/kube-scheduler.pem", "var/lib/kubernetes/ca.pem", "etc/etcd/kubernetes.pem"},
}

func makeKubeadm(x *tree) map[string]string {
	const dir, pki, kubelet = "etc/kubernetes/", "etc/kubernetes/pki/", "var/lib/kubelet/pki/"
	x.ca(pki+"ca.crt", "kubernetes")
	x.ca(pki+"front-proxy-ca.crt", "front-proxy-ca")
	x.ca(pki+"etcd/ca.crt", "etcd-ca")
	x.leaf(pki+"apiserver.crt", pki+"ca.crt", pkitest.Server("kube-apiserver", "kubernetes", "10.96.0.1", "127.0.0.1"))
	x.leaf(pki+"apiserver-kubelet-client.crt", pki+"ca.crt", pkitest.Client("kube-apiserver-kubelet-client", "kubeadm:cluster-admins"))
	x.leaf(pki+"apiserver-etcd-client.crt", pki+"etcd/ca.crt", pkitest.Client("kube-apiserver-etcd-client"))
	x.leaf(pki+"front-proxy-client.crt", pki+"front-proxy-ca.crt", pkitest.Client("front-proxy-client"))
	x.leaf(pki+"etcd/server.crt", pki+"etcd/ca.crt", both("cp-1", "cp-1", "127.0.0.1"))
	x.leaf(pki+"etcd/peer.crt", pki+"etcd/ca.crt", both("cp-1", "cp-1", "127.0.0.1"))
	x.leaf(pki+"etcd/healthcheck-client.crt", pki+"etcd/ca.crt", pkitest.Client("kube-etcd-healthcheck-client"))
	x.write(pki+"sa.key", keyPEM(x.t, "sa"))
	x.leaf(dir+"admin.conf", pki+"ca.crt", pkitest.Client("kubernetes-admin", "kubeadm:cluster-admins"))
	x.leaf(dir+"super-admin.conf", pki+"ca.crt", pkitest.Client("kubernetes-super-admin", masters))
	x.leaf(dir+"scheduler.conf", pki+"ca.crt", pkitest.Client("system:kube-scheduler"))
	x.leaf(dir+"controller-manager.conf", pki+"ca.crt", pkitest.Client("system:kube-controller-manager"))
	x.write(dir+"manifests/etcd.yaml", []byte("apiVersion: v1\nkind: Pod\n"))
	x.kubelet(kubelet, pki+"ca.crt")
	x.write(dir+"kubelet.conf", kubeconfig(x.t, clientcmdapi.Cluster{CertificateAuthorityData: x.cas[pki+"ca.crt"].PEM()},
		clientcmdapi.AuthInfo{ClientCertificate: "/" + kubelet + "kubelet-client-current.pem", ClientKey: "/" + kubelet + "kubelet-client-current.pem"}))
	return map[string]string{
		pki + "ca.crt": "ca", pki + "front-proxy-ca.crt": "front-proxy-ca", pki + "etcd/ca.crt": "etcd-ca",
		pki + "apiserver.crt": "apiserver", pki + "apiserver-kubelet-client.crt": "apiserver-kubelet-client",
		pki + "apiserver-etcd-client.crt": "apiserver-etcd-client", pki + "front-proxy-client.crt": "front-proxy-client",
		pki + "etcd/server.crt": "etcd-server", pki + "etcd/peer.crt": "etcd-peer", pki + "etcd/healthcheck-client.crt": "etcd-healthcheck-client",
		dir + "admin.conf": "admin", dir + "super-admin.conf": "super-admin", dir + "scheduler.conf": "scheduler",
		dir + "controller-manager.conf": "controller-manager", dir + "kubelet.conf": "kubelet-client",
		kubelet + "kubelet-client-current.pem": "kubelet-client", kubelet + "kubelet-server-current.pem": "kubelet-server",
	}
}

// kubelet writes a kubelet's own certificates: those in use, and one that has
// run out since.
func (x *tree) kubelet(dir, ca string) {
	node := "system:node:cp-1"
	pair := func(cert *x509.Certificate) []byte {
		return append(pki.EncodeCertificates(cert), keyPEM(x.t, node)...)
	}
	client := pkitest.Client(node, "system:nodes")
	x.write(dir+"kubelet-client-2024-01-01-00-00-00.pem", pair(x.issue(ca, client, pkitest.Left(-pkitest.Day))))
	x.write(dir+"kubelet-client-2026-01-01-00-00-00.pem", pair(x.issue(ca, client)))
	x.write(dir+"kubelet-server-2026-01-01-00-00-00.pem", pair(x.issue(ca, pkitest.Server(node, "cp-1"))))
	x.link(dir+"kubelet-client-current.pem", "/"+dir+"kubelet-client-2026-01-01-00-00-00.pem")
	x.link(dir+"kubelet-server-current.pem", "/"+dir+"kubelet-server-2026-01-01-00-00-00.pem")
}

func makeRancher(x *tree, name string) map[string]string {
	tls, agent, cred := "var/lib/rancher/"+name+"/server/tls/", "var/lib/rancher/"+name+"/agent/", "var/lib/rancher/"+name+"/server/cred/"
	server, client, proxy := tls+"server-ca.crt", tls+"client-ca.crt", tls+"request-header-ca.crt"
	etcd, peers := tls+"etcd/server-ca.crt", tls+"etcd/peer-ca.crt"
	x.ca(server, name+"-server-ca@1700000000")
	x.ca(client, name+"-client-ca@1700000000")
	x.ca(proxy, name+"-request-header-ca@1700000000")
	x.ca(etcd, "etcd-server-ca@1700000000")
	x.ca(peers, "etcd-peer-ca@1700000000")
	x.write(tls+"server-ca.nochain.crt", x.cas[server].PEM())
	x.write(tls+"client-ca.nochain.crt", x.cas[client].PEM())
	x.write(agent+"server-ca.crt", x.cas[server].PEM())
	x.write(agent+"client-ca.crt", x.cas[client].PEM())
	// Far below lie the layers of containers' images, which are not the node's.
	x.write(agent+"containerd/rootfs/etc/ssl/expired.crt", pki.EncodeCertificates(x.issue(server, pkitest.Server("image"), pkitest.Left(-pkitest.Day))))

	rows := map[string]string{
		server: "ca", tls + "server-ca.nochain.crt": "ca", agent + "server-ca.crt": "ca",
		client: "client-ca", tls + "client-ca.nochain.crt": "client-ca", agent + "client-ca.crt": "client-ca",
		proxy: "front-proxy-ca", etcd: "etcd-ca", peers: "etcd-peer-ca",
	}
	for _, f := range []struct {
		path, signer string
		who          pkitest.Option
		row          string
	}{
		{tls + "serving-kube-apiserver.crt", server, pkitest.Server("kube-apiserver", "kubernetes", "127.0.0.1"), "apiserver"},
		{tls + "client-admin.crt", client, pkitest.Client("system:admin", masters), "super-admin"},
		{tls + "client-supervisor.crt", client, pkitest.Client("system:"+name+"-supervisor", masters), "supervisor"},
		{tls + "client-scheduler.crt", client, pkitest.Client("system:kube-scheduler"), "scheduler"},
		{tls + "client-controller.crt", client, pkitest.Client("system:kube-controller-manager"), "controller-manager"},
		{tls + "client-" + name + "-cloud-controller.crt", client, pkitest.Client(name + "-cloud-controller-manager"), "cloud-controller-manager"},
		{tls + "client-kube-proxy.crt", client, pkitest.Client("system:kube-proxy"), "proxy"},
		{tls + "client-" + name + "-controller.crt", client, pkitest.Client("system:" + name + "-controller"), "agent-controller"},
		{tls + "client-kube-apiserver.crt", client, pkitest.Client("system:apiserver", masters), "apiserver-kubelet-client"},
		{tls + "client-auth-proxy.crt", proxy, pkitest.Client("system:auth-proxy"), "front-proxy-client"},
		{tls + "etcd/server-client.crt", etcd, both("etcd-server", "localhost"), "etcd-server"},
		{tls + "etcd/peer-server-client.crt", peers, both("etcd-peer", "localhost"), "etcd-peer"},
		{tls + "etcd/client.crt", etcd, pkitest.Client("etcd-client"), "apiserver-etcd-client"},
		{tls + "kube-scheduler/kube-scheduler.crt", server, pkitest.Server("kube-scheduler", "localhost"), "scheduler-server"},
		{tls + "kube-controller-manager/kube-controller-manager.crt", server, pkitest.Server("kube-controller-manager", "localhost"), "controller-manager-server"},
		{agent + "serving-kubelet.crt", server, pkitest.Server("node-1", "node-1"), "kubelet-server"},
		{agent + "client-kubelet.crt", client, pkitest.Client("system:node:node-1", "system:nodes"), "kubelet-client"},
	} {
		// Each file has its CA behind the certificate.
		cert := x.leaf(f.path, f.signer, f.who)
		x.write(f.path, pki.EncodeCertificates(cert, x.cas[f.signer].Certificate))
		rows[f.path] = f.row
	}
	byPath := func(path, certificate, row string) {
		x.write(path, kubeconfig(x.t, clientcmdapi.Cluster{CertificateAuthority: "/" + server},
			clientcmdapi.AuthInfo{ClientCertificate: "/" + certificate, ClientKey: "/" + keyName(certificate)}))
		rows[path] = row
	}
	byPath(cred+"admin.kubeconfig", tls+"client-admin.crt", "super-admin")
	byPath(cred+"supervisor.kubeconfig", tls+"client-supervisor.crt", "supervisor")
	byPath(cred+"api-server.kubeconfig", tls+"client-kube-apiserver.crt", "apiserver-kubelet-client")
	byPath(agent+"kubelet.kubeconfig", agent+"client-kubelet.crt", "kubelet-client")
	return rows
}

func makeK0s(x *tree) map[string]string {
	const dir = "var/lib/k0s/pki/"
	x.ca(dir+"ca.crt", "kubernetes-ca")
	x.ca(dir+"front-proxy-ca.crt", "kubernetes-front-proxy-ca")
	x.ca(dir+"etcd/ca.crt", "etcd-ca")
	rows := map[string]string{dir + "ca.crt": "ca", dir + "front-proxy-ca.crt": "front-proxy-ca", dir + "etcd/ca.crt": "etcd-ca"}
	for _, f := range []struct {
		file, signer string
		who          pkitest.Option
		row          string
	}{
		{"server.crt", "ca.crt", both("kubernetes", "kubernetes", "127.0.0.1"), "apiserver"},
		{"k0s-api.crt", "ca.crt", both("k0s-api", "kubernetes"), "k0s-api"},
		{"admin.crt", "ca.crt", pkitest.Client("kubernetes-admin", masters), "super-admin"},
		{"admin.conf", "ca.crt", pkitest.Client("kubernetes-admin", masters), "super-admin"},
		{"ccm.crt", "ca.crt", pkitest.Client("system:kube-controller-manager", "system:kube-controller-manager"), "controller-manager"},
		{"ccm.conf", "ca.crt", pkitest.Client("system:kube-controller-manager", "system:kube-controller-manager"), "controller-manager"},
		{"scheduler.crt", "ca.crt", pkitest.Client("system:kube-scheduler", "system:kube-scheduler"), "scheduler"},
		{"konnectivity.crt", "ca.crt", pkitest.Client("kubernetes-konnectivity", masters), "konnectivity"},
		{"apiserver-kubelet-client.crt", "ca.crt", pkitest.Client("apiserver-kubelet-client", masters), "apiserver-kubelet-client"},
		{"apiserver-etcd-client.crt", "etcd/ca.crt", pkitest.Client("apiserver-etcd-client"), "apiserver-etcd-client"},
		{"front-proxy-client.crt", "front-proxy-ca.crt", pkitest.Client("front-proxy-client", "front-proxy-client"), "front-proxy-client"},
		{"etcd/server.crt", "etcd/ca.crt", both("etcd-server", "localhost"), "etcd-server"},
		{"etcd/peer.crt", "etcd/ca.crt", both("192.0.2.1", "192.0.2.1"), "etcd-peer"},
	} {
		x.leaf(dir+f.file, dir+f.signer, f.who)
		rows[dir+f.file] = f.row
	}
	x.kubelet("var/lib/k0s/kubelet/pki/", dir+"ca.crt")
	rows["var/lib/k0s/kubelet/pki/kubelet-client-current.pem"] = "kubelet-client"
	rows["var/lib/k0s/kubelet/pki/kubelet-server-current.pem"] = "kubelet-server"
	return rows
}

func makeHardWay(x *tree, ending string) map[string]string {
	const dir = "var/lib/kubernetes/"
	apiserver := map[string]string{".crt": "kube-api-server.crt", ".pem": "kubernetes.pem"}[ending]
	ca := dir + "ca" + ending
	x.ca(ca, "CA")
	x.cas["etc/etcd/ca"+ending] = x.cas[ca] // its one CA signs everything
	x.write("etc/etcd/ca"+ending, x.cas[ca].PEM())
	served := x.leaf(dir+apiserver, ca, both("kubernetes", "kubernetes", "127.0.0.1"))
	x.write("etc/etcd/"+apiserver, pki.EncodeCertificates(served))
	x.write("etc/etcd/"+keyName(apiserver), keyPEM(x.t, "kubernetes"))
	x.leaf(dir+"admin"+ending, ca, pkitest.Client("admin", masters))
	x.leaf(dir+"kube-scheduler"+ending, ca, pkitest.Client("system:kube-scheduler", "system:kube-scheduler"))
	x.leaf(dir+"kube-controller-manager"+ending, ca, pkitest.Client("system:kube-controller-manager", "system:kube-controller-manager"))
	x.leaf(dir+"kube-proxy"+ending, ca, pkitest.Client("system:kube-proxy", "system:node-proxier"))
	x.leaf(dir+"service-accounts"+ending, ca, pkitest.Client("service-accounts"))
	x.leaf(dir+"node-0"+ending, ca, pkitest.Client("system:node:node-0", "system:nodes"))
	return map[string]string{
		ca: "ca", dir + apiserver: "apiserver", dir + "admin" + ending: "super-admin", dir + "kube-scheduler" + ending: "scheduler",
		dir + "kube-controller-manager" + ending: "controller-manager", dir + "kube-proxy" + ending: "proxy",
		dir + "service-accounts" + ending: "service-account", dir + "node-0" + ending: "kubelet-client",
	}
}
