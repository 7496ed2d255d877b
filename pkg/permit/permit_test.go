// These tests promise that whoever may not do something learns all of it at
// once, in words that kubectl auth can-i takes.
package permit_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/permit"
)

func TestDescribe(t *testing.T) {
	for want, act := range map[string]permit.Act{
		"list configmaps -n kube-system":                                 {Verb: "list", Resource: "configmaps", Namespace: "kube-system"},
		"update certificatesigningrequests/approval.certificates.k8s.io": {Verb: "update", Group: "certificates.k8s.io", Resource: "certificatesigningrequests", Subresource: "approval"},
		"bind clusterroles.rbac.authorization.k8s.io/edit -n dev":        {Verb: "bind", Group: "rbac.authorization.k8s.io", Resource: "clusterroles", Name: "edit", Namespace: "dev"},
	} {
		if got := permit.Describe(act); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestKnown(t *testing.T) {
	read, write := permit.Act{Verb: "get", Resource: "a"}, permit.Act{Verb: "create", Resource: "a"}
	known := permit.Known{}
	err := known.Ask(t.Context(), func(_ context.Context, acts []permit.Act) ([]bool, error) {
		answers := make([]bool, len(acts))
		for i, a := range acts {
			answers[i] = a == read
		}
		return answers, nil
	}, []permit.Act{write, read})
	if err != nil || !slices.Equal(known.Lacking([]permit.Act{read, write}), []string{"create a"}) {
		t.Errorf("known %v (%v)", known, err)
	}
	down := errors.New("down")
	if err := known.Ask(t.Context(), func(context.Context, []permit.Act) ([]bool, error) { return nil, down }, nil); !errors.Is(err, down) {
		t.Errorf("error %v, want %v", err, down)
	}
}

func TestJoin(t *testing.T) {
	a, b := permit.NewMissing([]string{"get a", "get b"}, ""), permit.NewMissing([]string{"get b", "get c"}, "ask")
	other := errors.New("down")
	tests := []struct {
		name         string
		errs         []error
		want, advice string
	}{
		{"nothing", []error{nil, permit.NewMissing(nil, "ask")}, "", ""},
		{"missing in both", []error{a, nil, b}, "forbidden: you may not get a, get b, get c", "ask"},
		{"another fault comes first", []error{a, other}, "down", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := permit.Join(tt.errs...)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != tt.want || hint.Of(err) != tt.advice {
				t.Errorf("got %q (hint %q), want %q (%q)", got, hint.Of(err), tt.want, tt.advice)
			}
		})
	}
}
