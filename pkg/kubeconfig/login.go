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
		return Credential{}, hint.New(fmt.Sprintf("user %q logs in by a program (exec: %s)", user, e.body.Get("exec").Text("command")), "that program renews what it needs by itself")
	}
	for _, field := range []struct{ name, what, advice string }{
		{"token", "a token", "ask whoever gave it for another one"},
		{"tokenFile", "a token in a file", "whoever writes that file renews it"},
		{"username", "a password", "the API server has not taken passwords since Kubernetes 1.19"},
		{"auth-provider", "a provider", "log in there again"},
	} {
		if e.body.Get(field.name) != nil && e.Text("client-certificate-data")+e.Text("client-certificate") == "" {
			return Credential{}, hint.New(fmt.Sprintf("user %q logs in by %s, not by a certificate", user, field.what), field.advice)
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
			return hint.New(fmt.Sprintf("writing %s: it is read-only (mode %04o)", path, info.Mode().Perm()), "make it writable, if it is yours to change: chmod u+w "+path)
		}
		f, err := Reserve(path, true)
		if err != nil {
			return err
		}
		f.Discard()
	}
	return nil
}
