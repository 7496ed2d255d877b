package kubeconfig

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// Parts are the files that a kubeconfig is assembled from, and what is not in
// them.
type Parts struct {
	// Cluster names the cluster entry; Server is its URL.
	Cluster, Server string
	// CA, Certificate and Key are paths of PEM files.
	CA, Certificate, Key string
	// User names the user entry; "" for the certificate's own user name.
	User      string
	Namespace string
	// Profile is the name of the catalog's row that the certificate is to be;
	// "" for any.
	Profile string
}

// Assemble reads the parts and returns a kubeconfig of them, with everything
// embedded, and what is doubtful about it at now. Parts that do not belong
// together are an error.
func Assemble(p Parts, now time.Time) (data []byte, doubts []string, err error) {
	server, err := url.Parse(p.Server)
	if err != nil || server.Host == "" || (server.Scheme != "https" && server.Scheme != "http") {
		return nil, nil, hint.New(fmt.Sprintf("the server is %q, which is no URL", p.Server), "write it as in https://10.0.0.1:6443")
	}
	read := func(what, path string) []byte {
		if err != nil {
			return nil
		}
		var content []byte
		if content, err = readPart(path); err != nil {
			err = hint.Wrap(fmt.Errorf("reading the %s, %s: %w", what, path, err), "name the file with --"+map[string]string{"CA": "ca", "certificate": "cert", "key": "key"}[what])
		}
		return content
	}
	ca, certificate, key := read("CA", p.CA), read("certificate", p.Certificate), read("key", p.Key)
	if err != nil {
		return nil, nil, err
	}
	anchors, err := pki.ParseCertificates(ca)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the CA, %s: %w", p.CA, err)
	}
	chain, err := pki.ParseCertificates(certificate)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the certificate, %s: %w", p.Certificate, err)
	}
	signer, err := parseKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the key, %s: %w", p.Key, err)
	}
	leaf := chain[0]
	if !pki.SamePublicKey(signer.Public(), leaf.PublicKey) {
		return nil, nil, hint.New(fmt.Sprintf("the key in %s does not fit the certificate in %s", p.Key, p.Certificate), "find the one that was made with it; nothing was written")
	}
	subject := pki.SubjectOf(leaf)
	if row, ok := catalog.Lookup(p.Profile); ok && row.Subject != nil && !row.Subject.Matches(subject) && p.Profile != catalog.Admin {
		return nil, nil, hint.New(fmt.Sprintf("the certificate in %s is that of %s, not of %s", p.Certificate, subject, p.Profile), "RBAC knows the component by its name: issue one with: kubectl certs issue "+p.Profile)
	}
	switch {
	case now.After(leaf.NotAfter):
		doubts = append(doubts, fmt.Sprintf("the certificate expired on %s", leaf.NotAfter.UTC().Format("2006-01-02 15:04 MST")))
	case now.Before(leaf.NotBefore):
		doubts = append(doubts, fmt.Sprintf("the certificate is valid only from %s", leaf.NotBefore.UTC().Format("2006-01-02 15:04 MST")))
	}
	if pki.VerifyChain(leaf, chain[1:], anchors, now) != nil {
		doubts = append(doubts, fmt.Sprintf("the certificate is signed by %q, which is not in the CA file: right where clients and servers have CAs of their own", leaf.Issuer))
	}
	if server.Scheme == "http" {
		doubts = append(doubts, "the server is reached by http: neither it nor the caller is known by a certificate there")
	}
	id := Identity{
		Cluster: p.Cluster, Server: p.Server, CA: ca, Namespace: p.Namespace,
		User: p.User, Certificate: pki.EncodeCertificates(chain...), Key: key,
	}
	if id.User == "" {
		id.User = subject.CommonName
	}
	if id.User == "" {
		return nil, nil, hint.New(fmt.Sprintf("the certificate in %s names no user", p.Certificate), "only one with a common name is of use to the API server")
	}
	data, err = Build(id)
	return data, doubts, err
}

// Conventional finds the parts of a profile in a directory, by the names that
// kubeadm and the documentation give them, and completes p by them. What p
// names already it leaves.
func Conventional(p Parts, dir string) (Parts, error) {
	row, ok := catalog.Lookup(p.Profile)
	if !ok || row.Profile == nil {
		return p, fmt.Errorf("no profile is called %q", p.Profile)
	}
	ca, _ := catalog.Lookup(row.SignedBy)
	var missing []string
	find := func(path *string, row catalog.Entry, extension string) {
		if *path != "" {
			return
		}
		looked := candidates(row, extension)
		for _, name := range looked {
			if candidate := filepath.Join(dir, name); isFile(candidate) {
				*path = candidate
				return
			}
		}
		missing = append(missing, looked[0])
	}
	find(&p.CA, ca, ".crt")
	find(&p.Certificate, row, ".crt")
	find(&p.Key, row, ".key")
	if len(missing) > 0 {
		return p, hint.New(fmt.Sprintf("assembling %s from %s: there is no %s", p.Profile, dir, strings.Join(missing, ", no ")),
			"name the directory with --from, or the files with --ca, --cert and --key")
	}
	if p.Server == "" {
		p.Server = serverIn(dir)
	}
	if p.Server == "" {
		return p, hint.New(fmt.Sprintf("assembling %s: no kubeconfig in %s says where the server is", p.Profile, dir), "name it with --server, as in --server https://10.0.0.1:6443")
	}
	return p, nil
}

// candidates are the names that a row's file of an extension goes by, relative
// to a directory of certificates or to its parent.
func candidates(row catalog.Entry, extension string) []string {
	var names []string
	for _, file := range row.Files {
		if filepath.Ext(file) != extension {
			continue
		}
		base := strings.TrimSuffix(filepath.Base(file), extension)
		pem := base + ".pem"
		if extension == ".key" {
			pem = base + "-key.pem"
		}
		names = append(names, filepath.Base(file), file, filepath.Join("pki", filepath.Base(file)), pem)
		if row.Profile != nil && base != row.Name {
			names = append(names, row.Name+extension)
		}
	}
	return names
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// serverIn is the server that the kubeconfigs in a directory agree on; "" if
// there is none, or more than one.
func serverIn(dir string) string {
	var servers []string
	for _, row := range catalog.All() {
		for _, file := range row.Files {
			if filepath.Ext(file) != ".conf" {
				continue
			}
			d, err := Read(filepath.Join(dir, filepath.Base(file)))
			if err != nil {
				continue // it is not there, or is none
			}
			for _, e := range d.Entries(ClusterEntry) {
				servers = append(servers, e.Text("server"))
			}
		}
	}
	slices.Sort(servers)
	if servers = slices.Compact(servers); len(servers) != 1 {
		return ""
	}
	return servers[0]
}
