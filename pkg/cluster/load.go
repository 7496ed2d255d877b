package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/regular"
)

// Bounds of what is read: client-go has none.
const (
	mostKubeconfigBytes = 96_000_000
	mostNamedBytes      = 16 << 20 // a bundle of CAs, a token
)

// load reads the kubeconfig that flags choose. What has no end, such as a named
// pipe, is refused before client-go waits for it.
func load(flags *genericclioptions.ConfigFlags) (clientcmd.ClientConfig, clientcmdapi.Config, error) {
	loader := flags.ToRawKubeConfigLoader()
	for _, file := range kubeconfigs(loader) {
		if err := regular.Check(file, mostKubeconfigBytes); err != nil {
			return nil, clientcmdapi.Config{}, explainLoad(err, loader)
		}
	}
	raw, err := loader.RawConfig()
	if err != nil {
		return nil, clientcmdapi.Config{}, explainLoad(err, loader)
	}
	return loader, raw, nil
}

// checkNamed refuses what has no end among the files that client-go opens for a
// context.
func checkNamed(raw clientcmdapi.Config, context string, flags *genericclioptions.ConfigFlags) error {
	files := []string{flagOr(flags.CAFile, ""), flagOr(flags.CertFile, ""), flagOr(flags.KeyFile, "")}
	of := raw.Contexts[context]
	if of == nil {
		of = &clientcmdapi.Context{}
	}
	if cluster := raw.Clusters[flagOr(flags.ClusterName, of.Cluster)]; cluster != nil {
		files = append(files, cluster.CertificateAuthority)
	}
	if user := raw.AuthInfos[flagOr(flags.AuthInfoName, of.AuthInfo)]; user != nil {
		files = append(files, user.ClientCertificate, user.ClientKey, user.TokenFile)
	}
	var err error
	for _, file := range files {
		err = cmp.Or(err, regular.Check(file, mostNamedBytes))
	}
	return err
}

// kubeconfigs are the files that loader reads.
func kubeconfigs(loader clientcmd.ClientConfig) []string {
	if explicit := loader.ConfigAccess().GetExplicitFile(); explicit != "" {
		return []string{explicit}
	}
	return loader.ConfigAccess().GetLoadingPrecedence()
}

// explainLoad says which kubeconfig could not be read, and why.
func explainLoad(err error, loader clientcmd.ClientConfig) error {
	files := kubeconfigs(loader)
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		if !slices.Contains(files, path.Path) {
			return hint.Wrap(fmt.Errorf("reading %s, which the kubeconfig refers to: %w", path.Path, path.Err),
				"restore it, or choose another context with --context")
		}
		return hint.Wrap(fmt.Errorf("reading kubeconfig %s: %w", path.Path, path.Err),
			"specify another one with --kubeconfig or KUBECONFIG")
	}
	return fmt.Errorf("reading kubeconfig (%s): %w", strings.Join(files, ", "), err)
}
