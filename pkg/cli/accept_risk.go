package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/issue"
)

// acceptedRisks are the risks that somebody accepts, by the request that they
// are accepted for.
type acceptedRisks map[string][]access.RiskCode

// parseAccepted reads the values of --accept-risk: CODE where there is one
// request, and NAME=CODE where there are several. What is accepted for one says
// nothing of another.
func parseAccepted(values, requests []string) (acceptedRisks, error) {
	requests = slices.Compact(slices.Sorted(slices.Values(requests)))
	accepted := acceptedRisks{}
	for _, value := range values {
		name, code, named := strings.Cut(value, "=")
		if !named {
			code = name
		}
		if !slices.Contains(access.RiskCodes(), access.RiskCode(code)) {
			var known []string
			for _, k := range access.RiskCodes() {
				known = append(known, string(k))
			}
			return nil, hint.New(fmt.Sprintf("there is no risk %q", code), "the risks are: "+strings.Join(known, ", "))
		}
		switch {
		case named && !slices.Contains(requests, name):
			return nil, hint.New(fmt.Sprintf("--accept-risk %s: request %q is not among those to approve", value, name), "check the name")
		case !named && len(requests) > 1:
			return nil, hint.New(fmt.Sprintf("--accept-risk %s does not say for which request", value),
				fmt.Sprintf("a risk is accepted for one request: --accept-risk %s=%s", requests[0], code))
		case !named && len(requests) == 1:
			name = requests[0]
		}
		accepted[name] = append(accepted[name], access.RiskCode(code))
	}
	return accepted, nil
}

// open returns those of a request's risks that nobody has accepted.
func (accepted acceptedRisks) open(request string, risks []access.Risk) []access.RiskCode {
	var open []access.RiskCode
	for _, risk := range risks {
		if risk.ToAccept() && !slices.Contains(accepted[request], risk.Code) && !slices.Contains(open, risk.Code) {
			open = append(open, risk.Code)
		}
	}
	return open
}

// check returns an error that names every risk nobody has accepted.
func (accepted acceptedRisks) check(found []access.Request) error {
	var open, flags []string
	for _, r := range found {
		for _, code := range accepted.open(r.Name, r.Risks) {
			open = append(open, fmt.Sprintf("%s of request %s", code, r.Name))
			value := string(code)
			if len(found) > 1 {
				value = r.Name + "=" + value
			}
			flags = append(flags, "--accept-risk "+value)
		}
	}
	if len(open) == 0 {
		return nil
	}
	return hint.New("not approved: unaccepted risks: "+strings.Join(open, ", "),
		"deny it, or approve it anyway with "+strings.Join(flags, " "))
}

// approval is what a request will say of how it was approved.
func (accepted acceptedRisks) approval(request string) string {
	message := "Approved by the user who ran kubectl certs approve."
	if codes := accepted[request]; len(codes) > 0 {
		var text []string
		for _, code := range codes {
			text = append(text, string(code))
		}
		message += " Accepted risks: " + strings.Join(text, ", ") + "."
	}
	return message
}

// judgeForeign holds somebody's own request, which came as a file, against the
// same rules as approve does, and returns an error unless every risk is
// accepted.
func (a *app) judgeForeign(ctx context.Context, c *cluster.Cluster, plan *issue.Plan, f issueFlags) error {
	if plan.PKCS10 == nil {
		return nil
	}
	powers, err := access.ReadPowers(ctx, c.Client)
	if err != nil {
		return c.Explain(err, a.now())
	}
	object, _, err := issue.NewCSR(plan)
	if err != nil {
		return err
	}
	request := access.JudgeCSR(object, powers)
	if also := otherAttributes(request.OtherAttributes); also != "" {
		a.say("  also     %s\n", also)
	}
	if len(request.Risks) > 0 {
		a.say("Risks\n")
		a.showRisks(a.errOut, request.Risks, false)
	}
	accepted, err := parseAccepted(f.acceptRisks, []string{""})
	if err != nil {
		return err
	}
	open := accepted.open("", request.Risks)
	if len(open) == 0 {
		return nil
	}
	var codes, flags []string
	for _, code := range open {
		codes = append(codes, string(code))
		flags = append(flags, "--accept-risk "+string(code))
	}
	return hint.New("nothing was issued: unaccepted risks: "+strings.Join(codes, ", "),
		"ask for another request, or issue it anyway with "+strings.Join(flags, " "))
}
