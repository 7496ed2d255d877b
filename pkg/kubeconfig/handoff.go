package kubeconfig

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// ReadHandOff reads a kubeconfig that somebody else sent. It takes from it the
// current context, its cluster and its user's certificate, and the key if it
// came along, and nothing else: whoever sends a kubeconfig could otherwise run
// programs on its reader's machine, read files there, or log them in as
// somebody else.
func ReadHandOff(data []byte) (Identity, error) {
	config, err := clientcmd.Load(data)
	if err != nil {
		// The parser's own words speak of types, and may quote a key.
		return Identity{}, errors.New("it is not a kubeconfig")
	}
	context := config.Contexts[config.CurrentContext]
	if context == nil {
		return Identity{}, errors.New("it is not a kubeconfig with a current context")
	}
	cluster, user := config.Clusters[context.Cluster], config.AuthInfos[context.AuthInfo]
	if cluster == nil || user == nil {
		return Identity{}, fmt.Errorf("its context %q lacks a cluster or a user", config.CurrentContext)
	}
	if err := cmp.Or(checkNames(config.CurrentContext, context, cluster), checkServer(cluster), checkHandOff(cluster, user)); err != nil {
		return Identity{}, hint.Wrap(err, "do not use it: ask for one created by kubectl certs issue")
	}
	return Identity{
		Cluster: context.Cluster, Server: cluster.Server, CA: cluster.CertificateAuthorityData,
		ServerName: cluster.TLSServerName, ProxyURL: cluster.ProxyURL, Insecure: cluster.InsecureSkipTLSVerify,
		User: context.AuthInfo, Certificate: user.ClientCertificateData, Key: user.ClientKeyData,
		Namespace: context.Namespace,
	}, nil
}

// checkNames refuses names that are not for eyes: they could move the cursor,
// hide what stands beside them, or fill the screen.
func checkNames(current string, context *clientcmdapi.Context, cluster *clientcmdapi.Cluster) error {
	const most = 253 // as in names of Kubernetes
	for _, name := range []string{current, context.Cluster, context.AuthInfo, context.Namespace, cluster.TLSServerName} {
		if len(name) > most || strings.ContainsFunc(name, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }) {
			return fmt.Errorf("a name in it has invisible characters or is too long: %.60q", name)
		}
	}
	return nil
}

// checkServer refuses addresses that hold more than an address.
func checkServer(cluster *clientcmdapi.Cluster) error {
	server, err := url.Parse(cluster.Server)
	switch {
	case err != nil || server.Scheme != "https" || server.Hostname() == "":
		return fmt.Errorf("its server %q is not an https URL", RedactURL(cluster.Server))
	case server.User != nil:
		return fmt.Errorf("its server URL has user information: %s", RedactURL(cluster.Server))
	case server.RawQuery != "" || server.Fragment != "":
		return fmt.Errorf("its server URL has a query or fragment: %s", RedactURL(cluster.Server))
	}
	if cluster.ProxyURL == "" {
		return nil
	}
	proxy, err := url.Parse(cluster.ProxyURL)
	switch {
	case err != nil || proxy.Hostname() == "":
		return fmt.Errorf("its proxy-url is not a URL: %q", RedactURL(cluster.ProxyURL))
	case proxy.User != nil:
		return fmt.Errorf("its proxy-url contains credentials: %s", RedactURL(cluster.ProxyURL))
	}
	return nil
}

// checkHandOff refuses what a kubeconfig with a certificate in it has no use
// for.
func checkHandOff(cluster *clientcmdapi.Cluster, user *clientcmdapi.AuthInfo) error {
	switch {
	case user.Exec != nil || user.AuthProvider != nil:
		return errors.New("it would run a program on this machine to authenticate")
	case user.Token != "" || user.TokenFile != "" || user.Username != "" || user.Password != "":
		return errors.New("it authenticates with a token or a password instead of a certificate")
	case user.Impersonate != "" || user.ImpersonateUID != "" || len(user.ImpersonateGroups) > 0 || len(user.ImpersonateUserExtra) > 0:
		return errors.New("it impersonates another user")
	case cluster.CertificateAuthority != "" || user.ClientCertificate != "" || user.ClientKey != "":
		return errors.New("it refers to files on another machine")
	case len(user.ClientCertificateData) == 0:
		return errors.New("it has no certificate")
	case cluster.InsecureSkipTLSVerify:
		return errors.New("it does not verify the server: an attacker could impersonate it")
	}
	return nil
}
