package kubeconfig

import (
	"cmp"
	"crypto/x509"
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

// readParts are parts that have been read, and belong together.
type readParts struct {
	ca, key        []byte
	anchors, chain []*x509.Certificate
}

// Assemble reads the parts and returns a kubeconfig of them, with everything
// embedded, and what is doubtful about it at now. Parts that do not belong
// together are an error.
func Assemble(p Parts, now time.Time) (data []byte, doubts []string, err error) {
	server, err := url.Parse(p.Server)
	if err != nil || server.Host == "" || (server.Scheme != "https" && server.Scheme != "http") {
		return nil, nil, hint.New(fmt.Sprintf("the server %q is not a URL", p.Server), "use a URL such as https://10.0.0.1:6443")
	}
	parts, err := p.read()
	if err != nil {
		return nil, nil, err
	}
	subject := pki.SubjectOf(parts.chain[0])
	if row, ok := catalog.Lookup(p.Profile); ok && row.Subject != nil && !row.Subject.Matches(subject) && p.Profile != catalog.Admin {
		return nil, nil, hint.New(fmt.Sprintf("the certificate in %s is for %s, not for %s", p.Certificate, subject, p.Profile), "RBAC identifies the component by this name; issue one with: kubectl certs issue "+p.Profile)
	}
	id := Identity{
		Cluster: p.Cluster, Server: p.Server, CA: parts.ca, Namespace: p.Namespace,
		User: cmp.Or(p.User, subject.CommonName), Certificate: pki.EncodeCertificates(parts.chain...), Key: parts.key,
	}
	if id.User == "" {
		return nil, nil, hint.New(fmt.Sprintf("the certificate in %s names no user", p.Certificate), "the API server requires a common name")
	}
	doubts = parts.doubts(now)
	if server.Scheme == "http" {
		doubts = append(doubts, "the server uses http: neither it nor the client is authenticated by a certificate")
	}
	data, err = Build(id)
	return data, doubts, err
}

// read reads the files.
func (p Parts) read() (*readParts, error) {
	var contents [3][]byte
	for i, part := range []struct{ what, path, flag string }{{"CA", p.CA, "--ca"}, {"certificate", p.Certificate, "--cert"}, {"key", p.Key, "--key"}} {
		content, err := readPart(part.path)
		if err != nil {
			return nil, hint.Wrap(fmt.Errorf("reading the %s, %s: %w", part.what, part.path, err), "name the file with "+part.flag)
		}
		contents[i] = content
	}
	anchors, err := pki.ParseCertificates(contents[0])
	if err != nil {
		return nil, fmt.Errorf("reading the CA, %s: %w", p.CA, err)
	}
	chain, err := pki.ParseCertificates(contents[1])
	if err != nil {
		return nil, fmt.Errorf("reading the certificate, %s: %w", p.Certificate, err)
	}
	signer, err := pki.ParseKey(contents[2])
	if err != nil {
		return nil, fmt.Errorf("reading the key, %s: %w", p.Key, err)
	}
	if !pki.SamePublicKey(signer.Public(), chain[0].PublicKey) {
		return nil, hint.New(fmt.Sprintf("the private key in %s does not match the certificate in %s", p.Key, p.Certificate), "find the matching private key; nothing was written")
	}
	return &readParts{ca: contents[0], key: contents[2], anchors: anchors, chain: chain}, nil
}

// doubts are what may keep the parts from being of use at now.
func (r *readParts) doubts(now time.Time) []string {
	const form = "2006-01-02 15:04 MST"
	var doubts []string
	leaf := r.chain[0]
	switch {
	case now.After(leaf.NotAfter):
		doubts = append(doubts, "the certificate expired on "+leaf.NotAfter.UTC().Format(form))
	case now.Before(leaf.NotBefore):
		doubts = append(doubts, "the certificate is valid only from "+leaf.NotBefore.UTC().Format(form))
	}
	if pki.VerifyChain(leaf, r.chain[1:], r.anchors, now) != nil {
		doubts = append(doubts, fmt.Sprintf("the certificate is signed by %q, which is not in the CA file: correct if clients and servers have separate CAs", leaf.Issuer))
	}
	return doubts
}

// Conventional finds the parts of a profile in a directory, by the names that
// kubeadm and the documentation give them, and completes p by them. What p
// names already it leaves.
func Conventional(p Parts, dir string) (Parts, error) {
	row, ok := catalog.Lookup(p.Profile)
	if !ok || row.Profile == nil {
		return p, fmt.Errorf("unknown profile %q", p.Profile)
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
			"specify the directory with --from, or the files with --ca, --cert and --key")
	}
	if p.Server == "" {
		p.Server = serverIn(dir)
	}
	if p.Server == "" {
		return p, hint.New(fmt.Sprintf("assembling %s: no kubeconfig in %s has the server's address", p.Profile, dir), "specify it with --server, as in --server https://10.0.0.1:6443")
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
