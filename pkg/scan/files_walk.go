package scan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
)

// file is a file that is to be read.
type file struct {
	shown string // as the user would call it
	name  string // absolute, with /
	path  string // where it lies, symbolic links followed
	// explicit is set where the user named the file itself.
	explicit bool
	arg      int // the argument that led to it
}

// walker finds files.
type walker struct {
	*fileReader
	ctx   context.Context
	args  []string
	files []file
	// been has the directories that were entered, by their true paths: links
	// may lead in circles.
	been map[string]bool
	full bool
	// yields has the arguments that led to something worth a report.
	yields map[int]bool
}

// walk finds the files in paths, and reports to r what cannot be one.
func walk(ctx context.Context, paths []string, r *fileReader) *walker {
	w := &walker{fileReader: r, ctx: ctx, args: paths, been: map[string]bool{}, yields: map[int]bool{}}
	for i, path := range paths {
		if path == standardInput {
			w.yields[i] = true
			continue
		}
		before := r.reports
		w.visit(i, path, 0)
		if r.reports > before {
			w.yields[i] = true
		}
	}
	return w
}

func (w *walker) yielded(f file) { w.yields[f.arg] = true }

// barren lists the arguments that led to nothing.
func (w *walker) barren() []string {
	var args []string
	for i, arg := range w.args {
		if !w.yields[i] {
			args = append(args, arg)
		}
	}
	return args
}

func (w *walker) visit(arg int, shown string, depth int) {
	if w.ctx.Err() != nil || w.full {
		return
	}
	path, err := follow(shown)
	if err != nil {
		// A link to nothing is a fault only where a certificate should be.
		if depth == 0 || !errors.Is(err, fs.ErrNotExist) || namedAsCertificate(shown) {
			w.skipError(shown, err)
		}
		return
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		w.skipError(shown, err)
	case info.IsDir():
		w.enter(arg, shown, path, depth)
	case !info.Mode().IsRegular():
		w.skipError(shown, errNotRegular)
	case len(w.files) == mostFiles:
		w.full = true
		w.skip(shown, fmt.Sprintf("there are more than %d files", mostFiles), "name the directories that hold certificates")
	default:
		w.files = append(w.files, file{shown: shown, name: absolute(shown), path: path, explicit: depth == 0, arg: arg})
	}
}

// enter visits what is in a directory.
func (w *walker) enter(arg int, shown, path string, depth int) {
	if depth > 0 && !catalog.Leads(absolute(shown)) {
		return
	}
	if depth == deepest {
		w.skip(shown, fmt.Sprintf("it lies more than %d directories deep", deepest), "name it itself")
		return
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		real = path
	}
	if w.been[real] {
		return
	}
	w.been[real] = true
	dir, err := os.Open(path)
	if err != nil {
		w.skipError(shown, err)
		return
	}
	defer dir.Close()
	names, err := dir.Readdirnames(mostFiles + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		w.skipError(shown, err)
	}
	slices.Sort(names)
	for _, name := range names {
		w.visit(arg, filepath.Join(shown, name), depth+1)
	}
}

// unique drops the second and further names of one file, unless the layout
// knows them.
func (w *walker) unique(matches map[string]catalog.Match) []file {
	known := func(f file) bool {
		m, ok := matches[f.name]
		return ok && !m.Old
	}
	best := map[string]int{}
	for i, f := range w.files {
		if j, ok := best[f.path]; !ok || known(f) && !known(w.files[j]) {
			best[f.path] = i
		}
	}
	var files []file
	for i, f := range w.files {
		if best[f.path] == i || known(f) || f.explicit {
			files = append(files, f)
		}
	}
	return files
}

// follow returns the path of what symbolic links at path lead to.
func follow(path string) (string, error) {
	for range mostLinks {
		info, err := os.Lstat(path)
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			return path, nil
		}
		target, err := os.Readlink(path)
		if err != nil {
			return "", err
		}
		path = from(filepath.Dir(path), target)
	}
	return "", errCircle
}

// from returns the path of target, which something in dir refers to. In a copy
// of a node's files, what they call / is a directory above dir: the nearest one
// that has it.
func from(dir, target string) string {
	if !filepath.IsAbs(target) {
		return filepath.Join(dir, target)
	}
	above, err := filepath.Abs(dir)
	if err != nil {
		return target
	}
	for {
		here := filepath.Join(above, target)
		if _, err := os.Lstat(here); err == nil {
			return here
		}
		next := filepath.Dir(above)
		if next == above {
			break
		}
		above = next
	}
	// Or only the directory that both lie in was copied.
	beside := filepath.Join(dir, filepath.Base(target))
	if _, err := os.Lstat(beside); err == nil && filepath.Base(filepath.Dir(target)) == filepath.Base(dir) {
		return beside
	}
	return target
}

var (
	errNotRegular = errors.New("it is no regular file")
	errCircle     = errors.New("symbolic links lead in circles")
	errTooLarge   = errors.New(tooLarge)
)

// readRegular reads a regular file of at most most bytes. Nothing else is
// waited for: a named pipe would have no end.
func readRegular(path string, most int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errNotRegular
	case info.Size() > most:
		return nil, errTooLarge
	}
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = errTooLarge
	}
	return data, err
}

// skipError reports why the file at where could not be read.
func (r *fileReader) skipError(where string, err error) {
	reason, hint := oneLine(err), "check the path"
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		reason = oneLine(path.Err)
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		hint = "read it as root: sudo kubectl-certs inspect --files"
	case errors.Is(err, errNotRegular):
		hint = "name files and directories, no devices, pipes or sockets"
	case errors.Is(err, errTooLarge):
		hint = tooLargeHint
	case errors.Is(err, errCircle):
		hint = "mend the link"
	}
	r.skip(where, reason, hint)
}

// namedAsCertificate reports whether a file of this name should hold one.
func namedAsCertificate(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".crt", ".cer", ".cert", ".pem", ".der":
		return true
	}
	return false
}

// namedAsKey reports whether a file of this name should hold a private key.
func namedAsKey(name string) bool {
	return filepath.Ext(name) == ".key" || strings.HasSuffix(name, "-key.pem")
}

// bounded is text, cut to what fits a line.
func bounded(text string) string {
	if len(text) <= mostTextShown {
		return text
	}
	return strings.ToValidUTF8(text[:mostTextShown], "") + " …"
}
