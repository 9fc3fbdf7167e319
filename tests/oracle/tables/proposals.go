package podautoscaler

import (
	"context"
	"time"

	autoscaling "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	metricsclient "k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
	"k8s.io/utils/ptr"

	"elastometer.dev/oracle/internal/trace"
)

// listening notes what the metrics APIs answer. `current` is the entry of spec.metrics that is being asked for.
type listening struct {
	metricsclient.MetricsClient
	now     time.Time
	current int
	answers map[int]trace.Metric
}

func (l *listening) perPod(info metricsclient.PodMetricsInfo, err error) {
	if err != nil {
		l.answers[l.current] = trace.Metric{Error: err.Error()}
		return
	}
	l.answers[l.current] = trace.Metric{Samples: samples(info, l.now)}
}

func (l *listening) values(values []int64, err error) {
	line := trace.Metric{}
	if err != nil {
		line.Error = err.Error()
	}
	for _, value := range values {
		line.Values = append(line.Values, *resource.NewMilliQuantity(value, resource.DecimalSI))
	}
	l.answers[l.current] = line
}

func (l *listening) GetResourceMetric(ctx context.Context, resource v1.ResourceName, namespace string, selector labels.Selector, container string) (metricsclient.PodMetricsInfo, time.Time, error) {
	info, at, err := l.MetricsClient.GetResourceMetric(ctx, resource, namespace, selector, container)
	l.perPod(info, err)
	return info, at, err
}

func (l *listening) GetRawMetric(metricName string, namespace string, selector labels.Selector, metricSelector labels.Selector) (metricsclient.PodMetricsInfo, time.Time, error) {
	info, at, err := l.MetricsClient.GetRawMetric(metricName, namespace, selector, metricSelector)
	l.perPod(info, err)
	return info, at, err
}

func (l *listening) GetObjectMetric(metricName string, namespace string, objectRef *autoscaling.CrossVersionObjectReference, metricSelector labels.Selector) (int64, time.Time, error) {
	value, at, err := l.MetricsClient.GetObjectMetric(metricName, namespace, objectRef, metricSelector)
	if err != nil {
		l.values(nil, err)
	} else {
		l.values([]int64{value}, nil)
	}
	return value, at, err
}

func (l *listening) GetExternalMetric(metricName, namespace string, selector labels.Selector) ([]int64, time.Time, error) {
	values, at, err := l.MetricsClient.GetExternalMetric(metricName, namespace, selector)
	l.values(values, err)
	return values, at, err
}

// proposal is a call of the replica calculator that is being recorded.
type proposal struct {
	metric     autoscaling.MetricSpec
	spec       int32
	status     int32
	tolerances Tolerances
	selector   labels.Selector
}

// propose runs one call of the calculator and writes it as a world of one look and one metric.
func (c *ReplicaCalculator) propose(call proposal, run func() (replicas int32, value int64, err error)) {
	test, now := calling(), time.Now()
	heard := &listening{MetricsClient: c.metricsClient, now: now, answers: map[int]trace.Metric{}}
	if records.depth == 0 {
		c.metricsClient = heard
		defer func() { c.metricsClient = heard.MetricsClient }()
	}
	var replicas int32
	var value int64
	var err error
	if !records.call(func() { replicas, value, err = run() }) {
		return
	}
	selector := call.selector
	if selector == nil {
		selector = labels.Everything()
	}
	pods, listed := c.podLister.Pods(metav1.NamespaceAll).List(selector)
	if listed != nil {
		panic(listed)
	}
	result := facts{"failed": err != nil}
	if err == nil {
		result = facts{"failed": false, "replicas": replicas, "value": value}
	}
	records.write(oneCase{
		Test: test, Kind: "proposal", Tolerances: &tolerances{call.tolerances.scaleDown, call.tolerances.scaleUp}, Result: result,
		Trace: &trace.World{
			Name:       test,
			Controller: flags(c, call.tolerances.scaleUp, 0),
			HPA: autoscaling.HorizontalPodAutoscalerSpec{
				ScaleTargetRef: autoscaling.CrossVersionObjectReference{Kind: "Deployment", Name: "test", APIVersion: "apps/v1"},
				MinReplicas:    ptr.To[int32](1), MaxReplicas: 1000, Metrics: []autoscaling.MetricSpec{call.metric},
			},
			Syncs: []trace.Sync{{
				SpecReplicas: call.spec, StatusReplicas: call.status, Pods: podLines(pods, now), Metrics: []trace.Metric{heard.answers[0]},
			}},
		},
	})
}

