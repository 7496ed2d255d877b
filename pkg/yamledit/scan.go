package yamledit

import (
	"errors"
	"strings"
)

// errElse says that a text, or a part of it, is written in a way that the
// scanner does not know: the YAML library then reads it.
var errElse = errors.New("not in plain block style")

// errHopeless is errElse where no smaller part can be given to the library.
var errHopeless = errors.New("not entirely in plain block style")

// mostDepth bounds how deep a document may be nested: a kubeconfig is six deep.
const mostDepth = 64

// scanner reads the block style in which kubeconfigs are written: a key or a
// dash a line. Its values are slices of the text. Whatever it is not sure of
// it leaves to the YAML library, value by value.
type scanner struct {
	text string
	cur  line
	// done is where the last line ended that holds a part of the document.
	done  int
	depth int
	// open are the children of the collections that are being read: each gets
	// its own when it is complete, in a slice of just their size.
	open []Node
	// each, if it is set, takes the items of the lists of the root, which are
	// then dropped.
	each func(key string, item *Node)
}

// line is one that says something: no blank one, and no comment.
type line struct {
	start, next int // where it begins, and where the next one does
	from, to    int // its text, without indentation and trailing blanks
	indent      int
	number      int
	eof         bool
}

// scan reads text, which has no byte order mark and only line feeds, with or
// without carriage returns, as line breaks.
func scan(text string, offset int, each func(key string, item *Node)) (Node, error) {
	s := &scanner{text: text, cur: line{next: offset}, each: each}
	if err := s.advance(); err != nil {
		return Node{}, err
	}
	if !s.cur.eof && s.text[s.cur.from:s.cur.to] == "---" && s.cur.indent == 0 {
		if err := s.advance(); err != nil {
			return Node{}, err
		}
	}
	if s.cur.eof {
		return Node{Line: 1}, nil
	}
	root := Node{Line: int32(s.cur.number)}
	if s.dash() {
		return Node{}, errElse
	}
	if err := s.mapping(s.cur.indent, &root); err != nil {
		return Node{}, err
	}
	if !s.cur.eof {
		return Node{}, errElse
	}
	return root, nil
}

// advance goes on to the next line that says something.
func (s *scanner) advance() error {
	for {
		start, number := s.cur.next, s.cur.number+1
		if start >= len(s.text) {
			s.cur = line{start: start, next: start, from: start, to: start, number: number, indent: -1, eof: true}
			return nil
		}
		s.cur = s.lineAt(start, number)
		l := &s.cur
		if l.from == l.to || s.text[l.from] == '#' {
			continue
		}
		if s.text[l.from] == '\t' {
			return errElse
		}
		if l.indent == 0 {
			head := s.text[l.from:min(l.from+3, l.to)]
			if head == "..." || s.text[l.from] == '%' || head == "---" && s.done > 0 {
				return errHopeless
			}
		}
		return nil
	}
}

// lineAt looks at the line that begins at start.
func (s *scanner) lineAt(start, number int) line {
	next := len(s.text)
	if i := strings.IndexByte(s.text[start:], '\n'); i >= 0 {
		next = start + i + 1
	}
	from, to := start, next
	for to > from && (s.text[to-1] == '\n' || s.text[to-1] == '\r' || s.text[to-1] == ' ') {
		to--
	}
	for from < to && s.text[from] == ' ' {
		from++
	}
	return line{start: start, next: next, from: from, to: to, indent: from - start, number: number}
}

// consume takes the present line as a part of the document.
func (s *scanner) consume() error {
	s.done = s.cur.next
	return s.advance()
}

// dash reports whether the line is an item of a sequence.
func (s *scanner) dash() bool {
	t := s.text[s.cur.from:s.cur.to]
	return t == "-" || strings.HasPrefix(t, "- ")
}

// key returns the key that begins at from, plain or in double quotes, and where
// it ends.
func (s *scanner) key(from, to int) (key string, end int, ok bool) {
	i := from
	if i < to && s.text[i] == '"' {
		for i++; i < to && s.text[i] != '"'; i++ {
			if s.text[i] == '\\' {
				i++
			}
		}
		i++
	}
	quoted := i > from
	for !quoted && i < to && keyByte(s.text[i]) {
		i++
	}
	if i == from || i-from > mostKey || i >= to || s.text[i] != ':' || (i+1 < to && s.text[i+1] != ' ') || s.text[from] == '-' {
		return "", 0, false
	}
	if !quoted {
		return s.text[from:i], i, true
	}
	value, err := parsePart("k: "+s.text[from:i], 0)
	return value.Value, i, err == nil && value.Kind == Scalar
}

// mostKey is well below the length of a key that YAML takes without more ado.
const mostKey = 256

func keyByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' || c == '/'
}

func (s *scanner) mapping(indent int, out *Node) error {
	if s.depth++; s.depth > mostDepth {
		return errHopeless
	}
	defer func() { s.depth-- }()
	out.Kind, out.style, out.indent, out.valueFrom = Mapping, block, int32(indent), int32(s.cur.start)
	start := len(s.open)
	for !s.cur.eof && s.cur.indent == indent && !s.dash() {
		key, end, ok := s.key(s.cur.from, s.cur.to)
		if !ok {
			return errElse
		}
		child := Node{Key: key, Line: int32(s.cur.number), from: int32(s.cur.from), keyTo: int32(end + 1)}
		if err := s.value(end+1, indent, true, &child); err != nil {
			s.open = s.open[:start]
			return err
		}
		child.to = int32(s.done)
		s.open = append(s.open, child)
	}
	s.close(start, out)
	if !s.cur.eof && s.cur.indent > indent {
		return errElse
	}
	out.valueTo = int32(s.done)
	return nil
}

func (s *scanner) sequence(indent int, out *Node) error {
	if s.depth++; s.depth > mostDepth {
		return errHopeless
	}
	defer func() { s.depth-- }()
	out.Kind, out.style, out.indent, out.valueFrom = Sequence, block, int32(indent), int32(s.cur.start)
	start := len(s.open)
	for !s.cur.eof && s.cur.indent == indent && s.dash() {
		child := Node{Line: int32(s.cur.number), from: int32(s.cur.from), keyTo: int32(s.cur.from + 1)}
		if err := s.item(indent, &child); err != nil {
			s.open = s.open[:start]
			return err
		}
		child.to = int32(s.done)
		if s.each != nil && s.depth == depthOfLists {
			s.each(out.Key, &child)
			continue
		}
		s.open = append(s.open, child)
	}
	s.close(start, out)
	if !s.cur.eof && s.cur.indent > indent {
		return errElse
	}
	out.valueTo = int32(s.done)
	return nil
}

// depthOfLists is how deep the lists of the root are.
const depthOfLists = 2

// close gives a collection the children that were read since start.
func (s *scanner) close(start int, out *Node) {
	if len(s.open) > start {
		out.Children = append(make([]Node, 0, len(s.open)-start), s.open[start:]...)
	}
	clear(s.open[start:])
	s.open = s.open[:start]
}

// item reads what stands behind a dash.
func (s *scanner) item(indent int, out *Node) error {
	from := s.cur.from + 1
	for from < s.cur.to && s.text[from] == ' ' {
		from++
	}
	if _, _, ok := s.key(from, s.cur.to); !ok {
		return s.value(s.cur.from+1, indent, false, out)
	}
	before := *s
	s.cur.indent, s.cur.from = from-s.cur.start, from
	err := s.mapping(s.cur.indent, out)
	if errors.Is(err, errElse) {
		*s = before
		return s.opaque(s.cur.from+1, indent, false, out)
	}
	return err
}

// value reads what stands behind the colon or dash that ends at from, in a
// mapping or a sequence at indent.
func (s *scanner) value(from, indent int, inMapping bool, out *Node) error {
	valueFrom := from
	for valueFrom < s.cur.to && s.text[valueFrom] == ' ' {
		valueFrom++
	}
	if valueFrom >= s.cur.to || (s.text[valueFrom] == '#' && valueFrom > from) {
		return s.nested(from, indent, inMapping, out)
	}
	before := *s
	if s.inline(valueFrom, out) {
		if err := s.consume(); err != nil {
			return err
		}
		if s.cur.eof || s.cur.indent <= indent {
			return nil
		}
		*s = before // it goes on in the next line
	}
	return s.opaque(from, indent, inMapping, out)
}

// nested reads a value that begins in a line of its own.
func (s *scanner) nested(from, indent int, inMapping bool, out *Node) error {
	before := *s
	out.valueFrom, out.valueTo, out.style = int32(from), int32(from), inline
	if err := s.consume(); err != nil {
		return err
	}
	var err error
	switch {
	case !s.cur.eof && s.dash() && (s.cur.indent > indent || inMapping && s.cur.indent == indent):
		err = s.sequence(s.cur.indent, out)
	case s.cur.eof || s.cur.indent <= indent:
		return nil // null
	default:
		err = s.mapping(s.cur.indent, out)
	}
	if errors.Is(err, errElse) && s.each != nil && s.depth < depthOfLists {
		return errHopeless // some items were taken already
	}
	if errors.Is(err, errElse) {
		*s = before
		out.Children = nil
		return s.opaque(from, indent, inMapping, out)
	}
	return err
}
