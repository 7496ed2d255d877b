package scan

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"strconv"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// What files begin with, or hold.
var (
	pemBegins = []byte("-----BEGIN ")
	keyEnds   = []byte("PRIVATE KEY-----")
)

// sniffed is how much of a file tells whether it is text.
const sniffed = 8 << 10

// wanted reports whether a certificate should be in the file: its name says so,
// or the user.
func (f file) wanted(match catalog.Match) bool {
	return match.File.Row != "" || namedAsCertificate(f.shown)
}

// readData reads what a file holds, whatever that is. data is let go.
func (r *fileReader) readData(f file, match catalog.Match, data []byte) {
	form := pki.FormOf(data)
	if f.wanted(match) && bytes.Contains(data, pemBegins) {
		// Whatever lies around a block, programs read it.
		if block, _ := pem.Decode(data); block != nil {
			clear(block.Bytes)
			r.readText(f, match, data)
			return
		}
	}
	wide := bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff})
	switch {
	case form != pki.FormOther:
		r.readBinary(f, match, form, data)
	case wide, bytes.IndexByte(data[:min(len(data), sniffed)], 0) < 0:
		r.readText(f, match, data)
	case len(data) > 0 && data[0] == 0x30 && (f.explicit || f.wanted(match)):
		_, err := pki.ParseDER(data)
		r.bad(f, notice{Code: noticeBadDER, Row: match.File.Row, detail: oneLine(err)})
	case f.wanted(match):
		r.bad(f, notice{Code: noticeNothing, Row: match.File.Row})
	default:
		r.pass(f)
	}
}

// readText reads a file that is no binary.
func (r *fileReader) readText(f file, match catalog.Match, data []byte) {
	switch {
	case !f.explicit && match.File.Row == "" && isDocument(f.shown):
		r.pass(f)
	case isKubeconfig(data):
		r.readKubeconfig(f, match, data)
	case isManifest(data) && match.File.Row != "" && !namedAsCertificate(f.shown):
		r.bad(f, notice{Code: noticeBadKubeconfig, Row: match.File.Row})
	case isManifest(data):
		r.readManifests(f, data)
	case bytes.Contains(data, pemBegins), bytes.HasPrefix(data, []byte{0xff, 0xfe}), bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		r.readPEM(f, match, data)
	case namedAsKey(f.shown):
		r.readLoneKey(f, data)
	case len(data) > 0 && data[0] == 0x30 && f.wanted(match):
		_, err := pki.ParseDER(data)
		r.bad(f, notice{Code: noticeBadDER, Row: match.File.Row, detail: oneLine(err)})
	case f.wanted(match):
		r.bad(f, notice{Code: noticeNothing, Row: match.File.Row})
	}
}

// bad says that something else lies where a certificate should, unless nothing
// uses the file.
func (r *fileReader) bad(f file, n notice) {
	if f.copy {
		r.pass(f)
		return
	}
	r.note(f.shown, n)
}

// readBinary reads a file that is DER, or a keystore.
func (r *fileReader) readBinary(f file, match catalog.Match, form pki.Form, data []byte) {
	row := match.File.Row
	switch form {
	case pki.FormCertificate:
		certs, err := pki.ParseDER(data)
		switch {
		case err != nil:
			r.bad(f, notice{Code: noticeBadDER, Row: row, detail: oneLine(err)})
		case row != "": // and the component cannot
			r.bad(f, notice{Code: noticeDER, Row: row})
			r.aside(f, certs)
		default:
			r.report(f, match, certs, r.keyBeside(f))
		}
		return
	case pki.FormPKCS7:
		certs, err := pki.ParsePKCS7(data)
		r.readBundle(f, match, form, certs, err)
		return
	case pki.FormPKCS12:
		certs, err := pki.ParsePKCS12(data)
		r.readBundle(f, match, form, certs, err)
		return
	}
	switch {
	case f.copy:
	case row != "":
		r.note(f.shown, notice{Code: noticeWrongForm, Row: row, Args: []string{string(form)}})
	case form == pki.FormRequest:
		r.note(f.shown, notice{Code: noticeRequest, Request: data})
	case form == pki.FormRevocations:
		r.noteRevocations(f, data)
	case form == pki.FormJKS:
		r.note(f.shown, notice{Code: noticeKeystore, Args: []string{string(form)}})
	}
}

// readBundle reports what a keystore or a bundle holds. No component reads one.
func (r *fileReader) readBundle(f file, match catalog.Match, form pki.Form, certs []*x509.Certificate, err error) {
	if match.File.Row != "" {
		r.bad(f, notice{Code: noticeWrongForm, Row: match.File.Row, Args: []string{string(form)}})
	} else if err != nil && !f.copy {
		r.note(f.shown, notice{Code: noticeKeystore, Args: []string{string(form)}})
	}
	r.aside(f, certs)
}

func (r *fileReader) noteRevocations(f file, der []byte) {
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return
	}
	r.note(f.shown, notice{Code: noticeRevocations, Args: []string{
		bounded(pki.NameText(list.RawIssuer)), strconv.Itoa(len(list.RevokedCertificateEntries)), list.NextUpdate.UTC().Format("2006-01-02")}})
}

// template is the sighting of what lies in the file.
func (r *fileReader) template(f file) inventory.Sighting {
	s := inventory.Sighting{
		Location: inventory.Location{Source: r.source, Where: f.shown},
		Place:    catalog.LeafFile, Name: f.shown,
	}
	if f.copy {
		s.Place = catalog.CopyFile
	}
	return s
}

// aside reports certificates that nothing uses where they lie.
func (r *fileReader) aside(f file, certs []*x509.Certificate) {
	for i, cert := range certs {
		s := r.template(f)
		s.Certificate = cert
		if len(certs) > 1 {
			s.Name += "#" + strconv.Itoa(i+1)
		}
		r.seeIn(f, s)
	}
}

// seeIn reports a sighting in f, without what a copy does not tell.
func (r *fileReader) seeIn(f file, s inventory.Sighting) {
	if f.copy {
		s.Place, s.Row, s.Key, s.Intermediates = catalog.CopyFile, "", nil, nil
		if r.copied == nil {
			r.copied = map[int]int{}
		}
		r.copied[f.arg]++
	}
	r.see(s)
}

// fits reports whether the first certificate of data, or of the user in it, is
// one that the row recognises.
func fits(data []byte, as catalog.File) bool {
	entry, ok := catalog.Lookup(as.Row)
	if !ok || entry.Subject == nil {
		return ok && !as.BySubject
	}
	if isKubeconfig(data) {
		data = firstClient(data)
	}
	certs, _ := pki.ParseCertificates(data)
	if len(certs) == 0 {
		return !as.BySubject
	}
	return entry.Subject.Matches(pki.SubjectOf(certs[0]))
}