func flags(c *ReplicaCalculator, tolerance float64, window time.Duration) trace.Controller {
	return trace.Controller{
		CPUInitializationPeriod: trace.Of(c.cpuInitializationPeriod), InitialReadinessDelay: trace.Of(c.delayOfInitialReadinessStatus),
		DownscaleStabilization: trace.Of(window), SyncPeriod: 15, Tolerance: tolerance,
	}
}

func average(milli int64) autoscaling.MetricTarget {
	return autoscaling.MetricTarget{Type: autoscaling.AverageValueMetricType, AverageValue: resource.NewMilliQuantity(milli, resource.DecimalSI)}
}

func inTotal(milli int64) autoscaling.MetricTarget {
	return autoscaling.MetricTarget{Type: autoscaling.ValueMetricType, Value: resource.NewMilliQuantity(milli, resource.DecimalSI)}
}

func ofResource(name v1.ResourceName, container string, target autoscaling.MetricTarget) autoscaling.MetricSpec {
	if container != "" {
		return autoscaling.MetricSpec{
			Type:              autoscaling.ContainerResourceMetricSourceType,
			ContainerResource: &autoscaling.ContainerResourceMetricSource{Name: name, Container: container, Target: target},
		}
	}
	return autoscaling.MetricSpec{Type: autoscaling.ResourceMetricSourceType, Resource: &autoscaling.ResourceMetricSource{Name: name, Target: target}}
}

func ofObject(name string, object *autoscaling.CrossVersionObjectReference, target autoscaling.MetricTarget) autoscaling.MetricSpec {
	return autoscaling.MetricSpec{
		Type:   autoscaling.ObjectMetricSourceType,
		Object: &autoscaling.ObjectMetricSource{DescribedObject: *object, Metric: autoscaling.MetricIdentifier{Name: name}, Target: target},
	}
}

func external(name string, selector *metav1.LabelSelector, target autoscaling.MetricTarget) autoscaling.MetricSpec {
	return autoscaling.MetricSpec{
		Type:     autoscaling.ExternalMetricSourceType,
		External: &autoscaling.ExternalMetricSource{Metric: autoscaling.MetricIdentifier{Name: name, Selector: selector}, Target: target},
	}
}

// GetResourceReplicas takes the place of upstream's.
func (c *ReplicaCalculator) GetResourceReplicas(ctx context.Context, currentReplicas int32, targetUtilization int32, resource v1.ResourceName, tolerances Tolerances, namespace string, selector labels.Selector, container string) (replicaCount int32, utilization int32, rawUtilization int64, timestamp time.Time, err error) {
	target := autoscaling.MetricTarget{Type: autoscaling.UtilizationMetricType, AverageUtilization: &targetUtilization}
	c.propose(proposal{ofResource(resource, container, target), currentReplicas, currentReplicas, tolerances, selector}, func() (int32, int64, error) {
		replicaCount, utilization, rawUtilization, timestamp, err = c.GetResourceReplicasUpstream(ctx, currentReplicas, targetUtilization, resource, tolerances, namespace, selector, container)
		return replicaCount, int64(utilization), err
	})
	return replicaCount, utilization, rawUtilization, timestamp, err
}

// GetRawResourceReplicas takes the place of upstream's.
func (c *ReplicaCalculator) GetRawResourceReplicas(ctx context.Context, currentReplicas int32, targetUsage int64, resource v1.ResourceName, tolerances Tolerances, namespace string, selector labels.Selector, container string) (replicaCount int32, usage int64, timestamp time.Time, err error) {
	c.propose(proposal{ofResource(resource, container, average(targetUsage)), currentReplicas, currentReplicas, tolerances, selector}, func() (int32, int64, error) {
		replicaCount, usage, timestamp, err = c.GetRawResourceReplicasUpstream(ctx, currentReplicas, targetUsage, resource, tolerances, namespace, selector, container)
		return replicaCount, usage, err
	})
	return replicaCount, usage, timestamp, err
}

