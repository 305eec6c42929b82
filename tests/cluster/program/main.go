// Command kubernetes holds every part of a small cluster; the name it is called by says which one.
//
// One program shares what its parts have in common, so it links once and is a sixth of their sum.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/coredns/coredns/coremain"
	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"

	// What the parts' own main packages register.
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"

	// What the Corefile names.
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
)

// command turns the constructor of a cobra command into something to run.
func command(build func() *cobra.Command) func() {
	return func() { os.Exit(cli.Run(build())) }
}

var parts = map[string]func(){
	"etcd":                    func() { etcdmain.Main(os.Args) },
	"coredns":                 coremain.Run,
	"kube-apiserver":          command(apiserver.NewAPIServerCommand),
	"kube-controller-manager": command(controllers.NewControllerManagerCommand),
	"kube-scheduler":          command(func() *cobra.Command { return scheduler.NewSchedulerCommand() }),
	"kube-proxy":              command(proxy.NewProxyCommand),
	"kubelet": command(func() *cobra.Command {
		return kubelet.NewKubeletCommand(context.Background())
	}),
	"kubectl": command(func() *cobra.Command { return kubectl.NewDefaultKubectlCommand() }),
}

func main() {
	name := filepath.Base(os.Args[0])
	run, known := parts[name]
	if !known {
		names := make([]string, 0, len(parts))
		for part := range parts {
			names = append(names, part)
		}
		slices.Sort(names)
		fmt.Fprintf(os.Stderr, "error: no part is named %q\nhint:  link one of these names to me: %s\n",
			name, strings.Join(names, ", "))
		os.Exit(2)
	}
	run()
}
