package pki

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"slices"
)

// Attribute is a part of a distinguished name.
type Attribute struct {
	// Type is its short name (RFC 4519), or its object identifier.
	Type string `json:"type"`
	// Value is its text.
	Value string `json:"value"`
}

// String writes "OU=ops", the value quoted where it needs it.
func (a Attribute) String() string { return a.Type + "=" + Quote(a.Value) }

// attributeTypes are the short names of RFC 4519, of RFC 2985 for email
// addresses, and the identifier that the API server takes a user's UID from
// (staging/src/k8s.io/apiserver/pkg/authentication/request/x509/x509.go).
var attributeTypes = map[string]string{
	"2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "street",
	"2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.17": "postalCode", "2.5.4.42": "givenName",
	"0.9.2342.19200300.100.1.1": "uid", "0.9.2342.19200300.100.1.25": "DC", "1.2.840.113549.1.9.1": "emailAddress",
	"1.3.6.1.4.1.57683.2": "1.3.6.1.4.1.57683.2 (UID in Kubernetes)",
}

// OtherAttributes returns what a name holds beside the user's name and groups:
// all but organizations and the last common name, which is the one that counts.
func OtherAttributes(name pkix.Name) []Attribute {
	other := []Attribute{}
	commonName, organization := asn1.ObjectIdentifier{2, 5, 4, 3}, asn1.ObjectIdentifier{2, 5, 4, 10}
	last := -1
	for i, a := range name.Names {
		if a.Type.Equal(commonName) {
			last = i
		}
	}
	for i, a := range name.Names {
		text, isText := a.Value.(string)
		if i == last && isText || a.Type.Equal(organization) && isText && slices.Contains(name.Organization, text) {
			continue
		}
		kind := a.Type.String()
		if short := attributeTypes[kind]; short != "" {
			kind = short
		}
		if !isText {
			text = fmt.Sprint(a.Value)
		}
		other = append(other, Attribute{kind, text})
	}
	return other
}
