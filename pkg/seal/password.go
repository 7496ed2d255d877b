package seal

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/regular"
)

// ReadPassword returns the first line of a file, or of a pipe. A file that others
// may read or change, or that is another user's, is refused: its password is
// no secret of the caller's.
func ReadPassword(path string) (string, error) {
	const longest = 1 << 16
	file, err := regular.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	defer file.Close()
	info, err := file.Stat() // of what was opened, whatever the path leads to by now
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	if info.IsDir() {
		return "", hint.New(fmt.Sprintf("reading the password: %s is a directory", path), "name a file whose first line is the password")
	}
	if err := checkPrivate(path, info); err != nil {
		return "", err
	}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, longest)
	lines.Scan()
	if err := lines.Err(); err != nil {
		return "", fmt.Errorf("reading the password in %s: %w", path, err)
	}
	line := strings.TrimSuffix(lines.Text(), "\r")
	if line == "" {
		return "", hint.New(fmt.Sprintf("the password in %s is empty", path), "put it on the first line")
	}
	return line, nil
}
