package pki

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

// BlockFault is why encoding/pem, and with it every program of Kubernetes, does
// not see a PEM block that lies in a file.
type BlockFault string

// The faults of blocks.
const (
	// BlockDamaged is cut off, or holds something else than base64.
	BlockDamaged BlockFault = "damaged"
	// BlockAfterMark begins behind a byte order mark, as some editors write it.
	BlockAfterMark BlockFault = "byte-order-mark"
	// BlockUTF16 is written in two bytes a character.
	BlockUTF16 BlockFault = "utf-16"
	// BlockIndented begins behind spaces.
	BlockIndented BlockFault = "indented"
	// BlockAfterText begins behind other text on the same line.
	BlockAfterText BlockFault = "text-before"
	// BlockJoined has other text behind its end on the same line: files that were
	// put together without a line break between them.
	BlockJoined BlockFault = "text-after"
	// BlockOneLine has lost its line breaks.
	BlockOneLine BlockFault = "one-line"
)

// String says what is wrong, as the rest of a sentence about the block.
func (f BlockFault) String() string {
	switch f {
	case BlockDamaged:
		return "is truncated or damaged"
	case BlockAfterMark:
		return "begins after a byte order mark, so Kubernetes ignores it"
	case BlockUTF16:
		return "is encoded in UTF-16, which Kubernetes does not read"
	case BlockIndented:
		return "is indented, so Kubernetes ignores it"
	case BlockAfterText:
		return "does not begin at the start of its line, so Kubernetes ignores it"
	case BlockJoined:
		return "is followed by other text on its END line, so Kubernetes ignores it"
	case BlockOneLine:
		return "has lost its line breaks, so Kubernetes ignores it"
	}
	return ""
}

// Block is a PEM block as it lies in a file, whether or not encoding/pem sees
// it.
type Block struct {
	Type string
	// Headers says that there are headers in it (RFC 1421): bundles of CAs are
	// read without such blocks (x509.CertPool.AppendCertsFromPEM).
	Headers bool
	// Bytes are what it holds, as far as that could be read; never those of a
	// private key.
	Bytes []byte
	// Fault is "" for what encoding/pem sees.
	Fault BlockFault
	// Size is how much base64 there is.
	Size int
}

const blockBegin = "-----BEGIN "

// Blocks returns the PEM blocks (RFC 7468) in data, in order, also those that
// encoding/pem passes over in silence. What is commented out is no block, nor is
// a mention of one in a sentence.
func Blocks(data []byte) []Block {
	if text, ok := fromUTF16(data); ok {
		blocks := Blocks(text)
		for i := range blocks {
			if blocks[i].Fault != BlockDamaged {
				blocks[i].Fault = BlockUTF16
			}
		}
		return blocks
	}
	var blocks []Block
	for {
		found, rest := pem.Decode(data)
		passed := data[:len(data)-len(rest)]
		if found == nil {
			return append(blocks, unseen(data, data)...)
		}
		// The last that begins before its end is the one that was decoded.
		at := bytes.LastIndex(passed, []byte(blockBegin))
		blocks = append(blocks, unseen(passed[:at], passed)...)
		b := Block{Type: found.Type, Headers: len(found.Headers) > 0, Bytes: found.Bytes, Size: base64.StdEncoding.EncodedLen(len(found.Bytes))}
		blocks = append(blocks, b.withoutKey())
		data = rest
	}
}

func (b Block) withoutKey() Block {
	if strings.HasSuffix(b.Type, privateKeyType) {
		clear(b.Bytes)
		b.Bytes = nil
	}
	return b
}

// unseen returns the blocks that begin in part, the beginning of text.
func unseen(part, text []byte) []Block {
	var blocks []Block
	for at := bytes.Index(part, []byte(blockBegin)); at >= 0; {
		next := bytes.Index(part[at+len(blockBegin):], []byte(blockBegin))
		end := len(part)
		if next >= 0 {
			next += at + len(blockBegin)
			end = next
		}
		before := part[bytes.LastIndexByte(part[:at], '\n')+1 : at]
		if b, ok := repaired(before, text[at:end], end < len(part)); ok {
			blocks = append(blocks, b.withoutKey())
		}
		at = next
	}
	return blocks
}

