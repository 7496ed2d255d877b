package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// CheckOptions are what a reader may ask of a check.
type CheckOptions struct {
	Options
	// FailOn is the mildest severity that counts against the cluster: Warning
	// or Critical. "" is Warning.
	FailOn inventory.Severity
	// Sources are those that were read, by their names in Location.Source. What
	// none of them reads is not said to be OK. Nil is all.
	Sources []string
	// Checked is how many certificates were checked, of which the inventory may
	// hold only those with faults. 0 where the inventory holds all.
	Checked int
}

// CheckFormat writes what a check found in one way.
type CheckFormat func(io.Writer, *inventory.Inventory, CheckOptions) error

// CheckFormats are the formats by the name that `check -o` takes, the default
// first, in the order that help lists them.
var CheckFormats = []struct {
	Name  string
	Write CheckFormat
}{
	{"table", Check},
	{"short", CheckShort},
	{"json", CheckJSON},
	{"yaml", CheckYAML},
	{"junit", CheckJUnit},
}

// CheckFormatNames lists the names of CheckFormats.
func CheckFormatNames() []string {
	var names []string
	for _, f := range CheckFormats {
		names = append(names, f.Name)
	}
	return names
}

// LookupCheck returns the format that `check -o` calls name, or an error that
// lists all.
func LookupCheck(name string) (CheckFormat, error) {
	for _, f := range CheckFormats {
		if f.Name == name {
			return f.Write, nil
		}
	}
	return nil, fmt.Errorf("unknown output format %q: use one of %s", name, strings.Join(CheckFormatNames(), ", "))
}

// The results of a check, which are its exit status.
const (
	ResultOK       = 0 // nothing to act on
	ResultWarning  = 1 // something to act on soon
	ResultCritical = 2 // something to act on now
	ResultUnknown  = 3 // nothing was found, but not everything could be read
)

// Result sums inv up. Findings milder than failOn do not count. What could not
// be read counts where nothing was found, unless there was nothing to be seen.
func Result(inv *inventory.Inventory, failOn inventory.Severity) int {
	faults := faultsOf(inv) // the worst first
	switch {
	case len(faults) > 0 && faults[0].Severity == inventory.Critical:
		return ResultCritical
	case len(faults) > 0 && failOn != inventory.Critical:
		return ResultWarning
	case slices.ContainsFunc(inv.Skipped, func(s inventory.Skip) bool { return !s.Expected }):
		return ResultUnknown
	}
	return ResultOK
}

// category is what people think in when they ask whether a cluster is OK.
type category struct {
	// token is how JSON calls it, name how people do.
	token, name string
	// one and many are what there is to count in it.
	one, many string
	// sources are those that can see it; nil for all.
	sources []string
}

// The categories, in the order that they are written.
var (
	inAuthorities = &category{"certificate-authorities", "certificate authorities", "CA", "CAs", nil}
	inServers     = &category{"servers", "servers", "server certificate", "server certificates", []string{"endpoint", "kubelets", "control-plane", "files", "node-files"}}
	inClients     = &category{"clients", "clients", "client certificate", "client certificates", []string{"kubeconfig", "files", "node-files"}}
	inSecrets     = &category{"tls-secrets", "TLS Secrets", "certificate", "certificates", []string{"secrets"}}
	inWebhooks    = &category{"webhooks-and-apis", "webhooks and APIs", "CA bundle's certificate", "CA bundles' certificates", []string{"webhooks"}}
	inRequests    = &category{"certificate-signing-requests", "certificate signing requests", "request", "requests and their certificates", []string{"requests"}}
	inOthers      = &category{"other-locations", "other locations", "place", "places", []string{}}

	categories = []*category{inAuthorities, inServers, inClients, inSecrets, inWebhooks, inRequests, inOthers}
)

// categoryOf tells where a certificate belongs: what only one of the sources
// can see belongs to that.
func categoryOf(e *inventory.Entry) *category {
	for _, c := range []*category{inSecrets, inWebhooks, inRequests} {
		elsewhere := func(l inventory.Location) bool { return !slices.Contains(c.sources, l.Source) }
		if len(e.Locations) > 0 && !slices.ContainsFunc(e.Locations, elsewhere) {
			return c
		}
	}
	switch {
	case e.Role == catalog.CA:
		return inAuthorities
	case e.Role == catalog.Client:
		return inClients
	}
	return inServers
}

// categoryAt tells where a finding about a place belongs.
func categoryAt(source string) *category {
	if source == "trust" {
		return inAuthorities
	}
	for _, c := range categories {
		if slices.Contains(c.sources, source) {
			return c
		}
	}
	return inOthers
}

