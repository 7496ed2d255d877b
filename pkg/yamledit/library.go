package yamledit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// SyntaxError is a text that is no YAML document.
type SyntaxError struct {
	Line    int // from 1 on; 0 where it cannot be told
	Problem string
}

// Error implements error.
func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return e.Problem
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Problem)
}

// mostUnfolded bounds what aliases may unfold to: a few names here and there
// are somebody's convenience, a million are an attack.
const mostUnfolded = 10_000

// parseWhole reads a document with the YAML library.
func parseWhole(text string) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var document yaml.Node
	if err := decoder.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, syntaxError(err)
	}
	var second yaml.Node
	if err := decoder.Decode(&second); err == nil {
		return nil, &SyntaxError{second.Line, "a second document begins here"}
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxError(err)
	}
	return document.Content[0], nil
}

var lineOf = regexp.MustCompile(`^line (\d+): `)

// syntaxError takes the line out of what the library says.
func syntaxError(err error) error {
	problem := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if m := lineOf.FindStringSubmatch(problem); m != nil {
		line, _ = strconv.Atoi(m[1])
		problem = problem[len(m[0]):]
	} else if !strings.Contains(problem, "anchor") {
		line = 1 // the library does not say so of the first line
	}
	if problem == "found character that cannot start any token" {
		problem = "a tab, or another character that is not allowed here"
	}
	return &SyntaxError{line, problem}
}

// parsePart reads one value: the only one in a mapping or a sequence that is
// the whole of text. Lines are counted from lineBefore.
func parsePart(text string, lineBefore int) (Node, error) {
	root, err := parseWhole(text)
	if err != nil || root == nil {
		return Node{}, errElse
	}
	var value *yaml.Node
	switch {
	case root.Kind == yaml.MappingNode && len(root.Content) == 2:
		value = root.Content[1]
	case root.Kind == yaml.SequenceNode && len(root.Content) == 1:
		value = root.Content[0]
	default:
		return Node{}, errElse
	}
	c := converter{lineBefore: lineBefore}
	node, err := c.convert(value, 0)
	if err != nil || c.anchors {
		return Node{}, errHopeless // an anchor may be meant for other parts
	}
	return node, nil
}

// converter turns the library's nodes into ours.
type converter struct {
	lineBefore int
	anchors    bool // one was seen
	unfolded   int  // nodes that aliases led to
	inAlias    int
}

func (c *converter) convert(n *yaml.Node, depth int) (Node, error) {
	line := n.Line + c.lineBefore
	out := Node{Line: int32(line)}
	if depth > mostDepth {
		return out, &SyntaxError{line, "nested too deeply"}
	}
	if c.inAlias > 0 {
		if c.unfolded++; c.unfolded > mostUnfolded {
			return out, &SyntaxError{line, fmt.Sprintf("aliases that expand to more than %d values", mostUnfolded)}
		}
	}
	c.anchors = c.anchors || n.Anchor != ""
	switch n.Kind {
	case yaml.AliasNode:
		c.anchors = true
		c.inAlias++
		defer func() { c.inAlias-- }()
		return c.convert(n.Alias, depth+1)
	case yaml.ScalarNode:
		return out, c.scalar(n, &out)
	case yaml.SequenceNode:
		out.Kind = Sequence
		for _, item := range n.Content {
			child, err := c.convert(item, depth+1)
			if err != nil {
				return out, err
			}
			out.Children = append(out.Children, child)
		}
		return out, nil
	case yaml.MappingNode:
		out.Kind = Mapping
		return out, c.pairs(n, depth, &out)
	}
	return out, &SyntaxError{line, "something that kubeconfigs do not have"}
}

func (c *converter) scalar(n *yaml.Node, out *Node) error {
	switch tag := n.ShortTag(); tag {
	case "!!null":
		return nil
	case "!!str", "!!int", "!!bool", "!!float", "!!timestamp", "!!merge": // "<<" is a merge only as a key
		out.Kind, out.Value = Scalar, n.Value
		out.Plain = n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0 &&
			(tag != "!!str" || n.Style&yaml.TaggedStyle == 0)
		return nil
	default:
		return &SyntaxError{n.Line + c.lineBefore, fmt.Sprintf("a value of type %q, which kubeconfigs do not have", tag)}
	}
}

func (c *converter) pairs(n *yaml.Node, depth int, out *Node) error {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
			c.anchors = true
		}
		if key.Kind != yaml.ScalarNode {
			return &SyntaxError{key.Line + c.lineBefore, "a key that is not a string"}
		}
		child, err := c.convert(n.Content[i+1], depth+1)
		if err != nil {
			return err
		}
		if key.ShortTag() == "!!merge" {
			c.anchors = true
			if child.Kind != Mapping {
				return &SyntaxError{key.Line + c.lineBefore, "a merge key (<<) without a map"}
			}
			// What stands there itself outweighs what is merged.
			out.Children = append(append([]Node(nil), child.Children...), out.Children...)
			continue
		}
		child.Key = key.Value
		if child.Kind == Null || child.Line == 0 {
			child.Line = int32(key.Line + c.lineBefore)
		}
		out.Children = append(out.Children, child)
	}
	if c.anchors {
		out.Children = lastOfEach(out.Children)
	}
	return nil
}

// lastOfEach drops the pairs that a later one of the same key outweighs.
func lastOfEach(pairs []Node) []Node {
	last := make(map[string]int, len(pairs))
	for i, p := range pairs {
		last[p.Key] = i
	}
	var kept []Node
	for i, p := range pairs {
		if last[p.Key] == i {
			kept = append(kept, p)
		}
	}
	return kept
}

// inBlockStyle writes a document anew, a value a line, with its comments and
// without aliases.
func inBlockStyle(n *yaml.Node) (string, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(unstyled(n)); err != nil {
		return "", err
	}
	err := encoder.Close()
	return out.String(), err
}

// unstyled copies a tree that convert has found harmless.
func unstyled(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	out := *n
	out.Anchor = ""
	out.Style &^= yaml.FlowStyle
	out.Content = nil
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && n.Content[i-1].ShortTag() == "!!merge" {
			merged := child
			if merged.Kind == yaml.AliasNode {
				merged = merged.Alias
			}
			out.Content = out.Content[:len(out.Content)-1]
			out.Content = append(out.Content, missing(n, unstyled(merged))...)
			continue
		}
		out.Content = append(out.Content, unstyled(child))
	}
	return &out
}

// missing returns the pairs of merged whose keys n does not have itself.
func missing(n, merged *yaml.Node) []*yaml.Node {
	var pairs []*yaml.Node
next:
	for i := 0; i+1 < len(merged.Content); i += 2 {
		for j := 0; j+1 < len(n.Content); j += 2 {
			if n.Content[j].Value == merged.Content[i].Value {
				continue next
			}
		}
		pairs = append(pairs, merged.Content[i], merged.Content[i+1])
	}
	return pairs
}
