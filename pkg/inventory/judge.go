package inventory

import (
	"crypto/x509"
	"slices"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
)

// evidence is what certificates are judged by.
type evidence struct {
	now    time.Time
	within time.Duration // 0 for the default
	// trust is the anchors configured at each place.
	trust map[catalog.Place][]*x509.Certificate
	// valid tells of a location whether something there is in date.
	valid map[Location]bool
	// files are what lies in the files of each row.
	files map[string][]*certificate
	// serials counts what a CA signed under one serial number.
	serials map[serialOf]int
}

// serialOf is what RFC 5280, section 4.1.2.2, wants to be unique.
type serialOf struct {
	ca     *certificate
	serial string
}

// evidence gathers what found is judged by.
func (c *Collector) evidence(found []*certificate) *evidence {
	e := &evidence{
		now: c.Now, within: c.Within,
		trust:   map[catalog.Place][]*x509.Certificate{},
		valid:   map[Location]bool{},
		files:   map[string][]*certificate{},
		serials: map[serialOf]int{},
	}
	for _, f := range found {
		if f.signer != nil && f.signer != f {
			e.serials[serialOf{f.signer, f.entry.SerialNumber}]++
		}
		for _, s := range f.sightings {
			if catalog.IsAnchor(s.Place) {
				e.trust[s.Place] = append(e.trust[s.Place], f.cert())
			}
			if f.entry.IsCA && !c.Now.After(f.entry.NotAfter) {
				e.valid[s.Location] = true
			}
			if s.Place == catalog.LeafFile && s.Row != "" {
				e.files[s.Row] = append(e.files[s.Row], f)
			}
		}
	}
	return e
}

// rules are what every certificate is held against.
var rules = []func(*certificate, *evidence) []Finding{
	judgeDates,
	judgeChain,
	judgeSelfSigned,
	judgeCALife,
	judgeNames,
	judgeUsage,
	judgeSubject,
	judgeStrength,
	judgeSerial,
	judgeKey,
	judgeFile,
	judgePower,
	judgeLife,
	judgeSight,
}

// judge returns what is wrong with c.
func judge(c *certificate, e *evidence) []Finding {
	findings := append([]Finding{}, c.own...)
	if c.parsed == nil {
		return append(findings, judgeCALife(c, e)...) // the rest was judged when it came
	}
	for _, rule := range rules {
		for _, f := range rule(c, e) {
			if c.seenOnly(catalog.CopyFile) {
				f.Severity = Info // nothing uses it
			}
			if !slices.Contains(findings, f) {
				findings = append(findings, f)
			}
		}
	}
	return findings
}

// judgeAlone returns what is wrong with one of many certificates, by what came
// with it.
func judgeAlone(s Sighting, e *evidence) []Finding {
	c := newCertificate(s.Certificate, [32]byte{})
	c.parsed, c.sightings = s.Certificate, []Sighting{s}
	c.entry.Name, c.entry.Role = s.Name, roleAt(c.entry, s.Place)
	var findings []Finding
	for _, rule := range []func(*certificate, *evidence) []Finding{judgeDates, judgeStrength} {
		findings = append(findings, rule(c, e)...)
	}
	return findings
}

// seenOnly reports whether c was seen at places and nowhere else.
func (c *certificate) seenOnly(places ...catalog.Place) bool {
	for _, s := range c.sightings {
		if !slices.Contains(places, s.Place) {
			return false
		}
	}
	return true
}
