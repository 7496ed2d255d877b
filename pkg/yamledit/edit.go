package yamledit

import (
	"slices"
	"strings"
)

// Field is a pair that a mapping is to have; nil for one that it is not to.
type Field struct {
	Key   string
	Value *Node
}

// String returns a scalar that is text.
func String(text string) *Node { return &Node{Kind: Scalar, Value: text} }

// SetScalar gives a value that is a scalar, or null, another text.
func (d *Document) SetScalar(n *Node, text string) Edit {
	return d.replace(n, " "+Quote(text))
}

// replace puts written, which begins with its blank or line break, in the place
// of a value.
func (d *Document) replace(n *Node, written string) Edit {
	from, to := int(n.valueFrom), int(n.valueTo)
	if n.style == block {
		from = int(n.keyTo)
	} else {
		for from > 0 && d.Text[from-1] == ' ' {
			from--
		}
	}
	if n.style == block && to > 0 && d.Text[to-1] == '\n' {
		to--
		if to > 0 && d.Text[to-1] == '\r' {
			to--
		}
	}
	return Edit{from, to, written}
}

// SetFields changes pairs of a mapping, which may also be null or {}. Those
// that are there already keep their place; new ones come last.
func (d *Document) SetFields(n *Node, fields ...Field) []Edit {
	if n.style != block || n.Kind != Mapping {
		return []Edit{d.replaceWhole(n, withFields(n, fields))}
	}
	if whole := withFields(n, fields); len(whole.Children) == 0 {
		return []Edit{d.replaceWhole(n, whole)}
	}
	var edits []Edit
	var added strings.Builder
	for _, f := range fields {
		old := n.Get(f.Key)
		switch {
		case old == nil && f.Value != nil:
			added.WriteString(strings.Repeat(" ", int(n.indent)) + quoteKey(f.Key) + ":" + Render(f.Value, int(n.indent), d.newline) + d.newline)
		case old != nil && f.Value == nil:
			edits = append(edits, d.removePair(n, old))
		case old != nil && !Equal(old, f.Value):
			edits = append(edits, d.replace(old, Render(f.Value, int(n.indent), d.newline)))
		}
	}
	if added.Len() > 0 {
		edits = append(edits, d.insertLines(int(n.valueTo), added.String()))
	}
	return edits
}

// removePair removes the lines of a pair. The first pair behind a dash shares
// its line with the dash, which stays.
func (d *Document) removePair(n, pair *Node) Edit {
	lineStart := strings.LastIndexByte(d.Text[:pair.from], '\n') + 1
	if strings.TrimLeft(d.Text[lineStart:pair.from], " ") == "" {
		return Edit{From: lineStart, To: int(pair.to)}
	}
	// Up to the next pair's key, which moves up behind the dash.
	for i := range n.Children {
		if n.Children[i].from > pair.from {
			return Edit{From: int(pair.from), To: int(n.Children[i].from)}
		}
	}
	return Edit{From: int(pair.from), To: int(pair.to)}
}

// With returns a copy of a mapping in which key has another value.
func (n *Node) With(key string, value *Node) *Node {
	return withFields(n, []Field{{key, value}})
}

// Without returns a copy of a mapping that does not have key.
func (n *Node) Without(key string) *Node {
	return withFields(n, []Field{{Key: key}})
}

// withFields returns a copy of a mapping with fields set.
func withFields(n *Node, fields []Field) *Node {
	out := &Node{Kind: Mapping}
	if n != nil && n.Kind == Mapping {
		out.Children = slices.Clone(n.Children)
	}
	for _, f := range fields {
		out.Children = slices.DeleteFunc(out.Children, func(c Node) bool { return c.Key == f.Key && f.Value == nil })
		if f.Value == nil {
			continue
		}
		child := *f.Value
		child.Key = f.Key
		if old := out.Get(f.Key); old != nil {
			*old = child
		} else {
			out.Children = append(out.Children, child)
		}
	}
	return out
}

func (d *Document) replaceWhole(n, with *Node) Edit {
	column := int(n.from) - (strings.LastIndexByte(d.Text[:n.from], '\n') + 1)
	return d.replace(n, Render(with, column, d.newline))
}

// Replace gives a value that stands under a key another value.
func (d *Document) Replace(n, with *Node) Edit { return d.replaceWhole(n, with) }

