package cli

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	apiversion "k8s.io/apimachinery/pkg/version"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/scan"
)

// scanTimeout bounds a scan unless --request-timeout says otherwise. A server
// that does not answer at all is given up after firstAnswer.
const (
	scanTimeout = 2 * time.Minute
	firstAnswer = 10 * time.Second
)

// gcPercent is how much garbage there may be for what is kept, in percent.
const gcPercent = 40

// scanFlags are the flags of the commands that scan a cluster.
type scanFlags struct {
	sources       []string
	reach         string
	labels        string
	allNamespaces bool
	fileFlags
}

func (f *scanFlags) register(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.sources, "sources", nil, "`SOURCES` to read: "+strings.Join(sourceNames(), ", ")+" (default: all)")
	flags.StringVar(&f.reach, "reach", string(cluster.ReachAuto), "`WAY` to reach node ports: auto, direct or port-forward")
	flags.StringVarP(&f.labels, "selector", "l", "", "Show only Secrets that match this label `SELECTOR`, such as app=web,tier!=test")
	flags.BoolVarP(&f.allNamespaces, "all-namespaces", "A", false, "Show all namespaces (the default)")
	f.fileFlags.register(flags)
}

// narrowedTo is the namespace whose objects alone are shown: that of
// --namespace; "" for all. With --node-files, --namespace says where the pods run.
func (f *scanFlags) narrowedTo(g *globals) string {
	if f.allNamespaces || len(f.nodeFiles) > 0 {
		return ""
	}
	return *g.kubectl.Namespace
}

// objects is what the flags narrow the scan down to, by the objects that
// certificates were read from.
func (f *scanFlags) objects(g *globals) inventory.Filter {
	return inventory.Filter{Namespace: f.narrowedTo(g), ObjectsOnly: f.labels != ""}
}

// validateFor is validate for flags that only a cluster gives a meaning to.
func (f *scanFlags) validateFor(g *globals) error {
	if _, err := labels.Parse(f.labels); err != nil {
		return hint.Wrap(fmt.Errorf("parsing --selector %q: %w", f.labels, err), "use kubectl's syntax: app=web,tier in (a,b)")
	}
	if len(f.files) > 0 && (f.labels != "" || f.narrowedTo(g) != "") {
		return hint.New("--files reads no cluster; --namespace and --selector apply to a cluster", "use one of them")
	}
	return f.validate()
}

// validate returns an error if what was given means nothing.
func (f *scanFlags) validate() error {
	if !slices.Contains(cluster.Reaches(), cluster.Reach(f.reach)) {
		return hint.New(fmt.Sprintf("unknown --reach %q", f.reach), "use auto, direct or port-forward")
	}
	for _, name := range f.sources {
		if !slices.Contains(sourceNames(), name) {
			return hint.New(fmt.Sprintf("unknown source %q", name), "sources: "+strings.Join(sourceNames(), ", "))
		}
	}
	if len(f.files) > 0 && len(f.sources) > 0 {
		return hint.New("--files reads no cluster; --sources applies to a cluster", "use one of them")
	}
	return f.fileFlags.validate()
}

// reader is what sources are made from.
type reader struct {
	*cluster.Cluster
	contexts []scan.Credentials
	dial     scan.DialNode
	secrets  scan.SecretSelection
}

// server is the API server as the kubeconfig names it.
func (r reader) server() scan.Server {
	return scan.Server{URL: r.Server, ServerName: r.ServerName, Proxy: r.Config.Proxy}
}

// sources are what a scan reads, by the name that --sources takes.
var sources = []struct {
	name string
	make func(reader) scan.Source
}{
	{"kubeconfig", func(r reader) scan.Source { return scan.Kubeconfig(r.contexts...) }},
	{"endpoint", func(r reader) scan.Source {
		return scan.Endpoint(r.Client, r.server())
	}},
	{"trust", func(r reader) scan.Source { return scan.Trust(r.Client, r.Anonymous, r.Namespace) }},
	{"kubelets", func(r reader) scan.Source { return scan.Kubelets(r.Client, r.dial) }},
	{"control-plane", func(r reader) scan.Source { return scan.ControlPlane(r.Client, r.dial, r.Server) }},
	{"webhooks", func(r reader) scan.Source { return scan.Webhooks(r.Client) }},
	{"secrets", func(r reader) scan.Source { return scan.Secrets(r.Client.CoreV1().RESTClient(), r.secrets) }},
	{"requests", func(r reader) scan.Source { return scan.Requests(r.Client) }},
	{"issued", func(r reader) scan.Source {
		return scan.Issued(r.Client, scan.Records{
			Namespace: access.RecordNamespace, Key: access.RecordCertificate, Is: access.IsRecord, Damage: access.RecordDamage,
		})
	}},
}

func sourceNames() []string {
	var names []string
	for _, s := range sources {
		names = append(names, s.name)
	}
	return names
}

