package access

import (
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// Trace is a certificate, or a request that could still lead to one, which
// leads back to somebody, or cannot be told not to.
type Trace struct {
	// User and Groups are those of the certificate; User is "" where the
	// request cannot be read.
	User   string
	Groups []string
	// State is Issued, Approved or Pending.
	State State
	// Until is when the certificate expires; zero where there is none, or
	// where that is not known.
	Until time.Time
	// Why says what leads to it: "requested by dana".
	Why string
	// Source names the request or the record.
	Source string
	// Request is nil where only a record is left.
	Request *Request
}

// issuance is a certificate that authenticates, or may come to be, with what is
// known of its origin.
type issuance struct {
	Trace
	requestedBy, approvedBy string
	// at is when it was made.
	at time.Time
	// automatic says that a controller of the cluster approves such requests.
	automatic bool
	// fault is why nobody can tell what it is; "" if they can.
	fault string
}

// issuances are the valid certificates that there are signs of, and the
// requests that could still lead to one. Of a certificate that has a record and
// a request, the API server itself says in the request who asked.
func (f *Farewell) issuances(requests []Request, records *Records, now time.Time) []issuance {
	var all []issuance
	recorded := map[string]Record{}
	for _, r := range records.Items {
		if !r.Lost {
			recorded[r.Fingerprint] = r
		}
	}
	requested := map[string]bool{}
	for i := range requests {
		found, fingerprint, ok := f.ofRequest(&requests[i], now)
		if !ok {
			continue
		}
		if r, ok := recorded[fingerprint]; ok && fingerprint != "" {
			requested[fingerprint] = true
			found.approvedBy = r.ApprovedBy
			if r.RequestedBy != found.requestedBy {
				f.Damaged = append(f.Damaged, fmt.Sprintf("ConfigMap %s/%s: requestedBy is %q, but the request says %q", RecordNamespace, r.Name, r.RequestedBy, found.requestedBy))
			}
		}
		all = append(all, found)
	}
	for _, r := range records.Items {
		if !requested[r.Fingerprint] || r.Lost {
			if found, ok := f.ofRecord(r, now); ok {
				all = append(all, found)
			}
		}
	}
	return all
}

// ofRequest is what may come, or has come, of a request; false if nothing.
func (f *Farewell) ofRequest(r *Request, now time.Time) (found issuance, fingerprint string, ok bool) {
	found = issuance{
		Trace:       Trace{User: r.Subject.CommonName, Groups: r.Subject.Organizations, State: r.State, Source: "request " + r.Name, Request: r},
		requestedBy: r.Requester, at: r.CreatedAt, automatic: isKubelets(r),
	}
	switch r.State {
	case Issued:
		certs, _ := pki.ParseCertificates(r.object.Status.Certificate)
		if len(certs) == 0 || certs[0].NotAfter.Before(now) || !f.authenticates(certs[0], certs[1:], r.Signer) {
			return found, "", false
		}
		sum := sha256.Sum256(certs[0].Raw)
		found.User, found.Groups, found.Until = certs[0].Subject.CommonName, certs[0].Subject.Organization, certs[0].NotAfter
		return found, hex.EncodeToString(sum[:]), true
	case Pending, Approved:
		if !r.asksForClient() {
			return found, "", false
		}
		if r.parsed == nil {
			// The API server is less strict about what surrounds a request.
			found.User, found.fault = "", "it cannot be read: "+r.fault.Error()
		}
		return found, "", true
	}
	return found, "", false
}

// asksForClient reports whether what the request asks for could authenticate to
// the API server. The signer of kubelets' serving certificates refuses that
// (pkg/apis/certificates/helpers.go).
func (r *Request) asksForClient() bool {
	return r.Signer != certificatesv1.KubeletServingSignerName && slices.ContainsFunc(r.object.Spec.Usages, func(u certificatesv1.KeyUsage) bool {
		return u == certificatesv1.UsageClientAuth || u == certificatesv1.UsageAny
	})
}

// isKubelets reports whether a node, or one that is about to join, asks for the
// client certificate of a node: the controller manager approves that itself
// (pkg/controller/certificates/approver/sarapprove.go).
func isKubelets(r *Request) bool {
	return r.Signer == certificatesv1.KubeAPIServerClientKubeletSignerName &&
		(r.Requester == r.Subject.CommonName || slices.Contains(r.RequesterGroups, "system:bootstrappers"))
}

// authenticates reports whether a certificate logs in to the API server: by its
// client CA or, where that is not known, by the signer.
func (f *Farewell) authenticates(cert *x509.Certificate, chain []*x509.Certificate, signer string) bool {
	if !pki.HasUsage(cert, x509.ExtKeyUsageClientAuth) {
		return false
	}
	if len(f.ClientCA) > 0 {
		return pki.VerifyChain(cert, chain, f.ClientCA, cert.NotBefore) == nil
	}
	return acceptedAsClient(signer)
}

// acceptedAsClient reports whether certificates of a signer log in to the API
// server.
func acceptedAsClient(signer string) bool {
	return signer == certificatesv1.KubeAPIServerClientSignerName || signer == certificatesv1.KubeAPIServerClientKubeletSignerName
}

// ofRecord is a certificate of which there is a record; false if it is of no use
// any more. What was recorded by a record that lost its certificate may be of
// use to anybody.
func (f *Farewell) ofRecord(r Record, now time.Time) (issuance, bool) {
	found := issuance{
		Trace:       Trace{User: r.User, Groups: r.Groups, State: Issued, Until: r.NotAfter, Source: "record " + r.Name},
		requestedBy: r.RequestedBy, approvedBy: r.ApprovedBy, at: r.NotBefore,
	}
	switch {
	case r.Lost:
		found.fault = "its record is damaged"
		return found, true
	case r.NotAfter.Before(now), len(f.ClientCA) > 0 && !r.Verified:
		return found, false
	}
	return found, true
}

// clockSlack is how much earlier than it was made something may say that it
// was: the signer dates certificates back by five minutes.
const clockSlack = 10 * time.Minute

// trace follows what the user asked for and approved, and what was then asked
// for and approved under the names that they got so, until nothing is left to
// follow. It returns which of all it has traced.
func (f *Farewell) trace(all []issuance) []bool {
	since := map[string]time.Time{f.User: {}}
	traced := make([]bool, len(all))
	for grown := true; grown; {
		grown = false
		for i := range all {
			if traced[i] || all[i].User == f.User || slices.Contains(f.Accepted, all[i].User) {
				continue
			}
			why := all[i].leadsTo(since)
			if why == "" {
				continue
			}
			traced[i], grown = true, true
			all[i].Why = why
			f.Traces = append(f.Traces, all[i].Trace)
			if at, known := since[all[i].User]; all[i].User != "" && (!known || all[i].at.Before(at)) {
				since[all[i].User] = all[i].at
			}
		}
	}
	sortTraces(f.Traces)
	return traced
}

// attribute collects what was not traced and has no known origin.
func (f *Farewell) attribute(all []issuance, traced []bool) {
	for i := range all {
		known := all[i].User == f.User || slices.Contains(f.Accepted, all[i].User)
		if traced[i] || known && all[i].fault == "" {
			continue
		}
		if all[i].Why = all[i].unknown(f.approver || f.CouldUnknown); all[i].Why != "" {
			f.Unattributed = append(f.Unattributed, all[i].Trace)
		}
	}
	sortTraces(f.Unattributed)
}

func sortTraces(traces []Trace) {
	slices.SortStableFunc(traces, func(a, b Trace) int {
		return cmp.Or(strings.Compare(a.User, b.User), strings.Compare(a.Source, b.Source))
	})
}

// leadsTo says which of the users, since when they are followed, asked for it or
// approved it; "" if none did.
func (i *issuance) leadsTo(since map[string]time.Time) string {
	for _, by := range []struct{ user, did string }{{i.requestedBy, "requested"}, {i.approvedBy, "approved"}} {
		if at, followed := since[by.user]; followed && by.user != "" && !i.at.Add(clockSlack).Before(at) {
			return by.did + " by " + by.user
		}
	}
	return ""
}

// unknown says what is not known of its origin; "" where all is, or where that
// does not matter: what nobody could approve nobody has.
func (i *issuance) unknown(couldApprove bool) string {
	switch {
	case i.fault != "":
		return i.fault
	case !couldApprove || i.automatic:
		return ""
	case i.State == Pending:
		return "" // approved by nobody as yet, and requested by another user
	case i.requestedBy == "":
		return "the requester is not known"
	case i.approvedBy == "":
		return "requested by " + i.requestedBy + "; the approver is not known"
	}
	return ""
}
