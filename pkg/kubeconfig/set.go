package kubeconfig

import "fmt"

// Set is several Files that are put in place together, or not at all.
type Set struct {
	files, placed []*File
}

// ReserveAll makes sure that all of paths can be written, as Reserve does.
func ReserveAll(paths []string, replace bool) (*Set, error) {
	s := &Set{}
	for _, path := range paths {
		f, err := Reserve(path, replace)
		if err != nil {
			s.Discard()
			return nil, err
		}
		s.files = append(s.files, f)
	}
	return s, nil
}

// Commit puts data, one for each path, in place. When one cannot be written,
// what stood there before stands there again.
func (s *Set) Commit(data ...[]byte) error {
	if len(data) != len(s.files) {
		return fmt.Errorf("%d files were reserved, and %d are to be written", len(s.files), len(data))
	}
	for i, f := range s.files {
		if err := f.fill(string(data[i])); err != nil {
			return err
		}
	}
	for i, f := range s.files {
		f.keep()
		if err := f.place(); err != nil {
			s.placed = s.files[:i]
			s.Undo()
			return err
		}
	}
	s.placed = s.files
	for _, f := range s.files {
		f.at.sync()
	}
	return nil
}

// Undo takes back what Commit put in place, until Discard.
func (s *Set) Undo() {
	for _, f := range s.placed {
		f.takeBack()
	}
	s.placed = nil
}

// Discard gives up every place that nothing was put in, and the means to undo.
func (s *Set) Discard() {
	for _, f := range s.files {
		f.Discard()
	}
}

// keep gives what is to be replaced a second name, by which takeBack finds it.
// On a file system without links, nothing can be taken back.
func (f *File) keep() {
	kept := f.tempAt + ".old"
	if f.replace && f.at.link(f.at.name, kept) == nil {
		f.kept = kept
	}
}

// takeBack undoes place.
func (f *File) takeBack() {
	switch {
	case f.kept != "":
		_ = f.at.rename(f.kept, f.at.name)
		f.kept = ""
	case f.at.state == nil:
		_ = f.at.remove(f.at.name)
	}
}

// KeepOwners lets each file keep the owner of what it replaces: a component
// that runs as another user than the caller has to read it.
func (s *Set) KeepOwners() error {
	for _, f := range s.files {
		if f.at.state == nil {
			continue
		}
		if err := f.like(); err != nil {
			return err
		}
	}
	return nil
}