// scan reads what flags choose of the cluster into found. Even when the API
// server does not talk to the caller, it returns what could be seen: that is
// when it is needed most. fault says that and why the API server did not.
func (a *app) scan(ctx context.Context, g *globals, f scanFlags, found *inventory.Collector) (inv *inventory.Inventory, fault, err error) {
	if len(f.files) > 0 {
		inv, err := a.scanFiles(ctx, &f.fileFlags, found)
		return inv, nil, err
	}
	// What the server presents can be seen without credentials that fit.
	c, unusable := a.connectQuietly(g)
	if c == nil {
		return nil, nil, unusable
	}
	contexts, err := a.heldCredentials(g, c)
	if err != nil {
		return nil, nil, err
	}
	scanCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := reader{
		Cluster: c, contexts: contexts, dial: c.NodeDialer(scanCtx, cluster.Reach(f.reach)).DialNode,
		secrets: scan.SecretSelection{Namespace: f.narrowedTo(g), Fallback: c.Namespace, Labels: f.labels},
	}
	var version string
	read := []scan.Source{{Name: "version", Read: func(ctx context.Context, _ *inventory.Collector) {
		version, fault = serverVersion(ctx, c)
		if errors.Is(fault, context.DeadlineExceeded) {
			cancel() // nothing else will be answered either
		}
	}}}
	for _, s := range sources {
		if f.reads(g, s.name) {
			read = append(read, s.make(r))
		}
	}
	left := func() error { return nil }
	if len(f.nodeFiles) > 0 {
		var nodeFiles scan.Source
		nodeFiles, left = a.nodeFilesSource(c, *g.kubectl.Namespace, &f.fileFlags)
		read = append(read, nodeFiles)
	}
	// What is read and thrown away is many times what is kept: collecting it more
	// often costs little, and keeps a scan of ten thousand secrets small.
	debug.SetGCPercent(gcPercent)
	for _, s := range read[1:] { // all but the version
		found.Sources = append(found.Sources, s.Name)
	}
	progress := a.startScanProgress(read, found)
	scan.Run(scanCtx, cmp.Or(c.Config.Timeout, scanTimeout), read, found, progress.done)
	progress.stop()
	if err := cmp.Or(left(), ctx.Err()); err != nil {
		return nil, nil, err
	}
	scan.Refused(found, r.server(), fault)
	// What a provider hides is said once, and is no fault.
	if hidden, ok := scan.Managed(c.Server, version, ""); ok {
		found.Skip(hidden)
	}
	// Whoever is let in may ask for the version, unless someone took that away.
	switch {
	case unusable != nil:
		fault = unusable
	case fault != nil && !apierrors.IsForbidden(fault):
		fault = c.Explain(fault, a.now())
	default:
		fault = c.CheckCredentials()
	}
	inv = found.Inventory(inventory.Cluster{Context: c.Context, Server: c.Server, Version: version}).Filter(f.objects(g))
	if fault == nil && len(f.nodeFiles) > 0 && !inv.SeenBy(scan.NodeFilesSource) {
		fault = hint.New("no file of any node could be read", "see the reasons under skipped, "+scan.NodeFilesSource)
	}
	return inv, fault, nil
}

// reads reports whether the source called name is read: one that --sources
// names, or without that, one that what is to be shown can come from.
func (f *scanFlags) reads(g *globals, name string) bool {
	switch objects := f.objects(g); {
	case len(f.sources) > 0:
		return slices.Contains(f.sources, name)
	case objects.ObjectsOnly:
		return name == "secrets"
	case objects.Namespace != "":
		return name == "secrets" || name == "trust"
	}
	return true
}

// heldCredentials returns what the kubeconfig's contexts hold, the one in use as the
// flags make it.
func (a *app) heldCredentials(g *globals, c *cluster.Cluster) ([]scan.Credentials, error) {
	inUse := scan.Credentials{Context: c.Context, InUse: true,
		ClientCertificate: c.ClientCertificate, CA: c.CA, Insecure: c.Insecure,
		Server: c.Server, ServerName: c.ServerName, Roots: systemRoots()}
	others, err := cluster.Contexts(g.kubectl)
	if err != nil {
		return nil, err
	}
	config, err := kubeconfig.Load(a.ownFiles(g))
	if err != nil {
		config = nil // kubectl reads it, in its way
	}
	renewed := func(context string) []byte { return renewedCertificate(config, context) }
	if len(inUse.ClientCertificate) == 0 {
		inUse.ClientCertificate = renewed(c.Context)
	}
	all := []scan.Credentials{inUse}
	for _, o := range others {
		if len(o.ClientCertificate) == 0 {
			o.ClientCertificate = renewed(o.Name)
		}
		if o.Name != c.Context {
			all = append(all, scan.Credentials{Context: o.Name, ClientCertificate: o.ClientCertificate, CA: o.CA, Key: o.Key,
				Server: o.Server, ServerName: o.ServerName, Insecure: o.Insecure, Err: o.Err})
		}
	}
	return all, nil
}

// systemRoots are the roots of this machine, which verify the servers of
// kubeconfigs that name no CA; nil where they cannot be read.
func systemRoots() *x509.CertPool {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil
	}
	return pool
}

// renewedCertificate is the certificate, as PEM, of a context whose user logs in
// by one that renews itself; nil for others.
func renewedCertificate(config *kubeconfig.Config, context string) []byte {
	if config == nil {
		return nil
	}
	entry := config.Entry(kubeconfig.ContextEntry, context)
	if entry == nil {
		return nil
	}
	user := config.Entry(kubeconfig.UserEntry, entry.Text("user"))
	if user == nil {
		return nil
	}
	certs, err := user.Renewed()
	if err != nil || len(certs) == 0 {
		return nil
	}
	return pki.EncodeCertificates(certs...)
}

// serverVersion asks the API server for its version: everyone who is let in
// may, so that an error means that nobody was let in. A server that hangs up is
// asked twice, and not for ten seconds: there may be another one behind it.
func serverVersion(ctx context.Context, c *cluster.Cluster) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, firstAnswer)
	defer cancel()
	body, err := c.Client.Discovery().RESTClient().Get().AbsPath("/version").MaxRetries(1).DoRaw(ctx)
	if err != nil {
		return "", err
	}
	var info apiversion.Info
	if err := json.Unmarshal(body, &info); err != nil {
		return "", fmt.Errorf("reading the API server's version: %w", err)
	}
	return info.GitVersion, nil
}
