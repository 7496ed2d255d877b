package catalog

import (
	"path"
	"slices"
	"strings"
)

// Layout is where a distribution of Kubernetes keeps its certificates on
// nodes. A new distribution is a new entry of layouts.
type Layout struct {
	Name string
	// Version is a part of a kubelet's version that tells the distribution;
	// "" for those whose kubelets are the plain ones.
	Version string
	Trees   []Tree
}

// Tree is a directory of a Layout, with everything below it.
type Tree struct {
	// Home is the directory's path on a node. A copy of the tree is recognised
	// elsewhere by the names in it.
	Home string
	// Files are what has a row in the catalog.
	Files []File
	// Old are names of what is kept and not used any more: nobody has to care
	// when it runs out.
	Old []string
	// Flat is set where nothing in the directories below belongs to it.
	Flat bool
	// Pointers is set where the files only name those of other trees.
	Pointers bool
	// ControlPlane is set where only control-plane nodes have it.
	ControlPlane bool
}

// File is a file of a Tree.
type File struct {
	// Path is relative to the tree. Its elements are patterns of path.Match.
	Path string
	// Row names the row of the catalog.
	Row string
	// Places are the trusts that the file's CAs are; none for a leaf.
	Places []Place
	// Telling marks a name that no other program uses: one such file tells
	// the tree.
	Telling bool
	// BySubject is set where the name tells too little: the file is that of
	// the row only with a subject that the row recognises.
	BySubject bool
}

// KeyInside reports whether the certificate's private key lies in the same file:
// the kubelet keeps its pairs so.
func (f File) KeyInside() bool { return strings.HasSuffix(f.Path, "-current.pem") }

// Shorthands for the tables below.

func leaf(path, row string) File    { return File{Path: path, Row: row} }
func telling(path, row string) File { return File{Path: path, Row: row, Telling: true} }
func authority(path, row string, places ...Place) File {
	return File{Path: path, Row: row, Places: places}
}

var (
	kubeletPKI = Tree{
		Home: "/var/lib/kubelet/pki",
		Files: []File{
			telling("kubelet-client-current.pem", "kubelet-client"),
			telling("kubelet-server-current.pem", "kubelet-server"),
			leaf("kubelet.crt", "kubelet-server"),
		},
		// The kubelet never removes what it has replaced.
		Old: []string{"kubelet-client-2*.pem", "kubelet-server-2*.pem"},
	}
	// kubeadm: cmd/kubeadm/app/constants/constants.go.
	kubeadm = Layout{Name: Kubeadm, Trees: []Tree{
		{Home: "/etc/kubernetes", Files: []File{
			telling("admin.conf", Admin),
			telling("super-admin.conf", SuperAdmin),
			leaf("scheduler.conf", "scheduler"),
			telling("controller-manager.conf", "controller-manager"),
			telling("kubelet.conf", "kubelet-client"),
		}},
		{Home: "/etc/kubernetes/pki", Files: []File{
			authority("ca.crt", "ca", ServerCAFile, ClientCAFile),
			telling("apiserver.crt", "apiserver"),
			telling("apiserver-kubelet-client.crt", "apiserver-kubelet-client"),
			telling("apiserver-etcd-client.crt", "apiserver-etcd-client"),
			authority("front-proxy-ca.crt", "front-proxy-ca", FrontProxyCAFile),
			telling("front-proxy-client.crt", "front-proxy-client"),
			authority("etcd/ca.crt", "etcd-ca", EtcdCAFile, EtcdPeerCAFile),
			telling("etcd/server.crt", "etcd-server"),
			telling("etcd/peer.crt", "etcd-peer"),
			telling("etcd/healthcheck-client.crt", "etcd-healthcheck-client"),
		}},
		kubeletPKI,
	}}
	// k0s: cmd/controller/certificates.go and pkg/config/cfgvars.go there.
	k0s = Layout{Name: "k0s", Version: "+k0s", Trees: []Tree{
		{Home: "/var/lib/k0s/pki", Files: []File{
			authority("ca.crt", "ca", ServerCAFile, ClientCAFile),
			leaf("server.crt", "apiserver"),
			telling("k0s-api.crt", "k0s-api"),
			leaf("api.crt", "k0s-api"),
			leaf("admin.crt", SuperAdmin),
			leaf("admin.conf", SuperAdmin),
			leaf("scheduler.crt", "scheduler"),
			leaf("scheduler.conf", "scheduler"),
			telling("ccm.crt", "controller-manager"),
			telling("ccm.conf", "controller-manager"),
			leaf("konnectivity.crt", "konnectivity"),
			leaf("konnectivity.conf", "konnectivity"),
			leaf("apiserver-kubelet-client.crt", "apiserver-kubelet-client"),
			leaf("apiserver-etcd-client.crt", "apiserver-etcd-client"),
			authority("front-proxy-ca.crt", "front-proxy-ca", FrontProxyCAFile),
			leaf("front-proxy-client.crt", "front-proxy-client"),
			authority("etcd/ca.crt", "etcd-ca", EtcdCAFile, EtcdPeerCAFile),
			leaf("etcd/server.crt", "etcd-server"),
			leaf("etcd/peer.crt", "etcd-peer"),
		}},
		{Home: "/var/lib/k0s/kubelet/pki", Files: kubeletPKI.Files, Old: kubeletPKI.Old},
		{Home: "/var/lib/k0s", Flat: true, Pointers: true, Files: []File{leaf("kubelet.conf", "kubelet-client")}},
	}}
	// The hard way: its ca.conf (openssl), and docs/04-certificate-authority.md
	// of its older editions (cfssl).
	hardWay = Layout{Name: "the hard way", Trees: []Tree{
		{Home: "/var/lib/kubernetes", Files: hardWayFiles()},
		{Home: "/etc/etcd", Files: []File{
			authority("ca.pem", "etcd-ca", EtcdCAFile, EtcdPeerCAFile),
			authority("ca.crt", "etcd-ca", EtcdCAFile, EtcdPeerCAFile),
			// One certificate serves both.
			leaf("kubernetes.pem", "apiserver"),
			leaf("kube-api-server.crt", "apiserver"),
		}},
		{Home: "/var/lib/kubelet", Flat: true, Files: []File{
			authority("ca.crt", "ca", ServerCAFile, ClientCAFile),
			leaf("kubelet.crt", "kubelet-client"),
		}},
	}}
)

