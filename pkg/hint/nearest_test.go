package hint_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

func TestNearest(t *testing.T) {
	names := []string{"apiserver", "kubelet-server", "etcd-server", "etcd-ca", "ca", "admin", "admin"}
	tests := []struct{ word, want string }{
		{"apisever", "apiserver"},
		{"apiserver", "apiserver"},
		{"APISERVERS", "apiserver"},
		{"etcd", "etcd-server etcd-ca"},
		{"admn", "admin"},
		{"cb", "ca"},
		{"zebra", ""},
		{"", ""},
		{strings.Repeat("x", 1000), ""},
	}
	for _, tt := range tests {
		if got := hint.Nearest(tt.word, names, 3); !slices.Equal(got, strings.Fields(tt.want)) {
			t.Errorf("nearest to %q: got %q, want %q", tt.word, got, tt.want)
		}
	}
	if got := hint.Nearest("server", names, 2); len(got) != 2 {
		t.Errorf("got %q, want at most 2", got)
	}
}
