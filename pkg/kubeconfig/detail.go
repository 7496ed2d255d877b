package kubeconfig

import (
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/yamledit"
)

// DetailKind is the kind that a Detail is written as.
const DetailKind = "ContextDetail"

// Detail is one context in full, in sections, without its secrets.
type Detail struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// TakenAt is the time that it is as of.
	TakenAt time.Time `json:"takenAt"`
	// Context is the context in short.
	Context Context `json:"context"`
	// Sections are the entries and certificates that it leads to, as text.
	Sections []Section `json:"sections"`
	// Problems are what keeps the context from being used, in words.
	Problems []string `json:"problems"`
}

// Section is a part of a Detail.
type Section struct {
	// Title is the section's heading.
	Title string `json:"title"`
	// Fields are its lines.
	Fields []DetailField `json:"fields"`
}

// DetailField is a line, or several, of a Section.
type DetailField struct {
	// Name is what it is about.
	Name string `json:"name"`
	// Values are what is said of it, a line each, with secrets masked.
	Values []string `json:"values"`
}

func (s *Section) add(name string, values ...string) {
	if strings.Join(values, "") != "" {
		s.Fields = append(s.Fields, DetailField{name, values})
	}
}

// Detail returns one context in full, as it is at now.
func (c *Config) Detail(e *Entry, now time.Time) *Detail {
	info := c.Describe(e, now)
	d := &Detail{APIVersion: APIVersion, Kind: DetailKind, TakenAt: now.UTC().Truncate(time.Second), Context: info, Problems: []string{}}
	d.Problems = append(d.Problems, info.Problems...)

	context := Section{Title: "Context " + e.Name}
	context.add("file", fmt.Sprintf("%s, line %d", e.In.Path, e.Line))
	if info.Current {
		context.add("current", "yes")
	}
	context.add("cluster", info.Cluster)
	context.add("user", info.User)
	context.add("namespace", info.Namespace)
	d.Sections = append(d.Sections, context)

	if cluster := c.Entry(ClusterEntry, info.Cluster); cluster != nil {
		d.addEntry(cluster)
		certs, err := cluster.CA()
		d.addCertificates("Certificate authority", certs, now)
		if err != nil {
			d.Problems = append(d.Problems, err.Error())
		}
	}
	if user := c.Entry(UserEntry, info.User); user != nil {
		d.addEntry(user)
		certs, _ := user.Certificate() // Describe has said what is wrong
		d.addCertificates("Client certificate", certs, now)
		if len(certs) > 0 {
			if err := user.keyFault(certs[0]); err != nil {
				d.Problems = append(d.Problems, err.Error())
			}
		}
	}
	return d
}

// addEntry adds a section of what an entry says, its secrets masked.
func (d *Detail) addEntry(e *Entry) {
	section := Section{Title: strings.ToUpper(e.Kind.String()[:1]) + e.Kind.String()[1:] + " " + e.Name}
	if e.body != nil {
		for i := range e.body.Children {
			field := &e.body.Children[i]
			switch field.Key {
			case caData, certificateData:
				continue // has a section of its own
			}
			shown := field
			if masked := maskField(e.Kind, field); masked != nil {
				shown = masked
			}
			section.add(field.Key, lines(shown)...)
		}
	}
	section.add("file", fmt.Sprintf("%s, line %d", e.In.Path, e.Line))
	d.Sections = append(d.Sections, section)
}

// lines are what a value says, a line each.
func lines(n *yamledit.Node) []string {
	if n.Kind == yamledit.Scalar {
		return []string{n.Value}
	}
	return strings.Split(strings.TrimSuffix(yamledit.Text(n), "\n"), "\n")
}

func (d *Detail) addCertificates(title string, certs []*x509.Certificate, now time.Time) {
	for i, cert := range certs {
		section := Section{Title: title}
		if len(certs) > 1 {
			section.Title = fmt.Sprintf("%s %d of %d", title, i+1, len(certs))
		}
		subject := pki.SubjectOf(cert)
		section.add("common name", subject.CommonName)
		section.add("groups", subject.Organizations...)
		section.add("issuer", cert.Issuer.String())
		section.add("serial number", cert.SerialNumber.Text(16))
		section.add("valid from", cert.NotBefore.UTC().Format("2006-01-02 15:04 MST"))
		section.add("valid until", cert.NotAfter.UTC().Format("2006-01-02 15:04 MST")+", "+string(describe(cert, now).Status))
		algorithm, bits := pki.DescribeKey(cert.PublicKey)
		section.add("key", fmt.Sprintf("%s %d", algorithm, bits))
		section.add("sha256", fmt.Sprintf("%x", fingerprintOf(cert)))
		d.Sections = append(d.Sections, section)
	}
}
