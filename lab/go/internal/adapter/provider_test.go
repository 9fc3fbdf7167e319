package adapter

import (
	"context"
	"math"
	"testing"
	"time"

	promapi "github.com/prometheus/client_golang/api/prometheus/v1"
	pmodel "github.com/prometheus/common/model"
	corev1 "k8s.io/api/core/v1"
	apierr "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"
)

var waiting = provider.CustomMetricInfo{
	GroupResource: schema.GroupResource{Resource: "pods"}, Namespaced: true, Metric: "vllm_num_requests_waiting",
}

// fakePrometheus has one series per pod, and a sample of it unless the pod's value is absent.
type fakePrometheus struct {
	pods   []string
	values map[string]float64
	at     time.Time
	asked  string
}

func (f *fakePrometheus) Series(context.Context, []string, time.Time, time.Time, ...promapi.Option) ([]pmodel.LabelSet, promapi.Warnings, error) {
	var all []pmodel.LabelSet
	for _, pod := range f.pods {
		all = append(all, pmodel.LabelSet{"__name__": "vllm:num_requests_waiting", "namespace": "demo", "pod": pmodel.LabelValue(pod)})
	}
	return all, nil, nil
}

func (f *fakePrometheus) Query(_ context.Context, query string, _ time.Time, _ ...promapi.Option) (pmodel.Value, promapi.Warnings, error) {
	f.asked = query
	vector := pmodel.Vector{}
	for pod, value := range f.values {
		vector = append(vector, &pmodel.Sample{Metric: pmodel.Metric{"pod": pmodel.LabelValue(pod)}, Value: pmodel.SampleValue(value),
			Timestamp: pmodel.TimeFromUnixNano(f.at.UnixNano())})
	}
	return vector, nil, nil
}

func newProvider(t *testing.T, prometheus *fakePrometheus) *Provider {
	t.Helper()
	mapper := apimeta.NewDefaultRESTMapper([]schema.GroupVersion{corev1.SchemeGroupVersion})
	mapper.Add(corev1.SchemeGroupVersion.WithKind("Pod"), apimeta.RESTScopeNamespace)
	mapper.Add(corev1.SchemeGroupVersion.WithKind("Namespace"), apimeta.RESTScopeRoot)
	registry := &Registry{Prometheus: prometheus, Mapper: mapper, Rules: mustParse(t, vllmRules), MaxAge: time.Minute}
	if err := registry.Refresh(context.Background()); err != nil {
		t.Fatal(err)
	}
	return &Provider{Registry: registry}
}

func TestAMetricIsListedForPodsAndForTheNamespace(t *testing.T) {
	listed := newProvider(t, &fakePrometheus{pods: []string{"a"}}).ListAllMetrics()
	if len(listed) != 2 {
		t.Fatalf("got %v", listed)
	}
	for _, info := range listed {
		if info.Namespaced != (info.GroupResource.Resource == "pods") || info.Metric != waiting.Metric {
			t.Errorf("got %v", info)
		}
	}
}

func TestAValueCarriesThousandthsAndTheTimeOfItsSample(t *testing.T) {
	at := time.UnixMilli(1_700_000_000_250)
	prometheus := &fakePrometheus{pods: []string{"a"}, values: map[string]float64{"a": 3.6667}, at: at}
	value, err := newProvider(t, prometheus).GetMetricByName(context.Background(),
		types.NamespacedName{Namespace: "demo", Name: "a"}, waiting, labels.Everything())
	if err != nil {
		t.Fatal(err)
	}
	if value.Value.String() != "3667m" || !value.Timestamp.Time.Equal(at) || value.DescribedObject.Name != "a" {
		t.Errorf("got %v", value)
	}
	if prometheus.asked != `sum(vllm:num_requests_waiting{namespace="demo",pod="a"}) by (pod)` {
		t.Errorf("asked %s", prometheus.asked)
	}
}

func TestAMissingSampleIsNotFoundAndNeverZero(t *testing.T) {
	for about, values := range map[string]map[string]float64{"no sample": nil, "no number": {"a": math.NaN()}} {
		value, err := newProvider(t, &fakePrometheus{pods: []string{"a"}, values: values}).GetMetricByName(
			context.Background(), types.NamespacedName{Namespace: "demo", Name: "a"}, waiting, labels.Everything())
		if !apierr.IsNotFound(err) {
			t.Errorf("%s: got %v, %v", about, value, err)
		}
	}
}

func TestAMetricWithoutSeriesIsNotFound(t *testing.T) {
	_, err := newProvider(t, &fakePrometheus{}).GetMetricByName(context.Background(),
		types.NamespacedName{Namespace: "demo", Name: "a"}, waiting, labels.Everything())
	if !apierr.IsNotFound(err) {
		t.Errorf("got %v", err)
	}
}

func TestASelectorOfTheMetricBecomesMatchers(t *testing.T) {
	selector, err := labels.Parse("model_name=qwen,engine in (1,0),role!=draft,lora,!canary")
	if err != nil {
		t.Fatal(err)
	}
	prometheus := &fakePrometheus{pods: []string{"a"}, values: map[string]float64{"a": 1}}
	_, err = newProvider(t, prometheus).GetMetricByName(context.Background(),
		types.NamespacedName{Namespace: "demo", Name: "a"}, waiting, selector)
	if err != nil {
		t.Fatal(err)
	}
	want := `sum(vllm:num_requests_waiting{canary="",engine=~"0|1",lora!="",model_name="qwen",role!~"draft",namespace="demo",pod="a"}) by (pod)`
	if prometheus.asked != want {
		t.Errorf("asked %s\nnot   %s", prometheus.asked, want)
	}
}
