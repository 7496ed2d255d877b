package cli

import (
	"fmt"
	"io"
	"strings"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/report"
)

// showRequest shows everything about a request to the person who decides
// about it.
func (a *app) showRequest(w io.Writer, r *access.Request, powers *access.Powers, colors report.Colors) {
	line := func(name, text string) {
		if text != "" {
			fprintf(w, "  %-10s%s\n", name, text)
		}
	}
	fprintf(w, "Request %s\n", r.Name)
	state := fmt.Sprintf("%s, created %s ago, on %s", r.State, duration.HumanDuration(a.now().Sub(r.CreatedAt)), r.CreatedAt.UTC().Format("2006-01-02 15:04 MST"))
	line("state", state)
	line("decision", r.Decision())
	line("requester", pki.Quote(r.Requester))
	line("groups", pki.QuoteAll(r.RequesterGroups, "none"))

	fprintf(w, "Certificate\n")
	line("user", pki.Quote(r.Subject.CommonName))
	line("groups", pki.QuoteAll(r.Subject.Organizations, "none"))
	line("also", otherAttributes(r.OtherAttributes))
	line("names", alternativeNames(r))
	life := requestedLife(r)
	if r.ExpirationSeconds == 0 && strings.HasPrefix(r.Signer, "kubernetes.io/") {
		life = humanLife(powers.SignerLife) + ", the signer's default"
	}
	line("lifetime", life)
	line("usages", strings.Join(r.Usages, ", "))
	line("key", fmt.Sprintf("%s %d", r.PublicKey.Algorithm, r.PublicKey.Bits))
	line("signer", r.Signer)

	fprintf(w, "Risks\n")
	a.showRisks(w, r.Risks, colors)
	if len(r.Risks) == 0 {
		fprintf(w, "  none found\n")
	}
}

// mostDetails is as much of one risk as a person reads; JSON has all of it.
const mostDetails = 20

// showRisks shows what speaks against a request, a line each, and what each
// sums up.
func (a *app) showRisks(w io.Writer, risks []access.Risk, colors report.Colors) {
	for _, risk := range risks {
		mark := map[report.Mood]string{report.Bad: "×", report.Doubtful: "‼", report.Plain: "i"}[toneOf(risk)]
		// The mark alone is painted: it is ours.
		_, _ = io.WriteString(w, "  "+colors.Paint(toneOf(risk), mark)+" ")
		fprintf(w, "%s: %s\n", string(risk.Code), risk.Heading())
		for i, detail := range risk.Details {
			if i == mostDetails {
				fprintf(w, "      and %d more: see -o json\n", len(risk.Details)-i)
				break
			}
			fprintf(w, "      %s\n", detail)
		}
	}
}

// otherAttributes writes what a subject has beside the user and the groups.
func otherAttributes(attributes []pki.Attribute) string {
	var all []string
	for _, a := range attributes {
		all = append(all, a.String())
	}
	return strings.Join(all, ", ")
}
