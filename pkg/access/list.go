package access

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// pageSize keeps answers of a large cluster small.
const pageSize = 500

// pages calls list for one page after another.
func pages(list func(metav1.ListOptions) (next string, err error)) error {
	options := metav1.ListOptions{Limit: pageSize}
	for {
		next, err := list(options)
		if err != nil || next == "" {
			return err
		}
		options.Continue = next
	}
}
