package scan

import (
	"bytes"
	"cmp"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// isKubeconfig reports whether data could be a kubeconfig, as YAML or JSON.
func isKubeconfig(data []byte) bool {
	return len(data) <= mostConfBytes && bytes.Contains(data, []byte("clusters")) &&
		bytes.Contains(data, []byte("users")) && bytes.Contains(data, []byte("contexts"))
}

// kubeconfigFile is a kubeconfig that is being read.
type kubeconfigFile struct {
	*fileReader
	file   file
	match  catalog.Match
	config *clientcmdapi.Config
}

// readKubeconfig reads the CAs and client certificates in a kubeconfig, and
// those that it names. What the parser says of a broken one is not passed on:
// it quotes the text, and that may be a key.
func (r *fileReader) readKubeconfig(f file, match catalog.Match, data []byte) {
	config, err := clientcmd.Load(data)
	clear(data)
	if err != nil {
		r.unreadable(f.shown, match, "it is no valid kubeconfig")
		return
	}
	k := &kubeconfigFile{r, f, match, config}
	for _, name := range slices.Sorted(maps.Keys(config.Clusters)) {
		if cluster := config.Clusters[name]; cluster != nil {
			k.readCluster(name, cluster)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(config.AuthInfos)) {
		if user := config.AuthInfos[name]; user != nil {
			k.readUser(name, user)
			clear(user.ClientKeyData)
		}
	}
}

// firstClient returns the embedded client certificate of a kubeconfig's only
// user, as PEM; nil where there is none.
func firstClient(data []byte) []byte {
	config, err := clientcmd.Load(data)
	if err != nil || len(config.AuthInfos) != 1 {
		return nil
	}
	for _, user := range config.AuthInfos {
		if user != nil {
			clear(user.ClientKeyData)
			return user.ClientCertificateData
		}
	}
	return nil
}

func (k *kubeconfigFile) readCluster(name string, cluster *clientcmdapi.Cluster) {
	where := k.where(name, len(k.config.Clusters))
	if cluster.InsecureSkipTLSVerify {
		k.find(where, inventory.CodeInsecureSkip, inventory.Warning,
			"lets anyone pose as the API server, and read what is sent to it",
			"put the cluster's CA into the kubeconfig, from a source you trust, and take insecure-skip-tls-verify out")
	}
	data := k.dataOrFile(where, "certificate-authority", cluster.CertificateAuthorityData, cluster.CertificateAuthority)
	if data == nil {
		return
	}
	s := k.locate(where, where+"#ca", catalog.OtherContextCA)
	switch {
	case k.match.File.Row != "":
		s.Place, s.Row = catalog.ServerCAFile, "ca"
	case k.inUse(func(c *clientcmdapi.Context) bool { return c.Cluster == name }, len(k.config.Clusters)):
		s.Place = catalog.KubeconfigCA
	}
	certs, err := pki.ParseCertificates(data)
	for _, cert := range certs {
		s.Certificate = cert
		k.see(s)
	}
	if err != nil {
		k.unreadable(where+"#certificate-authority", k.match, summary(err))
	}
}

func (k *kubeconfigFile) readUser(name string, user *clientcmdapi.AuthInfo) {
	where := k.where(name, len(k.config.AuthInfos))
	data := k.dataOrFile(where, "client-certificate", user.ClientCertificateData, user.ClientCertificate)
	if data == nil {
		return // a token, or a plugin
	}
	s := k.locate(where, where, catalog.OtherContextClient)
	switch {
	case k.match.File.Row != "":
		s.Place, s.Row = catalog.LeafFile, k.match.File.Row
	case k.inUse(func(c *clientcmdapi.Context) bool { return c.AuthInfo == name }, len(k.config.AuthInfos)):
		s.Place = catalog.KubeconfigClient
	}
	certs, err := pki.ParseCertificates(data)
	if len(certs) > 0 {
		s.Certificate, s.Intermediates = certs[0], certs[1:]
		s.Key = k.key(where, user)
		k.see(s)
	}
	clear(data) // a file may hold the key as well
	if err != nil {
		k.unreadable(where+"#client-certificate", k.match, summary(err))
	}
}

// key returns the public half of a user's key; nil where it is not known.
func (k *kubeconfigFile) key(where string, user *clientcmdapi.AuthInfo) crypto.PublicKey {
	if len(user.ClientKeyData) > 0 {
		return pki.PublicHalf(user.ClientKeyData)
	}
	if user.ClientKey == "" {
		return nil
	}
	key, err := publicHalfIn(k.from(user.ClientKey))
	if errors.Is(err, fs.ErrNotExist) {
		k.skip(where+"#client-key", "the file that it names is not there: "+shownPath(user.ClientKey), "put it there")
	} else if err != nil {
		k.keyUnread(where+"#client-key", where, err)
	}
	return key
}

// dataOrFile returns what is embedded, or in the file that is named instead; nil
// where there is nothing, which is reported if there should be something.
func (k *kubeconfigFile) dataOrFile(where, field string, data []byte, name string) []byte {
	if len(data) > 0 || name == "" {
		return data
	}
	path, err := follow(k.from(name))
	if err == nil {
		data, err = readRegular(path, mostFileBytes)
	}
	switch {
	case err == nil:
		return data
	case errors.Is(err, fs.ErrNotExist):
		k.skip(where+"#"+field, "the file that it names is not there: "+shownPath(name),
			"read the file on the machine that it is from, or copy that directory too")
	default:
		k.skipError(where+"#"+field, err)
	}
	return nil
}

// from returns the path of a file that the kubeconfig names.
func (k *kubeconfigFile) from(name string) string {
	return from(filepath.Dir(k.file.path), name)
}

// shownPath is a path that a kubeconfig names, unless it does not look like
// one: somebody may have put the contents there, a key for example.
func shownPath(name string) string {
	if len(name) > mostTextShown || !strings.Contains(filepath.Base(name), ".") || strings.ContainsAny(name, "\r\n") {
		return "(no file name)"
	}
	return name
}

// where names a part of the file: the file alone, where it has one such part.
func (k *kubeconfigFile) where(part string, of int) string {
	if of == 1 {
		return k.file.shown
	}
	return fmt.Sprintf("%s#%s", k.file.shown, cmp.Or(part, "(no name)"))
}

// inUse reports whether the current context is one that is asked for. The only
// part of its kind is in use anyway.
func (k *kubeconfigFile) inUse(uses func(*clientcmdapi.Context) bool, of int) bool {
	current := k.config.Contexts[k.config.CurrentContext]
	return of == 1 || current != nil && uses(current)
}
