// These tests promise that a request asks for exactly the subject it was made
// for, whatever characters stand in it, and proves possession of the key.
package pki_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

func TestNewRequest(t *testing.T) {
	tests := []struct {
		name  string
		input pki.Subject
	}{
		{"user", pki.Subject{CommonName: "alice"}},
		{"user in groups", pki.Subject{CommonName: "alice", Organizations: []string{"devs", "ops"}}},
		{"component", pki.Subject{CommonName: "system:kube-scheduler"}},
		{"not ASCII", pki.Subject{CommonName: "Åsa 李", Organizations: []string{"Größe"}}},
		{"a group within the name", pki.Subject{CommonName: "alice,O=system:masters+O=system:masters/O=system:masters"}},
		{"a name within the group", pki.Subject{CommonName: "alice", Organizations: []string{"devs,CN=root", `de"v\s`}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			key := pkitest.Key("alice")
			text, err := pki.NewRequest(key, tt.input)
			if err != nil {
				t.Fatal(err)
			}
			block, rest := pem.Decode(text)
			if block == nil || block.Type != "CERTIFICATE REQUEST" || len(rest) > 0 {
				t.Fatalf("not one PEM request:\n%s", text)
			}
			request, err := x509.ParseCertificateRequest(block.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			if err := request.CheckSignature(); err != nil {
				t.Error(err)
			}
			if !pki.SamePublicKey(request.PublicKey, key.Public()) {
				t.Error("it is for another key")
			}
			got := pki.Subject{CommonName: request.Subject.CommonName, Organizations: request.Subject.Organization}
			if !got.Equal(tt.input) {
				t.Errorf("got subject %q, want %q", got, tt.input)
			}
			if extra := len(request.Subject.Names) - 1 - len(tt.input.Organizations); extra != 0 {
				t.Errorf("the subject has %d more attributes: %v", extra, request.Subject.Names)
			}
		})
	}
}

func TestSubjectEqual(t *testing.T) {
	alice := pki.Subject{CommonName: "alice", Organizations: []string{"devs", "ops"}}
	tests := []struct {
		name  string
		input pki.Subject
		want  bool
	}{
		{"the same", pki.Subject{CommonName: "alice", Organizations: []string{"devs", "ops"}}, true},
		{"another order", pki.Subject{CommonName: "alice", Organizations: []string{"ops", "devs"}}, true},
		{"another user", pki.Subject{CommonName: "bob", Organizations: []string{"devs", "ops"}}, false},
		{"a group less", pki.Subject{CommonName: "alice", Organizations: []string{"devs"}}, false},
		{"a group more", pki.Subject{CommonName: "alice", Organizations: []string{"devs", "ops", "system:masters"}}, false},
		{"a group twice in another's place", pki.Subject{CommonName: "alice", Organizations: []string{"devs", "devs"}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := alice.Equal(tt.input); got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
			if got := tt.input.Equal(alice); got != tt.want {
				t.Errorf("the other way round: got %t, want %t", got, tt.want)
			}
		})
	}
	if alice.Organizations[0] != "devs" {
		t.Error("comparing reordered the groups")
	}
}

// wanted are PEM data from anyone, good and bad, and whom each asks for.
func wanted(t testing.TB) []wantedRequest {
	alice, err := pki.NewRequest(pkitest.Key("alice"), pki.Subject{CommonName: "alice", Organizations: []string{"devs"}})
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(alice)
	forged := slices.Clone(block.Bytes)
	forged[bytes.Index(forged, []byte("alice"))] = 'm' // "mlice"
	encode := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	const kind = "CERTIFICATE REQUEST"
	return []wantedRequest{
		{name: "one", input: alice, want: "CN=alice, O=devs"},
		{name: "text before it, as openssl req -text writes", input: join([]byte("Certificate Request:\n    Data:\n"), alice), want: "CN=alice, O=devs"},
		{name: "Windows line ends", input: bytes.ReplaceAll(alice, []byte("\n"), []byte("\r\n")), want: "CN=alice, O=devs"},
		{name: "another signature", input: encode(kind, forged), wantErr: "its signature is invalid"},
		{name: "two requests", input: join(alice, alice), wantErr: "more than one PEM block"},
		{name: "a damaged one before it", input: join([]byte("-----BEGIN CERTIFICATE REQUEST-----\n!\n"), alice), wantErr: "more than one PEM block"},
		{name: "a key behind it", input: join(alice, encode("PRIVATE KEY", []byte("secret"))), wantErr: "more than one PEM block"},
		{name: "a key", input: encode("PRIVATE KEY", []byte("secret")), wantErr: "a private key, which should not have been sent"},
		{name: "a certificate", input: encode("CERTIFICATE", block.Bytes), wantErr: `it is a PEM "CERTIFICATE" instead`},
		{name: "text behind it", input: join(alice, []byte("more")), wantErr: "other data after"},
		{name: "the old label", input: encode("NEW CERTIFICATE REQUEST", block.Bytes), want: "CN=alice, O=devs"},
		{name: "garbage", input: encode(kind, []byte("garbage")), wantErr: "asn1"},
		{name: "bytes behind the request", input: encode(kind, append(slices.Clone(block.Bytes), 0)), wantErr: "trailing data"},
		{name: "truncated", input: alice[:len(alice)/2], wantErr: "truncated or damaged"},
		{name: "DER", input: block.Bytes, wantErr: "no PEM certificate request"},
		{name: "nothing", wantErr: "no PEM certificate request"},
	}
}

type wantedRequest struct {
	name    string
	input   []byte
	want    string
	wantErr string
}

func TestParseRequest(t *testing.T) {
	for _, tt := range wanted(t) {
		t.Run(tt.name, func(t *testing.T) {
			request, err := pki.ParseRequest(tt.input)
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Errorf("got error %v, want one that says %q", err, tt.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := pki.RequestSubject(request).String(); got != tt.want {
				t.Errorf("it asks for %s, want %s", got, tt.want)
			}
		})
	}
}

// What people do to a request on its way does not make it another request; and what
// would hide a second one, or a key, is refused as ever.
func TestReadRequest(t *testing.T) {
	alice, err := pki.NewRequest(pkitest.Key("alice"), pki.Subject{CommonName: "alice", Organizations: []string{"devs"}})
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(alice)
	key, err := pki.EncodeKey(pkitest.Key("alice"))
	if err != nil {
		t.Fatal(err)
	}
	each := func(prefix, suffix string) []byte {
		lines := strings.Split(strings.TrimSpace(string(alice)), "\n")
		for i := range lines {
			lines[i] = prefix + lines[i] + suffix
		}
		return []byte(strings.Join(lines, "\n") + "\n")
	}
	utf16le := func(text []byte) []byte {
		out := []byte{0xff, 0xfe}
		for _, c := range text {
			out = append(out, c, 0)
		}
		return out
	}
	tests := []wantedRequest{
		{name: "as it was made", input: alice},
		{name: "quoted in a reply", input: each("> ", "")},
		{name: "quoted in a reply to a reply", input: each(">> ", "")},
		{name: "indented", input: each("    ", "")},
		{name: "with blanks at the ends of lines", input: each("", "  ")},
		{name: "with Windows line ends", input: each("", "\r")},
		{name: "behind a byte order mark", input: join([]byte("\ufeff"), alice)},
		{name: "behind a byte order mark, quoted", input: join([]byte("\ufeff"), each("> ", ""))},
		{name: "in UTF-16", input: utf16le(alice)},
		{name: "on one line", input: bytes.ReplaceAll(alice, []byte("\n"), nil)},
		{name: "within a letter", input: join([]byte("Hi, please sign:\n\n"), alice, []byte("\nThanks\n"))},
		{name: "as DER", input: block.Bytes},
		{name: "two quoted", input: join(each("> ", ""), each("> ", "")), wantErr: "more than one PEM block"},
		{name: "its key, quoted", input: join(each("> ", ""), bytes.ReplaceAll(key, []byte("-----BEGIN"), []byte("> -----BEGIN"))), wantErr: "contains a private key"},
		{name: "truncated", input: each("> ", "")[:200], wantErr: "truncated or damaged"},
		{name: "a letter alone", input: []byte("Hi, please sign"), wantErr: "it contains no certificate request"},
		{name: "DER with more behind it", input: append(slices.Clone(block.Bytes), 0), wantErr: "trailing data"},
		{name: "a certificate", input: pki.EncodeCertificates(pkitest.NewCA(t, "kubernetes").Certificate), wantErr: "instead of a certificate request"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			request, err := pki.ReadRequest(tt.input)
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Errorf("got error %v, want one that says %q", err, tt.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(pki.EncodeRequest(request), alice) {
				t.Error("it is another request")
			}
		})
	}
}

// Whatever comes in, what is returned is signed and the same when it is read
// again.
func FuzzParseRequest(f *testing.F) {
	for _, tt := range wanted(f) {
		f.Add(tt.input)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		strict, err := pki.ParseRequest(data)
		if err == nil {
			survives(t, strict)
		}
		lenient, readErr := pki.ReadRequest(data)
		if readErr == nil {
			survives(t, lenient)
		}
		if err == nil && (readErr != nil || !bytes.Equal(lenient.Raw, strict.Raw)) {
			t.Errorf("what the API server reads is read otherwise from a file: %v", readErr)
		}
	})
}

func survives(t *testing.T, request *x509.CertificateRequest) {
	t.Helper()
	if err := request.CheckSignature(); err != nil {
		t.Errorf("an unsigned request was taken: %v", err)
	}
	again, err := pki.ParseRequest(pki.EncodeRequest(request))
	if err != nil || !pki.RequestSubject(again).Equal(pki.RequestSubject(request)) {
		t.Errorf("what was read does not survive being written: %v", err)
	}
}
