// Command kube holds the Kubernetes control plane, the node agents, kubectl and etcd in one binary, because they share
// nearly all of their code: one link instead of seven, a third of the size. The program is the first argument
// ("kube kubelet --config ..."), or the name that the binary is called by when it is linked under a program's name.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

// daemons start as cobra commands through component-base, which sets up logging and flag names.
var daemons = map[string]func() *cobra.Command{
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllermanager.NewControllerManagerCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
	"kube-proxy":              proxy.NewProxyCommand,
	"kubelet": func() *cobra.Command {
		return kubelet.NewKubeletCommand(context.Background())
	},
}

func main() {
	program, args := choose(os.Args)
	os.Args = append([]string{program}, args...)
	switch start, isDaemon := daemons[program]; {
	case isDaemon:
		os.Exit(cli.Run(start()))
	case program == "etcd":
		etcdmain.Main(os.Args)
	case program == "kubectl":
		os.Exit(runKubectl())
	default:
		fmt.Fprintf(os.Stderr, "kube: no program %q; give one of %s as the first argument\n",
			program, strings.Join(names(), ", "))
		os.Exit(2)
	}
}

// choose returns the program and its arguments, from the name of the binary or from the first argument.
func choose(argv []string) (string, []string) {
	called := filepath.Base(argv[0])
	if slices.Contains(names(), called) {
		return called, argv[1:]
	}
	if len(argv) < 2 {
		return "", nil
	}
	return argv[1], argv[2:]
}

// runKubectl reports errors in kubectl's own words and with its own exit status.
func runKubectl() int {
	if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
		kubectlutil.CheckErr(err)
		return 1
	}
	return 0
}

func names() []string {
	all := []string{"etcd", "kubectl"}
	for name := range daemons {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}