// leastQuoted is how much base64 makes a block of what does not begin on a line
// of its own: less is a sentence about one.
const leastQuoted = 64

// repaired reads a block that encoding/pem passed over. before is what stands in
// front of it on its line, and more is set where another block begins behind text.
func repaired(before, text []byte, more bool) (Block, bool) {
	label, body, ok := bytes.Cut(text[len(blockBegin):], []byte("-----"))
	if !ok || len(label) > 64 || bytes.ContainsAny(label, "\r\n") {
		return Block{}, false
	}
	b := Block{Type: string(label), Fault: BlockDamaged}
	body, end, complete := bytes.Cut(body, []byte("-----END"))
	firstLine, _, lines := bytes.Cut(body, []byte("\n"))
	encoded := onlyBase64(body)
	b.Size = len(encoded)
	mark := []byte("\ufeff")
	var fault BlockFault
	switch prefix := bytes.TrimSpace(before); {
	case bytes.HasPrefix(prefix, []byte("#")), bytes.HasPrefix(prefix, []byte("//")), bytes.HasPrefix(prefix, []byte(";")):
		return Block{}, false
	case bytes.Equal(before, mark):
		fault = BlockAfterMark
	case len(prefix) > 0:
		fault = BlockAfterText
	case len(before) > 0:
		fault = BlockIndented
	case len(bytes.TrimSpace(firstLine)) > 0 || !lines:
		fault = BlockOneLine
	case isJoined(end, label, more):
		fault = BlockJoined
	}
	if fault != "" && fault != BlockOneLine && fault != BlockJoined && b.Size < leastQuoted {
		return Block{}, false
	}
	if fault == BlockOneLine && b.Size < leastQuoted && len(bytes.TrimSpace(firstLine)) > 0 {
		return Block{}, false // a sentence that begins so
	}
	der, err := base64.StdEncoding.DecodeString(string(encoded))
	if complete && err == nil && len(der) > 0 && fault != "" {
		b.Bytes, b.Fault = der, fault
	}
	return b, true
}

// isJoined reports whether the end of a block, which begins behind its END, has other
// text on its line.
func isJoined(end, label []byte, more bool) bool {
	after, ok := bytes.CutPrefix(end, slices.Concat([]byte(" "), label, []byte("-----")))
	line, _, ends := bytes.Cut(after, []byte("\n"))
	return ok && (len(bytes.TrimSpace(line)) > 0 || more && !ends)
}

// onlyBase64 returns what of text is base64: without line breaks, spaces, the
// escapes of them, and the marks of comments and quotations.
func onlyBase64(text []byte) []byte {
	text = bytes.ReplaceAll(text, []byte(`\n`), nil)
	out := make([]byte, 0, len(text))
	for _, c := range text {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/' || c == '=' {
			out = append(out, c)
		}
	}
	return out
}

// fromUTF16 returns data as UTF-8 where a mark says that it is UTF-16.
func fromUTF16(data []byte) ([]byte, bool) {
	low, high := 0, 1
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		low, high = 1, 0
	default:
		return nil, false
	}
	var units []uint16
	for i := 2; i+1 < len(data); i += 2 {
		units = append(units, uint16(data[i+low])|uint16(data[i+high])<<8)
	}
	return []byte(string(utf16.Decode(units))), true
}

// IsCertificateBlock reports whether a block of this type holds a certificate,
// and whether Kubernetes reads it as one.
func IsCertificateBlock(blockType string) (holds, read bool) {
	switch blockType {
	case "CERTIFICATE":
		return true, true
	case "TRUSTED CERTIFICATE", "X509 CERTIFICATE": // OpenSSL's
		return true, false
	}
	return false, false
}

// blockError says what is wrong with block number n, as far as certificates are
// concerned; nil for what is none.
func blockError(n int, b Block) error {
	holds, read := IsCertificateBlock(b.Type)
	switch {
	case b.Fault == BlockDamaged, holds && b.Fault != "":
		return fmt.Errorf("PEM block %d %s", n, b.Fault)
	case holds && !read:
		return fmt.Errorf("PEM block %d is a %s, which Kubernetes ignores", n, b.Type)
	case holds && b.Headers:
		return fmt.Errorf("PEM block %d has headers, and Kubernetes ignores such CAs", n)
	}
	return nil
}