// claims are what is checked, said as it should be, by the code of what is
// found where it is not so.
var claims = map[inventory.Code]string{
	inventory.CodeExpired:         "have not expired",
	inventory.CodeExpiresSoon:     "do not expire soon",
	inventory.CodeNotYetValid:     "are already valid",
	inventory.CodeChainBroken:     "chain to the CA they are verified against",
	inventory.CodeUnverified:      "can be verified",
	inventory.CodeSelfSigned:      "are signed by the cluster's CA",
	inventory.CodeCAExpiresFirst:  "expire before their CA",
	inventory.CodeSANMismatch:     "have the address they are reached at",
	inventory.CodeWrongUsage:      "have the required key usages",
	inventory.CodeWrongSubject:    "have the subject of their component",
	inventory.CodeWeakKey:         "have strong keys",
	inventory.CodeWeakSignature:   "are signed with a strong algorithm",
	inventory.CodeDuplicateSerial: "have unique serial numbers",
	inventory.CodeKeyMismatch:     "match their private keys",
	inventory.CodeKeyUnusable:     "have a private key that can be loaded",
	inventory.CodeServedDiffers:   "match the files of their servers",
	inventory.CodeClusterAdmin:    "grant only permissions that can be revoked",
	inventory.CodeLongLivedClient: "are short-lived",
	inventory.CodeNoCertificate:   "have a certificate to present",
	inventory.CodeUnreadable:      "can be read",
	inventory.CodePendingTooLong:  "are handled in time",
	inventory.CodeWebhookBundle:   "have a CA to verify with",
	inventory.CodeInsecureSkip:    "verify their peer",
	inventory.CodeDamagedRecord:   "match their records",
}

// subject is what a check looked at: a certificate, a request, a place.
type subject struct {
	name   string
	entry  *inventory.Entry // nil for others
	source string           // of a place; "" for others
	faults []inventory.Finding
}

// sha256 identifies a certificate; it is "" for what is none.
func (s subject) sha256() string {
	if s.entry == nil {
		return ""
	}
	return s.entry.SHA256
}

// checked is a category, and what was looked at in it.
type checked struct {
	*category
	subjects []subject
	ok       int              // subjects without faults
	blamed   int              // subjects that say why another one is not OK
	unsure   int              // of them, those that could not be verified
	first    *inventory.Entry // of them, the first to end
}

// check sorts inv into categories; those that could not have been seen are left
// out.
func check(inv *inventory.Inventory, o CheckOptions) []*checked {
	in, refused := map[*category]*checked{}, inventory.Refused(inv.Items)
	for _, c := range categories {
		in[c] = &checked{category: c}
	}
	for i := range inv.Items {
		e := &inv.Items[i]
		if e.Copy {
			continue // it is counted where it was skipped
		}
		in[categoryOf(e)].add(subject{called(e), e, "", e.Findings}, inv.TakenAt)
	}
	for _, f := range inv.Findings {
		c := in[categoryAt(f.Source)]
		if refused[f.CertificateAt()] {
			c.blamed++ // the certificate is counted
		}
		c.add(subject{f.Where, nil, f.Source, []inventory.Finding{f.Finding}}, inv.TakenAt)
	}
	for _, r := range inv.Requests {
		in[inRequests].add(subject{r.Name, nil, "", r.Findings}, inv.TakenAt)
	}
	var all []*checked
	for _, c := range categories {
		if len(in[c].subjects) > 0 || c.seenBy(o.Sources, inv.Skipped) {
			all = append(all, in[c])
		}
	}
	return all
}

// add takes s in, with those of its findings that somebody has to act on, the
// worst first.
func (c *checked) add(s subject, now time.Time) {
	var faults []inventory.Finding
	for _, f := range s.faults {
		if f.Severity != inventory.Info {
			faults = append(faults, f)
		}
	}
	slices.SortStableFunc(faults, func(a, b inventory.Finding) int { return b.Severity.Compare(a.Severity) })
	s.faults = faults
	if len(faults) == 0 && !(s.entry != nil && s.entry.Status == inventory.Invalid) {
		c.ok++
		if s.entry != nil && unverified(s.entry) {
			c.unsure++
		}
		// What is over, and need not be, ends no more.
		if s.entry != nil && !now.After(s.entry.NotAfter) && (c.first == nil || s.entry.NotAfter.Before(c.first.NotAfter)) {
			c.first = s.entry
		}
	}
	c.subjects = append(c.subjects, s)
}

// seenBy reports whether sources, which were read but for skips, would have
// seen what there is in c, if there were any. Nil is all sources.
func (c *category) seenBy(sources []string, skips []inventory.Skip) bool {
	if c != inSecrets && c != inWebhooks && c != inRequests {
		return false
	}
	own := c.sources[0]
	return (sources == nil || slices.Contains(sources, own)) &&
		!slices.ContainsFunc(skips, func(s inventory.Skip) bool { return s.Source == own })
}
