package pki_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// What a certificate or a record may say of time can be written as JSON.
func TestUTC(t *testing.T) {
	for text, want := range map[string]string{
		"99991231235959-0100": `"9999-12-31T23:59:59Z"`,
		"99991231235959Z":     `"9999-12-31T23:59:59Z"`,
		"00000101000000+0100": `"0000-01-01T00:00:00Z"`,
		"00000101000000Z":     `"0000-01-01T00:00:00Z"`,
		"20260102030405+0530": `"2026-01-01T21:34:05Z"`,
		"20260102030405Z":     `"2026-01-02T03:04:05Z"`,
	} {
		at, err := time.Parse("20060102150405Z0700", text) // as crypto/x509 reads a GeneralizedTime
		if err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(pki.UTC(at)); err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v, want %s", text, got, err, want)
		}
	}
}
