package kubeconfig

import (
	"slices"
)

// Config is the user's kubeconfig: one file, or several that kubectl takes for
// one. The first file to hold an entry decides what it is, as a whole
// (client-go, tools/clientcmd/loader.go, Load).
//
// Its methods that change it say what they change as Changes. They change the
// documents in memory: Update writes them.
type Config struct {
	files  []*Document
	there  []bool // whether the file is there yet
	target int    // the file that new entries go to
}

// NewConfig returns a kubeconfig of documents in memory. New entries go to the
// first.
func NewConfig(files ...*Document) *Config {
	return &Config{files: files, there: make([]bool, len(files))}
}

// Files are the documents, in kubectl's order.
func (c *Config) Files() []*Document { return slices.Clone(c.files) }

// Target is the document that new entries go to.
func (c *Config) Target() *Document { return c.files[c.target] }

// Entry returns the entry that counts under a name, or nil.
func (c *Config) Entry(kind Kind, name string) *Entry {
	for _, d := range c.files {
		if e := d.Entry(kind, name); e != nil {
			return e
		}
	}
	return nil
}

// Entries are the entries that count, in the order of the files.
func (c *Config) Entries(kind Kind) []*Entry {
	if len(c.files) == 1 {
		return c.files[0].Entries(kind)
	}
	var all []*Entry
	for _, d := range c.files {
		for _, e := range d.Entries(Kind(kind)) {
			if c.Entry(kind, e.Name) == e {
				all = append(all, e)
			}
		}
	}
	return all
}

// Names are the names of the entries that count.
func (c *Config) Names(kind Kind) []string {
	var names []string
	for _, e := range c.Entries(kind) {
		names = append(names, e.Name)
	}
	return names
}

// Current is the current context; "" for none.
func (c *Config) Current() string {
	for _, d := range c.files {
		if current := d.Current(); current != "" {
			return current
		}
	}
	return ""
}

// number is the place of a document among the files.
func (c *Config) number(d *Document) int { return slices.Index(c.files, d) }
