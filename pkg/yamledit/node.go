// Package yamledit reads a YAML document into a tree whose nodes know where
// they stand in the text, so that the text can be changed in one place and
// stay as it is, with its comments and its order, in all others.
package yamledit

import (
	"slices"
	"strings"
)

// Kind is the kind of a Node.
type Kind uint8

// The kinds. The zero Node is null.
const (
	Null Kind = iota
	Scalar
	Mapping
	Sequence
)

// String names the kind in a sentence.
func (k Kind) String() string {
	return [...]string{"nothing", "text", "a map", "a list"}[k]
}

// Node is a value, and where it stands.
type Node struct {
	// Key is the key that leads to the value in a mapping.
	Key string
	// Value is the text of a scalar, without its quotes.
	Value string
	// Children are the pairs of a mapping or the items of a sequence.
	Children []Node
	// Line is where the value, or its key, begins: from 1 on; 0 in a tree that
	// was not read from a text.
	Line int32
	Kind Kind
	// Plain says that a scalar stands there without quotes, so that it may be
	// a number or a boolean.
	Plain bool
	// style says how the value is written.
	style style

	// from is the first byte of the key or the dash, keyTo is behind the colon
	// or the dash, and to is where the line ends in which the value ends.
	from, keyTo, to int32
	// valueFrom and valueTo enclose the value itself; in a block collection,
	// its lines.
	valueFrom, valueTo int32
	// indent is the column of the keys or dashes of a block collection.
	indent int32
}

type style uint8

const (
	nowhere style = iota // made, or read where places cannot be told
	inline               // within a line, or as a whole
	block                // a block collection: a child a line
)

// Get returns the value under key in a mapping, or nil. Of several with the
// same key it is the last, as for every reader of kubeconfigs.
func (n *Node) Get(key string) *Node {
	if n == nil || n.Kind != Mapping {
		return nil
	}
	for i := len(n.Children) - 1; i >= 0; i-- {
		if n.Children[i].Key == key {
			return &n.Children[i]
		}
	}
	return nil
}

// Text returns the value of the scalar under key, or "".
func (n *Node) Text(key string) string {
	if v := n.Get(key); v != nil && v.Kind == Scalar {
		return v.Value
	}
	return ""
}

// Empty reports whether n holds nothing: null, "", {} or [].
func (n *Node) Empty() bool {
	return n == nil || (len(n.Children) == 0 && n.Value == "")
}

// InBlock reports whether the children of n each have lines of their own, or
// there are none.
func (n *Node) InBlock() bool {
	return n == nil || n.style == block || n.Kind != Scalar && len(n.Children) == 0
}

// Equal reports whether two values mean the same, whatever their style and
// the order of their keys.
func Equal(a, b *Node) bool {
	if a.Kind != b.Kind || len(a.Children) != len(b.Children) {
		return false
	}
	switch a.Kind {
	case Scalar:
		return a.Value == b.Value && isString(a) == isString(b)
	case Sequence:
		return slices.EqualFunc(a.Children, b.Children, func(x, y Node) bool { return Equal(&x, &y) })
	case Mapping:
		for i := range a.Children {
			other := b.Get(a.Children[i].Key)
			if other == nil || !Equal(a.Get(a.Children[i].Key), other) {
				return false
			}
		}
		// Keys that stand there twice make lengths deceive.
		for i := range b.Children {
			if a.Get(b.Children[i].Key) == nil {
				return false
			}
		}
	}
	return true
}

// isString reports whether a scalar is text for every reader of YAML.
func isString(n *Node) bool {
	return !n.Plain || word(n.Value) || strings.ContainsFunc(n.Value, neverInNumbers) || strings.HasSuffix(n.Value, ":") ||
		!strings.ContainsFunc(n.Value, inWords)
}

// inWords reports whether r is a letter or a digit: without any, text is "...".
func inWords(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// neverInNumbers reports whether r stands in no number, boolean or null of
// YAML 1.1 or 1.2.
func neverInNumbers(r rune) bool {
	return r > '~' || !keyByte(byte(r)) && !strings.ContainsRune("+:~", r) || r == '/'
}

// word reports whether text that stands without quotes is text to every
// reader, by how it begins: no number, boolean, null or date in YAML 1.1 or 1.2.
func word(text string) bool {
	if text == "" {
		return false
	}
	c := text[0]
	if c < 'A' || (c > 'Z' && c < 'a' && c != '_') || c > 'z' {
		return c == '/' // paths are frequent
	}
	if len(text) <= len("false") {
		switch strings.ToLower(text) {
		case "true", "false", "yes", "no", "on", "off", "y", "n", "null":
			return false
		}
	}
	return true
}

// isNull reports whether plain text is null.
func isNull(text string) bool {
	switch text {
	case "", "~", "null", "Null", "NULL":
		return true
	}
	return false
}
