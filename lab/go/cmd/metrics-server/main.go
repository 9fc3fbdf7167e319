// Command metrics-server runs the packages of metrics-server under our own flags, a subset of upstream's. Upstream's
// flags are in one package with generated API descriptions that need a newer Kubernetes library than the lab's; the descriptions
// here come from Kubernetes itself, so that the lab compiles one version of each library.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/apiserver/pkg/util/compatibility"
	"k8s.io/client-go/pkg/version"
	"k8s.io/client-go/rest"
	"k8s.io/component-base/cli"
	kubeopenapi "k8s.io/kubernetes/pkg/generated/openapi"
	"sigs.k8s.io/metrics-server/pkg/api"
	"sigs.k8s.io/metrics-server/pkg/scraper/client"
	"sigs.k8s.io/metrics-server/pkg/server"
)

type options struct {
	serving        *genericoptions.SecureServingOptionsWithLoopback
	authentication *genericoptions.DelegatingAuthenticationOptions
	authorization  *genericoptions.DelegatingAuthorizationOptions

	resolution   time.Duration
	timeout      time.Duration
	insecureTLS  bool
	statusPort   bool
	addressTypes []string
}

func main() {
	os.Exit(cli.Run(command()))
}

func command() *cobra.Command {
	opts := &options{
		serving:        genericoptions.NewSecureServingOptions().WithLoopback(),
		authentication: genericoptions.NewDelegatingAuthenticationOptions(),
		authorization:  genericoptions.NewDelegatingAuthorizationOptions(),
	}
	cmd := &cobra.Command{
		Use:     "metrics-server",
		Short:   "Serve the CPU and memory use that kubelets report",
		Version: version.Get().GitVersion,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return opts.run(genericapiserver.SetupSignalContext())
		},
		SilenceUsage: true,
	}
	opts.addFlags(cmd)
	return cmd
}

func (o *options) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	o.serving.AddFlags(flags)
	o.authentication.AddFlags(flags)
	o.authorization.AddFlags(flags)
	flags.DurationVar(&o.resolution, "metric-resolution", time.Minute, "time between two reads of every kubelet, at least 10s")
	flags.DurationVar(&o.timeout, "kubelet-request-timeout", 10*time.Second, "longest wait for one kubelet's answer")
	flags.BoolVar(&o.insecureTLS, "kubelet-insecure-tls", false, "do not verify the kubelets' certificates")
	flags.BoolVar(&o.statusPort, "kubelet-use-node-status-port", false, "take the kubelet's port from the node's status")
	flags.StringSliceVar(&o.addressTypes, "kubelet-preferred-address-types", []string{string(corev1.NodeInternalIP)},
		"kinds of node address to try, in this order")
}

func (o *options) run(ctx context.Context) error {
	if o.resolution < 10*time.Second || o.timeout <= 0 || o.timeout > o.resolution*9/10 {
		return fmt.Errorf("--metric-resolution must be at least 10s and --kubelet-request-timeout at most 9/10 of it, but they are %s and %s",
			o.resolution, o.timeout)
	}
	apiserver, err := o.apiserverConfig()
	if err != nil {
		return err
	}
	cluster, err := rest.InClusterConfig()
	if err != nil {
		return fmt.Errorf("metrics-server runs in a pod only: %w", err)
	}
	cluster.ContentType = "application/vnd.kubernetes.protobuf"
	config := server.Config{
		Apiserver: apiserver, Rest: cluster, Kubelet: o.kubeletConfig(cluster),
		MetricResolution: o.resolution, ScrapeTimeout: o.timeout,
	}
	completed, err := config.Complete()
	if err != nil {
		return err
	}
	return completed.RunUntil(ctx.Done())
}

func (o *options) apiserverConfig() (*genericapiserver.Config, error) {
	if err := o.serving.MaybeDefaultWithSelfSignedCerts("localhost", nil, []net.IP{net.IPv4(127, 0, 0, 1)}); err != nil {
		return nil, fmt.Errorf("cannot make a serving certificate in --cert-dir: %w", err)
	}
	config := genericapiserver.NewConfig(api.Codecs)
	config.EffectiveVersion = compatibility.DefaultBuildEffectiveVersion()
	if err := o.serving.ApplyTo(&config.SecureServing, &config.LoopbackClientConfig); err != nil {
		return nil, err
	}
	if err := o.authentication.ApplyTo(&config.Authentication, config.SecureServing, nil); err != nil {
		return nil, err
	}
	if err := o.authorization.ApplyTo(&config.Authorization); err != nil {
		return nil, err
	}
	namer := openapi.NewDefinitionNamer(api.Scheme)
	config.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(kubeopenapi.GetOpenAPIDefinitions, namer)
	config.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(kubeopenapi.GetOpenAPIDefinitions, namer)
	config.OpenAPIConfig.Info.Title = "metrics-server"
	config.OpenAPIV3Config.Info.Title = "metrics-server"
	return config, nil
}

func (o *options) kubeletConfig(cluster *rest.Config) *client.KubeletClientConfig {
	config := &client.KubeletClientConfig{
		Scheme: "https", DefaultPort: 10250, UseNodeStatusPort: o.statusPort, Client: *rest.CopyConfig(cluster),
	}
	for _, kind := range o.addressTypes {
		config.AddressTypePriority = append(config.AddressTypePriority, corev1.NodeAddressType(kind))
	}
	if o.insecureTLS {
		config.Client.TLSClientConfig.Insecure = true
		config.Client.TLSClientConfig.CAData, config.Client.TLSClientConfig.CAFile = nil, ""
	}
	return config
}
