package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// The elements of JUnit's XML that servers of continuous integration read.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name      string      `xml:"name,attr"`
		Tests     int         `xml:"tests,attr"`
		Failures  int         `xml:"failures,attr"`
		Errors    int         `xml:"errors,attr"`
		Skipped   int         `xml:"skipped,attr"`
		Timestamp string      `xml:"timestamp,attr"`
		Cases     []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Failure *junitMessage `xml:"failure"`
		Skipped *junitMessage `xml:"skipped"`
		Output  string        `xml:"system-out,omitempty"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// CheckJUnit writes a test case for each certificate, request and place, and a
// skipped one for what could not be read. What is milder than FailOn is output
// of a case that passed.
func CheckJUnit(w io.Writer, inv *inventory.Inventory, o CheckOptions) error {
	all := junitSuites{Name: "kubectl certs check"}
	for _, c := range check(inv, o) {
		suite := junitSuite{Name: c.name}
		for _, s := range c.subjects {
			suite.Cases = append(suite.Cases, junitCaseOf(c, s, o.FailOn))
		}
		if len(suite.Cases) > 0 {
			all.Suites = append(all.Suites, suite)
		}
	}
	unseen := junitSuite{Name: "skipped"}
	for _, s := range inv.Skipped {
		if s.Expected {
			continue
		}
		unseen.Cases = append(unseen.Cases, junitCase{
			Name: Printable(place(s.Source, s.Where)), Class: unseen.Name,
			Skipped: &junitMessage{Message: Printable(s.Reason), Text: Printable(s.Hint)},
		})
	}
	if len(unseen.Cases) > 0 {
		all.Suites = append(all.Suites, unseen)
	}
	for i := range all.Suites {
		suite := &all.Suites[i]
		unique(suite.Cases)
		suite.Timestamp = inv.TakenAt.UTC().Format(time.RFC3339)
		for _, c := range suite.Cases {
			suite.Tests++
			if c.Failure != nil {
				suite.Failures++
			}
			if c.Skipped != nil {
				suite.Skipped++
			}
		}
		all.Tests, all.Failures, all.Skipped = all.Tests+suite.Tests, all.Failures+suite.Failures, all.Skipped+suite.Skipped
	}
	text, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, xml.Header+string(text)+"\n")
	return err
}

// unique gives each case a name of its own: servers of continuous integration
// keep one result a name.
func unique(cases []junitCase) {
	taken := map[string]bool{}
	for i := range cases {
		name := cases[i].Name
		for n := 2; taken[cases[i].Name]; n++ {
			cases[i].Name = fmt.Sprintf("%s #%d", name, n)
		}
		taken[cases[i].Name] = true
	}
}

// junitCaseOf is a test case, failed where one of the faults of s counts.
// Servers show one failure of a case: it says all.
func junitCaseOf(c *checked, s subject, failOn inventory.Severity) junitCase {
	result := junitCase{Name: Printable(s.name), Class: c.name}
	var counting, others []string
	var first inventory.Finding
	for _, f := range s.faults {
		text := Printable(string(f.Severity)+": "+f.Message) + "\nfix: " + Printable(f.Fix) + "\nsee " + Printable(see(f.Code)) + "\n"
		if failOn == inventory.Critical && f.Severity != inventory.Critical {
			others = append(others, text)
			continue
		}
		if len(counting) == 0 {
			first = f
		}
		counting = append(counting, text)
	}
	if len(counting) > 0 {
		result.Failure = &junitMessage{Message: Printable(first.Message), Type: Printable(string(first.Code)), Text: strings.Join(counting, "\n")}
	}
	result.Output = strings.Join(others, "\n")
	return result
}
