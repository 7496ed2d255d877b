package scan_test

import (
	"context"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/scan"
)

func TestKubeconfig(t *testing.T) {
	ca, other := pkitest.NewCA(t, "kubernetes"), pkitest.NewCA(t, "other")
	between := ca.Intermediate(t, "intermediate")
	alice := pki.EncodeCertificates(ca.Issue(t, pkitest.Client("alice")))
	const clientAt, caAt = "dev#client-certificate", "dev#certificate-authority"
	tests := []struct {
		name          string
		input         scan.Credentials
		seen, skipped []string
	}{
		{"a certificate and a CA", scan.Credentials{ClientCertificate: alice, CA: ca.PEM()},
			[]string{"kubernetes: " + caAt, "alice: " + clientAt}, nil},
		{"a token, and the system's CAs", scan.Credentials{}, nil, nil},
		{"two CAs", scan.Credentials{CA: append(ca.PEM(), other.PEM()...)}, []string{"kubernetes: " + caAt, "other: " + caAt}, nil},
		{"a certificate with its intermediate", scan.Credentials{
			ClientCertificate: pki.EncodeCertificates(between.Issue(t, pkitest.Client("bob")), between.Certificate), CA: ca.PEM()},
			[]string{"kubernetes: " + caAt, "intermediate: " + clientAt, "bob: " + clientAt}, nil},
		{"a garbage certificate", scan.Credentials{ClientCertificate: []byte("garbage"), CA: ca.PEM()},
			[]string{"kubernetes: " + caAt}, []string{clientAt + ": it contains no PEM certificate"}},
		{"a garbage CA", scan.Credentials{ClientCertificate: alice, CA: []byte("garbage")},
			[]string{"alice: " + clientAt}, []string{caAt + ": it contains no PEM certificate"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.input.Context, tt.input.InUse = "dev", true
			check(t, read(long, scan.Kubeconfig(tt.input)), tt.seen, tt.skipped)
		})
	}
}

// Sources run side by side: these two wait for each other.
func TestRunReadsSourcesAtOnce(t *testing.T) {
	meet := make(chan struct{})
	ran := make(chan string, 2)
	read(long,
		scan.Source{Name: "one", Read: func(ctx context.Context, _ *inventory.Collector) {
			select {
			case meet <- struct{}{}:
				ran <- "one"
			case <-ctx.Done():
			}
		}},
		scan.Source{Name: "two", Read: func(ctx context.Context, _ *inventory.Collector) {
			select {
			case <-meet:
				ran <- "two"
			case <-ctx.Done():
			}
		}})
	if len(ran) != 2 {
		t.Error("one source did not run while the other did")
	}
}

func TestRunEndsInTime(t *testing.T) {
	t.Parallel()
	found := inventory.Collector{Now: pkitest.Now}
	start := time.Now()
	scan.Run(context.Background(), short, []scan.Source{
		{Name: "endless", Read: func(ctx context.Context, _ *inventory.Collector) { <-ctx.Done() }},
		{Name: "quick", Read: func(_ context.Context, to *inventory.Collector) { to.Skip(inventory.Skip{Source: "quick"}) }},
	}, &found, nil)
	if took := time.Since(start); took > long/2 {
		t.Errorf("it took %s", took)
	}
	if got := found.Inventory(inventory.Cluster{}).Skipped; len(got) != 1 {
		t.Errorf("what the quick source reported: %v", got)
	}
}
