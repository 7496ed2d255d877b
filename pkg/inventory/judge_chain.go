package inventory

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// verdict is what those say who verify a certificate.
type verdict struct {
	places   []catalog.Place // of the CAs that it was verified against
	refusals []refusal
}

// refusal is why some of them do not accept it.
type refusal struct {
	severity Severity
	fault    *pki.ChainFault
	who      []string
	signed   *certificate // the culprit, where it was seen
}

// relate holds each of found against everybody who verifies it.
func (e *evidence) relate(found []*certificate) {
	byRaw := map[string]*certificate{}
	for _, f := range found {
		if f.entry.Role == catalog.CA {
			byRaw[string(f.raw)] = f
		}
	}
	for _, f := range found {
		f.verdict = verdict{places: []catalog.Place{}}
		if f.parsed == nil {
			continue
		}
		var order []catalog.Place
		for i := range f.sightings {
			e.hold(f, &f.sightings[i], byRaw)
			order = append(order, verifiedBy(&f.sightings[i], pki.Subject(f.entry.Subject))...)
		}
		slices.SortStableFunc(f.verdict.places, func(a, b catalog.Place) int {
			return cmp.Compare(slices.Index(order, a), slices.Index(order, b))
		})
		if len(f.verdict.places) == 0 && f.signer != nil && f.signer != f && e.now.After(f.signer.entry.NotAfter) {
			e.culprits[f.signer] = true
		}
	}
}

// refused says why bundle refuses the chain of cert for one of usages, nil if it does
// not. What is wrong with cert itself, other rules say.
func refused(bundle *pki.Bundle, cert *x509.Certificate, intermediates []*x509.Certificate, usages []x509.ExtKeyUsage, now time.Time) *pki.ChainFault {
	for _, usage := range usages {
		if fault := bundle.Verify(cert, intermediates, usage, now); fault != nil && fault.Kind != pki.FaultLeaf {
			return fault
		}
	}
	return nil
}

// hold holds c against those who verify it where it was seen as s.
func (e *evidence) hold(c *certificate, s *Sighting, byRaw map[string]*certificate) {
	usages := usagesOf(s)
	if len(usages) == 0 {
		return
	}
	for _, v := range e.candidates(verifiedBy(s, pki.Subject(c.entry.Subject))) {
		if !e.verifies(v, s, c) {
			continue
		}
		if place := v.place; !slices.Contains(c.verdict.places, place) {
			c.verdict.places = append(c.verdict.places, place)
		}
		fault := refused(v.trusted(), c.cert(), s.Intermediates, usages, e.now)
		if fault == nil {
			e.accepts[v.at] = true
			continue
		}
		r := refusal{severity: Critical, fault: fault, who: []string{v.who()}}
		if v.place == catalog.OtherContextCA || v.place == catalog.ClusterInfoCA && v.server != s.Server {
			r.severity = Warning // not in use, or not looked at itself
		}
		if fault.Culprit != nil {
			r.signed = byRaw[string(fault.Culprit.Raw)]
			if r.signed != nil && (fault.Kind == pki.FaultDates || fault.Kind == pki.FaultNoCA) {
				e.culprits[r.signed] = true
			}
		}
		c.verdict.add(r)
	}
}

// add takes a refusal in; who refuses for one reason stands together.
func (v *verdict) add(r refusal) {
	for i := range v.refusals {
		same := &v.refusals[i]
		if same.severity == r.severity && same.fault.Kind == r.fault.Kind && same.fault.Detail == r.fault.Detail && sameCertificate(same.fault.Culprit, r.fault.Culprit) {
			if !slices.Contains(same.who, r.who[0]) {
				same.who = append(same.who, r.who...)
			}
			return
		}
	}
	v.refusals = append(v.refusals, r)
}

func sameCertificate(a, b *x509.Certificate) bool {
	return a == b || a != nil && b != nil && a.Equal(b)
}

