package cli

import (
	"slices"
	"testing"

	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"

	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/scan"
)

// What --sources takes and what files are read by is what locations may name.
func TestSourceNames(t *testing.T) {
	if got, want := append(sourceNames(), "files", scan.NodeFilesSource), scan.SourceNames(); !slices.Equal(got, want) {
		t.Errorf("--sources takes %q, locations have %q", got, want)
	}
	none := reader{Cluster: &cluster.Cluster{Client: fake.NewClientset(), Config: &rest.Config{}}}
	for _, s := range sources {
		if got := s.make(none).Name; got != s.name {
			t.Errorf("source %s names itself %s", s.name, got)
		}
	}
}
