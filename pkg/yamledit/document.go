package yamledit

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Document is a YAML document: its text and what it says.
type Document struct {
	Text string
	Root Node
	// inPlace says that the root knows where it stands.
	inPlace bool
	// newline ends the lines that are added.
	newline string
}

const byteOrderMark = "\ufeff"

// Parse reads one document. An empty text is one: its root is null. The error
// is a SyntaxError.
func Parse(text string) (*Document, error) { return parse(text, nil) }

// Check reads a document as Parse does, but does not keep the items of the
// lists of the root: they go, by the key of their list, to the function that
// begin returns. It begins anew where a first attempt comes to nothing. In
// memory, a document is as large as its text again.
func Check(text string, begin func() (each func(key string, item *Node))) (*Document, error) {
	each := begin()
	d, err := parse(text, each)
	if err != nil {
		return nil, err
	}
	if !d.inPlace {
		each = begin()
	}
	for i := range d.Root.Children {
		list := &d.Root.Children[i]
		if list.Kind != Sequence || list.style == block {
			continue // a block sequence was taken item by item
		}
		for j := range list.Children {
			each(list.Key, &list.Children[j])
		}
	}
	return d, nil
}

func parse(text string, each func(key string, item *Node)) (*Document, error) {
	d := &Document{Text: text, newline: "\n"}
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		return nil, &SyntaxError{1, "text in UTF-16: save it as UTF-8"}
	}
	if i := strings.IndexByte(text, '\n'); i > 0 && text[i-1] == '\r' {
		d.newline = "\r\n"
	}
	offset := 0
	if strings.HasPrefix(text, byteOrderMark) {
		offset = len(byteOrderMark)
	}
	simple, err := checkCharacters(text[offset:])
	if err != nil {
		return nil, err
	}
	if simple {
		if d.Root, err = scan(text, offset, each); err == nil {
			d.inPlace = true
			return d, nil
		}
	}
	root, err := parseWhole(text[offset:])
	if err != nil {
		return nil, err
	}
	if root == nil {
		d.Root, d.inPlace = Node{Line: 1}, true
		return d, nil
	}
	var c converter
	d.Root, err = c.convert(root, 0)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// checkCharacters refuses what no YAML may hold (YAML 1.2, section 5.1), and
// reports whether lines end in line feeds only.
func checkCharacters(text string) (simple bool, err error) {
	simple = true
	for i := 0; i < len(text); {
		c := text[i]
		if c >= ' ' && c <= '~' || c == '\n' {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == '\r':
			simple = simple && i+1 < len(text) && text[i+1] == '\n'
		case r == '\t':
		case r == '\u0085' || r == '\u2028' || r == '\u2029':
			simple = false
		case r == utf8.RuneError && size == 1:
			return false, &SyntaxError{1 + strings.Count(text[:i], "\n"), fmt.Sprintf("byte %#02x, which is not valid UTF-8", c)}
		case r < 0xa0 || r == 0xfffe || r == 0xffff || r == 0xfeff:
			return false, &SyntaxError{1 + strings.Count(text[:i], "\n"), fmt.Sprintf("character %U, which YAML does not allow", r)}
		}
		i += size
	}
	return simple, nil
}

// InPlace reports whether the root knows where it stands: the document is in
// block style, and has no aliases.
func (d *Document) InPlace() bool { return d.inPlace }

// InBlockStyle returns the same document written anew in block style, with its
// comments.
func (d *Document) InBlockStyle() (*Document, error) {
	root, err := parseWhole(strings.TrimPrefix(d.Text, byteOrderMark))
	if err != nil {
		return nil, err
	}
	if root == nil {
		return d, nil
	}
	if d.Root.Empty() { // ~ or {}
		return Parse("")
	}
	if text, err := inBlockStyle(root); err == nil {
		if again, err := Parse(text); err == nil && again.inPlace && Equal(&again.Root, &d.Root) {
			return again, nil
		}
	}
	// The library could not: without the comments, then.
	again, err := Parse(Text(&d.Root))
	if err != nil || !again.inPlace || !Equal(&again.Root, &d.Root) {
		return nil, &SyntaxError{1, "its YAML style cannot be edited safely"}
	}
	return again, nil
}

// Edit puts Text in the place of the bytes from From up to To.
type Edit struct {
	From, To int
	Text     string
}

// Apply returns the document with all edits made, which may not overlap. Those
// at one place come in the order given.
func (d *Document) Apply(edits ...Edit) (*Document, error) {
	text, err := Rewrite(d.Text, edits...)
	if err != nil {
		return nil, err
	}
	return Parse(text)
}

// Rewrite returns a document's text with edits made, as Apply reads it.
func Rewrite(before string, edits ...Edit) (string, error) {
	edits = slices.Clone(edits)
	slices.SortStableFunc(edits, func(a, b Edit) int {
		if a.From != b.From {
			return a.From - b.From
		}
		return a.To - b.To
	})
	size := len(before)
	for _, e := range edits {
		size += len(e.Text)
	}
	var out strings.Builder
	out.Grow(size)
	at := 0
	for _, e := range edits {
		if e.From < at || e.To < e.From || e.To > len(before) {
			return "", fmt.Errorf("edits overlap at byte %d", e.From)
		}
		out.WriteString(before[at:e.From])
		out.WriteString(e.Text)
		at = e.To
	}
	out.WriteString(before[at:])
	return out.String(), nil
}
