package adapter

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	promapi "github.com/prometheus/client_golang/api/prometheus/v1"
	pmodel "github.com/prometheus/common/model"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/klog/v2"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"
)

var namespaces = schema.GroupResource{Resource: "namespaces"}

// Prometheus is what the adapter asks of Prometheus; the client library's API has it.
type Prometheus interface {
	Series(ctx context.Context, matches []string, start, end time.Time, opts ...promapi.Option) ([]pmodel.LabelSet, promapi.Warnings, error)
	Query(ctx context.Context, query string, at time.Time, opts ...promapi.Option) (pmodel.Value, promapi.Warnings, error)
}

// source is where the values of one metric of one kind of object come from.
type source struct {
	rule   Rule
	series string
	// object is the label that names the object, namespace the one that names its namespace ("" for namespaces themselves).
	object    pmodel.LabelName
	namespace pmodel.LabelName
}

type sources map[provider.CustomMetricInfo]source

// Registry knows which metrics exist now. It polls Prometheus, since the series of a rule come and go.
type Registry struct {
	Prometheus Prometheus
	Mapper     apimeta.RESTMapper
	Rules      []Rule
	// MaxAge is how long a series may be without samples before its metric is no longer listed.
	MaxAge time.Duration

	known atomic.Pointer[sources]
}

// Run keeps the registry up to date until the context ends.
func (r *Registry) Run(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		if err := r.Refresh(ctx); err != nil {
			klog.ErrorS(err, "Cannot list the series of the rules; the metrics known so far stay listed")
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Refresh lists the series of every rule. If the list of one rule cannot be obtained, the registry stays as it was.
func (r *Registry) Refresh(ctx context.Context) error {
	found := sources{}
	now := time.Now()
	for _, rule := range r.Rules {
		series, _, err := r.Prometheus.Series(ctx, []string{rule.SeriesQuery}, now.Add(-r.MaxAge), now)
		if err != nil {
			return fmt.Errorf("series of %s: %w", rule.SeriesQuery, err)
		}
		for _, labels := range series {
			r.add(found, rule, labels)
		}
	}
	r.known.Store(&found)
	return nil
}

// add notes every metric that one series can give. The first rule that gives a metric keeps it.
func (r *Registry) add(found sources, rule Rule, series pmodel.LabelSet) {
	name := string(series[pmodel.MetricNameLabel])
	metric, concerned := rule.MetricName(name)
	if !concerned {
		return
	}
	objects := r.objectLabels(rule, series)
	for resource, label := range objects {
		from := source{rule: rule, series: name, object: label}
		if resource != namespaces {
			from.namespace = objects[namespaces]
		}
		info := provider.CustomMetricInfo{GroupResource: resource, Namespaced: from.namespace != "", Metric: metric}
		if _, taken := found[info]; !taken {
			found[info] = from
		}
	}
}

// objectLabels returns the kinds of object that a series names, and the label of each.
func (r *Registry) objectLabels(rule Rule, series pmodel.LabelSet) map[schema.GroupResource]pmodel.LabelName {
	labels := map[schema.GroupResource]pmodel.LabelName{}
	for label, written := range rule.Labels {
		if series[label] == "" {
			continue
		}
		full, err := r.Mapper.ResourceFor(written.WithVersion(""))
		if err != nil {
			klog.ErrorS(err, "The cluster has no such resource", "resource", written, "rule", rule.SeriesQuery)
			continue
		}
		labels[full.GroupResource()] = label
	}
	return labels
}

// Find returns the source of a metric, for a resource under any of its names; false if there is none now.
func (r *Registry) Find(info provider.CustomMetricInfo) (source, bool) {
	normal, _, err := info.Normalized(r.Mapper)
	known := r.known.Load()
	if err != nil || known == nil {
		return source{}, false
	}
	from, ok := (*known)[normal]
	return from, ok
}

// List returns every metric that exists now.
func (r *Registry) List() []provider.CustomMetricInfo {
	known := r.known.Load()
	if known == nil {
		return nil
	}
	all := make([]provider.CustomMetricInfo, 0, len(*known))
	for info := range *known {
		all = append(all, info)
	}
	return all
}
