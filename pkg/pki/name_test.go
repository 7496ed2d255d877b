package pki_test

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// Names are written as RFC 4514 has it: the last part first, and nothing in a
// value can be taken for a part.
func TestNameOf(t *testing.T) {
	part := func(oid asn1.ObjectIdentifier, value any) pkix.AttributeTypeAndValue {
		return pkix.AttributeTypeAndValue{Type: oid, Value: value}
	}
	cn, o, dc := asn1.ObjectIdentifier{2, 5, 4, 3}, asn1.ObjectIdentifier{2, 5, 4, 10}, asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 25}
	commonName := func(value string) pkix.RDNSequence { return pkix.RDNSequence{{part(cn, value)}} }
	for _, tt := range []struct {
		name string
		rdn  pkix.RDNSequence
		want string
	}{
		{"empty", pkix.RDNSequence{}, ""},
		{"one part", commonName("alice"), "CN=alice"},
		{"the last first", pkix.RDNSequence{{part(dc, "org")}, {part(dc, "example")}, {part(cn, "alice")}}, "CN=alice,DC=example,DC=org"},
		{"two in one part", pkix.RDNSequence{{part(o, "devs"), part(cn, "alice")}}, "O=devs+CN=alice"},
		{"what looks like a group", commonName("admin,O=system:masters"), `CN=admin\,O=system:masters`},
		{"all that is escaped", commonName(`+"\<>;`), `CN=\+\"\\\<\>\;`},
		{"spaces around", commonName(" a b "), `CN=\ a b\ `},
		{"a # before", commonName("#a#"), `CN=\#a#`},
		{"an unknown type", pkix.RDNSequence{{part(asn1.ObjectIdentifier{1, 2, 3}, "x")}}, "1.2.3=#130178"},
	} {
		der, err := asn1.Marshal(tt.rdn)
		if err != nil {
			t.Fatal(err)
		}
		if got := pki.NameOf(der); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
		if got := pki.NameOf(append(der, 0)); got != "(unreadable name)" {
			t.Errorf("%s, with more behind it: %s", tt.name, got)
		}
	}
	// A value that is no text of its kind is shown without what is wrong.
	broken := []byte{0x30, 0x0d, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x02, 'a', 0xff}
	if got := pki.NameOf(broken); got != "CN=a�" {
		t.Errorf("no UTF-8: %s", got)
	}
}

func TestNameTextIsBounded(t *testing.T) {
	of := func(value string) string {
		der, err := asn1.Marshal(pkix.RDNSequence{{{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: value}}})
		if err != nil {
			t.Fatal(err)
		}
		return pki.NameText(der)
	}
	if got := of(strings.Repeat("x", 297)); got != "CN="+strings.Repeat("x", 297) {
		t.Errorf("300 bytes: %s", got)
	}
	if got := of(strings.Repeat("x", 298)); got != "CN="+strings.Repeat("x", 297)+" …" {
		t.Errorf("301 bytes: %s", got)
	}
	if got := of(strings.Repeat("x", 296) + "éé"); got != "CN="+strings.Repeat("x", 296)+" …" {
		t.Errorf("cut in a character: %s", got)
	}
}
