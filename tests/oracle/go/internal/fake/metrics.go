package fake

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
	customapi "k8s.io/metrics/pkg/apis/custom_metrics/v1beta2"
	externalapi "k8s.io/metrics/pkg/apis/external_metrics/v1beta1"
	metricsapi "k8s.io/metrics/pkg/apis/metrics/v1beta1"
	resourceclient "k8s.io/metrics/pkg/client/clientset/versioned/typed/metrics/v1beta1"
	"k8s.io/metrics/pkg/client/custom_metrics"
	"k8s.io/metrics/pkg/client/external_metrics"
)

// Answer is what a metrics API says about one metric: an error, samples of Pods, or values.
type Answer struct {
	Error   string
	Samples []Sample
	Values  []resource.Quantity
}

// Sample is one Pod's value: by container for a resource metric (none: the Pod is in the list without containers),
// under the empty name for a Pods metric.
type Sample struct {
	Pod    string
	At     time.Time
	Window time.Duration
	Usage  []Usage
}

// Usage is the value of one container. Silent: the container is in the answer, the resource is not.
type Usage struct {
	Container string
	Value     resource.Quantity
	Silent    bool
}

// Metrics answers the controller's own metrics clients. The resource API is not given which resource is wanted, so
// its answers are queued in the order of spec.metrics; the others are found by the metric's name.
type Metrics struct {
	resources []ResourceAnswer
	named     map[string]Answer
}

// ResourceAnswer is an answer about one resource.
type ResourceAnswer struct {
	Answer
	Resource corev1.ResourceName
}

// Answer makes these the answers of the sync that begins.
func (m *Metrics) Answer(resources []ResourceAnswer, named map[string]Answer) {
	m.resources, m.named = resources, named
}

// Client is the controller's real client over this fake transport.
func (m *Metrics) Client() metrics.MetricsClient {
	return metrics.NewRESTMetricsClient(resourceMetrics{m}, customMetrics{m}, externalMetrics{m})
}

type resourceMetrics struct{ *Metrics }

func (r resourceMetrics) PodMetricses(string) resourceclient.PodMetricsInterface {
	return podMetricses{Metrics: r.Metrics}
}

type podMetricses struct {
	resourceclient.PodMetricsInterface
	*Metrics
}

func (p podMetricses) List(context.Context, metav1.ListOptions) (*metricsapi.PodMetricsList, error) {
	answer := p.resources[0]
	p.Metrics.resources = p.resources[1:]
	if answer.Error != "" {
		return nil, errors.New(answer.Error)
	}
	list := &metricsapi.PodMetricsList{}
	for _, sample := range answer.Samples {
		item := metricsapi.PodMetrics{
			ObjectMeta: metav1.ObjectMeta{Name: sample.Pod, Namespace: corev1.NamespaceDefault},
			Timestamp:  metav1.NewTime(sample.At),
			Window:     metav1.Duration{Duration: sample.Window},
		}
		for _, usage := range sample.Usage {
			container := metricsapi.ContainerMetrics{Name: usage.Container, Usage: corev1.ResourceList{}}
			if !usage.Silent {
				container.Usage[answer.Resource] = usage.Value
			}
			item.Containers = append(item.Containers, container)
		}
		list.Items = append(list.Items, item)
	}
	return list, nil
}

type customMetrics struct{ *Metrics }

func (c customMetrics) RootScopedMetrics() custom_metrics.MetricsInterface { return c }

func (c customMetrics) NamespacedMetrics(string) custom_metrics.MetricsInterface { return c }

func (c customMetrics) GetForObjects(_ schema.GroupKind, _ labels.Selector, name string, _ labels.Selector) (*customapi.MetricValueList, error) {
	answer := c.named[name]
	if answer.Error != "" {
		return nil, errors.New(answer.Error)
	}
	list := &customapi.MetricValueList{}
	for _, sample := range answer.Samples {
		window := int64(sample.Window / time.Second)
		list.Items = append(list.Items, customapi.MetricValue{
			DescribedObject: corev1.ObjectReference{Kind: "Pod", Name: sample.Pod},
			Timestamp:       metav1.NewTime(sample.At),
			WindowSeconds:   &window,
			Value:           sample.Usage[0].Value,
		})
	}
	return list, nil
}

func (c customMetrics) GetForObject(_ schema.GroupKind, _ string, name string, _ labels.Selector) (*customapi.MetricValue, error) {
	answer := c.named[name]
	if answer.Error != "" {
		return nil, errors.New(answer.Error)
	}
	return &customapi.MetricValue{Value: answer.Values[0]}, nil
}

type externalMetrics struct{ *Metrics }

func (e externalMetrics) NamespacedMetrics(string) external_metrics.MetricsInterface { return e }

func (e externalMetrics) List(name string, _ labels.Selector) (*externalapi.ExternalMetricValueList, error) {
	answer := e.named[name]
	if answer.Error != "" {
		return nil, errors.New(answer.Error)
	}
	list := &externalapi.ExternalMetricValueList{}
	for _, value := range answer.Values {
		list.Items = append(list.Items, externalapi.ExternalMetricValue{MetricName: name, Value: value})
	}
	return list, nil
}
