// Package cluster leads from kubectl's flags to a cluster: its clients, its
// address and CA, and what the caller may do there.
package cluster

import (
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/kubernetes"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // the ways to log in that kubectl has
	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/regular"
)

// Cluster is a cluster as a kubeconfig's context, and flags over it, see it.
type Cluster struct {
	// Context is the context's name; "" inside a pod, or with --server alone.
	Context string
	// Name is what the kubeconfig calls the cluster.
	Name      string
	Namespace string
	// Server is the API server's URL, without the user information that may
	// stand in the kubeconfig's, which UserInfo tells of.
	Server   string
	UserInfo bool
	// ServerName is the name to verify the server's certificate for, where it
	// differs from the one in Server.
	ServerName string
	ProxyURL   string
	// Insecure is set where the server's certificate is not verified.
	Insecure bool
	// CA is the PEM bundle that verifies the server; nil for the system's own
	// roots.
	CA []byte
	// ClientCertificate is the caller's certificate as PEM; nil for those who
	// log in otherwise.
	ClientCertificate []byte

	Config *rest.Config
	Client kubernetes.Interface
	// Anonymous is a client without credentials.
	Anonymous kubernetes.Interface
}

// Options are what a connection needs to know beside the kubeconfig.
type Options struct {
	UserAgent string
	// Warnings gets what the API server warns of; nil for client-go's default.
	Warnings rest.WarningHandler
	// Plugins says which credential plugins may run; none, where it is nil.
	Plugins *PluginPolicy
}

// apply prepares a configuration, whichever kubeconfig it comes from. No client
// is made of one that did not pass here.
func (o Options) apply(config *rest.Config) {
	// Only a few dozen requests are ever under way: the client's own brake,
	// meant for controllers, would only make people wait. The server has its own.
	config.QPS = -1
	config.UserAgent = o.UserAgent
	if o.Warnings != nil {
		config.WarningHandler = o.Warnings
	}
	o.Plugins.apply(config)
}

// Connect prepares for talking to the cluster that flags choose. It reads the
// kubeconfig and sends nothing. Where the kubeconfig's CA or credentials cannot be
// used, it returns an error and the cluster, whose certificates can be looked at
// all the same: each request of its clients fails with that error.
func Connect(flags *genericclioptions.ConfigFlags, options Options) (*Cluster, error) {
	loader, raw, err := load(flags)
	if err != nil {
		return nil, err
	}
	c := &Cluster{Context: flagOr(flags.Context, raw.CurrentContext)}
	if err := checkContext(c.Context, raw, flags); err != nil {
		return nil, err
	}
	if err := checkNamed(raw, c.Context, flags); err != nil {
		return nil, explainLoad(err, loader)
	}
	config, err := flags.ToRESTConfig()
	if err != nil {
		return nil, explainLoad(err, loader)
	}
	if c.Namespace, _, err = loader.Namespace(); err != nil {
		return nil, fmt.Errorf("reading the namespace of context %q: %w", c.Context, err)
	}
	c.Name = "kubernetes"
	if kubeContext := raw.Contexts[c.Context]; kubeContext != nil {
		c.Name = flagOr(flags.ClusterName, kubeContext.Cluster)
	}
	if cluster := raw.Clusters[c.Name]; cluster != nil {
		c.ProxyURL = cluster.ProxyURL
	}
	c.ProxyURL = flagOr(flags.ProxyURL, c.ProxyURL)

	options.apply(config)
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	if config.Proxy == nil {
		config.Proxy = http.ProxyFromEnvironment // what client-go does on its own
	}
	c.Config = config
	if c.Server, c.UserInfo, err = address(config.Host); err != nil {
		return nil, fmt.Errorf("reading the server of context %q: %w", c.Context, err)
	}
	if !strings.HasPrefix(c.Server, "https://") {
		return nil, hint.New(fmt.Sprintf("the server of context %q is %q, which is not an https URL", c.Context, c.Server),
			"there are no certificates without TLS: use the API server itself, such as https://host:6443")
	}
	c.ServerName = config.ServerName
	c.Insecure = config.Insecure
	if c.CA, err = dataOrFile(config.CAData, config.CAFile); err != nil {
		return nil, fmt.Errorf("reading the certificate authority of cluster %q: %w", c.Name, err)
	}
	if c.ClientCertificate, err = dataOrFile(config.CertData, config.CertFile); err != nil {
		return nil, fmt.Errorf("reading the client certificate of context %q: %w", c.Context, err)
	}
	return c.withClients(options.Plugins)
}

