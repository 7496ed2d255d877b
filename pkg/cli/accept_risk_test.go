package cli

import (
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// What is accepted for one request is not accepted for another.
func TestAcceptedRisks(t *testing.T) {
	risky := func(name string, codes ...access.RiskCode) access.Request {
		r := access.Request{Name: name, Risks: []access.Risk{{Code: access.RiskBoundGroup, Severity: inventory.Info}}}
		for _, code := range codes {
			r.Risks = append(r.Risks, access.Risk{Code: code, Severity: inventory.Warning})
		}
		return r
	}
	a, b, plain := risky("a", access.RiskClusterAdmin), risky("b", access.RiskClusterAdmin, access.RiskNode), risky("plain")
	tests := []struct {
		name   string
		values []string
		found  []access.Request
		want   string // of the error; "" for none
		advice string
	}{
		{"information alone", nil, []access.Request{plain}, "", ""},
		{"none", nil, []access.Request{a}, "unaccepted risks: cluster-admin of request a", "--accept-risk cluster-admin"},
		{"one request", []string{"cluster-admin"}, []access.Request{a}, "", ""},
		{"one request, named twice", []string{"cluster-admin"}, []access.Request{a, a}, "", ""},
		{"another risk", []string{"node"}, []access.Request{a}, "unaccepted risks: cluster-admin of request a", "--accept-risk cluster-admin"},
		{"by name", []string{"a=cluster-admin"}, []access.Request{a}, "", ""},
		{"two requests by one code", []string{"cluster-admin"}, []access.Request{a, b}, "does not say for which request", "--accept-risk a=cluster-admin"},
		{"one of two", []string{"a=cluster-admin"}, []access.Request{a, b}, "cluster-admin of request b, node of request b", "--accept-risk b=cluster-admin --accept-risk b=node"},
		{"both", []string{"a=cluster-admin", "b=cluster-admin", "b=node"}, []access.Request{a, b}, "", ""},
		{"for a request that is not named", []string{"c=node"}, []access.Request{a, b}, `request "c" is not among`, "check the name"},
		{"no such risk", []string{"a=everything"}, []access.Request{a, b}, `no risk "everything"`, "bound-group"},
		{"two, one without risks", []string{"a=cluster-admin"}, []access.Request{a, plain}, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var names []string
			for _, r := range tt.found {
				names = append(names, r.Name)
			}
			accepted, err := parseAccepted(tt.values, names)
			if err == nil {
				err = accepted.check(tt.found)
			}
			if err == nil && tt.want == "" {
				return
			}
			if err == nil || tt.want == "" || !strings.Contains(err.Error(), tt.want) || !strings.Contains(hint.Of(err), tt.advice) {
				t.Errorf("got %v (%s), want %q (%s)", err, hint.Of(err), tt.want, tt.advice)
			}
		})
	}
	accepted, err := parseAccepted([]string{"a=cluster-admin", "b=node"}, []string{"a", "b"})
	if err != nil || !strings.HasSuffix(accepted.approval("a"), "Accepted risks: cluster-admin.") || !strings.HasSuffix(accepted.approval("b"), "Accepted risks: node.") {
		t.Errorf("what is written into the requests: %s; %s (%v)", accepted.approval("a"), accepted.approval("b"), err)
	}
}
