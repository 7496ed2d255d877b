// Pause is the process of a pod's sandbox: it holds the pod's namespaces open
// until it is told to end. The nodes' containerd and kubeadm both want such an
// image, and without a container registry there is none to be had.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	// As PID 1 of a pod that shares its PID namespace, it inherits orphans;
	// ignoring SIGCHLD has the kernel reap them.
	signal.Ignore(syscall.SIGCHLD)
	<-stop
}