// AddToRoot adds a pair to the root, behind everything else.
func (d *Document) AddToRoot(key string, value *Node) Edit {
	return d.insertLines(d.end(), quoteKey(key)+":"+Render(value, 0, d.newline)+d.newline)
}

// end is behind the last line that says something.
func (d *Document) end() int {
	if d.Root.Kind == Mapping && d.Root.style == block {
		return int(d.Root.valueTo)
	}
	return len(d.Text)
}

// AddTextToRoot adds lines that hold pairs of the root.
func (d *Document) AddTextToRoot(lines string) Edit {
	return d.insertLines(d.end(), lines)
}

// insertLines puts whole lines at the beginning of a line.
func (d *Document) insertLines(at int, lines string) Edit {
	if at > 0 && d.Text[at-1] != '\n' && d.Text[:at] != byteOrderMark {
		lines = d.newline + lines
	}
	return Edit{at, at, lines}
}

// Insert adds items to a sequence behind its child number after, -1 for before
// all. An item is the text that ItemText gives, for the indent that ItemIndent
// gives. The sequence may also be null or []: it is then under a key of the
// root.
func (d *Document) Insert(seq *Node, after int, items ...string) Edit {
	text := strings.Join(items, "")
	if seq.style != block || seq.Kind != Sequence {
		return d.replace(seq, d.newline+strings.TrimSuffix(text, d.newline))
	}
	if after < 0 {
		return Edit{d.itemStart(seq, 0), d.itemStart(seq, 0), text}
	}
	return d.insertLines(int(seq.Children[after].to), text)
}

// ItemIndent is where the dashes of a sequence stand.
func ItemIndent(seq *Node) int {
	if seq != nil && seq.style == block && seq.Kind == Sequence {
		return int(seq.indent)
	}
	return 0
}

// itemStart is where an item's lines begin: its own comments, right above it,
// are part of it, but for the first, where they may speak of the whole list.
func (d *Document) itemStart(seq *Node, i int) int {
	start := strings.LastIndexByte(d.Text[:seq.Children[i].from], '\n') + 1
	if i == 0 {
		return start
	}
	for least := int(seq.Children[i-1].to); start > least; {
		above := strings.LastIndexByte(d.Text[:start-1], '\n') + 1
		if !strings.HasPrefix(strings.TrimLeft(d.Text[above:start], " "), "#") {
			break
		}
		start = above
	}
	return start
}

// RemoveItems removes the items of a sequence for which gone is true.
func (d *Document) RemoveItems(seq *Node, gone func(i int) bool) []Edit {
	if seq.style != block {
		kept := &Node{Kind: Sequence}
		for i, c := range seq.Children {
			if !gone(i) {
				kept.Children = append(kept.Children, c)
			}
		}
		return []Edit{d.replaceWhole(seq, kept)}
	}
	var edits []Edit
	for i := range seq.Children {
		if gone(i) {
			edits = append(edits, Edit{From: d.itemStart(seq, i), To: int(seq.Children[i].to)})
		}
	}
	if len(edits) == len(seq.Children) && len(edits) > 0 {
		return []Edit{d.replace(seq, " []")}
	}
	return edits
}

// ReplaceItem puts text, as ItemText gives it, in the place of an item.
func (d *Document) ReplaceItem(seq *Node, i int, text string) []Edit {
	if seq.style != block {
		return nil
	}
	start := strings.LastIndexByte(d.Text[:seq.Children[i].from], '\n') + 1
	return []Edit{{start, int(seq.Children[i].to), text}}
}

// ItemText returns an item of a sequence as lines whose dash stands at indent,
// as they are written, with the comments right above it. Line breaks are
// those of the document to.
func (d *Document) ItemText(seq *Node, i, indent int, to *Document) string {
	item := &seq.Children[i]
	if seq.style != block {
		return strings.Repeat(" ", indent) + "-" + renderItem(item, indent, to.newline) + to.newline
	}
	text := strings.ReplaceAll(d.Text[d.itemStart(seq, i):item.to], "\r\n", "\n")
	var out strings.Builder
	for text != "" {
		l, rest, _ := strings.Cut(text, "\n")
		text = rest
		content := strings.TrimLeft(l, " ")
		if content != "" {
			out.WriteString(strings.Repeat(" ", max(0, len(l)-len(content)+indent-int(seq.indent))))
		}
		out.WriteString(content + to.newline)
	}
	return out.String()
}