// GetMetricReplicas takes the place of upstream's.
func (c *ReplicaCalculator) GetMetricReplicas(currentReplicas int32, targetUsage int64, metricName string, tolerances Tolerances, namespace string, selector labels.Selector, metricSelector labels.Selector) (replicaCount int32, usage int64, timestamp time.Time, err error) {
	metric := autoscaling.MetricSpec{
		Type: autoscaling.PodsMetricSourceType,
		Pods: &autoscaling.PodsMetricSource{Metric: autoscaling.MetricIdentifier{Name: metricName}, Target: average(targetUsage)},
	}
	c.propose(proposal{metric, currentReplicas, currentReplicas, tolerances, selector}, func() (int32, int64, error) {
		replicaCount, usage, timestamp, err = c.GetMetricReplicasUpstream(currentReplicas, targetUsage, metricName, tolerances, namespace, selector, metricSelector)
		return replicaCount, usage, err
	})
	return replicaCount, usage, timestamp, err
}

// GetObjectMetricReplicas takes the place of upstream's.
func (c *ReplicaCalculator) GetObjectMetricReplicas(currentReplicas int32, targetUsage int64, metricName string, tolerances Tolerances, namespace string, objectRef *autoscaling.CrossVersionObjectReference, selector labels.Selector, metricSelector labels.Selector) (replicaCount int32, usage int64, timestamp time.Time, err error) {
	c.propose(proposal{ofObject(metricName, objectRef, inTotal(targetUsage)), currentReplicas, currentReplicas, tolerances, selector}, func() (int32, int64, error) {
		replicaCount, usage, timestamp, err = c.GetObjectMetricReplicasUpstream(currentReplicas, targetUsage, metricName, tolerances, namespace, objectRef, selector, metricSelector)
		return replicaCount, usage, err
	})
	return replicaCount, usage, timestamp, err
}

// GetObjectPerPodMetricReplicas takes the place of upstream's.
func (c *ReplicaCalculator) GetObjectPerPodMetricReplicas(statusReplicas int32, targetAverageUsage int64, metricName string, tolerances Tolerances, namespace string, objectRef *autoscaling.CrossVersionObjectReference, metricSelector labels.Selector) (replicaCount int32, usage int64, timestamp time.Time, err error) {
	c.propose(proposal{ofObject(metricName, objectRef, average(targetAverageUsage)), statusReplicas, statusReplicas, tolerances, nil}, func() (int32, int64, error) {
		replicaCount, usage, timestamp, err = c.GetObjectPerPodMetricReplicasUpstream(statusReplicas, targetAverageUsage, metricName, tolerances, namespace, objectRef, metricSelector)
		return replicaCount, usage, err
	})
	return replicaCount, usage, timestamp, err
}

// GetExternalMetricReplicas takes the place of upstream's.
func (c *ReplicaCalculator) GetExternalMetricReplicas(currentReplicas int32, targetUsage int64, metricName string, tolerances Tolerances, namespace string, metricSelector *metav1.LabelSelector, podSelector labels.Selector) (replicaCount int32, usage int64, timestamp time.Time, err error) {
	c.propose(proposal{external(metricName, metricSelector, inTotal(targetUsage)), currentReplicas, currentReplicas, tolerances, podSelector}, func() (int32, int64, error) {
		replicaCount, usage, timestamp, err = c.GetExternalMetricReplicasUpstream(currentReplicas, targetUsage, metricName, tolerances, namespace, metricSelector, podSelector)
		return replicaCount, usage, err
	})
	return replicaCount, usage, timestamp, err
}

// GetExternalPerPodMetricReplicas takes the place of upstream's.
func (c *ReplicaCalculator) GetExternalPerPodMetricReplicas(statusReplicas int32, targetUsagePerPod int64, metricName string, tolerances Tolerances, namespace string, metricSelector *metav1.LabelSelector) (replicaCount int32, usage int64, timestamp time.Time, err error) {
	c.propose(proposal{external(metricName, metricSelector, average(targetUsagePerPod)), statusReplicas, statusReplicas, tolerances, nil}, func() (int32, int64, error) {
		replicaCount, usage, timestamp, err = c.GetExternalPerPodMetricReplicasUpstream(statusReplicas, targetUsagePerPod, metricName, tolerances, namespace, metricSelector)
		return replicaCount, usage, err
	})
	return replicaCount, usage, timestamp, err
}