// judgeChain says who refuses c, and why. Where nobody could be read who
// verifies it, it says nothing.
func judgeChain(c *certificate, e *evidence) []Finding {
	var findings []Finding
	over := e.now.After(c.entry.NotAfter) || e.now.Before(c.entry.NotBefore)
	for _, r := range c.verdict.refusals {
		if over && r.fault.Kind == pki.FaultDates {
			continue // the CA's end is said of the CA
		}
		who := enumerate(r.who)
		f := Finding{CodeChainBroken, r.severity, "does not verify for " + who + ": " + r.reason(e), ""}
		switch r.fault.Kind {
		case pki.FaultDates:
			f.Fix = "replace the CA, and reissue what it signed"
			if r.signed != nil {
				f.Fix = renewal(r.signed, e)
			}
		case pki.FaultUsage, pki.FaultConstraint:
			f.Fix = "reissue that CA without the restriction, or issue this certificate from another CA"
		case pki.FaultNoCA:
			f.Fix = newCA
		case pki.FaultAlgorithm:
			f.Fix = "reissue it with an algorithm that Kubernetes accepts: ECDSA P-256 or RSA, with SHA-256"
		case pki.FaultName:
			f.Fix = "issue it again with a copy of the CA's subject as its issuer, or issue the CA again with the subject that is expected"
		case pki.FaultMissing:
			f.Fix = "issue it from a CA that is trusted there; if an intermediate CA is missing, append its certificate to the chain"
		default:
			f.Fix = "one of the two was replaced: issue the certificate from the CA that is trusted there, or add the new CA there"
		}
		findings = append(findings, f)
	}
	return findings
}

// reason says why, in words.
func (r refusal) reason(e *evidence) string {
	if r.fault.Kind != pki.FaultDates {
		return r.fault.Detail
	}
	if r.fault.Culprit == nil {
		return "a CA in its chain has expired"
	}
	ca := fmt.Sprintf("its CA %q", cut(pki.NameOf(r.fault.Culprit.RawSubject)))
	if r.signed != nil {
		ca = "its CA, " + cut(r.signed.entry.Name) + ","
	}
	if e.now.Before(r.fault.Culprit.NotBefore) {
		return fmt.Sprintf("%s is valid only in %s", ca, Span(e.now, r.fault.Culprit.NotBefore))
	}
	return fmt.Sprintf("%s expired %s ago", ca, Span(r.fault.Culprit.NotAfter, e.now))
}

// mostNamed is how many of those who refuse a certificate are named.
const mostNamed = 4

// enumerate writes names as a person would.
func enumerate(names []string) string {
	if len(names) > mostNamed {
		names = append(names[:mostNamed:mostNamed], fmt.Sprintf("%d more", len(names)-mostNamed))
	}
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// cut bounds what a stranger chose.
func cut(text string) string {
	const most = 300
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + " …"
}

// holdsAPIServer reports whether the API server's certificate was seen among the
// files of owner.
func (e *evidence) holdsAPIServer(owner string) bool {
	return slices.ContainsFunc(e.files[apiServer], func(f *certificate) bool {
		return slices.ContainsFunc(f.sightings, func(s Sighting) bool { return s.Row == apiServer && s.Owner == owner })
	})
}

// strangers finds kubeconfigs on nodes whose holders do not trust the API server
// that they connect to. It is said of them, not of the API server: a node has no
// say about others.
func (e *evidence) strangers(found []*certificate) []PlaceFinding {
	var findings []PlaceFinding
	for _, v := range e.verifiers {
		if v.place != catalog.ServerCAFile || v.server == "" || !strings.HasPrefix(v.owner, OwnerNode("")) {
			continue
		}
		for _, f := range found {
			i := slices.IndexFunc(f.sightings, func(s Sighting) bool {
				return s.Place == catalog.APIServerEndpoint && s.Server != "" &&
					(s.Server == v.server || samePort(s.Server, v.server) && f.cert().VerifyHostname(v.address) == nil)
			})
			if i < 0 || e.holdsAPIServer(v.owner) {
				continue // or it is said of the file there
			}
			fault := v.trusted().Verify(f.cert(), f.sightings[i].Intermediates, x509.ExtKeyUsageServerAuth, e.now)
			if fault == nil || fault.Kind == pki.FaultLeaf {
				continue
			}
			findings = append(findings, PlaceFinding{Location: v.at, Finding: Finding{CodeChainBroken, Critical,
				fmt.Sprintf("does not trust the API server that it connects to (%s): %s", v.server, refusal{fault: fault}.reason(e)),
				"add the CA that signed the API server's certificate: see ConfigMap kube-root-ca.crt"}})
			break
		}
	}
	return findings
}
