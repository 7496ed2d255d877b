//go:build e2e

package e2e

import (
	"encoding/xml"
	"strings"
	"testing"
	"time"
)

// soundSources are what other tests, and people, do not make unsound at the
// same time.
const soundSources = "--sources=endpoint,trust,kubelets,control-plane,webhooks,kubeconfig"

// The exit code is the verdict: 0 sound, 1 warnings, 2 critical, 3 could not tell.
func TestCheckExitCodes(t *testing.T) {
	p := newPerson(t, adminKubeconfig(t))
	nobody := newPerson(t, nobody(t))
	certificate, key := pair(t, "shop.example", -48*time.Hour, -24*time.Hour)
	p.write("tls.crt", string(certificate))
	p.write("tls.key", string(key))
	p.must("kubectl", "create", "namespace", "e2e-check")
	t.Cleanup(func() { p.run("kubectl", "delete", "namespace", "e2e-check", "--wait=false") })
	p.must("kubectl", "create", "secret", "tls", "shop", "-n", "e2e-check", "--cert", "tls.crt", "--key", "tls.key")
	tests := []struct {
		name string
		who  *person
		args []string
		code int
		says string
	}{
		{"a sound cluster", p, []string{soundSources}, 0, "Result: OK"},
		{"in short", p, []string{soundSources, "-o", "short"}, 0, ""},
		{"what runs out within two years", p, []string{soundSources, "--within", "730d"}, 1, "expires in"},
		{"which does not fail", p, []string{soundSources, "--within", "730d", "--fail-on", "critical"}, 0, "expires in"},
		{"an expired secret", p, []string{"--sources", "secrets", "-n", "e2e-check"}, 2, "e2e-check/shop expired 24h ago"},
		{"nothing may be read", nobody, []string{"--sources", "trust,secrets"}, 3, "forbidden"},
		{"no server", p, []string{"--sources", "endpoint", "--server", closedPort(t)}, 3, "connection refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := tt.who.certs(append([]string{"check"}, tt.args...)...)
			if r.code != tt.code || !strings.Contains(r.stdout+r.stderr, tt.says) {
				t.Errorf("exit %d, want %d and %q\n%s%s", r.code, tt.code, tt.says, r.stdout, r.stderr)
			}
		})
	}
	if r := p.certs("check", soundSources, "-o", "junit"); xml.Unmarshal([]byte(r.stdout), new(struct{ XMLName xml.Name })) != nil || !strings.Contains(r.stdout, "<testsuites") {
		t.Errorf("-o junit:\n%s", r.stdout)
	}
}
