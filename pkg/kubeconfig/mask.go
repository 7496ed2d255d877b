package kubeconfig

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/yamledit"
)

// Diff shows what a change does to a file, as a unified diff of the text in
// which secrets are masked and certificates described.
func (c FileChange) Diff() (string, error) {
	before, name := "", "/dev/null"
	if c.Before != nil {
		name = c.Path
		text, err := c.Before.masked()
		if err != nil {
			return "", err
		}
		before = text
	}
	after, err := c.After.masked()
	if err != nil {
		return "", err
	}
	text := string(diff.Diff(name, []byte(before), c.Path, []byte(after)))
	// The first line only names the command that would show the same.
	_, text, _ = strings.Cut(text, "\n")
	return text, nil
}

// masked is the document's text without its secrets.
func (d *Document) masked() (string, error) {
	if d.broken {
		return "<a file that is no kubeconfig>\n", nil
	}
	d, err := d.editable(everyEntry)
	if err != nil {
		return "", err
	}
	var edits []yamledit.Edit
	for kind := range kinds {
		for _, e := range d.Entries(Kind(kind)) {
			if e.body == nil {
				continue
			}
			var fields []yamledit.Field
			for i := range e.body.Children {
				child := &e.body.Children[i]
				if masked := maskField(child); masked != nil {
					fields = append(fields, yamledit.Field{Key: child.Key, Value: masked})
				}
			}
			if len(fields) > 0 {
				edits = append(edits, d.yaml().SetFields(e.body, fields...)...)
			}
		}
	}
	masked, err := d.yaml().Apply(edits...)
	if err != nil {
		return "", err
	}
	return masked.Text, nil
}

// secretName recognises the names of fields, variables and flags that hold
// secrets.
var secretName = regexp.MustCompile(`(?i)(token|secret|passw|private|api-?key|credential|key-data|auth$)`)

// secretArgument recognises a flag that gives a secret, up to its value.
var secretArgument = regexp.MustCompile(`(?i)^(-{0,2}[a-z0-9_.-]*(token|secret|passw|api-?key|credential)[a-z0-9_.-]*[=:])(.+)$`)

// maskField returns what is shown in the place of a field, or nil if it may be
// shown as it is.
func maskField(n *yamledit.Node) *yamledit.Node {
	switch {
	case n.Key == caData || n.Key == certificateData:
		return yamledit.String(describeData(n.Value))
	case n.Key == keyData:
		return yamledit.String(describeKeyData(n.Value))
	case n.Key == "tokenFile" || n.Key == keyFile || n.Key == "extensions":
		return nil // a path is no secret
	case n.Key == "exec":
		return maskExec(n)
	case n.Key == "auth-provider":
		if config := n.Get("config"); config != nil {
			return n.With("config", maskAll(config))
		}
	case secretName.MatchString(n.Key):
		return maskAll(n)
	}
	return nil
}

// maskAll hides every scalar of a value.
func maskAll(n *yamledit.Node) *yamledit.Node {
	out := *n
	if n.Kind == yamledit.Scalar {
		out.Value, out.Plain = hidden(n.Value), false
	}
	out.Children = nil
	for i := range n.Children {
		out.Children = append(out.Children, *maskAll(&n.Children[i]))
	}
	return &out
}

func hidden(text string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf("<hidden, %d characters>", len(text))
}

func maskExec(exec *yamledit.Node) *yamledit.Node {
	out := exec
	if args := exec.Get("args"); args != nil {
		masked := *args
		masked.Children = nil
		after := false // a flag that takes a secret as its next argument
		for _, arg := range args.Children {
			name := strings.HasPrefix(arg.Value, "-") && secretName.MatchString(arg.Value)
			if m := secretArgument.FindStringSubmatch(arg.Value); m != nil {
				arg.Value, arg.Plain, name = m[1]+hidden(m[3]), false, false
			} else if after && !strings.HasPrefix(arg.Value, "-") {
				arg.Value, arg.Plain = hidden(arg.Value), false
			}
			after = name
			masked.Children = append(masked.Children, arg)
		}
		out = out.With("args", &masked)
	}
	if env := exec.Get("env"); env != nil {
		masked := *env
		masked.Children = nil
		for i := range env.Children {
			variable := &env.Children[i]
			if value := variable.Get("value"); value != nil {
				variable = variable.With("value", maskAll(value))
			}
			masked.Children = append(masked.Children, *variable)
		}
		out = out.With("env", &masked)
	}
	return out
}

// describeData says which certificates base64 holds.
func describeData(text string) string {
	data, err := decode(text)
	if err != nil {
		return fmt.Sprintf("<%d characters, not base64>", len(text))
	}
	certs, _ := pki.ParseCertificates(data)
	if len(certs) == 0 {
		return fmt.Sprintf("<%d bytes, no certificate>", len(data))
	}
	more := ""
	if len(certs) > 1 {
		more = fmt.Sprintf(" and %d more", len(certs)-1)
	}
	return fmt.Sprintf("<certificate %s, until %s, sha256 %s%s>", pki.SubjectOf(certs[0]),
		certs[0].NotAfter.UTC().Format("2006-01-02"), fingerprint(certs[0].Raw), more)
}

// describeKeyData says which public key a private one belongs to: that gives
// nothing away.
func describeKeyData(text string) string {
	data, err := decode(text)
	if err != nil {
		return fmt.Sprintf("<%d characters, not base64>", len(text))
	}
	key, err := pki.ParseKey(data)
	if err != nil {
		if block, _ := pem.Decode(data); block != nil {
			return fmt.Sprintf("<%s that cannot be read>", strings.ToLower(block.Type))
		}
		return fmt.Sprintf("<%d bytes, no private key>", len(data))
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return "<private key>"
	}
	return fmt.Sprintf("<private key of public key %s>", fingerprint(public))
}

func fingerprint(data []byte) string {
	hash := sha256.Sum256(data)
	return fmt.Sprintf("%x", hash[:6])
}

func fingerprintOf(cert *x509.Certificate) [sha256.Size]byte { return sha256.Sum256(cert.Raw) }
