package kubeconfig

import (
	"fmt"
	"os"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// Credential is what a user of a kubeconfig logs in with, as far as it is a
// client certificate.
type Credential struct {
	// Certificate and Key are PEM.
	Certificate, Key []byte
	// Files are those to be written when it is replaced.
	Files []string
}

// Credential returns the client certificate of user. One who logs in otherwise
// is an error that says how.
func (c *Config) Credential(user string) (Credential, error) {
	e, err := c.Find(UserEntry, user)
	if err != nil {
		return Credential{}, err
	}
	if e.body.Get("exec") != nil {
		return Credential{}, hint.New(fmt.Sprintf("user %q authenticates with an exec credential plugin (%s)", user, e.body.Get("exec").Text("command")), "the plugin renews its own credentials")
	}
	for _, field := range []struct{ name, what, advice string }{
		{"token", "a token", "ask its issuer for a new one"},
		{"tokenFile", "a token in a file", "it is renewed by the program that writes the file"},
		{"username", "a password", "the API server has not accepted passwords since Kubernetes 1.19"},
		{"auth-provider", "a provider", "log in there again"},
	} {
		if e.body.Get(field.name) != nil && e.Text("client-certificate-data")+e.Text("client-certificate") == "" {
			return Credential{}, hint.New(fmt.Sprintf("user %q authenticates with %s, not with a certificate", user, field.what), field.advice)
		}
	}
	cred := Credential{Files: []string{e.In.Path}}
	if cred.Certificate, err = e.data(certificateData, certificateFile); err != nil {
		return Credential{}, err
	}
	if len(cred.Certificate) == 0 {
		return Credential{}, hint.New(fmt.Sprintf("user %q has no client certificate", user), "issue one: kubectl certs issue")
	}
	if cred.Key, err = e.data(keyData, keyFile); err != nil {
		return Credential{}, err
	}
	if e.Text("client-certificate-data")+e.Text("client-key-data") == "" {
		cred.Files = []string{e.Path("client-certificate"), e.Path("client-key")}
	}
	return cred, nil
}

// CheckWritable reports what would keep files from being replaced, before
// anything is made that should go there. Nothing is changed.
func CheckWritable(files []string) error {
	for _, path := range files {
		if info, err := os.Stat(path); err == nil && info.Mode()&0o200 == 0 {
			return hint.New(fmt.Sprintf("writing %s: it is read-only (mode %04o)", path, info.Mode().Perm()), "make it writable if you may change it: chmod u+w "+path)
		}
		f, err := Reserve(path, true)
		if err != nil {
			return err
		}
		f.Discard()
	}
	return nil
}
