package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/regular"
)

// findInKubeconfig returns the certificate of each context, each user's once.
func (a *app) findInKubeconfig(g *globals, contexts []string, all bool) ([]renewal, error) {
	files := a.ownFiles(g)
	config, err := kubeconfig.Load(files)
	if err != nil {
		return nil, err
	}
	by := flagValue(g.kubectl.Context)
	switch {
	case all:
		contexts = config.Names(kubeconfig.ContextEntry)
	case len(contexts) == 0 && by != "":
		contexts = []string{by}
	case len(contexts) == 0:
		contexts = []string{config.Current()}
	}
	if len(contexts) == 0 || contexts[0] == "" {
		return nil, hint.New("the kubeconfig has no current context", "name the contexts to renew, or pass --all")
	}
	var found []renewal
	var users []string
	for _, name := range contexts {
		entry, err := config.Find(kubeconfig.ContextEntry, name)
		if err != nil {
			return nil, err
		}
		user := entry.Text("user")
		if slices.Contains(users, user) {
			continue // by another of its contexts
		}
		users = append(users, user)
		r := renewal{what: "context " + name}
		acting := name
		if by != "" {
			acting = by
		}
		r.connect = func() (*cluster.Cluster, error) { return a.connectTo(g, acting) }
		r.fault = a.findLogin(&r, config, files, user)
		found = append(found, r)
	}
	return found, nil
}

// findLogin finds the certificate that a user of the kubeconfig logs in by: in
// it, in files that it names, or in the file that credential renews.
func (a *app) findLogin(r *renewal, config *kubeconfig.Config, files kubeconfig.Files, user string) error {
	var own credentialFlags
	if e, ok := config.Exec(user); ok && own.take(e.Args) {
		r.files = []string{own.file}
		r.swap = func(_ context.Context, certificate, key []byte) error {
			pair, err := kubeconfig.NewPair(certificate, key)
			if err != nil {
				return err
			}
			return pair.Write(own.file, true)
		}
		pair, err := kubeconfig.ReadPair(own.file)
		r.old, r.chain = pair.Leaf, pair.Chain
		return err
	}
	r.swap = func(ctx context.Context, certificate, key []byte) error {
		_, err := kubeconfig.UpdateUser(ctx, files, user, certificate, key, a.now)
		return err
	}
	credential, err := config.Credential(user)
	if err != nil {
		return err
	}
	r.files = credential.Files
	return r.read(credential.Certificate)
}

// read takes the old certificate from PEM.
func (r *renewal) read(data []byte) error {
	certs, err := pki.ParseCertificates(data)
	if len(certs) == 0 {
		return fmt.Errorf("reading the certificate of %s: %w", r.what, err)
	}
	r.old, r.chain = certs[0], certs[1:]
	return nil
}

// findInDirectory returns the certificates of a directory that have their key
// beside them.
func (a *app) findInDirectory(g *globals, dir string) ([]renewal, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
			err = pathErr.Err
		}
		return nil, hint.Wrap(fmt.Errorf("reading directory %s: %w", dir, err), "name a directory that holds NAME.crt and NAME.key")
	}
	var found []renewal
	for _, entry := range entries {
		name, ok := strings.CutSuffix(entry.Name(), ".crt")
		certificate, key := filepath.Join(dir, entry.Name()), filepath.Join(dir, name+".key")
		if _, err := os.Stat(key); !ok || err != nil {
			continue // a CA's certificate, say
		}
		r := renewal{
			what: certificate, files: []string{key, certificate},
			connect: func() (*cluster.Cluster, error) { return a.connect(g) },
			swap: func(_ context.Context, certificatePEM, keyPEM []byte) error {
				set, err := kubeconfig.ReserveAll([]string{key, certificate}, true)
				if err != nil {
					return err
				}
				defer set.Discard()
				if err := set.KeepOwners(); err != nil {
					return err
				}
				return set.Commit(keyPEM, certificatePEM)
			},
		}
		data, err := regular.ReadFile(certificate, maxInput)
		if err == nil {
			err = r.read(data)
		}
		r.fault = err
		found = append(found, r)
	}
	if len(found) == 0 {
		return nil, hint.New(fmt.Sprintf("no certificate and key found in %s", dir), "they must be named NAME.crt and NAME.key")
	}
	return found, nil
}
