package access

import (
	"context"
	"fmt"
	"strings"

	certificatesv1 "k8s.io/api/certificates/v1"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// AddServingRisks adds to those of requests that are for a kubelet's serving
// certificate, and wait for approval, what speaks against their names and
// addresses.
func (g *ServingGate) AddServingRisks(ctx context.Context, requests []Request) error {
	var found []*Request
	for i := range requests {
		if r := &requests[i]; r.Signer == certificatesv1.KubeletServingSignerName && r.State == Pending && r.parsed != nil {
			found = append(found, r)
		}
	}
	if len(found) == 0 {
		return nil
	}
	facts, err := g.readServingFacts(ctx)
	if err != nil {
		return fmt.Errorf("checking the kubelets' serving requests: %w", err)
	}
	for i, findings := range g.judge(ctx, facts, found) {
		for _, code := range []RiskCode{RiskServingNames, RiskUnchecked} {
			if risk, ok := riskOf(code, findings); ok {
				found[i].Risks = append(found[i].Risks, risk)
			}
		}
	}
	return ctx.Err()
}

// riskOf makes one risk of the findings of a code, as severe as the worst.
func riskOf(code RiskCode, findings []servingFinding) (risk Risk, ok bool) {
	var texts []string
	risk = Risk{Code: code, Severity: inventory.Warning}
	for _, finding := range findings {
		if finding.code != code {
			continue
		}
		texts = append(texts, finding.text)
		if finding.severity == inventory.Critical {
			risk.Severity = inventory.Critical
		}
	}
	risk.Message = strings.Join(texts, "; ")
	return risk, len(texts) > 0
}
