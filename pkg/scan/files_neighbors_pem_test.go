package scan_test

import (
	"encoding/base64"
	"encoding/pem"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// Files of PEM as editors, scripts and people leave them, judged by encoding/pem and
// by who reads them.
func TestPEMIsJudgedAsComponentsDo(t *testing.T) {
	end := func(s string) int { return strings.Index(s, "-----END") }
	line := func(s string) int { return strings.Index(s, "\n") + 1 }
	all := func(old, with string) func(string) string {
		return func(s string) string { return strings.ReplaceAll(s, old, with) }
	}
	before := func(text string) func(string) string { return func(s string) string { return text + s } }
	after := func(text string) func(string) string { return func(s string) string { return s + text } }
	der := func(s string) string { block, _ := pem.Decode([]byte(s)); return string(block.Bytes) }
	changed := func(change func([]byte) []byte) func(string) string {
		return func(s string) string {
			block, _ := pem.Decode([]byte(s))
			block.Bytes = change(block.Bytes)
			return string(pem.EncodeToMemory(block))
		}
	}
	other := string(pkitest.NewCA(t, "other").PEM())
	own, stranger := string(keyPEM(t, kubeAPIServer)), string(keyPEM(t, "other"))
	const empty = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"
	const nonsense = "-----BEGIN CERTIFICATE-----\nMIIBAAAA\n-----END CERTIFICATE-----\n"
	for _, tt := range []struct {
		name   string
		change func(string) string
		want   string // of the API server's certificate
		strict bool   // of the CA
	}{
		{name: "Windows' line ends", change: all("\n", "\r\n")},
		{name: "old Macs' line ends", change: all("\n", "\r"), want: "lost its line breaks"},
		{name: "no last line break", change: strings.TrimSpace},
		{name: "twice", change: func(s string) string { return s + s }},
		{name: "twice, joined on one line", change: func(s string) string { return strings.TrimSpace(s) + s }, want: "followed by other text on its END line"},
		{name: "joined with another", change: func(s string) string { return strings.TrimSpace(s) + other }, want: "followed by other text on its END line"},
		{name: "a word behind the end", change: func(s string) string { return strings.TrimSpace(s) + " x\n" }, want: "followed by other text on its END line"},
		{name: "indented", change: func(s string) string { return "  " + strings.ReplaceAll(s, "\n", "\n  ") }, want: "is indented"},
		{name: "indented by a tab", change: func(s string) string { return "\t" + strings.ReplaceAll(s, "\n", "\n\t") }, want: "is indented"},
		{name: "spaces behind each line", change: all("\n", "  \n")},
		{name: "blank lines between", change: all("\n", "\n\n")},
		{name: "a space before BEGIN", change: all("-----BEGIN ", "----- BEGIN ")},
		{name: "two spaces behind BEGIN", change: all("BEGIN ", "BEGIN  "), want: "is truncated or damaged"},
		{name: "BEGIN with four dashes", change: all("-----BEGIN ", "----BEGIN ")},
		{name: "BEGIN with six dashes", change: all("-----BEGIN ", "------BEGIN "), want: "does not begin at the start of its line"},
		{name: "END with four dashes", change: func(s string) string { return strings.TrimSuffix(s, "-\n") + "\n" }, want: "is truncated or damaged"},
		{name: "in small letters", change: strings.ToLower},
		{name: "typographic dashes", change: all("--", "\u2014")},
		{name: "a space that does not break", change: all("BEGIN ", "BEGIN\u00a0")},
		{name: "a misspelled label", change: strings.NewReplacer("CERTIFICATE", "CERTIFCATE", "PRIVATE", "PRIVAT").Replace, want: "under the label CERTIFCATE"},
		{name: "OpenSSL's label", change: strings.NewReplacer("CERTIFICATE", "TRUSTED CERTIFICATE", "PRIVATE KEY", "ANY PRIVATE KEY").Replace, want: "TRUSTED CERTIFICATE"},
		{name: "a zero-width space before it", change: before("\u200b"), want: "does not begin at the start of its line"},
		{name: "a byte order mark before it", change: before("\ufeff"), want: "byte order mark"},
		{name: "a byte order mark between two", change: func(s string) string { return s + "\ufeff" + s }},
		{name: "no END", change: func(s string) string { return s[:end(s)] }, want: "is truncated or damaged"},
		{name: "no END, then whole", change: func(s string) string { return s[:end(s)] + s }, strict: true},
		{name: "whole, then no END", change: func(s string) string { return s + s[:end(s)] }, strict: true},
		{name: "another END", change: func(s string) string { return s[:end(s)] + "-----END RSA KEY-----\n" }, want: "is truncated or damaged"},
		{name: "BEGIN twice", change: func(s string) string { return s[:line(s)] + s }},
		{name: "END twice", change: func(s string) string { return s + s[end(s):] }},
		{name: "a comment with BEGIN", change: before("# put it behind -----BEGIN CERTIFICATE-----\n")},
		{name: "a comment that begins so", change: before("-----BEGIN CERTIFICATE----- comes next\n")},
		{name: "a comment between that begins so", change: func(s string) string { return s + "-----BEGIN the other-----\n" + s }},
		{name: "text before", change: before("Bag Attributes\n    localKeyID: 01\nsubject=CN = x\n\n")},
		{name: "garbage behind", change: after("garbage\x01\x02\n")},
		{name: "zeros behind", change: after("\x00\x00\x00\x00")},
		{name: "zeros before", change: before("\x00\x00")},
		{name: "zeros on a line before", change: before("\x00\x00\n")},
		{name: "binary before", change: before("\xff\xd8\x01\x00\n")},
		{name: "an empty block before", change: before(empty)},
		{name: "an empty block behind", change: after(empty), want: "malformed certificate"},
		{name: "nonsense in a block before", change: before(nonsense), want: "malformed certificate"},
		{name: "nonsense in a block behind", change: after(nonsense), want: "malformed certificate"},
		{name: "no base64 in a block behind", change: after(strings.Replace(nonsense, "MIIB", "!!!", 1))},
		{name: "parameters before", change: before("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n")},
		{name: "a body on one line", change: func(s string) string {
			return s[:line(s)] + strings.ReplaceAll(s[line(s):end(s)], "\n", "") + "\n" + s[end(s):]
		}},
		{name: "a body and its END on one line", change: func(s string) string { return s[:end(s)-1] + s[end(s):] }},
		{name: "line breaks as \\n", change: all("\n", `\n`), want: "lost its line breaks"},
		{name: "line breaks as spaces", change: all("\n", " "), want: "lost its line breaks"},
		{name: "in quotes", change: func(s string) string { return `"` + strings.TrimSpace(s) + "\"\n" }, want: "does not begin at the start of its line"},
		{name: "quoted in a mail", change: func(s string) string { return "> " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n> ") + "\n" }, want: "does not begin at the start of its line"},
		{name: "headers", change: func(s string) string { return s[:line(s)] + "Comment: x\n\n" + s[line(s):] }},
		{name: "a header without a blank line", change: func(s string) string { return s[:line(s)] + "Comment: x\n" + s[line(s):] }},
		{name: "base64 of it", change: func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }},
		{name: "DER", change: der},
		{name: "DER, then PEM", change: func(s string) string { return der(s) + "\n" + s }},
		{name: "PEM, then DER", change: func(s string) string { return s + der(s) }},
		{name: "a byte more", change: changed(func(der []byte) []byte { return append(der, 0) }), want: "trailing data"},
		{name: "a byte less", change: changed(func(der []byte) []byte { return der[:len(der)-1] })},
		{name: "a bit flipped", change: changed(func(der []byte) []byte { der[len(der)-1] ^= 1; return der })},
		{name: "its key too", change: after(own)},
		{name: "another's key too", change: after(stranger)},
		{name: "another's key before", change: before(stranger)},
		{name: "a certificate before", change: before(other)},
		{name: "a certificate behind", change: after(other)},
		{name: "empty", change: func(string) string { return "" }},
		{name: "a word", change: func(string) string { return "hello" }},
	} {
		for _, file := range []string{caFile, apiFile, apiKey} {
			n := neighbor{name: tt.name + "/" + filepath.Base(file), strict: tt.strict && file == caFile,
				spoil: func(x *tree) { x.edit(file, func(data []byte) []byte { return []byte(tt.change(string(data))) }) }}
			if file == apiFile {
				n.want = tt.want
			}
			n.hold(t, makePlane)
		}
	}
}
