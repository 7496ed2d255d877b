package cli

import (
	"path/filepath"
	"testing"
)

func TestOneEditAway(t *testing.T) {
	for pair, want := range map[[2]string]bool{
		{"admim", "admin"}:         true,
		{"amdin", "admin"}:         true,
		{"dmin", "admin"}:          true,
		{"admin", "admins"}:        true,
		{"schedular", "scheduler"}: true,
		{"proxy", "proxy"}:         false,
		{"alice", "admin"}:         false,
		{"adimm", "admin"}:         false,
		{"min", "admin"}:           false,
		{"", "a"}:                  true,
		{"", ""}:                   false,
	} {
		if got := oneEditAway(pair[0], pair[1]); got != want {
			t.Errorf("%q and %q: got %t, want %t", pair[0], pair[1], got, want)
		}
		if got := oneEditAway(pair[1], pair[0]); got != want {
			t.Errorf("%q and %q: got %t, want %t", pair[1], pair[0], got, want)
		}
	}
}

// A user may be called what a file may not.
func TestFileName(t *testing.T) {
	for user, want := range map[string]string{
		"alice":                 "alice",
		"alice@example.com":     "alice@example.com",
		"system:kube-scheduler": "system-kube-scheduler",
		"../../etc/passwd":      "_..-..-etc-passwd",
		"-rf":                   "_-rf",
		".":                     "_.",
		"日本":                    "日本",
	} {
		if got := fileName(user); got != want || filepath.Base(got) != got {
			t.Errorf("%q is kept in %q, want %q", user, got, want)
		}
	}
}