// layouts has every Layout that is known. An earlier one wins where a tree
// could be either.
var layouts = []Layout{
	kubeadm,
	rancher("k3s"),
	rancher("rke2"),
	k0s,
	hardWay,
}

// rancher is k3s or RKE2, its sister: pkg/daemons/control/deps/deps.go and
// pkg/agent/config/config.go of k3s.
func rancher(name string) Layout {
	dir, controller := "/var/lib/rancher/"+name, "client-"+name+"-controller.crt"
	return Layout{Name: name, Version: "+" + name, Trees: []Tree{
		{Home: dir + "/server/tls", ControlPlane: true, Files: []File{
			{Path: "server-ca.crt", Row: "ca", Places: []Place{ServerCAFile}, Telling: true},
			{Path: "client-ca.crt", Row: ClientCAName, Places: []Place{ClientCAFile}, Telling: true},
			authority("server-ca.nochain.crt", "ca", ServerCAFile),
			authority("client-ca.nochain.crt", ClientCAName, ClientCAFile),
			{Path: "request-header-ca.crt", Row: "front-proxy-ca", Places: []Place{FrontProxyCAFile}, Telling: true},
			telling("serving-kube-apiserver.crt", "apiserver"),
			telling("client-admin.crt", SuperAdmin),
			telling("client-supervisor.crt", "supervisor"),
			telling("client-scheduler.crt", "scheduler"),
			telling("client-controller.crt", "controller-manager"),
			telling("client-"+name+"-cloud-controller.crt", "cloud-controller-manager"),
			telling("client-kube-proxy.crt", "proxy"),
			telling(controller, "agent-controller"),
			telling("client-kube-apiserver.crt", "apiserver-kubelet-client"),
			telling("client-auth-proxy.crt", "front-proxy-client"),
			authority("etcd/server-ca.crt", "etcd-ca", EtcdCAFile),
			authority("etcd/peer-ca.crt", "etcd-peer-ca", EtcdPeerCAFile),
			telling("etcd/server-client.crt", "etcd-server"),
			telling("etcd/peer-server-client.crt", "etcd-peer"),
			leaf("etcd/client.crt", "apiserver-etcd-client"),
			// Served on their ports since May 2025 (genServerCerts in deps.go).
			leaf("kube-scheduler/kube-scheduler.crt", "scheduler-server"),
			leaf("kube-controller-manager/kube-controller-manager.crt", "controller-manager-server"),
		}},
		{Home: dir + "/server/cred", Pointers: true, Files: []File{
			leaf("admin.kubeconfig", SuperAdmin),
			telling("supervisor.kubeconfig", "supervisor"),
			leaf("controller.kubeconfig", "controller-manager"),
			leaf("scheduler.kubeconfig", "scheduler"),
			telling("api-server.kubeconfig", "apiserver-kubelet-client"),
			telling("cloud-controller.kubeconfig", "cloud-controller-manager"),
		}},
		{Home: dir + "/agent", Flat: true, Files: rancherAgent(controller, name)},
		{Home: "/etc/rancher/" + name, ControlPlane: true, Files: []File{telling(name+".yaml", SuperAdmin)}},
	}}
}

