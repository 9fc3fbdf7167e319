package adapter

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	pmodel "github.com/prometheus/common/model"
	apierr "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/klog/v2"
	"k8s.io/metrics/pkg/apis/custom_metrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider/helpers"
)

// Provider answers the custom metrics API. An object without a sample is left out, and when none has one the answer is
// "not found": the HPA then holds and says so. It is never 0, which the HPA would scale in on.
type Provider struct {
	Registry *Registry
	Objects  dynamic.Interface
}

var _ provider.CustomMetricsProvider = (*Provider)(nil)

// ListAllMetrics lists what exists now.
func (p *Provider) ListAllMetrics() []provider.CustomMetricInfo {
	return p.Registry.List()
}

// GetMetricByName gives the value for one object.
func (p *Provider) GetMetricByName(ctx context.Context, name types.NamespacedName, info provider.CustomMetricInfo,
	metricSelector labels.Selector) (*custom_metrics.MetricValue, error) {
	samples, err := p.samples(ctx, name.Namespace, []string{name.Name}, info, metricSelector)
	if err != nil {
		return nil, err
	}
	values, err := p.values(name.Namespace, []string{name.Name}, info, metricSelector, samples)
	if err != nil {
		return nil, err
	}
	if len(values) == 0 {
		return nil, provider.NewMetricNotFoundForError(info.GroupResource, info.Metric, name.Name)
	}
	return &values[0], nil
}

// GetMetricBySelector gives a value for each object that the selector matches and that has a sample.
func (p *Provider) GetMetricBySelector(ctx context.Context, namespace string, selector labels.Selector,
	info provider.CustomMetricInfo, metricSelector labels.Selector) (*custom_metrics.MetricValueList, error) {
	names, err := helpers.ListObjectNames(p.Registry.Mapper, p.Objects, namespace, selector, info)
	if err != nil {
		klog.ErrorS(err, "Cannot list the objects of a metric", "resource", info.GroupResource, "selector", selector)
		return nil, apierr.NewInternalError(fmt.Errorf("cannot list %s: %w", info.GroupResource, err))
	}
	samples, err := p.samples(ctx, namespace, names, info, metricSelector)
	if err != nil {
		return nil, err
	}
	values, err := p.values(namespace, names, info, metricSelector, samples)
	if err != nil {
		return nil, err
	}
	if len(values) == 0 {
		return nil, provider.NewMetricNotFoundForSelectorError(info.GroupResource, info.Metric, "*", selector)
	}
	return &custom_metrics.MetricValueList{Items: values}, nil
}

// samples asks Prometheus for the newest sample of each named object.
func (p *Provider) samples(ctx context.Context, namespace string, names []string, info provider.CustomMetricInfo,
	metricSelector labels.Selector) (map[string]*pmodel.Sample, error) {
	from, known := p.Registry.Find(info)
	if !known || len(names) == 0 {
		return nil, provider.NewMetricNotFoundError(info.GroupResource, info.Metric)
	}
	query, err := from.query(namespace, names, metricSelector)
	if err != nil {
		return nil, apierr.NewBadRequest(err.Error())
	}
	result, _, err := p.Registry.Prometheus.Query(ctx, query, time.Now())
	if err != nil {
		klog.ErrorS(err, "Prometheus did not answer", "query", query)
		return nil, apierr.NewInternalError(fmt.Errorf("Prometheus did not answer %q: %w", query, err))
	}
	vector, isVector := result.(pmodel.Vector)
	if !isVector {
		return nil, apierr.NewInternalError(fmt.Errorf("metricsQuery must give a vector, but %q gives a %s", query, result.Type()))
	}
	byName := make(map[string]*pmodel.Sample, len(vector))
	for _, sample := range vector {
		byName[string(sample.Metric[from.object])] = sample
	}
	return byName, nil
}

// query renders the rule for these objects.
func (s source) query(namespace string, names []string, metricSelector labels.Selector) (string, error) {
	matchers, err := matchersOf(metricSelector)
	if err != nil {
		return "", err
	}
	values := map[string]string{string(s.object): alternatives(names)}
	if s.namespace != "" {
		matchers = append(matchers, anyOf(s.namespace, []string{namespace}))
		values[string(s.namespace)] = namespace
	}
	matchers = append(matchers, anyOf(s.object, names))
	return s.rule.Query(QueryValues{
		Series:            s.series,
		LabelMatchers:     strings.Join(matchers, ","),
		LabelValuesByName: values,
		GroupBy:           string(s.object),
		GroupBySlice:      []string{string(s.object)},
	})
}

// values turns samples into metric values, in the order of the names.
func (p *Provider) values(namespace string, names []string, info provider.CustomMetricInfo, metricSelector labels.Selector,
	samples map[string]*pmodel.Sample) ([]custom_metrics.MetricValue, error) {
	identifier := identifierOf(info.Metric, metricSelector)
	values := make([]custom_metrics.MetricValue, 0, len(names))
	for _, name := range names {
		quantity, ok := milli(samples[name])
		if !ok {
			continue
		}
		object, err := helpers.ReferenceFor(p.Registry.Mapper, types.NamespacedName{Namespace: namespace, Name: name}, info)
		if err != nil {
			return nil, apierr.NewInternalError(err)
		}
		values = append(values, custom_metrics.MetricValue{
			DescribedObject: object, Metric: identifier, Value: quantity,
			Timestamp: metav1.Time{Time: samples[name].Timestamp.Time()},
		})
	}
	return values, nil
}

// milli converts a sample to thousandths, the API's finest usual unit; false if there is no sample or it is no number.
func milli(sample *pmodel.Sample) (resource.Quantity, bool) {
	if sample == nil {
		return resource.Quantity{}, false
	}
	value := math.Round(float64(sample.Value) * 1000)
	if math.IsNaN(value) || math.Abs(value) >= math.MaxInt64 {
		return resource.Quantity{}, false
	}
	return *resource.NewMilliQuantity(int64(value), resource.DecimalSI), true
}
