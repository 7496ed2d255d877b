package kubeconfig

import (
	"net/url"
	"regexp"
)

// hostPort recognizes an address without a scheme, which holds no secret.
var hostPort = regexp.MustCompile(`^[A-Za-z0-9.-]*(:[0-9]*)?$|^\[[0-9A-Fa-f:.]+\](:[0-9]*)?$`)

// RedactURL is an address without what may be secret in it: user information,
// of which the name may be a token, the query and the fragment. What is no
// address is hidden as a whole.
func RedactURL(text string) string {
	if hostPort.MatchString(text) {
		return text
	}
	const secret = "xxxxx" // url.URL.Redacted's
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" || u.Host == "" {
		return hidden(text)
	}
	if u.User == nil && u.RawQuery == "" && u.Fragment == "" {
		return text
	}
	if u.User != nil {
		u.User = url.User(secret)
	}
	if u.RawQuery != "" {
		u.RawQuery = secret
	}
	if u.Fragment != "" {
		u.Fragment, u.RawFragment = secret, ""
	}
	return u.String()
}
