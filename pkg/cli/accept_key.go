package cli

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/regular"
)

// joined is a hand-off with its key.
type joined struct {
	id kubeconfig.Identity
	// key is the private key as PEM; from is its file, "" if it came along.
	key  []byte
	from string
}

// joinKey finds the key that belongs to the certificate. It stays where it is,
// and the kubeconfig refers to it; only a key that came along is embedded.
func (a *app) joinKey(id kubeconfig.Identity, leaf *x509.Certificate, f acceptFlags) (*joined, error) {
	if len(id.Key) > 0 {
		key, err := pki.ParseKey(id.Key)
		if err != nil {
			return nil, fmt.Errorf("reading the received private key: %w", err)
		}
		if !pki.SamePublicKey(key.Public(), leaf.PublicKey) {
			return nil, hint.New("the received private key does not match its certificate", "ask for a new one")
		}
		return &joined{id, id.Key, ""}, nil
	}
	candidates, err := a.keyCandidates(leaf.Subject.CommonName, f)
	if err != nil {
		return nil, err
	}
	for _, file := range candidates {
		data, err := regular.ReadFile(file, maxInput)
		if errors.Is(err, fs.ErrNotExist) && f.keyFile == "" {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading your private key: %w", err)
		}
		key, err := pki.ParseKey(data)
		if err != nil && f.keyFile != "" {
			return nil, fmt.Errorf("reading your private key %s: %w", file, err)
		}
		if err == nil && pki.SamePublicKey(key.Public(), leaf.PublicKey) {
			if id.KeyFile, err = filepath.Abs(file); err != nil {
				return nil, fmt.Errorf("finding %s: %w", file, err)
			}
			return &joined{id, data, file}, nil
		}
	}
	who := pki.SubjectOf(leaf)
	if f.keyFile != "" {
		return nil, hint.New(fmt.Sprintf("the key in %s does not match the certificate of %s", f.keyFile, who), "name the key that was created for this request")
	}
	return nil, hint.New(fmt.Sprintf("no key in %s matches the certificate of %s", filepath.Dir(candidates[0]), who),
		fmt.Sprintf("run this where you ran: %s request %s; or name the key with --key", a.program, shellQuote(leaf.Subject.CommonName)))
}

// keyCandidates are the files that may hold the key, the likeliest first.
func (a *app) keyCandidates(user string, f acceptFlags) ([]string, error) {
	if f.keyFile != "" {
		return []string{f.keyFile}, nil
	}
	likely, err := a.keyPath(user)
	if err != nil {
		return nil, err
	}
	others, _ := filepath.Glob(filepath.Join(filepath.Dir(likely), "*.key"))
	slices.Sort(others)
	return append([]string{likely}, others...), nil
}
