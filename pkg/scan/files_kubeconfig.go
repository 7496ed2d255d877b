package scan

import (
	"bytes"
	"cmp"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// What a kubeconfig has at its top, as YAML or JSON.
var (
	topOfYAML  = regexp.MustCompile(`(?m)^["']?(clusters|users|contexts)["']?[ \t]*:`)
	topOfJSON  = regexp.MustCompile(`["']?\b(clusters|users|contexts)["']?\s*:`)
	kindOfYAML = regexp.MustCompile(`(?m)^["']?kind["']?[ \t]*:[ \t]*["']?([^"'\s#]*)`)
	kindOfJSON = regexp.MustCompile(`["']?\bkind["']?\s*:\s*["']?([^"'\s,}]*)`)
)

// isKubeconfig reports whether data is meant to be a kubeconfig, even a broken
// one: what is at its top says so. A text that mentions clusters, users and
// contexts is none, nor is an object that has one in it.
func isKubeconfig(data []byte) bool {
	top, kind := topOfYAML, kindOfYAML
	if trimmed := bytes.TrimLeft(data, " \t\r\n\ufeff"); bytes.HasPrefix(trimmed, []byte("{")) {
		top, kind = topOfJSON, kindOfJSON
	}
	found := map[string]bool{}
	for _, m := range top.FindAllSubmatch(data, 64) {
		found[string(m[1])] = true
	}
	if len(found) == 0 {
		return false
	}
	switch m := kind.FindSubmatch(data); {
	case m == nil:
		return len(found) == 3
	default:
		return string(m[1]) == "Config"
	}
}

// kubeconfigFile is a kubeconfig that is being read.
type kubeconfigFile struct {
	*fileReader
	file   file
	match  catalog.Match
	config *clientcmdapi.Config
	// inside is set for one that lies in a manifest: the files that it names are
	// those of whoever gets it.
	inside bool
	// servers has host:port of the server that each user connects to; nil until
	// serverOf is called.
	servers map[string]string
}

// readKubeconfig reads the CAs and client certificates in a kubeconfig, and
// those that it names. What the parser says of a broken one is not passed on:
// it quotes the text, and that may be a key.
func (r *fileReader) readKubeconfig(f file, match catalog.Match, data []byte) {
	template := bytes.Contains(data, []byte("{{"))
	if len(data) > mostConfBytes {
		clear(data)
		r.note(f.shown, notice{Code: noticeConfTooLarge})
		return
	}
	config, err := clientcmd.Load(data)
	clear(data)
	switch {
	case err == nil:
		r.readConfig(&kubeconfigFile{fileReader: r, file: f, match: match, config: config})
	case template && match.File.Row == "", f.copy:
		r.pass(f)
	default:
		r.note(f.shown, notice{Code: noticeBadKubeconfig, Row: match.File.Row})
	}
}

// readConfig reads what is in a kubeconfig.
func (r *fileReader) readConfig(k *kubeconfigFile) {
	k.checkContext()
	for _, name := range slices.Sorted(maps.Keys(k.config.Clusters)) {
		if cluster := k.config.Clusters[name]; cluster != nil {
			k.readCluster(name, cluster)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(k.config.AuthInfos)) {
		if user := k.config.AuthInfos[name]; user != nil {
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
	inUse := k.inUse(func(c *clientcmdapi.Context) bool { return c.Cluster == name }, len(k.config.Clusters))
	if inUse && !k.file.copy && !k.inside {
		k.checkCluster(where, cluster)
	}
	if cluster.InsecureSkipTLSVerify && !k.file.copy {
		k.note(where, notice{Code: noticeInsecure})
	}
	data := k.dataOrFile(where, "certificate-authority", cluster.CertificateAuthorityData, cluster.CertificateAuthority)
	if data == nil {
		return
	}
	s := k.locate(where, where+"#ca", catalog.OtherContextCA)
	s.Server, s.Address = connection(cluster.Server, cluster.TLSServerName)
	switch {
	case k.match.File.Row != "" && inUse:
		s.Place, s.Row = catalog.ServerCAFile, "ca"
	case !k.inside && inUse:
		s.Place = catalog.KubeconfigCA
	}
	certs, err := pki.ParseCertificates(data)
	for _, cert := range certs {
		s.Certificate = cert
		k.seeIn(k.file, s)
	}
	k.unreadable(where+"#certificate-authority", k.match.File.Row, err)
}

func (k *kubeconfigFile) readUser(name string, user *clientcmdapi.AuthInfo) {
	where := k.where(name, len(k.config.AuthInfos))
	inUse := k.inUse(func(c *clientcmdapi.Context) bool { return c.AuthInfo == name }, len(k.config.AuthInfos))
	if inUse && !k.file.copy && !k.inside {
		k.checkUser(where, user)
	}
	data := k.dataOrFile(where, "client-certificate", user.ClientCertificateData, user.ClientCertificate)
	if data == nil {
		return // a token, or a plugin
	}
	s := k.locate(where, where, catalog.OtherContextClient)
	s.Server = k.serverOf(name)
	switch {
	case k.match.File.Row != "" && inUse:
		s.Place, s.Row = catalog.LeafFile, k.match.File.Row
	case !k.inside && inUse:
		s.Place = catalog.KubeconfigClient
	}
	certs, err := pki.ParseCertificates(data)
	if len(certs) > 0 {
		s.Key = k.key(where, user)
		at := 0
		if !k.file.copy {
			at = k.leafOf(where, k.match.File.Row, certs, s.Key)
		}
		s.Certificate, s.Intermediates = certs[at], others(certs, at)
		k.seeIn(k.file, s)
	}
	row := k.match.File.Row
	if len(certs) > 0 && allParse(data) {
		row = "" // the pair is loaded without the rest
	}
	clear(data) // a file may hold the key as well
	k.unreadable(where+"#client-certificate", row, err)
}

// unreadable says that something else lies where certificates should, unless err
// is nil.
func (k *kubeconfigFile) unreadable(where, row string, err error) {
	if err != nil && !k.file.copy {
		k.note(where, notice{Code: noticeBadBlocks, Row: row, Args: []string{"1"}, detail: summary(err)})
	}
}

// key returns the public half of a user's key; nil where it is not known. What
// keeps client-go from using it is said.
func (k *kubeconfigFile) key(where string, user *clientcmdapi.AuthInfo) crypto.PublicKey {
	var key foundKey
	switch {
	case k.file.copy:
		return nil
	case len(user.ClientKeyData) > 0:
		key.read(user.ClientKeyData)
	case user.ClientKey == "" || k.inside:
		return nil
	default:
		path, err := k.from(user.ClientKey)
		var data []byte
		if err == nil {
			data, err = readRegular(path, mostKeyFile)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			k.note(where+"#client-key", notice{Code: noticeRefersGone, Args: []string{shownPath(user.ClientKey)}})
			return nil
		case err != nil:
			k.keyUnread(where+"#client-key", where, err)
			return nil
		}
		key.read(data)
		clear(data)
	}
	switch {
	case key.fault == pki.KeyUnsupported:
		k.note(where+"#client-key", notice{Code: keyNotice(key.fault), Row: k.match.File.Row, Args: []string{where, key.algorithm}})
	case key.fault != "":
		k.note(where+"#client-key", notice{Code: keyNotice(key.fault), Row: k.match.File.Row, Args: []string{where}})
	}
	return key.public
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

// locate is the sighting of a certificate that is called name, at a place.
func (k *kubeconfigFile) locate(where, name string, place catalog.Place) inventory.Sighting {
	return inventory.Sighting{Location: inventory.Location{Source: k.source, Where: where}, Place: place, Name: name}
}

// serverOf is host:port of the server that a user of the file connects to, in the
// current context or else in the first; "" where that cannot be told.
func (k *kubeconfigFile) serverOf(user string) string {
	if k.servers == nil {
		k.servers = map[string]string{}
		for _, name := range slices.Sorted(maps.Keys(k.config.Contexts)) {
			context := k.config.Contexts[name]
			if context == nil {
				continue
			}
			if cluster := k.config.Clusters[context.Cluster]; cluster != nil && (k.servers[context.AuthInfo] == "" || name == k.config.CurrentContext) {
				k.servers[context.AuthInfo], _ = connection(cluster.Server, cluster.TLSServerName)
			}
		}
	}
	return k.servers[user]
}
