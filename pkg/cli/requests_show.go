package cli

import (
	"fmt"
	"io"
	"strings"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
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
	state := fmt.Sprintf("%s, made %s ago, on %s", r.State, duration.HumanDuration(a.now().Sub(r.CreatedAt)), r.CreatedAt.UTC().Format("2006-01-02 15:04 MST"))
	line("state", state)
	line("decision", r.Decision())
	line("asked by", r.Requester)
	line("who is in", orNone(r.RequesterGroups))

	fprintf(w, "Would certify\n")
	line("user", r.Subject.CommonName)
	line("groups", orNone(r.Subject.Organizations))
	line("names", alternativeNames(r))
	life := requestedLife(r)
	if r.ExpirationSeconds == 0 && strings.HasPrefix(r.Signer, "kubernetes.io/") {
		life = humanLife(powers.SignerLife) + ", which the signer gives to those who ask for none"
	}
	line("life", life)
	line("usages", strings.Join(r.Usages, ", "))
	line("key", fmt.Sprintf("%s %d", r.PublicKey.Algorithm, r.PublicKey.Bits))
	line("signer", r.Signer)

	fprintf(w, "Risks\n")
	for _, risk := range r.Risks {
		mark := "‼"
		if toneOf(risk) == report.Bad {
			mark = "×"
		}
		// The mark alone is painted: it is ours.
		_, _ = io.WriteString(w, "  "+colors.Paint(toneOf(risk), mark)+" ")
		fprintf(w, "%s: %s\n", string(risk.Code), risk.Message)
	}
	if len(r.Risks) == 0 {
		fprintf(w, "  none was found\n")
	}
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
