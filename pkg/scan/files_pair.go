package scan

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// foundKey is what was found of the private key of a certificate.
type foundKey struct {
	at        string // "" where there is none
	public    crypto.PublicKey
	fault     pki.KeyFault
	algorithm string // for pki.KeyUnsupported
	// other is set where the key is that of another file beside it.
	other bool
}

// read takes the public half of the key in data.
func (k *foundKey) read(data []byte) {
	k.public, k.fault, k.algorithm = pki.ReadKey(data)
}

// report reports the certificates of one file, and the key that was found for
// them.
func (r *fileReader) report(f file, match catalog.Match, certs []*x509.Certificate, key foundKey) {
	row := match.File
	if f.copy {
		r.aside(f, certs)
		return
	}
	r.noteKey(f, match, certs, key)
	if len(row.Places) > 0 {
		keyed := max(fitting(certs, key.public), 0)
		for i, cert := range certs {
			for _, place := range row.Places {
				s := r.template(f)
				s.Place, s.Row, s.Certificate = place, row.Row, cert
				if i == keyed {
					s.Key = key.public
				}
				r.see(s)
			}
		}
		return
	}
	at := r.leafOf(f.shown, row.Row, certs, key.public)
	for i, cert := range certs {
		s := r.template(f)
		s.Certificate = cert
		switch {
		case i == at && row.Row != "":
			s.Row = row.Row
		case len(certs) > 1:
			s.Name += "#" + strconv.Itoa(i+1)
		}
		// A server's certificate may say CA:TRUE: what stands behind it tells.
		if i == at && (!cert.IsCA || row.Row != "" || signedByNext(certs)) {
			s.Key, s.Intermediates = key.public, others(certs, i)
		} else if cert.IsCA && certs[0].IsCA && i == max(fitting(certs, key.public), 0) {
			s.Key = key.public // of a bundle, it belongs to one
		}
		r.see(s)
	}
}

// leafOf returns which of certs a server would have to present, and says so if
// that is not the first: then no server loads the pair
// (crypto/tls.X509KeyPair).
func (r *fileReader) leafOf(where, row string, certs []*x509.Certificate, key crypto.PublicKey) int {
	at := fitting(certs, key)
	if at < 0 && row != "" && certs[0].IsCA { // no key tells
		for i, cert := range certs {
			if !cert.IsCA {
				at = i
				break
			}
		}
	}
	if at <= 0 || certs[at].IsCA {
		return 0
	}
	r.note(where, notice{Code: noticeOrder, Row: row, Args: []string{strconv.Itoa(at + 1)}})
	return at
}

// signedByNext reports whether the first of certs has its signer behind it.
func signedByNext(certs []*x509.Certificate) bool {
	return len(certs) > 1 && !bytes.Equal(certs[0].RawSubject, certs[0].RawIssuer) && bytes.Equal(certs[0].RawIssuer, certs[1].RawSubject)
}

// others are certs without that at i.
func others(certs []*x509.Certificate, i int) []*x509.Certificate {
	rest := append([]*x509.Certificate{}, certs[:i]...)
	return append(rest, certs[i+1:]...)
}

// fitting is the index of the certificate that key belongs to, or -1.
func fitting(certs []*x509.Certificate, key crypto.PublicKey) int {
	for i, cert := range certs {
		if key != nil && pki.SamePublicKey(key, cert.PublicKey) {
			return i
		}
	}
	return -1
}

// noteKey says what keeps a server from using the key of f, or anything in
// Kubernetes from using the certificate.
func (r *fileReader) noteKey(f file, match catalog.Match, certs []*x509.Certificate, key foundKey) {
	row := match.File.Row
	isCA := len(match.File.Places) > 0
	if name := pki.UnusableKey(certs[0]); name != "" && key.fault != pki.KeyUnsupported {
		r.note(f.shown, notice{Code: noticeNoCurve, Row: row, Args: []string{name}})
	}
	switch {
	case key.other:
	case key.at == "" && row != "" && !isCA && r.keyed[match.Root]:
		r.note(f.shown, notice{Code: noticeKeyMissing, Row: row, Args: []string{f.shown}})
	case key.fault == pki.KeyEncrypted && (row == "" || isCA):
		// Whoever signs with it may type the passphrase.
		r.note(key.at, notice{Code: noticeKeyLocked, Args: []string{f.shown}})
	case key.fault == pki.KeyNone && row == "":
		// Of a name that others use too.
	case key.fault == pki.KeyUnsupported:
		r.note(key.at, notice{Code: keyNotice(key.fault), Row: row, Args: []string{f.shown, key.algorithm}})
	case key.fault != "":
		r.note(key.at, notice{Code: keyNotice(key.fault), Row: row, Args: []string{f.shown}})
	}
}

// keyBeside returns the private key that lies beside f under a conventional
// name. One that may not be read is reported.
func (r *fileReader) keyBeside(f file) foundKey {
	if f.path == "" || f.copy {
		return foundKey{}
	}
	for _, name := range keyNames(f) {
		path, err := follow(name)
		if errors.Is(err, fs.ErrNotExist) || path == f.path {
			continue
		}
		key := foundKey{at: filepath.Join(filepath.Dir(f.shown), filepath.Base(name))}
		var data []byte
		if err == nil {
			data, err = readRegular(path, mostKeyFile)
		}
		if err != nil {
			r.keyUnread(key.at, f.shown, err)
			key.other = true
			return key
		}
		key.read(data)
		clear(data)
		if key.public != nil && ofSibling(f, name, key.public) {
			key.public, key.other = nil, true
		}
		return key
	}
	return foundKey{}
}

