package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
)

func TestIsLoopback(t *testing.T) {
	for server, want := range map[string]bool{
		"https://127.0.0.1:6443": true, "https://127.1.2.3": true, "https://[::1]:6443": true, "https://localhost:6443": true,
		"https://LOCALHOST.": true, "https://x.localhost": true, "https://0.0.0.0:6443": true, "https://[::ffff:127.0.0.1]": true,
		"https://10.0.0.1:6443": false, "https://localhost.example": false, "https://kubernetes:6443": false, "": false,
	} {
		if got := isLoopback(server); got != want {
			t.Errorf("%s: %t", server, got)
		}
	}
}

// Neither an address of this machine nor a proxy's password goes into somebody
// else's kubeconfig without a word.
func TestAdvertise(t *testing.T) {
	const proxy, password = "http://me:s3cr3t@proxy:3128", "s3cr3t"
	for _, tt := range []struct {
		name, server, proxy, typed string
		terminal                   bool
		flags                      issueFlags
		wantProxy, says, fault     string
	}{
		{name: "ordinary", server: "https://prod:6443", proxy: "http://proxy:3128", wantProxy: "http://proxy:3128"},
		{name: "loopback, to a script", server: "https://127.0.0.1:6443", says: "connects to https://127.0.0.1:6443"},
		{name: "loopback, said otherwise", server: "https://127.0.0.1:6443", flags: issueFlags{server: "https://prod"}},
		{name: "loopback, agreed", server: "https://127.0.0.1:6443", terminal: true, typed: "y\n", says: "Is it for use on this machine? [y/N]"},
		{name: "loopback, not agreed", server: "https://127.0.0.1:6443", terminal: true, typed: "n\n", says: "Is it", fault: "nothing was issued"},
		{name: "loopback, into the own", server: "https://127.0.0.1:6443", terminal: true, flags: issueFlags{merge: true}},
		{name: "loopback, --yes", server: "https://127.0.0.1:6443", terminal: true, flags: issueFlags{yes: true}, says: "--advertise-server"},
		{name: "a password, to a script", server: "https://prod", proxy: proxy, wantProxy: "http://proxy:3128", says: "are omitted"},
		{name: "a password, agreed", server: "https://prod", proxy: proxy, terminal: true, typed: "y\n", wantProxy: proxy, says: "http://proxy:3128 into the new kubeconfig? [y/N]"},
		{name: "a password, not agreed", server: "https://prod", proxy: proxy, terminal: true, typed: "\n", wantProxy: "http://proxy:3128", says: "are omitted"},
		{name: "a password, into the own", server: "https://prod", proxy: proxy, flags: issueFlags{merge: true}, wantProxy: proxy},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var said bytes.Buffer
			a := &app{in: strings.NewReader(tt.typed), errOut: &said, inIsTerminal: tt.terminal}
			c := &cluster.Cluster{Server: tt.server, ProxyURL: tt.proxy}
			err := a.advertise(t.Context(), c, tt.flags)
			if (err == nil) != (tt.fault == "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("got %v, want %q", err, tt.fault)
			}
			if c.ProxyURL != tt.wantProxy && tt.fault == "" {
				t.Errorf("the proxy is %q, want %q", c.ProxyURL, tt.wantProxy)
			}
			if text := said.String(); !strings.Contains(text, tt.says) || tt.says == "" && text != "" || strings.Contains(text, password) {
				t.Errorf("said %q, want %q", text, tt.says)
			}
		})
	}
}
