package kubeconfig

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// Pair is a certificate and its key in one file, so that both are replaced in
// one step.
type Pair struct {
	// Certificate and Key are PEM.
	Certificate, Key []byte
	Leaf             *x509.Certificate
	// Chain is what came with the leaf.
	Chain []*x509.Certificate
}

// NewPair checks that key fits certificate, both PEM.
func NewPair(certificate, key []byte) (Pair, error) {
	certs, err := pki.ParseCertificates(certificate)
	if len(certs) == 0 {
		return Pair{}, fmt.Errorf("the certificate cannot be read: %w", err)
	}
	private, err := pki.ParseKey(key)
	if err != nil {
		return Pair{}, err
	}
	if !pki.SamePublicKey(private.Public(), certs[0].PublicKey) {
		return Pair{}, errors.New("the private key does not match the certificate")
	}
	return Pair{Certificate: certificate, Key: key, Leaf: certs[0], Chain: certs[1:]}, nil
}

// ReadPair reads the pair in a file that belongs to the caller or to root, and
// that nobody else can read.
func ReadPair(path string) (Pair, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return Pair{}, fmt.Errorf("reading %s: %w", path, withoutPath(err))
	}
	defer file.Close()
	if err := isPrivate(file); err != nil {
		return Pair{}, fmt.Errorf("reading %s: %w", path, err)
	}
	data, err := readBounded(file)
	if err != nil {
		return Pair{}, fmt.Errorf("reading %s: %w", path, err)
	}
	var certificate, key bytes.Buffer
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		data = rest
		into := &key
		if block.Type == "CERTIFICATE" {
			into = &certificate
		}
		if err := pem.Encode(into, block); err != nil {
			return Pair{}, fmt.Errorf("reading %s: a PEM block is damaged", path)
		}
	}
	pair, err := NewPair(certificate.Bytes(), key.Bytes())
	if err != nil {
		return Pair{}, fmt.Errorf("reading %s: %w", path, err)
	}
	return pair, nil
}

// Write puts the pair into a file, in place of one that is there if replace is
// set. The file's directory is made if need be.
func (p Pair) Write(path string, replace bool) error {
	if err := makeParents(path); err != nil {
		return err
	}
	file, err := Reserve(path, replace)
	if err != nil {
		return err
	}
	return file.Commit(append(bytes.Clone(p.Certificate), p.Key...))
}

// LockFor takes the lock on a file that one process at a time may replace, and
// returns how to give it back, or false where another has it. A lock older
// than stale was left behind: who takes it over at the same moment as another
// has replaced the file twice, and broken nothing.
func LockFor(path string, now time.Time, stale time.Duration) (release func(), ok bool, err error) {
	at, err := hold(path, false)
	at.name = lockName(at.name)
	if err != nil {
		return nil, false, fmt.Errorf("locking %s: %w", filepath.Base(path), withoutPath(err))
	}
	give := func() { _ = at.remove(at.name); at.Close() }
	for range 2 {
		file, err := at.create(at.name)
		if err == nil {
			return give, true, file.Close()
		}
		if !errors.Is(err, fs.ErrExist) {
			at.Close()
			return nil, false, fmt.Errorf("locking %s: %w", filepath.Base(path), withoutPath(err))
		}
		there, err := at.stat(at.name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) || err == nil && now.Sub(there.modified) < stale {
			break
		}
		_ = at.remove(at.name)
	}
	at.Close()
	return nil, false, nil
}
