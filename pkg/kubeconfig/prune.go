package kubeconfig

import (
	"time"
)

// Prune removes what nobody can use: contexts whose cluster or user is not
// there, clusters and users that no context refers to, a current context that
// is not there; and with expired set also contexts whose user's only way to
// log in is a certificate that has run out.
func (c *Config) Prune(expired bool, now time.Time) ([]Change, error) {
	gone := selection{}
	for _, e := range c.Entries(ContextEntry) {
		if c.dangles(e) || expired && c.expired(e, now) {
			gone.add(ContextEntry, e.Name)
		}
	}
	for _, kind := range []Kind{ClusterEntry, UserEntry} {
		for _, name := range c.unused(gone, kind, c.Names(kind)) {
			gone.add(kind, name)
		}
	}
	changes, err := c.removeAll(gone)
	if err != nil {
		return nil, err
	}
	for number, d := range c.files {
		if current := d.Current(); current != "" && c.Entry(ContextEntry, current) == nil {
			if err := c.setCurrent(number, ""); err != nil {
				return nil, err
			}
			changes = append(changes, Change{Removed, currentContext, current, "", d.Path})
		}
	}
	return changes, nil
}

// dangles reports whether a context refers to what is not there.
func (c *Config) dangles(context *Entry) bool {
	for _, kind := range []Kind{ClusterEntry, UserEntry} {
		if name := context.Text(kind.String()); name != "" && c.Entry(kind, name) == nil {
			return true
		}
	}
	return false
}

// expired reports whether a context's user can log in no longer.
func (c *Config) expired(context *Entry, now time.Time) bool {
	user := c.Entry(UserEntry, context.Text("user"))
	if user == nil {
		return false
	}
	if ways := user.Auths(); len(ways) != 1 || ways[0] != ByCertificate {
		return false
	}
	certs, err := user.Certificate()
	return err == nil && len(certs) > 0 && now.After(certs[0].NotAfter)
}
