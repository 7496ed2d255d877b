package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// filesWord, before paths, says that the arguments are such.
const filesWord = "files"

// takePaths takes the paths among args, of a command that takes names too, and
// returns the names. Paths are those that look like one (/etc, ./pki), those after
// the word files and, where --files is given, all that exist: a shell that expands
// *.pem leaves the second and further ones as arguments. What lies in a directory
// that is read anyway is a name, which narrows the output down.
func (f *fileFlags) takePaths(args []string) (names []string) {
	f.files = splitPaths(f.files)
	given := len(f.files) > 0
	if !given && len(args) > 1 && args[0] == filesWord && slices.ContainsFunc(args[1:], isPath) {
		given, args = true, args[1:]
	}
	for _, arg := range args {
		switch {
		case slices.ContainsFunc(f.files, func(dir string) bool { return within(dir, arg) }):
			names = append(names, arg)
		case looksLikePath(arg), given && isPath(arg):
			f.files = append(f.files, arg)
		default:
			names = append(names, arg)
		}
	}
	return names
}

// splitPaths splits lists of paths with commas between them, where each is there
// and the whole is not the name of something.
func splitPaths(values []string) []string {
	var paths []string
	for _, value := range values {
		parts := strings.Split(value, ",")
		if isPath(value) || slices.ContainsFunc(parts, func(part string) bool { return !isPath(part) }) {
			parts = []string{value}
		}
		paths = append(paths, parts...)
	}
	return paths
}

// isPath reports whether arg is there, or is standard input.
func isPath(arg string) bool {
	_, err := os.Lstat(arg)
	return arg == "-" || err == nil
}

// looksLikePath reports whether arg can be nothing but a path.
func looksLikePath(arg string) bool {
	return filepath.IsAbs(arg) || arg == "." || arg == ".." || strings.HasPrefix(arg, "./") || strings.HasPrefix(arg, "../") || strings.HasPrefix(arg, "~/")
}

// within reports whether path is dir, or lies below it.
func within(dir, path string) bool {
	if dir == "" || dir == "-" {
		return false
	}
	above, err := filepath.Abs(dir)
	below, otherErr := filepath.Abs(path)
	return err == nil && otherErr == nil && isPath(path) && (above == below || strings.HasPrefix(below, strings.TrimSuffix(above, string(filepath.Separator))+string(filepath.Separator)))
}