// mostKeyFile is more than any file with a private key holds.
const mostKeyFile = 64 << 10

// keyNames are the conventional names of the key of the certificate in f, the
// most telling ones first: x.key, x-key.pem, and key.pem or privkey.pem beside
// cert.pem or fullchain.pem.
func keyNames(f file) []string {
	var names []string
	for _, path := range []string{f.beside, f.path} {
		dir, base := filepath.Split(path)
		ext := filepath.Ext(base)
		stem := strings.TrimSuffix(base, ext)
		endings := []string{".key", "-key.pem", "-key" + ext}
		if ext == ".pem" {
			endings = []string{"-key.pem", ".key"}
		}
		for _, ending := range endings {
			names = append(names, dir+stem+ending)
		}
		for _, word := range []string{"fullchain", "cert", "crt"} {
			for _, key := range []string{"key", "privkey"} {
				if strings.Contains(stem, word) {
					names = append(names, dir+strings.Replace(stem, word, key, 1)+ext)
				}
			}
		}
	}
	return names
}

// ofSibling reports whether key, in the file called name, is that of another
// certificate beside f that goes by the same name, and not that of f: x.pem may
// be anything beside x.crt and x.key.
func ofSibling(f file, name string, key crypto.PublicKey) bool {
	if first := firstIn(f.path); first == nil || fitting(first, key) >= 0 {
		return false
	}
	stem := strings.TrimSuffix(strings.TrimSuffix(name, ".key"), "-key.pem")
	for _, ending := range []string{".crt", ".pem", ".cer", ".cert"} {
		path, err := follow(stem + ending)
		if err != nil || path == f.path {
			continue
		}
		if fitting(firstIn(path), key) >= 0 {
			return true
		}
	}
	return false
}

// firstIn returns the certificates in the file at path, as far as they can be
// read.
func firstIn(path string) []*x509.Certificate {
	data, err := readRegular(path, mostFileBytes)
	if err != nil {
		return nil
	}
	certs, _ := pki.ParseCertificates(data)
	if len(certs) == 0 {
		certs, _ = pki.ParseDER(data)
	}
	clear(data)
	return certs
}

// readLoneKey looks at a key that lies beside no certificate: the one that signs
// service accounts' tokens, for example.
func (r *fileReader) readLoneKey(f file, data []byte) {
	if f.copy || hasCertificateBeside(f) {
		return // it is looked at with that
	}
	_, fault, algorithm := pki.ReadKey(data)
	clear(data)
	row := ""
	if base := filepath.Base(f.shown); base == "sa.key" || strings.HasPrefix(base, "service-account") {
		row = "service-account" // the API server does not start without it
	}
	switch fault {
	case pki.KeyEmpty, pki.KeyCutOff, pki.KeyMalformed, pki.KeyUnseen:
		r.note(f.shown, notice{Code: keyNotice(fault), Row: row, Args: []string{f.shown}})
	case pki.KeyUnsupported:
		r.note(f.shown, notice{Code: keyNotice(fault), Row: row, Args: []string{f.shown, algorithm}})
	}
}

func hasCertificateBeside(f file) bool {
	for _, path := range []string{f.beside, f.path} {
		stem := strings.TrimSuffix(strings.TrimSuffix(path, ".key"), "-key.pem")
		for _, ending := range []string{".crt", ".pem", ".cer", ".cert", ".der"} {
			if _, err := os.Lstat(stem + ending); err == nil && stem+ending != path {
				return true
			}
		}
	}
	return false
}

// keyUnread reports that a key could not be compared with its certificate.
func (r *fileReader) keyUnread(key, certificate string, err error) {
	if errors.Is(err, fs.ErrPermission) {
		r.note(key, notice{Code: noticeKeyClosed, Args: []string{certificate}})
		return
	}
	r.skipError(key, err)
}

// keyedTrees tells of the root of each tree in matches whether the key of any
// certificate lies there: where somebody copied certificates alone, none is
// missing.
func (w *walker) keyedTrees(matches map[string]catalog.Match) map[string]bool {
	keyed := map[string]bool{}
	bare := map[string]bool{}
	// One machine may have several trees of a layout, and one key in one of them.
	type machine struct{ layout, root string }
	keyedMachines := map[machine]bool{}
	machines := map[string]machine{}
	for _, f := range w.files {
		m, ok := matches[f.name]
		if !ok || m.Old || m.File.Row == "" || len(m.File.Places) > 0 || !namedAsCertificate(f.name) {
			continue
		}
		there := m.File.KeyInside()
		for _, name := range keyNames(f) {
			if _, err := follow(name); err == nil && name != f.path && name != f.beside {
				there = true
				keyedMachines[machine{m.Layout, machineOf(m.Root, m.Home)}] = true
			}
		}
		machines[m.Root] = machine{m.Layout, machineOf(m.Root, m.Home)}
		keyed[m.Root] = keyed[m.Root] || there
		bare[m.Root] = true
	}
	for root, of := range machines {
		keyed[root] = keyed[root] || keyedMachines[of]
	}
	for _, f := range w.files {
		if root := matches[f.name].Root; bare[root] && !keyed[root] {
			delete(bare, root)
			w.note(root, notice{Code: noticeKeysElse})
		}
	}
	return keyed
}

// lookedFor names the rows whose files were looked for.
func (w *walker) lookedFor(matches map[string]catalog.Match) []string {
	return catalog.RowsLookedFor(matches, w.entered)
}
