package pki

import (
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// attributeNames are the short names of the usual attributes: RFC 4514, section
// 3, and what openssl and people call the others.
var attributeNames = map[string]string{
	"2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "SERIALNUMBER", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST",
	"2.5.4.9": "STREET", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.17": "POSTALCODE",
	"2.5.4.42": "GN", "2.5.4.97": "organizationIdentifier",
	"0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC", "1.2.840.113549.1.9.1": "emailAddress",
}

// NameOf writes a distinguished name, as DER, in the form of RFC 4514: the last
// part first, each with its short name, special characters escaped. It takes
// time in proportion to the name, which may be megabytes of somebody's making.
func NameOf(der []byte) string {
	var parts []attributesSET
	if rest, err := asn1.Unmarshal(der, &parts); err != nil || len(rest) > 0 {
		return "(unreadable name)"
	}
	var out strings.Builder
	for i := len(parts) - 1; i >= 0; i-- {
		if i < len(parts)-1 {
			out.WriteByte(',')
		}
		for j, attribute := range parts[i] {
			if j > 0 {
				out.WriteByte('+')
			}
			writeAttribute(&out, attribute)
		}
	}
	return out.String()
}

// attribute is one of a name, and attributesSET a relative distinguished name
// (encoding/asn1 takes a type of such a name for a SET).
type (
	attribute struct {
		Type  asn1.ObjectIdentifier
		Value asn1.RawValue
	}
	attributesSET []attribute
)

func writeAttribute(out *strings.Builder, a attribute) {
	oid := a.Type.String()
	name, known := attributeNames[oid]
	if !known {
		// Section 2.4: a type without a short name has its value in hexadecimal.
		out.WriteString(oid + "=#" + hex.EncodeToString(a.Value.FullBytes))
		return
	}
	var value any
	if _, err := asn1.Unmarshal(a.Value.FullBytes, &value); err != nil {
		value = strings.ToValidUTF8(string(a.Value.Bytes), "�")
	}
	out.WriteString(name + "=")
	escape(out, fmt.Sprint(value))
}

// escape writes a value with what has a meaning in a name escaped (section 2.4).
func escape(out *strings.Builder, value string) {
	for i, r := range value {
		switch r {
		case ',', '+', '"', '\\', '<', '>', ';':
			out.WriteByte('\\')
		case ' ':
			if i == 0 || i == len(value)-1 {
				out.WriteByte('\\')
			}
		case '#':
			if i == 0 {
				out.WriteByte('\\')
			}
		}
		out.WriteRune(r)
	}
}

// quoted writes a name, as DER, which a stranger may have chosen, for an error.
func quoted(der []byte) string { return strconv.Quote(bounded(NameOf(der))) }

// mostNameShown is how much of a name, or of an error, is worth a line.
const mostNameShown = 300

func bounded(text string) string {
	if len(text) <= mostNameShown {
		return text
	}
	return strings.ToValidUTF8(text[:mostNameShown], "") + " …"
}
