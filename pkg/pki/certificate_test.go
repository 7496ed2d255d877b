// These tests promise that PEM from anywhere is read as far as it goes and
// never in part without a word, and that a chain holds exactly when the signer
// is trusted, whatever the date.
package pki_test

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// bundles are PEM data, good and bad, with what is to be read out of each.
func bundles(t testing.TB) []bundle {
	ca := pkitest.NewCA(t, "kubernetes")
	alice := ca.Issue(t, pkitest.Client("alice"))
	a := pki.EncodeCertificates(alice)
	b := pki.EncodeCertificates(ca.Issue(t, pkitest.Client("bob")))
	block := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	noCertificate := block("CERTIFICATE", []byte("garbage"))
	trailing := block("CERTIFICATE", append(slices.Clone(alice.Raw), 0))
	noBase64 := bytes.Replace(a, []byte("MII"), []byte("M?I"), 1)
	return []bundle{
		{name: "one", input: a, want: []string{"alice"}},
		{name: "several, in order", input: join(b, a), want: []string{"bob", "alice"}},
		{name: "Windows line ends", input: bytes.ReplaceAll(join(a, b), []byte("\n"), []byte("\r\n")), want: []string{"alice", "bob"}},
		{name: "text around", input: join([]byte("subject=CN=alice\n"), a, []byte("\nthe other -----BEGIN is text\n"), b, []byte("end\n")), want: []string{"alice", "bob"}},
		{name: "no line end after the last", input: bytes.TrimSpace(a), want: []string{"alice"}},
		{name: "garbage in the first", input: join(noCertificate, a), want: []string{"alice"}, wantErr: []string{"PEM block 1: "}},
		{name: "garbage in the second of three", input: join(a, noCertificate, b), want: []string{"alice", "bob"}, wantErr: []string{"PEM block 2: "}},
		{name: "bytes behind the certificate", input: trailing, wantErr: []string{"PEM block 1: ", "trailing data"}},
		{name: "truncated", input: join(a, b[:len(b)/2]), want: []string{"alice"}, wantErr: []string{"PEM block 2 is truncated or damaged"}},
		{name: "cut off, and another behind it", input: join(b[:len(b)/2], []byte("\n"), a), want: []string{"alice"}, wantErr: []string{"PEM block 1 is truncated or damaged"}},
		{name: "no base64, and another behind it", input: join(noBase64, b), want: []string{"bob"}, wantErr: []string{"PEM block 1 is truncated or damaged"}},
		{name: "three faults", input: join(noBase64, a, noCertificate, b[:40]), want: []string{"alice"},
			wantErr: []string{"PEM block 1 is truncated", "PEM block 3: ", "PEM block 4 is truncated"}},
		{name: "a certificate called a key", input: join(block("PRIVATE KEY", alice.Raw), b), want: []string{"bob"}},
		{name: "a broken key beside it", input: join(block("EC PRIVATE KEY", []byte("secret")), a, noCertificate), want: []string{"alice"}, wantErr: []string{"PEM block 3: "}},
		{name: "only a key", input: block("PRIVATE KEY", []byte("secret")), wantErr: []string{"no PEM certificate"}},
		{name: "DER", input: alice.Raw, wantErr: []string{"no PEM certificate"}},
		{name: "nothing", input: nil, wantErr: []string{"no PEM certificate"}},
	}
}

type bundle struct {
	name    string
	input   []byte
	want    []string // common names
	wantErr []string // all of it is in the error
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestParseCertificates(t *testing.T) {
	for _, b := range bundles(t) {
		t.Run(b.name, func(t *testing.T) {
			certs, err := pki.ParseCertificates(b.input)
			var got []string
			for _, c := range certs {
				got = append(got, c.Subject.CommonName)
			}
			if !slices.Equal(got, b.want) {
				t.Errorf("got certificates of %q, want %q", got, b.want)
			}
			if (err != nil) != (b.wantErr != nil) {
				t.Fatalf("got error %v, want one that says %q", err, b.wantErr)
			}
			for _, text := range b.wantErr {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("error %q does not say %q", err, text)
				}
			}
		})
	}
}

