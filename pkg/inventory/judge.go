package inventory

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
)

// evidence is what certificates are judged by.
type evidence struct {
	now    time.Time
	within time.Duration // 0 for the default
	// verifiers are those who verify others.
	verifiers []*verifier
	// byPlace has them by the place that their trust stands for: there may be
	// thousands, most of whom verify nothing that was seen.
	byPlace map[catalog.Place][]int
	// reached has the addresses, as host:port, that the API server was seen at.
	reached map[string]bool
	// servers has, for each owner of files, where the components connect to whose
	// kubeconfigs lie there.
	servers map[string]map[string]bool
	// accepts has where CAs are by which something that was seen is accepted.
	accepts map[Location]bool
	// culprits are CAs that a verification fails for.
	culprits map[*certificate]bool
	// valid has CAs that are in date, by what may have to be replaced by them.
	valid map[successor][]*certificate
	// files are what lies in the files of each row.
	files map[string][]*certificate
	// runs is how the cluster is run, where that is known; the zero Distribution
	// otherwise.
	runs catalog.Distribution
	// serials counts what a CA signed under one serial number.
	serials map[serialOf]int
}

// serialOf is what RFC 5280, section 4.1.2.2, wants to be unique.
type serialOf struct {
	ca     *certificate
	serial string
}

// successor is what CAs beside each other have in common, as far as it is asked
// for: where they are, of what name, and with which key.
type successor struct {
	at           Location
	subject, key string
}

// succeed enters f, which is in date, among what may replace others. Two of a
// kind are enough to answer whether there is another one: a bundle may hold
// thousands.
func (e *evidence) succeed(f *certificate) {
	subject, key := string(f.subject), string(f.key)
	for _, s := range f.sightings {
		for _, as := range []successor{{at: s.Location}, {at: s.Location, subject: subject}, {s.Location, subject, key}} {
			if known := e.valid[as]; len(known) < 2 && !slices.Contains(known, f) {
				e.valid[as] = append(known, f)
			}
		}
	}
}

// evidence gathers what found is judged by.
func (c *Collector) evidence(found []*certificate, cluster Cluster) *evidence {
	e := &evidence{
		now: c.Now, within: c.Within,
		verifiers: verifiersOf(found, c.pools),
		reached:   map[string]bool{},
		servers:   map[string]map[string]bool{},
		accepts:   map[Location]bool{},
		culprits:  map[*certificate]bool{},
		valid:     map[successor][]*certificate{},
		files:     map[string][]*certificate{},
		serials:   map[serialOf]int{},
	}
	e.byPlace = byPlace(e.verifiers)
	told := false
	e.runs, told = catalog.RecogniseDistribution(cluster.Server, cluster.Version)
	for _, f := range found {
		if f.signer != nil && f.signer != f {
			e.serials[serialOf{f.signer, f.entry.SerialNumber}]++
		}
		if f.entry.IsCA && !c.Now.After(f.entry.NotAfter) {
			e.succeed(f)
		}
		for _, s := range f.sightings {
			if s.Place == catalog.ClusterInfoCA && !told {
				e.runs, told = catalog.DistributionNamed(catalog.Kubeadm) // nothing else publishes it
			}
			switch {
			case s.Place == catalog.APIServerEndpoint && s.Server != "":
				e.reached[s.Server] = true
			case s.Place == catalog.ServerCAFile && s.Server != "":
				if e.servers[s.Owner] == nil {
					e.servers[s.Owner] = map[string]bool{}
				}
				e.servers[s.Owner][s.Server] = true
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
	judgeAuthority,
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
	judgeUntried,
}

// judge returns what is wrong with c.
func judge(c *certificate, e *evidence) []Finding {
	if c.parsed == nil {
		// The rest was judged when it came.
		return append(append(append([]Finding{}, c.own...), judgeCALife(c, e)...), judgeUntried(c, e)...)
	}
	findings := []Finding{}
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
	// It may lie among the many as well: what only they show is added, and what
	// is said already is not said twice.
	for _, f := range c.own {
		if !slices.ContainsFunc(findings, func(said Finding) bool { return said.Code == f.Code }) {
			findings = append(findings, f)
		}
	}
	return c.everywhere(findings)
}

// everywhere tells all the places of what lies in a Secret and is trusted
// elsewhere too: whoever replaces it in one has to do so in the other.
func (c *certificate) everywhere(findings []Finding) []Finding {
	if !slices.ContainsFunc(c.sightings, func(s Sighting) bool { return manifold(s.Place) }) {
		return findings
	}
	const most = 5
	var places []string
	for i, l := range c.entry.Locations {
		if i == most {
			places = append(places, fmt.Sprintf("%d more", len(c.entry.Locations)-most))
			break
		}
		places = append(places, l.Where)
	}
	if len(places) < 2 {
		return findings
	}
	for i := range findings {
		findings[i].Message += " (it is in " + strings.Join(places, ", ") + ")"
	}
	return findings
}

// judgeAlone returns what is wrong with c, one of many certificates, by what came
// with it.
func (c *certificate) judgeAlone(s Sighting, e *evidence) []Finding {
	c.parsed, c.sightings = s.Certificate, []Sighting{s}
	defer func() { c.parsed, c.sightings = nil, nil }() // add keeps what is needed
	c.entry.Name, c.entry.Role = s.Name, roleAt(c.entry, s.Place)
	return slices.Concat(judgeDates(c, e), judgeAloneNames(c, e), judgeStrength(c, e))
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
