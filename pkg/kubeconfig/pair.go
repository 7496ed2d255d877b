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
	"runtime"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
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
		return Pair{}, errors.New("the key does not fit the certificate")
	}
	return Pair{Certificate: certificate, Key: key, Leaf: certs[0], Chain: certs[1:]}, nil
}

// ReadPair reads the pair in a file that nobody but its owner can read.
func ReadPair(path string) (Pair, error) {
	info, err := os.Stat(path)
	if err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return Pair{}, hint.New(fmt.Sprintf("reading %s: others may read or write it (mode %04o)", path, info.Mode().Perm()),
			"if nobody has, take that away: chmod 600 "+path)
	}
	data, err := readPart(path)
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
	if err := makeDirectory(path); err != nil {
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
	name := lockName(path)
	for range 2 {
		file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
		if err == nil {
			return func() { _ = os.Remove(name) }, true, file.Close()
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, false, fmt.Errorf("locking %s: %w", filepath.Base(path), withoutPath(err))
		}
		info, err := os.Stat(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) || err == nil && now.Sub(info.ModTime()) < stale {
			return nil, false, nil
		}
		_ = os.Remove(name)
	}
	return nil, false, nil
}
