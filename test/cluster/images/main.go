// Images writes the container images of a node, as one archive of the kind
// that `docker save` makes, to standard output. Where no container registry
// can be reached, these stand for the ones that kubeadm would pull: each holds
// one program, under the name that the arguments give it.
//
//	images BINARIES ROOT NAME...
//
// BINARIES is the folder of the programs and ROOT the node's root, from which
// kube-proxy's image has the iptables and nft that it calls.
package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
)

// What kube-proxy calls, with the libraries and the links that lead there.
// The whole root would be unpacked once more on every node.
var proxyNeeds = []string{"bin", "sbin", "lib", "lib64", "etc/alternatives", "usr/sbin", "usr/lib64", "usr/lib/*-linux-gnu*"}

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: images BINARIES ROOT NAME...")
		os.Exit(2)
	}
	if err := run(os.Stdout, os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

// image is an entry of the archive's manifest.json.
type image struct {
	Config   string
	RepoTags []string
	Layers   []string
}

func run(to io.Writer, binaries, root string, names []string) error {
	archive := tar.NewWriter(to)
	var manifest []image
	for _, name := range names {
		program, _, _ := strings.Cut(path.Base(name), ":")
		var layers [][]byte
		if program == "kube-proxy" {
			layer, err := needsLayer(root, proxyNeeds)
			if err != nil {
				return err
			}
			layers = append(layers, layer)
		}
		layer, err := programLayer(filepath.Join(binaries, program))
		if err != nil {
			return err
		}
		entry, err := add(archive, name, append(layers, layer))
		if err != nil {
			return err
		}
		manifest = append(manifest, entry)
	}
	content, err := json.Marshal(manifest)
	if err != nil {
		return err
	}
	if err := addFile(archive, "manifest.json", 0o644, content); err != nil {
		return err
	}
	return archive.Close()
}

func add(archive *tar.Writer, name string, layers [][]byte) (image, error) {
	entry := image{RepoTags: []string{name}}
	var sums []string
	for _, layer := range layers {
		sum := fmt.Sprintf("%x", sha256.Sum256(layer))
		sums = append(sums, "sha256:"+sum)
		entry.Layers = append(entry.Layers, sum+".tar")
		if err := addFile(archive, sum+".tar", 0o644, layer); err != nil {
			return image{}, err
		}
	}
	program, _, _ := strings.Cut(path.Base(name), ":")
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH,
		"os":           "linux",
		"config": map[string]any{
			"Env":        []string{"PATH=/usr/local/bin:/usr/sbin:/usr/bin"},
			"Entrypoint": []string{"/usr/local/bin/" + program},
		},
		"rootfs": map[string]any{"type": "layers", "diff_ids": sums},
	})
	if err != nil {
		return image{}, err
	}
	entry.Config = fmt.Sprintf("%x.json", sha256.Sum256(config))
	return entry, addFile(archive, entry.Config, 0o644, config)
}

func addFile(archive *tar.Writer, name string, mode int64, content []byte) error {
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(content))}); err != nil {
		return err
	}
	_, err := archive.Write(content)
	return err
}

func programLayer(program string) ([]byte, error) {
	content, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	var layer bytes.Buffer
	archive := tar.NewWriter(&layer)
	if err := addFile(archive, "usr/local/bin/"+filepath.Base(program), 0o755, content); err != nil {
		return nil, err
	}
	err = archive.Close()
	return layer.Bytes(), err
}

func needsLayer(root string, patterns []string) ([]byte, error) {
	var layer bytes.Buffer
	archive := tar.NewWriter(&layer)
	for _, pattern := range patterns {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, err
		}
		for _, from := range found {
			err := filepath.WalkDir(from, func(file string, entry fs.DirEntry, err error) error {
				if err != nil {
					return err
				}
				return copyEntry(archive, root, file, entry)
			})
			if err != nil {
				return nil, err
			}
		}
	}
	err := archive.Close()
	return layer.Bytes(), err
}

func copyEntry(archive *tar.Writer, root, file string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err != nil {
		return err
	}
	var target string
	if info.Mode()&fs.ModeSymlink != 0 {
		if target, err = os.Readlink(file); err != nil {
			return err
		}
	}
	header, err := tar.FileInfoHeader(info, target)
	if err != nil {
		return err
	}
	if header.Name, err = filepath.Rel(root, file); err != nil {
		return err
	}
	if err := archive.WriteHeader(header); err != nil || !info.Mode().IsRegular() {
		return err
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	_, err = archive.Write(content)
	return err
}
