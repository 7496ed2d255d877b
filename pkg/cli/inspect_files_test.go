package cli

import (
	"strings"
	"testing"
)

func TestImageFault(t *testing.T) {
	sum := "@sha256:" + strings.Repeat("0a", 32)
	for image, want := range map[string]string{
		"registry.example.com/certs" + sum:         "",
		"registry.example.com/certs:v1" + sum:      "",
		"localhost/certs" + sum:                    "",
		"host:5000/certs" + sum:                    "",
		"registry.example.com/certs:v1":            "has no digest",
		"registry.example.com/certs@sha256:0a":     "has no digest",
		"registry.example.com/certs" + sum + ":v1": "has no digest",
		"kubectl-certs/kubectl-certs:v1":           "has no digest",
		"kubectl-certs/kubectl-certs" + sum:        "names no registry",
		"certs" + sum:                              "names no registry",
	} {
		if got := imageFault(image); !strings.HasPrefix(got, want) || (want == "") != (got == "") {
			t.Errorf("%s: %q, want %q", image, got, want)
		}
	}
}

// A release's image is the default, and naming none is refused.
func TestReleasedImage(t *testing.T) {
	defer func(before string) { releasedImage = before }(releasedImage)
	nodes := []string{allNodes}
	releasedImage = ""
	if err := (&fileFlags{nodeFiles: nodes}).validate(); err == nil || !strings.Contains(err.Error(), "needs --image") {
		t.Errorf("a build without: %v", err)
	}
	if err := (&fileFlags{}).validate(); err != nil {
		t.Errorf("without nodes: %v", err)
	}
	releasedImage = "registry.example.com/certs@sha256:" + strings.Repeat("0a", 32)
	for image, fine := range map[string]bool{releasedImage: true, "": false, "other": true} {
		if err := (&fileFlags{nodeFiles: nodes, image: image}).validate(); (err == nil) != fine {
			t.Errorf("%q: %v", image, err)
		}
	}
}