func FuzzParseCertificates(f *testing.F) {
	for _, b := range bundles(f) {
		f.Add(b.input)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		certs, err := pki.ParseCertificates(data)
		if len(certs) == 0 {
			if err == nil {
				t.Error("read nothing, and no error says why")
			}
			return
		}
		again, err := pki.ParseCertificates(pki.EncodeCertificates(certs...))
		if err != nil || !slices.EqualFunc(certs, again, (*x509.Certificate).Equal) {
			t.Errorf("what was read (%d certificates) does not survive being written: %d, %v", len(certs), len(again), err)
		}
	})
}

func TestVerifyChain(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	renewed := pkitest.NewCA(t, "kubernetes", pkitest.ValidFor(10*365*pkitest.Day))
	expired := pkitest.NewCA(t, "kubernetes", pkitest.Left(-pkitest.Day))
	short := pkitest.NewCA(t, "kubernetes", pkitest.ValidFor(pkitest.Day))
	other := pkitest.NewCA(t, "other")
	between := ca.Intermediate(t, "intermediate")
	alice := ca.Issue(t, pkitest.Client("alice"))
	byIntermediate := between.Issue(t, pkitest.Client("alice"))
	aliceAsCA := &pkitest.CA{Certificate: alice, Key: pkitest.Key("alice")}
	selfSigned := (&pkitest.CA{Key: pkitest.Key("server")}).Issue(t, pkitest.Server("server"))

	in := func(certs ...*x509.Certificate) []*x509.Certificate { return certs }
	const stranger = "unknown authority"
	tests := []struct {
		name                   string
		cert                   *x509.Certificate
		intermediates, anchors []*x509.Certificate
		wantErr                string
	}{
		{name: "signed by an anchor", cert: alice, anchors: in(ca.Certificate)},
		{name: "signed by one of several", cert: alice, anchors: in(other.Certificate, ca.Certificate)},
		{name: "signed by nobody here", cert: alice, anchors: in(other.Certificate), wantErr: stranger},
		{name: "signed by a stranger of the same name", cert: alice, anchors: in(ca.Impostor(t).Certificate), wantErr: stranger},
		{name: "signed by a stranger, beside the CA of that name", cert: ca.Impostor(t).Issue(t, pkitest.Client("alice")), anchors: in(ca.Certificate), wantErr: stranger},
		{name: "no anchors at all", cert: alice, wantErr: stranger},
		{name: "the CA as an intermediate is no anchor", cert: alice, intermediates: in(ca.Certificate), wantErr: stranger},
		{name: "the usage does not matter", cert: ca.Issue(t, pkitest.Server("apiserver")), anchors: in(ca.Certificate)},
		{name: "itself an anchor", cert: selfSigned, anchors: in(selfSigned)},

		{name: "expired", cert: ca.Issue(t, pkitest.Client("alice"), pkitest.Left(-pkitest.Day)), anchors: in(ca.Certificate)},
		{name: "not valid yet", cert: ca.Issue(t, pkitest.Client("alice"), pkitest.Valid(pkitest.Now.Add(pkitest.Day), pkitest.Now.Add(2*pkitest.Day))), anchors: in(ca.Certificate)},
		{name: "expired, and signed by nobody here", cert: ca.Issue(t, pkitest.Client("alice"), pkitest.Left(-pkitest.Day)), anchors: in(other.Certificate), wantErr: stranger},
		{name: "expired, and so is its CA", cert: expired.Issue(t, pkitest.Client("alice"), pkitest.Left(-2*pkitest.Day)), anchors: in(expired.Certificate)},
		{name: "outlives its CA, which expired", cert: expired.Issue(t, pkitest.Client("alice"), pkitest.Left(pkitest.Day)), anchors: in(expired.Certificate)},
		{name: "its CA was renewed with the same key", cert: alice, anchors: in(renewed.Certificate)},
		{name: "expired before its CA began", cert: ca.Issue(t, pkitest.Client("alice"), pkitest.Left(-pkitest.Day)), anchors: in(short.Certificate), wantErr: "expired"},

		{name: "by an intermediate that came along", cert: byIntermediate, intermediates: in(between.Certificate), anchors: in(ca.Certificate)},
		{name: "by an intermediate that did not", cert: byIntermediate, anchors: in(ca.Certificate), wantErr: stranger},
		{name: "by a stranger's intermediate", cert: byIntermediate, intermediates: in(between.Certificate), anchors: in(other.Certificate), wantErr: stranger},
		{name: "by someone who is no CA", cert: aliceAsCA.Issue(t, pkitest.Client("bob")), intermediates: in(alice), anchors: in(ca.Certificate), wantErr: stranger},
		{name: "by an anchor that is no CA", cert: aliceAsCA.Issue(t, pkitest.Client("bob")), anchors: in(alice), wantErr: stranger},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := pki.VerifyChain(tt.cert, tt.intermediates, tt.anchors, pkitest.Now)
			if tt.wantErr == "" {
				if err != nil {
					t.Errorf("got %v, want no error", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("got error %v, want one that says %q", err, tt.wantErr)
			}
		})
	}
}

