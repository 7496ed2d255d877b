package kubeconfig

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/regular"
)

// Fields that hold PEM, each with the one that names a file instead.
const (
	caData, caFile   = "certificate-authority-data", "certificate-authority"
	certificateData  = "client-certificate-data"
	certificateFile  = "client-certificate"
	keyData, keyFile = "client-key-data", "client-key"
)

// mostPEM bounds a file that a kubeconfig names.
const mostPEM = 1 << 20

// data returns what one of two fields says: data in the kubeconfig, which
// counts, or the content of a file. It is nil where neither is set.
func (e *Entry) data(dataField, fileField string) ([]byte, error) {
	if text := e.Text(dataField); text != "" {
		data, err := decode(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %s is not base64 (line %d of %s)", e, dataField, e.body.Get(dataField).Line, e.In.shown())
		}
		return data, nil
	}
	path := e.Path(fileField)
	if path == "" {
		return nil, nil
	}
	data, err := readPart(path)
	if err != nil {
		return nil, fmt.Errorf("%s: reading %s, its %s (line %d of %s): %w", e, path, fileField, e.body.Get(fileField).Line, e.In.shown(), err)
	}
	return data, nil
}

// decode reads base64 as client-go does: line breaks count for nothing.
func decode(text string) ([]byte, error) { return base64.StdEncoding.DecodeString(text) }

// readPart reads a file that a kubeconfig names.
func readPart(path string) ([]byte, error) {
	file, err := regular.Open(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer file.Close()
	return readBounded(file)
}

// readBounded reads what is no longer than certificates and keys are.
func readBounded(file io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(file, mostPEM+1))
	if err == nil && len(data) > mostPEM {
		err = errors.New("it is larger than 1 MiB")
	}
	return data, withoutPath(err)
}

func withoutPath(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}

// certificates reads PEM that an entry holds. Nothing but certificates may
// stand there: client-go takes no less, and what is behind them is a mistake.
func (e *Entry) certificates(dataField, fileField string) ([]*x509.Certificate, error) {
	data, err := e.data(dataField, fileField)
	if err != nil || data == nil {
		return nil, err
	}
	certs, err := pki.ParseCertificates(data)
	if err != nil {
		return certs, fmt.Errorf("%s: its %s contains no valid certificate: %w", e, fileField, err)
	}
	return certs, nil
}

// CA is what verifies the server of a cluster.
func (e *Entry) CA() ([]*x509.Certificate, error) { return e.certificates(caData, caFile) }

// Certificate is the client certificate of a user, and the intermediates
// behind it; nil for a user who logs in otherwise.
func (e *Entry) Certificate() ([]*x509.Certificate, error) {
	return e.certificates(certificateData, certificateFile)
}

// junk reports what stands behind the last PEM block of data.
func junk(data []byte) string {
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return strings.TrimSpace(string(data))
		}
		data = rest
	}
}

// LacksKey reports whether a user has a certificate, and no key to use it with:
// the answer to a request is made so.
func (e *Entry) LacksKey() bool {
	has := func(dataField, fileField string) bool { return e.Text(dataField) != "" || e.Text(fileField) != "" }
	return has(certificateData, certificateFile) && !has(keyData, keyFile)
}

// keyFault says why a user's key does not serve its certificate, or nil.
func (e *Entry) keyFault(leaf *x509.Certificate) error {
	data, err := e.data(keyData, keyFile)
	if err != nil {
		return err
	}
	if data == nil {
		return fmt.Errorf("%s has a certificate, but no private key", e)
	}
	key, err := pki.ParseKey(data)
	if err != nil {
		return fmt.Errorf("%s: its key: %w", e, err)
	}
	if !pki.SamePublicKey(key.Public(), leaf.PublicKey) {
		return fmt.Errorf("%s has a private key that does not match its certificate", e)
	}
	return nil
}

// Auth is a way for a user to log in.
type Auth string

// The ways, in the order in which client-go prefers them where several are
// set.
const (
	ByCertificate  Auth = "certificate"
	ByExec         Auth = "exec"
	ByOIDC         Auth = "oidc"
	ByAuthProvider Auth = "auth-provider"
	ByToken        Auth = "token"
	ByTokenFile    Auth = "token-file"
	ByPassword     Auth = "password"
	ByNothing      Auth = "none"
)

// Auths lists every Auth.
func Auths() []Auth {
	return []Auth{ByCertificate, ByExec, ByOIDC, ByAuthProvider, ByToken, ByTokenFile, ByPassword, ByNothing}
}

// Auths are the ways in which a user logs in.
func (e *Entry) Auths() []Auth {
	var ways []Auth
	provider := e.body.Get("auth-provider")
	for _, way := range []struct {
		auth Auth
		set  bool
	}{
		{ByCertificate, e.Text(certificateData) != "" || e.Text(certificateFile) != ""},
		{ByExec, !e.body.Get("exec").Empty()},
		{ByOIDC, provider.Text("name") == "oidc"},
		{ByAuthProvider, !provider.Empty() && provider.Text("name") != "oidc"},
		{ByTokenFile, e.Text("tokenFile") != ""},
		{ByToken, e.Text("token") != "" && e.Text("tokenFile") == ""},
		{ByPassword, e.Text("username") != ""},
	} {
		if way.set {
			ways = append(ways, way.auth)
		}
	}
	return ways
}
