// Command metrics-adapter serves custom.metrics.k8s.io from Prometheus by the rules of prometheus-adapter.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/prometheus/client_golang/api"
	promapi "github.com/prometheus/client_golang/api/prometheus/v1"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/component-base/logs"
	basecmd "sigs.k8s.io/custom-metrics-apiserver/pkg/cmd"

	"elastometer.dev/lab/internal/adapter"
)

type command struct {
	basecmd.AdapterBase

	prometheusURL string
	rulesFile     string
	relist        time.Duration
	maxAge        time.Duration
}

func main() {
	logs.InitLogs()
	defer logs.FlushLogs()
	if err := run(genericapiserver.SetupSignalContext()); err != nil {
		fmt.Fprintf(os.Stderr, "metrics-adapter: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	cmd := &command{}
	cmd.Name = "metrics-adapter"
	flags := cmd.Flags()
	flags.StringVar(&cmd.prometheusURL, "prometheus-url", "", "where Prometheus is, such as http://prometheus.monitoring:9090")
	flags.StringVar(&cmd.rulesFile, "config", "", "file with the rules, in the format of prometheus-adapter")
	flags.DurationVar(&cmd.relist, "metrics-relist-interval", 10*time.Second, "time between two looks for new metrics")
	flags.DurationVar(&cmd.maxAge, "metrics-max-age", 5*time.Minute, "how long a metric without samples stays listed")
	logs.AddFlags(flags)
	if err := flags.Parse(os.Args[1:]); err != nil {
		return err
	}
	if cmd.prometheusURL == "" || cmd.relist <= 0 || cmd.maxAge <= 0 {
		return fmt.Errorf("--prometheus-url must be given, --metrics-relist-interval and --metrics-max-age must be above 0s")
	}
	registry, err := cmd.registry()
	if err != nil {
		return err
	}
	objects, err := cmd.DynamicClient()
	if err != nil {
		return err
	}
	cmd.WithCustomMetrics(&adapter.Provider{Registry: registry, Objects: objects})
	go registry.Run(ctx, cmd.relist)
	return cmd.Run(ctx)
}

func (c *command) registry() (*adapter.Registry, error) {
	rules, err := adapter.LoadRules(c.rulesFile)
	if err != nil {
		return nil, err
	}
	client, err := api.NewClient(api.Config{Address: c.prometheusURL})
	if err != nil {
		return nil, fmt.Errorf("--prometheus-url: %w", err)
	}
	mapper, err := c.RESTMapper()
	if err != nil {
		return nil, err
	}
	return &adapter.Registry{Prometheus: promapi.NewAPI(client), Mapper: mapper, Rules: rules, MaxAge: c.maxAge}, nil
}