// rancherAgent is what lies on every node of k3s and RKE2.
func rancherAgent(controller, name string) []File {
	return []File{
		authority("server-ca.crt", "ca", ServerCAFile),
		authority("client-ca.crt", ClientCAName, ClientCAFile),
		telling("serving-kubelet.crt", "kubelet-server"),
		telling("client-kubelet.crt", "kubelet-client"),
		telling("client-kube-proxy.crt", "proxy"),
		telling(controller, "agent-controller"),
		leaf("kubelet.kubeconfig", "kubelet-client"),
		leaf("kubeproxy.kubeconfig", "proxy"),
		leaf(name+"controller.kubeconfig", "agent-controller"),
	}
}

// hardWayFiles are under either of the two endings that its editions use.
func hardWayFiles() []File {
	var files []File
	for _, ending := range []string{".crt", ".pem"} {
		files = append(files,
			authority("ca"+ending, "ca", ServerCAFile, ClientCAFile),
			leaf("admin"+ending, SuperAdmin),
			telling("kube-scheduler"+ending, "scheduler"),
			telling("kube-controller-manager"+ending, "controller-manager"),
			telling("kube-proxy"+ending, "proxy"),
			leaf("service-account"+ending, "service-account"),
			leaf("service-accounts"+ending, "service-account"),
			File{Path: "*" + ending, Row: "kubelet-client", BySubject: true})
	}
	return append(files,
		telling("kube-api-server.crt", "apiserver"),
		leaf("kubernetes.pem", "apiserver"),
		leaf("admin.kubeconfig", SuperAdmin),
		telling("kube-scheduler.kubeconfig", "scheduler"),
		telling("kube-controller-manager.kubeconfig", "controller-manager"),
		telling("kube-proxy.kubeconfig", "proxy"),
		File{Path: "*.kubeconfig", Row: "kubelet-client", BySubject: true})
}

// Layouts returns every layout. The caller may keep and change the slice, not
// what is in it.
func Layouts() []Layout { return slices.Clone(layouts) }

// Homes are the directories that certificates lie in on a node whose kubelet
// has version: those with files of their own. A plain kubelet's version does
// not tell who installed it; kubeadm did, most likely.
func Homes(version string, controlPlane bool) []string {
	chosen := kubeadm
	for _, l := range layouts {
		if l.Version != "" && strings.Contains(version, l.Version) {
			chosen = l
		}
	}
	var homes []string
	for i, tree := range chosen.Trees {
		inAnother := slices.ContainsFunc(chosen.Trees[:i], func(t Tree) bool { return !t.Flat && below(tree.Home, t.Home) })
		if !tree.Pointers && !inAnother && (controlPlane || !tree.ControlPlane) {
			homes = append(homes, tree.Home)
		}
	}
	return homes
}

// Leads reports whether certificates of a layout may lie in dir, an absolute
// path: only not where the directory above is the home of a flat tree, or a
// copy of it, and dir is not on the way to the home of another tree.
func Leads(dir string) bool {
	leads := true
	for _, l := range layouts {
		for _, t := range l.Trees {
			if t.Flat && isHome(path.Dir(dir), t.Home) {
				leads = false
			}
			// Each directory from the home up.
			for home := t.Home; home != "/"; home = path.Dir(home) {
				if strings.Count(home, "/") > 2 && isHome(dir, home) {
					return true
				}
			}
		}
	}
	return leads
}

// InCopy reports whether dir, an absolute path, lies in a copy of a node's files:
// what is the home of a layout there lies below something else here.
func InCopy(dir string) bool {
	for _, l := range layouts {
		for _, t := range l.Trees {
			if at := strings.Index(dir+"/", t.Home+"/"); at > 0 {
				return true
			}
		}
	}
	return false
}

// isHome reports whether dir is home, or home as a copy of a node's files has it.
func isHome(dir, home string) bool { return strings.HasSuffix(dir, home) }

// below reports whether name is dir or lies in it.
func below(name, dir string) bool {
	return name == dir || strings.HasPrefix(name, strings.TrimSuffix(dir, "/")+"/")
}
