package scan

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// What files begin with, or hold.
var (
	pemBegins         = []byte("-----BEGIN ")
	certificateBegins = []byte("-----BEGIN CERTIFICATE-----")
	keyEnds           = []byte("PRIVATE KEY-----")
	derSequence       = byte(0x30) // the tag of a certificate, and of much else
)

// readData reads what a file holds, whatever that is. data is let go.
func (r *fileReader) readData(f file, match catalog.Match, data []byte) {
	switch {
	case isKubeconfig(data):
		r.readKubeconfig(f, match, data)
	case bytes.Contains(data, pemBegins):
		r.readPEM(f, match, data)
	case len(data) > 0 && data[0] == derSequence:
		certs, err := pki.ParseDER(data)
		if err == nil {
			r.report(f, match, certs, r.keyBeside(f))
		} else if f.explicit || match.File.Row != "" || namedAsCertificate(f.shown) {
			r.unreadable(f.shown, match, bounded(err.Error()))
		}
	case match.File.Row != "" || namedAsCertificate(f.shown):
		r.unreadable(f.shown, match, "no certificate in it")
	}
}

// readPEM reads a file that holds PEM blocks, some of which may be certificates.
func (r *fileReader) readPEM(f file, match catalog.Match, data []byte) {
	certs, err := pki.ParseCertificates(data)
	if err != nil && (len(certs) > 0 || match.File.Row != "" || bytes.Contains(data, certificateBegins)) {
		r.unreadable(f.shown, match, summary(err))
	}
	if len(certs) == 0 {
		return // keys, requests, parameters
	}
	var key crypto.PublicKey
	if bytes.Contains(data, keyEnds) {
		key = pki.PublicHalf(data)
		clear(data)
	} else {
		key = r.keyBeside(f)
	}
	r.report(f, match, certs, key)
}

// summary is what err says of several blocks, in one line.
func summary(err error) string {
	return bounded(strings.ReplaceAll(err.Error(), "\n", "; "))
}

// report reports the certificates of one file, which key was found beside.
func (r *fileReader) report(f file, match catalog.Match, certs []*x509.Certificate, key crypto.PublicKey) {
	row := match.File
	if len(row.Places) > 0 {
		keyed := fitting(certs, key)
		for i, cert := range certs {
			for _, place := range row.Places {
				s := r.template(f.shown)
				s.Place, s.Row, s.Certificate = place, row.Row, cert
				if i == keyed {
					s.Key = key
				}
				r.see(s)
			}
		}
		return
	}
	for i, cert := range certs {
		s := r.template(f.shown)
		s.Certificate = cert
		switch {
		case i == 0 && row.Row != "":
			s.Row = row.Row
		case len(certs) > 1:
			s.Name += "#" + strconv.Itoa(i+1)
		}
		if i == 0 && !cert.IsCA {
			s.Key, s.Intermediates = key, certs[1:]
		} else if cert.IsCA && certs[0].IsCA && i == fitting(certs, key) {
			s.Key = key // of a bundle, it belongs to one
		}
		r.see(s)
	}
}

// fitting is the index of the certificate that key belongs to, or else 0: a
// renewed CA stands beside the old one.
func fitting(certs []*x509.Certificate, key crypto.PublicKey) int {
	for i, cert := range certs {
		if key != nil && pki.SamePublicKey(key, cert.PublicKey) {
			return i
		}
	}
	return 0
}

// fits reports whether the first certificate of data, or of the user in it, is
// one that the row recognises.
func fits(data []byte, row string) bool {
	entry, ok := catalog.Lookup(row)
	if !ok || entry.Subject == nil {
		return false
	}
	if isKubeconfig(data) {
		data = firstClient(data)
	}
	certs, _ := pki.ParseCertificates(data)
	return len(certs) > 0 && entry.Subject.Matches(pki.SubjectOf(certs[0]))
}

// keyBeside returns the public half of the private key that lies beside f under
// a conventional name: apiserver.key, kubernetes-key.pem. It is nil where there
// is none; one that may not be read is reported.
func (r *fileReader) keyBeside(f file) crypto.PublicKey {
	if f.path == "" {
		return nil
	}
	ext := filepath.Ext(f.path)
	stem := strings.TrimSuffix(f.path, ext)
	shown := strings.TrimSuffix(f.shown, filepath.Ext(f.shown))
	for _, ending := range []string{".key", "-key.pem", "-key" + ext} {
		if stem+ending == f.path {
			continue
		}
		key, err := publicHalfIn(stem + ending)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			r.keyUnread(shown+ending, f.shown, err)
		}
		return key
	}
	return nil
}

// keyUnread reports that a key could not be compared with its certificate.
func (r *fileReader) keyUnread(key, certificate string, err error) {
	if errors.Is(err, fs.ErrPermission) {
		r.skip(key, "permission denied: whether it fits "+certificate+" is not known",
			"compare them as root: sudo kubectl-certs inspect --files")
		return
	}
	r.skipError(key, err)
}

// publicHalfIn returns the public half of the private key in a file. The bytes
// of the file are overwritten.
func publicHalfIn(path string) (crypto.PublicKey, error) {
	path, err := follow(path)
	if err != nil {
		return nil, err
	}
	data, err := readRegular(path, mostKeyBytes)
	defer clear(data)
	if err != nil {
		return nil, err
	}
	return pki.PublicHalf(data), nil
}

// locate is r.template of a certificate that is called name, at a place.
func (r *fileReader) locate(where, name string, place catalog.Place) inventory.Sighting {
	s := r.template(where)
	s.Name, s.Place = name, place
	return s
}