// withClients makes the clients, and returns c as Connect does.
func (c *Cluster) withClients(plugins *PluginPolicy) (*Cluster, error) {
	anonymous := rest.AnonymousClientConfig(c.Config)
	tellRefusals(anonymous)
	nobody, err := kubernetes.NewForConfig(anonymous)
	if err != nil {
		return c.looksOnly(hint.Wrap(fmt.Errorf("using the server and certificate authority of cluster %q: %w", c.Name, err),
			"get the cluster's CA from a trusted source, and add it to the kubeconfig"))
	}
	c.Anonymous = nobody
	client, err := newClient(c.Config, plugins)
	if err != nil {
		return c.looksOnly(hint.Wrap(fmt.Errorf("using the credentials of context %q: %w", c.Context, err),
			"check that the client-certificate and client-key of its user match"))
	}
	c.Client = client
	return c, nil
}

// looksOnly returns c with clients that fail with err, and err. Where not even
// the server's address can be used, there is no cluster to look at.
func (c *Cluster) looksOnly(err error) (*Cluster, error) {
	client, fault := unusable(rest.AnonymousClientConfig(c.Config), err)
	if fault != nil {
		return nil, err
	}
	c.Client = client
	if c.Anonymous == nil {
		c.Anonymous = client
	}
	return c, err
}

// CheckCredentials returns an error if the caller comes without any, and is
// nobody to the API server.
func (c *Cluster) CheckCredentials() error {
	has := len(c.ClientCertificate) > 0 || c.Config.BearerToken != "" || c.Config.BearerTokenFile != "" ||
		c.Config.Username != "" || c.Config.ExecProvider != nil || c.Config.AuthProvider != nil
	if has {
		return nil
	}
	return hint.New(fmt.Sprintf("context %q has no credentials: %s authenticates you as system:anonymous", c.Context, c.Server),
		"log in, or choose another context with --context")
}

// ClientLeaf returns the caller's own certificate, or nil.
func (c *Cluster) ClientLeaf() *x509.Certificate {
	certs, _ := pki.ParseCertificates(c.ClientCertificate)
	if len(certs) == 0 {
		return nil
	}
	return certs[0]
}

// address is a server's URL without user information: it is shown, and handed
// to others. An error does not quote it.
func address(server string) (shown string, userInfo bool, err error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", false, errors.New("it is not a URL")
	}
	if u.User == nil {
		return server, false, nil
	}
	u.User = nil
	return u.String(), true, nil
}

// flagOr returns what a flag says, or otherwise if it was not given.
func flagOr(flag *string, otherwise string) string {
	if flag != nil && *flag != "" {
		return *flag
	}
	return otherwise
}

func dataOrFile(data []byte, file string) ([]byte, error) {
	if len(data) > 0 || file == "" {
		return data, nil
	}
	return regular.ReadFile(file, mostNamedBytes)
}

// checkContext finds what clientcmd would pass over in silence, talking to
// localhost:8080 instead, or reports less plainly.
func checkContext(name string, raw clientcmdapi.Config, flags *genericclioptions.ConfigFlags) error {
	if flagOr(flags.APIServer, "") != "" {
		return nil
	}
	known := slices.Sorted(maps.Keys(raw.Contexts))
	switch {
	case len(raw.Contexts) == 0 && len(raw.Clusters) == 0:
		if inPod() {
			return nil
		}
		return hint.New(fmt.Sprintf("no kubeconfig: %s", whereLooked(flags)),
			"specify one with --kubeconfig or KUBECONFIG")
	case name == "":
		return hint.New("the kubeconfig has no current context",
			fmt.Sprintf("use --context (available: %s), or choose one with: kubectl config use-context", some(known)))
	case raw.Contexts[name] == nil:
		return hint.New(fmt.Sprintf("context %q is not in the kubeconfig", name),
			fmt.Sprintf("use one of: %s", some(known)))
	case raw.Clusters[raw.Contexts[name].Cluster] == nil && flagOr(flags.ClusterName, "") == "":
		return hint.New(fmt.Sprintf("context %q refers to cluster %q, which is not in the kubeconfig", name, raw.Contexts[name].Cluster),
			"see: kubectl config view")
	}
	return nil
}

// inPod reports whether client-go would use a pod's service account.
func inPod() bool {
	_, err := rest.InClusterConfig()
	return err == nil
}

func whereLooked(flags *genericclioptions.ConfigFlags) string {
	files := flags.ToRawKubeConfigLoader().ConfigAccess().GetLoadingPrecedence()
	if explicit := flagOr(flags.KubeConfig, ""); explicit != "" {
		files = []string{explicit}
	}
	if len(files) == 1 {
		if _, err := os.Stat(files[0]); err == nil {
			return fmt.Sprintf("%s has no contexts", files[0])
		}
	}
	return strings.Join(files, ", ") + " does not exist or has no contexts"
}

// some lists names, but not thousands of them.
func some(names []string) string {
	const most = 8
	if len(names) == 0 {
		return "none"
	}
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
