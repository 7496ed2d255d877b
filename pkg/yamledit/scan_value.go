package yamledit

import "strings"

// inline reads a value that is within one line, if it is of a simple form.
func (s *scanner) inline(from int, out *Node) bool {
	to := s.cur.to
	text := s.text[from:to]
	out.valueFrom, out.style = int32(from), inline
	switch c := text[0]; c {
	case '"', '\'':
		end := strings.IndexByte(text[1:], c) + 1
		if end == 0 || !onlyComment(text[end+1:]) || !printable(text[1:end]) || c == '"' && strings.IndexByte(text[1:end], '\\') >= 0 {
			return false
		}
		out.Kind, out.Value, out.valueTo = Scalar, text[1:end], int32(from+end+1)
		return true
	case '{', '[':
		if len(text) < 2 || text[1] != c+2 || !onlyComment(text[2:]) { // } and ] come two behind { and [
			return false
		}
		out.Kind, out.valueTo = Mapping, int32(from+2)
		if c == '[' {
			out.Kind = Sequence
		}
		return true
	case '&', '*', '!', '%', '@', '`', '|', '>', '#', ',', '}', ']', '?', ':', '-':
		return false
	}
	if i := strings.Index(text, " #"); i >= 0 {
		text = strings.TrimRight(text[:i], " ")
	}
	if !printable(text) || strings.Contains(text, ": ") || text[len(text)-1] == ':' {
		return false
	}
	out.valueTo = int32(from + len(text))
	if isNull(text) {
		return true
	}
	out.Kind, out.Value, out.Plain = Scalar, text, true
	return true
}

// onlyComment reports whether nothing but a comment follows a value.
func onlyComment(rest string) bool {
	trimmed := strings.TrimLeft(rest, " ")
	return trimmed == "" || trimmed[0] == '#' && len(trimmed) < len(rest)
}

// printable reports whether text is ASCII without control characters.
func printable(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

// opaque lets the YAML library read the value behind from, which goes on as
// long as lines are indented deeper than indent.
func (s *scanner) opaque(from, indent int, inMapping bool, out *Node) error {
	first := s.cur
	end, contentEnd, number := first.next, first.to, first.number
	keepsBlank, partEnd := false, end // blank lines may be a part of a block scalar
	if head := strings.TrimLeft(s.text[from:first.to], " "); head != "" {
		keepsBlank = head[0] == '|' || head[0] == '>'
	}
	for at, n := end, number+1; at < len(s.text); n++ {
		l := s.lineAt(at, n)
		blank := l.from == l.to
		if !blank && l.indent <= indent {
			break
		}
		at, partEnd = l.next, l.next
		if !blank || keepsBlank {
			end, contentEnd, number = l.next, max(l.to, l.start), n
		}
	}
	head := "k:"
	if !inMapping {
		head = "-"
	}
	value, err := parsePart(strings.Repeat(" ", indent)+head+s.text[from:partEnd], first.number-1)
	if err != nil {
		return err
	}
	value.Key, value.Line, value.from, value.keyTo = out.Key, out.Line, out.from, out.keyTo
	*out = value
	out.style, out.valueFrom, out.valueTo = inline, int32(from), int32(contentEnd)
	s.done = end
	s.cur.next, s.cur.number = end, number
	return s.advance()
}
