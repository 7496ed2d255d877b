package issue

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

func TestRenewal(t *testing.T) {
	ca := pkitest.NewCA(t, "kubernetes")
	const day = pkitest.Day
	lasting := func(life time.Duration) pkitest.Option {
		return pkitest.Valid(pkitest.Now, pkitest.Now.Add(life))
	}
	tests := []struct {
		name    string
		old     *x509.Certificate
		life    time.Duration
		want    time.Duration
		signer  string
		wantErr string
	}{
		{name: "a day", old: ca.Issue(t, pkitest.Client("alice", "devs"), lasting(day)), want: day},
		{name: "8 hours", old: ca.Issue(t, pkitest.Client("alice", "devs"), lasting(8*time.Hour)), want: 8 * time.Hour},
		{name: "an hour, dated back on top", old: ca.Issue(t, pkitest.Client("alice"), lasting(65*time.Minute)), want: time.Hour},
		{name: "10 minutes, dated back on top", old: ca.Issue(t, pkitest.Client("alice"), lasting(15*time.Minute)), want: 10 * time.Minute},
		{name: "kubeadm's year", old: ca.Issue(t, pkitest.Client("alice"), lasting(365*day+5*time.Minute)), want: 365 * day},
		{name: "cut short by the end of the CA", old: ca.Issue(t, pkitest.Client("alice"), lasting(time.Minute)), want: MinLife},
		{name: "100 years", old: ca.Issue(t, pkitest.Client("alice"), lasting(36500*day)), want: MaxLife},
		{name: "another life", old: ca.Issue(t, pkitest.Client("alice"), lasting(day)), life: 2 * time.Hour, want: 2 * time.Hour},
		{name: "too short a life", old: ca.Issue(t, pkitest.Client("alice")), life: time.Minute, wantErr: "minimum lifetime is 10 minutes"},
		{name: "a node", old: ca.Issue(t, pkitest.Client("system:node:n1", "system:nodes"), lasting(day)), want: day, signer: KubeletSignerName},
		{name: "a node in more groups", old: ca.Issue(t, pkitest.Client("system:node:n1", "system:nodes", "devs"), lasting(day)), want: day},
		{name: "a super-admin", old: ca.Issue(t, pkitest.Client("root", "devs", "system:masters")), wantErr: "is in group system:masters"},
		{name: "a server", old: ca.Issue(t, pkitest.Server("apiserver")), wantErr: "is not a client certificate"},
		{name: "a CA", old: ca.Certificate, wantErr: "is a CA certificate"},
		{name: "nobody", old: ca.Issue(t, pkitest.Client("")), wantErr: "invalid user name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Renewal(tt.old, tt.life, pki.ECDSAP256, time.Minute)
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Errorf("got %v, want an error that says %q", err, tt.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if tt.signer == "" {
				tt.signer = SignerName
			}
			if r.ExpiresIn != tt.want || r.Signer != tt.signer || !r.Subject.Equal(pki.SubjectOf(tt.old)) {
				t.Errorf("asks %s for %s as %s, want %s for %s", r.Signer, r.ExpiresIn, r.Subject, tt.signer, tt.want)
			}
		})
	}
}

func TestCheckRenews(t *testing.T) {
	ca, other := pkitest.NewCA(t, "kubernetes"), pkitest.NewCA(t, "other")
	expired := ca.Issue(t, pkitest.Client("alice"), pkitest.Left(-pkitest.Day))
	for _, tt := range []struct {
		name    string
		old     *x509.Certificate
		anchors []*x509.Certificate
		want    string
	}{
		{"from here", ca.Issue(t, pkitest.Client("alice")), []*x509.Certificate{ca.Certificate}, ""},
		{"from here, and expired", expired, []*x509.Certificate{ca.Certificate}, ""},
		{"from elsewhere", other.Issue(t, pkitest.Client("alice")), []*x509.Certificate{ca.Certificate}, "was not issued by this cluster's client CA"},
		{"nobody can tell", other.Issue(t, pkitest.Client("alice")), nil, ""},
	} {
		err := (&Plan{ClientCA: tt.anchors}).CheckRenews(tt.old, nil, pkitest.Now)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}
