package scan

import (
	"encoding/pem"
	"strings"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// What clients refuse of a kubeconfig that can be read (client-go's
// clientcmd.ConfirmUsable, and rest.TLSConfigFor). What they say of it is not passed
// on: it quotes values.

// checkContext says what keeps a component from using its kubeconfig at all. A
// person's is used with any context.
func (k *kubeconfigFile) checkContext() {
	row := k.match.File.Row
	if row == "" || k.file.copy || k.inside {
		return
	}
	fault := ""
	switch context := k.config.Contexts[k.config.CurrentContext]; {
	case k.config.CurrentContext == "":
		fault = contextUnset
	case context == nil:
		fault = contextGone
	case k.config.Clusters[context.Cluster] == nil || k.config.Clusters[context.Cluster].Server == "":
		fault = contextNoCluster
	case k.config.AuthInfos[context.AuthInfo] == nil:
		fault = contextNoUser
	}
	if fault != "" {
		k.note(k.file.shown, notice{Code: noticeNoContext, Row: row, Args: []string{fault}})
	}
}

// What is wrong with a current-context.
const (
	contextUnset     = "is-not-set"
	contextGone      = "does-not-exist"
	contextNoCluster = "names-no-server"
	contextNoUser    = "names-no-user"
)

var contextFaults = map[string]string{
	contextUnset:     "is not set",
	contextGone:      "does not exist",
	contextNoCluster: "names a cluster that does not exist or has no server",
	contextNoUser:    "names a user that does not exist",
}

// checkCluster says what clients refuse of a cluster that is in use.
func (k *kubeconfigFile) checkCluster(where string, c *clientcmdapi.Cluster) {
	row := k.match.File.Row
	authority := len(c.CertificateAuthorityData) > 0 || c.CertificateAuthority != ""
	switch {
	case len(c.CertificateAuthorityData) > 0 && c.CertificateAuthority != "":
		k.both(where, "certificate-authority", "certificate-authority-data")
	case c.InsecureSkipTLSVerify && authority:
		k.both(where, "insecure-skip-tls-verify", "certificate-authority")
	case row != "" && !authority && !c.InsecureSkipTLSVerify && !strings.HasPrefix(c.Server, "http:"):
		k.note(where, notice{Code: noticeSystemRoots, Row: row})
	}
}

// checkUser says what clients refuse of a user who is in use.
func (k *kubeconfigFile) checkUser(where string, u *clientcmdapi.AuthInfo) {
	certificate := len(u.ClientCertificateData) > 0 || u.ClientCertificate != ""
	key := len(u.ClientKeyData) > 0 || u.ClientKey != ""
	if len(u.ClientCertificateData) > 0 && u.ClientCertificate != "" {
		k.both(where, "client-certificate", "client-certificate-data")
	}
	if len(u.ClientKeyData) > 0 && u.ClientKey != "" {
		k.both(where, "client-key", "client-key-data")
	}
	switch {
	case certificate && !key:
		k.note(where+"#client-key", notice{Code: noticeKeyMissing, Row: k.match.File.Row, Args: []string{where}})
	case key && !certificate && u.Token == "" && u.TokenFile == "" && u.Username == "" && u.Exec == nil && u.AuthProvider == nil:
		k.note(where, notice{Code: noticeAnonymous, Row: k.match.File.Row})
	}
}

// allParse reports whether every certificate in data that encoding/pem sees is one:
// otherwise the peer refuses the chain.
func allParse(data []byte) bool {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return true
		}
		if block.Type == "CERTIFICATE" {
			if _, err := pki.ParseCertificate(block.Bytes); err != nil {
				return false
			}
		}
		clear(block.Bytes) // it may be a key
	}
}

func (k *kubeconfigFile) both(where, one, other string) {
	k.note(where, notice{Code: noticeBothGiven, Row: k.match.File.Row, Args: []string{one, other}})
}
