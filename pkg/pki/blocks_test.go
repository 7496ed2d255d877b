package pki_test

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// asUTF16 writes text in two bytes a character, the low one first or last.
func asUTF16(text string, lowFirst bool) string {
	var out []byte
	for _, unit := range append([]uint16{0xfeff}, utf16.Encode([]rune(text))...) {
		low, high := byte(unit), byte(unit>>8)
		if lowFirst {
			out = append(out, low, high)
		} else {
			out = append(out, high, low)
		}
	}
	return string(out)
}

// Every block that lies in a file is found, with what keeps Kubernetes from it.
// encoding/pem is the judge of what is seen.
func TestBlocks(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes").Certificate
	der := ca.Raw
	block := string(pki.EncodeCertificates(ca))
	body := strings.TrimSuffix(strings.TrimPrefix(block, "-----BEGIN CERTIFICATE-----\n"), "-----END CERTIFICATE-----\n")
	oneLine := strings.ReplaceAll(block, "\n", "")
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: bytes.Repeat([]byte{7}, 90)}))
	of := func(size int) string { return base64.StdEncoding.EncodeToString(make([]byte, size)) }
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"text", "kubernetes\n", ""},
		{"a block", block, "CERTIFICATE"},
		{"two", block + block, "CERTIFICATE CERTIFICATE"},
		{"text lines around", "ca:\n" + block + "end\n", "CERTIFICATE"},
		{"joined by files without a last line break", strings.TrimSpace(block) + block, "CERTIFICATE:text-after CERTIFICATE:text-before"},
		{"joined, and a third on its own line", strings.TrimSpace(block) + block + block, "CERTIFICATE:text-after CERTIFICATE:text-before CERTIFICATE"},
		{"a beginning in a beginning", "-----BEGIN " + block, "CERTIFICATE:text-before"},
		{"an empty block on one line", "-----BEGIN CERTIFICATE----------END CERTIFICATE-----", "CERTIFICATE:damaged"},
		{"a character of no base64 between", strings.Replace(block, "\n", "\n!", 1), "CERTIFICATE:damaged"},
		{"the same, without a last line break", strings.TrimSpace(strings.Replace(block, "\n", "\n!", 1)), "CERTIFICATE:damaged"},
		{"the same, and another behind it", strings.Replace(block, "\n", "\n!", 1) + "x\n " + block, "CERTIFICATE:damaged CERTIFICATE:indented"},
		{"a word behind the end", strings.TrimSpace(block) + " x\n", "CERTIFICATE:text-after"},
		{"a word behind the end of a block without base64", strings.TrimSpace(strings.Replace(block, "M", "!", 1)) + " x\n", "CERTIFICATE:damaged"},
		{"spaces behind the end", strings.TrimSpace(block) + " \t\n", "CERTIFICATE"},
		{"an end of four dashes", strings.TrimSuffix(block, "-\n") + "\n", "CERTIFICATE:damaged"},
		{"headers", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Headers: map[string]string{"a": "b"}, Bytes: der})), "CERTIFICATE+headers"},
		{"a byte order mark", "\ufeff" + block, "CERTIFICATE:byte-order-mark"},
		{"a byte order mark, then another", "\ufeff" + block + block, "CERTIFICATE:byte-order-mark CERTIFICATE"},
		{"UTF-16, little end first", asUTF16(block, true), "CERTIFICATE:utf-16"},
		{"UTF-16, big end first", asUTF16(block, false), "CERTIFICATE:utf-16"},
		{"UTF-16, big end first, commented out", asUTF16("# "+strings.ReplaceAll(block, "\n", "\n# "), false), ""},
		{"UTF-16, cut off", asUTF16(block[:len(block)/2], true), "CERTIFICATE:damaged"},
		{"UTF-16, with half a character more", asUTF16(block, true) + "\n", "CERTIFICATE:utf-16"},
		{"indented", "  " + strings.ReplaceAll(block, "\n", "\n  "), "CERTIFICATE:indented"},
		{"behind text", "ca: " + block, "CERTIFICATE:text-before"},
		{"in quotes", `ca: "` + strings.ReplaceAll(block, "\n", `\n`) + `"`, "CERTIFICATE:text-before"},
		{"on one line", oneLine, "CERTIFICATE:one-line"},
		{"on one line, with spaces", strings.ReplaceAll(block, "\n", " "), "CERTIFICATE:one-line"},
		{"on one line, and its end on the next", strings.ReplaceAll(oneLine, "-----END", "\n-----END"), "CERTIFICATE:one-line"},
		{"on one line, then another", oneLine + "\n" + block, "CERTIFICATE:one-line CERTIFICATE"},
		{"truncated", block[:len(block)/2], "CERTIFICATE:damaged"},
		{"cut off, then another", block[:len(block)/2] + "\n" + block, "CERTIFICATE:damaged CERTIFICATE"},
		{"cut off on its first line", "-----BEGIN CERTIFICATE-----", "CERTIFICATE:damaged"},
		{"empty", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", "CERTIFICATE"},
		{"another end", strings.Replace(block, "END CERTIFICATE", "END PRIVATE KEY", 1), "CERTIFICATE:damaged"},
		{"no base64", "-----BEGIN CERTIFICATE-----\n!" + body[1:] + "-----END CERTIFICATE-----\n", "CERTIFICATE:damaged"},
		{"commented out by #", "# " + strings.ReplaceAll(block, "\n", "\n# "), ""},
		{"commented out by //", "// " + strings.ReplaceAll(block, "\n", "\n// "), ""},
		{"commented out by ;", "; " + strings.ReplaceAll(block, "\n", "\n; "), ""},
		{"no end of the label", "-----BEGIN CERTIFICATE\n" + body, ""},
		{"a label over two lines", "-----BEGIN CERTI\nFICATE-----\n" + body, ""},
		{"a label of 64", "-----BEGIN " + strings.Repeat("A", 64) + "-----\n", strings.Repeat("A", 64) + ":damaged"},
		{"a label of 65", "-----BEGIN " + strings.Repeat("A", 65) + "-----\n", ""},
		{"a sentence that begins so", "-----BEGIN CERTIFICATE----- is how it begins\n", ""},
		{"a sentence about it", "It begins with -----BEGIN CERTIFICATE----- and ends\n", ""},
		{"an indented mention", "  -----BEGIN CERTIFICATE-----\n", ""},
		{"63 characters behind text", "x -----BEGIN A-----\n" + of(46)[:63] + "\n-----END A-----\n", ""},
		{"64 characters behind text", "x -----BEGIN A-----\n" + of(48) + "\n-----END A-----\n", "A:text-before"},
		{"60 characters on one line", "-----BEGIN A-----" + of(45) + "-----END A-----", ""},
		{"64 characters on one line", "-----BEGIN A-----" + of(48) + "-----END A-----", "A:one-line"},
		{"a private key", key, "PRIVATE KEY-bytes"},
		{"a private key, indented", " " + key, "PRIVATE KEY:indented-bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			seen := 0
			for _, b := range pki.Blocks([]byte(tt.text)) {
				text := b.Type
				if b.Headers {
					text += "+headers"
				}
				if b.Fault != "" {
					text += ":" + string(b.Fault)
				} else {
					seen++
				}
				holds, _ := pki.IsCertificateBlock(b.Type)
				switch {
				case strings.HasSuffix(b.Type, "KEY") && b.Bytes == nil:
					text += "-bytes"
				case holds && tt.name != "empty" && b.Fault != pki.BlockDamaged && (!bytes.Equal(b.Bytes, der) || b.Size != base64.StdEncoding.EncodedLen(len(der))):
					t.Errorf("%d bytes, size %d, of a certificate of %d", len(b.Bytes), b.Size, len(der))
				case b.Fault == pki.BlockDamaged && b.Bytes != nil:
					t.Error("bytes of a damaged block")
				}
				got = append(got, text)
			}
			if got := strings.Join(got, " "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			decoded := 0
			for rest := []byte(tt.text); ; decoded++ {
				var b *pem.Block
				if b, rest = pem.Decode(rest); b == nil {
					break
				}
			}
			if decoded != seen {
				t.Errorf("%d blocks without a fault, and encoding/pem sees %d", seen, decoded)
			}
		})
	}
}

func TestBlockFaultsHaveWords(t *testing.T) {
	said := map[string]bool{"": true}
	for _, f := range []pki.BlockFault{pki.BlockDamaged, pki.BlockAfterMark, pki.BlockUTF16, pki.BlockIndented, pki.BlockAfterText, pki.BlockJoined, pki.BlockOneLine} {
		if said[f.String()] {
			t.Errorf("%q: %q is said already", string(f), f)
		}
		said[f.String()] = true
	}
	if text := fmt.Sprint(pki.BlockFault("")); text != "" {
		t.Errorf("no fault: %q", text)
	}
}

func TestIsCertificateBlock(t *testing.T) {
	for kind, want := range map[string][2]bool{
		"CERTIFICATE": {true, true}, "TRUSTED CERTIFICATE": {true, false}, "X509 CERTIFICATE": {true, false},
		"CERTIFICATE REQUEST": {}, "PRIVATE KEY": {}, "": {},
	} {
		if holds, read := pki.IsCertificateBlock(kind); holds != want[0] || read != want[1] {
			t.Errorf("%q: %v, %v, want %v", kind, holds, read, want)
		}
	}
}
