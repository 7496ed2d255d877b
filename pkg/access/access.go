// Package access knows who may do what: it grants access to a user by RBAC,
// and keeps the record of the certificates that were issued.
package access

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
	"time"
)

// What marks the objects that this program makes for a user.
const (
	ManagedByLabel = "app.kubernetes.io/managed-by"
	ManagedBy      = "kubectl-certs"
	// UserHashLabel holds UserHash of the user, by which objects are listed:
	// a label cannot hold every name that a user may have.
	UserHashLabel = "certs.kubectl.dev/user-hash"
	// UserAnnotation holds the user's name in full.
	UserAnnotation = "certs.kubectl.dev/user"
	// fieldManager owns what is applied on the server.
	fieldManager = "kubectl-certs"
)

// objectTimeout bounds a single call: a server that accepts and never answers
// must not hold anyone for ever.
const objectTimeout = 30 * time.Second

// UserHash is the value of UserHashLabel: the first 16 hexadecimal digits of
// the SHA-256 of the user's name.
func UserHash(user string) string {
	return digest(user)[:16]
}

// Selector selects, as a label selector, the objects that were made for user,
// or for all users if it is "".
func Selector(user string) string {
	selector := ManagedByLabel + "=" + ManagedBy + "," + UserHashLabel
	if user != "" {
		selector += "=" + UserHash(user)
	}
	return selector
}

func labels(user string) map[string]string {
	return map[string]string{ManagedByLabel: ManagedBy, UserHashLabel: UserHash(user)}
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// notDNS is what a DNS subdomain (RFC 1123) cannot hold.
var notDNS = regexp.MustCompile(`[^a-z0-9-]+`)

// readable shortens a name to what an object's name can hold.
func readable(name string) string {
	const most = 40
	name = strings.Trim(notDNS.ReplaceAllString(strings.ToLower(name), "-"), "-")
	if len(name) > most {
		name = strings.TrimRight(name[:most], "-")
	}
	return name
}