// Callers branch on the type of the fault.
func TestVerifyChainKeepsTheType(t *testing.T) {
	ca, other := pkitest.NewCA(t, "kubernetes"), pkitest.NewCA(t, "other")
	err := pki.VerifyChain(ca.Issue(t, pkitest.Client("alice")), nil, []*x509.Certificate{other.Certificate}, pkitest.Now)
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok {
		t.Errorf("got %T, want x509.UnknownAuthorityError", err)
	}
}

func TestSelfSigned(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	tests := []struct {
		name  string
		input *x509.Certificate
		want  bool
	}{
		{"a root", ca.Certificate, true},
		{"a server without a CA", (&pkitest.CA{Key: pkitest.Key("kubelet")}).Issue(t, pkitest.Server("kubelet")), true},
		{"signed by a CA", ca.Issue(t, pkitest.Client("alice")), false},
		{"signed by a CA of its own name", ca.Issue(t, pkitest.Client("kubernetes"), pkitest.PublicKey(pkitest.Key("another").Public())), false},
		{"signed by its own key under another name", (&pkitest.CA{Certificate: ca.Certificate, Key: ca.Key}).
			Issue(t, pkitest.Client("alice"), pkitest.PublicKey(ca.Key.Public())), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := pki.SelfSigned(tt.input); got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
		})
	}
}

func TestHasUsage(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	extended := func(usages []x509.ExtKeyUsage, unknown ...asn1.ObjectIdentifier) *x509.Certificate {
		return ca.Issue(t, pkitest.Client("alice"), func(c *x509.Certificate) {
			c.ExtKeyUsage, c.UnknownExtKeyUsage = usages, unknown
		})
	}
	tests := []struct {
		name  string
		input *x509.Certificate
		want  bool // may it be used as a client?
	}{
		{"client", extended([]x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}), true},
		{"server", extended([]x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}), false},
		{"both", extended([]x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}), true},
		{"any", extended([]x509.ExtKeyUsage{x509.ExtKeyUsageAny}), true},
		{"nothing said", extended(nil), true},
		{"only what Go does not know", extended(nil, asn1.ObjectIdentifier{1, 2, 3}), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := pki.HasUsage(tt.input, x509.ExtKeyUsageClientAuth); got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
		})
	}
}

// pkitest's promise: a certificate is the same in every run.
func TestFixturesAreStable(t *testing.T) {
	make := func() []byte {
		ca := pkitest.NewCA(t, "kubernetes")
		return pki.EncodeCertificates(ca.Certificate, ca.Issue(t, pkitest.Server("apiserver", "10.96.0.1"), pkitest.ValidFor(time.Hour)))
	}
	if !bytes.Equal(make(), make()) {
		t.Error("two runs made different certificates")
	}
}

// Certificates in DER follow each other, whole, with nothing else.
func TestParseDER(t *testing.T) {
	ca := pkitest.NewCA(t, "ca").Certificate
	tests := []struct {
		name  string
		input []byte
		want  int
		err   string // a part of it, "" for none
	}{
		{"one", ca.Raw, 1, ""},
		{"two", append(bytes.Clone(ca.Raw), ca.Raw...), 2, ""},
		{"nothing", nil, 0, "it contains no certificate"},
		{"truncated", ca.Raw[:len(ca.Raw)-1], 0, "truncated"},
		{"something behind it", append(bytes.Clone(ca.Raw), 'x'), 0, "truncated"},
		{"something else in DER", []byte{0x30, 0}, 0, "x509: "},
		{"a length of four gigabytes", []byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0}, 0, "truncated"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			certs, err := pki.ParseDER(tt.input)
			if len(certs) != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %d, %v", len(certs), err)
			}
		})
	}
}
