package scan

import (
	"bytes"
	"crypto/x509"
	"slices"
	"strconv"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// readPEM reads a file that holds PEM blocks, some of which may be certificates.
func (r *fileReader) readPEM(f file, match catalog.Match, data []byte) {
	p := pemFile{fileReader: r, file: f, match: match, quiet: f.copy || !f.explicit && !f.wanted(match)}
	p.takeAll(pki.Blocks(data))
	if len(p.certs) == 0 {
		switch {
		case f.copy, p.said:
		case match.File.Row != "":
			r.note(f.shown, notice{Code: noticeNothing, Row: match.File.Row})
		case namedAsKey(f.shown):
			r.readLoneKey(f, data)
		}
		return // keys, requests, parameters
	}
	if namedAsKey(f.shown) && hasCertificateBeside(f) {
		clear(data)
		r.aside(f, p.certs) // the key is that one's
		return
	}
	r.report(f, match, p.certs, r.keyOf(f, match, p.certs, data))
	clear(data)
}

// keyOf returns the private key of certs, which are in data: beside them, or in the
// same file, where a conventional name does not tell of another.
func (r *fileReader) keyOf(f file, match catalog.Match, certs []*x509.Certificate, data []byte) foundKey {
	if !bytes.Contains(data, keyEnds) {
		return r.keyBeside(f)
	}
	inside := foundKey{at: f.shown}
	inside.read(data)
	if match.File.KeyInside() || match.File.Row == "" && fitting(certs, inside.public) >= 0 {
		return inside
	}
	if beside := r.keyBeside(f); beside.at != "" && (match.File.Row != "" || fitting(certs, beside.public) >= 0) {
		return beside
	}
	return inside
}

// pemFile is a PEM file that is being read.
type pemFile struct {
	*fileReader
	file  file
	match catalog.Match
	// quiet is set where the name does not tell of certificates: a few broken
	// characters there are a quotation.
	quiet  bool
	many   bool // blocks are in it
	certs  []*x509.Certificate
	hidden []hiddenBlock
	faults []string // of the first blocks that cannot be read
	faulty int
	first  int // of them
	// refused is set where programs refuse the file for one of them, and cut is how
	// much the longest holds that they pass over.
	refused bool
	cut     int
	said    bool
}

// hiddenBlock is a certificate that Kubernetes passes over.
type hiddenBlock struct {
	cert *x509.Certificate
	why  notice
}

// leastDamaged is how much base64 a broken block holds that was a certificate.
const leastDamaged = 200

// mostBlocksNamed is how many broken blocks of a file are named.
const mostBlocksNamed = 3

// takeAll takes blocks in, and says what is wrong with them.
func (p *pemFile) takeAll(blocks []pki.Block) {
	p.many = len(blocks) > 1
	for i, b := range blocks {
		p.take(i+1, b)
	}
	if !p.file.copy {
		p.sayHidden()
		p.sayFaults()
	}
}

// sayHidden says which certificates Kubernetes passes over. One that is there again,
// where it is seen, is not missed.
func (p *pemFile) sayHidden() {
	for _, h := range p.hidden {
		if slices.ContainsFunc(p.certs, h.cert.Equal) {
			h.why.Row = ""
		}
		p.say(h.why)
	}
}

func (p *pemFile) take(n int, b pki.Block) {
	row := p.match.File.Row
	holds, read := pki.IsCertificateBlock(b.Type)
	switch {
	case b.Fault == pki.BlockDamaged:
		p.cut = max(p.cut, b.Size)
		if !p.quiet || b.Size >= leastDamaged {
			p.fault(n, "PEM block "+strconv.Itoa(n)+" "+b.Fault.String())
		}
	case holds:
		cert, err := certificateIn(b.Bytes, read)
		switch {
		case err != nil && b.Fault == "":
			if !p.quiet || b.Size >= leastDamaged {
				p.refused = true
				p.fault(n, "PEM block "+strconv.Itoa(n)+": "+oneLine(err))
			}
			return
		case err != nil:
			return
		case b.Fault != "" && p.quiet && isStructured(p.file.shown):
			// It is that format's way to quote text.
		case b.Fault != "":
			p.hide(cert, notice{Code: noticeUnseen, Row: row, Args: []string{strconv.Itoa(n), string(b.Fault)}})
		case !read:
			p.hide(cert, notice{Code: noticeLabel, Row: row, Args: []string{strconv.Itoa(n), b.Type}})
		case b.Headers && len(p.match.File.Places) > 0:
			p.hide(cert, notice{Code: noticeHeaders, Row: row, Args: []string{strconv.Itoa(n)}})
		default:
			p.certs = append(p.certs, cert)
			return
		}
		p.seeHidden(n, cert)
	case b.Type == "PKCS7" || b.Type == "CMS":
		certs, err := pki.ParsePKCS7(b.Bytes)
		p.said = true
		p.readBundle(p.file, p.match, pki.FormPKCS7, certs, err)
	case strings.HasSuffix(b.Type, "CERTIFICATE REQUEST"):
		if p.file.copy {
			return
		}
		if _, err := x509.ParseCertificateRequest(b.Bytes); err == nil {
			p.note(p.file.shown, notice{Code: noticeRequest, Request: b.Bytes})
		} else if !p.quiet || strings.HasSuffix(p.file.shown, ".csr") {
			p.fault(n, "PEM block "+strconv.Itoa(n)+" is a certificate request that cannot be parsed")
		}
	case b.Type == "X509 CRL" && !p.file.copy:
		p.noteRevocations(p.file, b.Bytes)
	case b.Bytes != nil:
		if cert, err := pki.ParseCertificate(b.Bytes); err == nil { // the label is misspelled
			p.hide(cert, notice{Code: noticeMisnamed, Row: row, Args: []string{strconv.Itoa(n), b.Type}})
			p.seeHidden(n, cert)
		}
	}
}

// seeHidden reports a certificate that nothing uses where it lies.
func (p *pemFile) seeHidden(n int, cert *x509.Certificate) {
	s := p.template(p.file)
	s.Certificate = cert
	if p.many {
		s.Name += "#" + strconv.Itoa(n)
	}
	p.seeIn(p.file, s)
}

// certificateIn parses a block's certificate; OpenSSL's own kinds have more
// behind it.
func certificateIn(der []byte, alone bool) (*x509.Certificate, error) {
	if !alone {
		if certs, err := pki.ParseFirst(der); err == nil {
			return certs, nil
		}
	}
	return pki.ParseCertificate(der)
}

func (p *pemFile) hide(cert *x509.Certificate, why notice) {
	p.hidden = append(p.hidden, hiddenBlock{cert, why})
}

func (p *pemFile) say(n notice) {
	if !p.file.copy {
		p.said = true
		p.note(p.file.shown, n)
	}
}

func (p *pemFile) fault(n int, text string) {
	if p.faulty++; p.faulty <= mostBlocksNamed {
		p.faults = append(p.faults, text)
	}
	if p.faulty == 1 {
		p.first = n
	}
}

func (p *pemFile) sayFaults() {
	if p.faulty == 0 {
		return
	}
	text := strings.Join(p.faults, "; ")
	if p.faulty > mostBlocksNamed {
		text += "; and " + strconv.Itoa(p.faulty-mostBlocksNamed) + " more"
	}
	row := p.match.File.Row
	if missed := len(p.match.File.Places) > 0 && p.cut >= leastDamaged; len(p.certs) > 0 && !p.refused && !missed {
		row = "" // all works without it, or what does not is said of the chain
	}
	p.say(notice{Code: noticeBadBlocks, Row: row, Args: []string{strconv.Itoa(p.first)}, detail: bounded(text)})
}

// summary is what err says of several blocks, in one line.
func summary(err error) string {
	return bounded(strings.ReplaceAll(err.Error(), "\n", "; "))
}
