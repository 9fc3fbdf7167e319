package podautoscaler

import (
	"context"
	"fmt"
	"slices"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	autoscalinginformers "k8s.io/client-go/informers/autoscaling/v2"
	coreinformers "k8s.io/client-go/informers/core/v1"
	autoscalingclient "k8s.io/client-go/kubernetes/typed/autoscaling/v2"
	v1core "k8s.io/client-go/kubernetes/typed/core/v1"
	scaleclient "k8s.io/client-go/scale"
	"k8s.io/client-go/tools/record"
	metricsclient "k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"

	"elastometer.dev/oracle/internal/trace"
)

// watched is a sync that is being recorded, in the places of the clients that it uses.
type watched struct {
	scaleclient.ScalesGetter
	scaleclient.ScaleInterface
	record.EventRecorder

	scale    *autoscalingv1.Scale
	scaled   bool
	desired  int32
	refusal  string
	proposed *int32
	reasons  []string
	finally  autoscalingv2.HorizontalPodAutoscalerStatus
	metric   int
	answered *listening
}

// Scales returns itself before the namespace's client.
func (w *watched) Scales(namespace string) scaleclient.ScaleInterface {
	w.ScaleInterface = w.ScalesGetter.Scales(namespace)
	return w
}

// Get notes the scale as it was when the sync began.
func (w *watched) Get(ctx context.Context, resource schema.GroupResource, name string, options metav1.GetOptions) (*autoscalingv1.Scale, error) {
	scale, err := w.ScaleInterface.Get(ctx, resource, name, options)
	if err == nil && w.scale == nil {
		w.scale = scale.DeepCopy()
	}
	return scale, err
}

// Update notes whether the scale was written in the end.
func (w *watched) Update(ctx context.Context, resource schema.GroupResource, scale *autoscalingv1.Scale, options metav1.UpdateOptions) (*autoscalingv1.Scale, error) {
	updated, err := w.ScaleInterface.Update(ctx, resource, scale, options)
	if err != nil {
		w.refusal = err.Error()
	} else {
		w.scaled, w.desired, w.refusal = true, scale.Spec.Replicas, ""
	}
	return updated, err
}

// Event notes the reason.
func (w *watched) Event(object runtime.Object, eventtype, reason, message string) {
	w.reasons = append(w.reasons, reason)
	w.EventRecorder.Event(object, eventtype, reason, message)
}

// Eventf notes the reason.
func (w *watched) Eventf(object runtime.Object, eventtype, reason, format string, args ...any) {
	w.reasons = append(w.reasons, reason)
	w.EventRecorder.Eventf(object, eventtype, reason, format, args...)
}

var watching *watched

// NewHorizontalController takes the place of upstream's, and remembers which test asked for it.
func NewHorizontalController(
	ctx context.Context, evtNamespacer v1core.EventsGetter, scaleNamespacer scaleclient.ScalesGetter,
	hpaNamespacer autoscalingclient.HorizontalPodAutoscalersGetter, mapper apimeta.RESTMapper,
	metricsClient metricsclient.MetricsClient, hpaInformer autoscalinginformers.HorizontalPodAutoscalerInformer,
	podInformer coreinformers.PodInformer, resyncPeriod, downscaleStabilisationWindow time.Duration, tolerance float64,
	cpuInitializationPeriod, delayOfInitialReadinessStatus time.Duration,
) *HorizontalController {
	made := NewHorizontalControllerUpstream(ctx, evtNamespacer, scaleNamespacer, hpaNamespacer, mapper, metricsClient, hpaInformer,
		podInformer, resyncPeriod, downscaleStabilisationWindow, tolerance, cpuInitializationPeriod, delayOfInitialReadinessStatus)
	records.Lock()
	defer records.Unlock()
	records.makers[made] = calling()
	return made
}

// reconcileAutoscaler takes the place of upstream's and records the first sync of each controller: the tests are about
// one sync each, and how many follow before the test ends is chance.
func (a *HorizontalController) reconcileAutoscaler(ctx context.Context, hpaShared *autoscalingv2.HorizontalPodAutoscaler, key string) (err error) {
	records.Lock()
	defer records.Unlock()
	test := records.makers[a]
	if test == "" {
		records.call(func() { err = a.reconcileAutoscalerUpstream(ctx, hpaShared, key) })
		return err
	}
	delete(records.makers, a)
	now := time.Now()
	before := a.memoryOf(hpaShared, key, now)
	w := &watched{ScalesGetter: a.scaleNamespacer, EventRecorder: a.eventRecorder, metric: -1}
	w.answered = &listening{MetricsClient: a.replicaCalc.metricsClient, now: now, answers: map[int]trace.Metric{}}
	a.scaleNamespacer, a.eventRecorder, a.replicaCalc.metricsClient, watching = w, w, w.answered, w
	records.call(func() { err = a.reconcileAutoscalerUpstream(ctx, hpaShared, key) })
	a.scaleNamespacer, a.eventRecorder, a.replicaCalc.metricsClient, watching = w.ScalesGetter, w.EventRecorder, w.answered.MetricsClient, nil
	records.write(oneCase{Test: test, Kind: "sync", Memory: before, Trace: &trace.World{
		Name:       test,
		Controller: flags(a.replicaCalc, a.tolerance, a.downscaleStabilisationWindow),
		HPA:        *hpaShared.Spec.DeepCopy(),
		Syncs:      []trace.Sync{a.seen(w, hpaShared, now)},
		Expected:   []trace.Expected{w.left(hpaShared)},
	}})
	return err
}

// computeReplicasForMetrics takes the place of upstream's, and notes what it proposes; -1 is that it cannot tell.
func (a *HorizontalController) computeReplicasForMetrics(ctx context.Context, hpa *autoscalingv2.HorizontalPodAutoscaler, scale *autoscalingv1.Scale,
	metricSpecs []autoscalingv2.MetricSpec) (int32, string, []autoscalingv2.MetricStatus, time.Time, error) {
	replicas, metric, statuses, at, err := a.computeReplicasForMetricsUpstream(ctx, hpa, scale, metricSpecs)
	if watching != nil && (err == nil || replicas != -1) {
		watching.proposed = &replicas
	}
	return replicas, metric, statuses, at, err
}

// computeReplicasForMetric takes the place of upstream's, and tells which metric is asked for.
func (a *HorizontalController) computeReplicasForMetric(ctx context.Context, hpa *autoscalingv2.HorizontalPodAutoscaler, spec autoscalingv2.MetricSpec,
	specReplicas, statusReplicas int32, selector labels.Selector, status *autoscalingv2.MetricStatus) (int32, string, time.Time, autoscalingv2.HorizontalPodAutoscalerCondition, error) {
	if watching != nil {
		watching.metric++
		watching.answered.current = watching.metric
	}
	return a.computeReplicasForMetricUpstream(ctx, hpa, spec, specReplicas, statusReplicas, selector, status)
}

// updateStatusIfNeeded takes the place of upstream's: every sync ends with it.
func (a *HorizontalController) updateStatusIfNeeded(ctx context.Context, oldStatus *autoscalingv2.HorizontalPodAutoscalerStatus, newHPA *autoscalingv2.HorizontalPodAutoscaler) error {
	if watching != nil {
		watching.finally = *newHPA.Status.DeepCopy()
	}
	return a.updateStatusIfNeededUpstream(ctx, oldStatus, newHPA)
}

func (a *HorizontalController) memoryOf(hpa *autoscalingv2.HorizontalPodAutoscaler, key string, now time.Time) *memory {
	return &memory{
		Started:         a.recommendations[key] != nil,
		Recommendations: remembered(a.recommendations[key], now),
		ScaleUpEvents:   events(a.scaleUpEvents[key], now), ScaleDownEvents: events(a.scaleDownEvents[key], now),
		Conditions: conditions(hpa.Status), DesiredReplicas: hpa.Status.DesiredReplicas,
	}
}

func conditions(status autoscalingv2.HorizontalPodAutoscalerStatus) map[string][2]string {
	byType := map[string][2]string{}
	for _, condition := range status.Conditions {
		byType[string(condition.Type)] = [2]string{string(condition.Status), condition.Reason}
	}
	return byType
}

// seen is what the sync saw. Without a scale, what the HPA's status says stands for it.
func (a *HorizontalController) seen(w *watched, hpa *autoscalingv2.HorizontalPodAutoscaler, now time.Time) trace.Sync {
	if w.scale == nil {
		return trace.Sync{SpecReplicas: hpa.Status.DesiredReplicas, StatusReplicas: hpa.Status.DesiredReplicas,
			ScaleError: "the scale could not be read", Pods: []trace.Pod{}, Metrics: make([]trace.Metric, len(hpa.Spec.Metrics))}
	}
	sync := trace.Sync{SpecReplicas: w.scale.Spec.Replicas, StatusReplicas: w.scale.Status.Replicas, ScaleUpdateError: w.refusal, Pods: []trace.Pod{}}
	if selector, err := labels.Parse(w.scale.Status.Selector); err == nil {
		pods, err := a.podLister.Pods(hpa.Namespace).List(selector)
		if err != nil {
			panic(fmt.Sprint("the Pods cannot be listed: ", err))
		}
		sync.Pods = podLines(pods, now)
	}
	for i := range hpa.Spec.Metrics {
		sync.Metrics = append(sync.Metrics, w.answered.answers[i])
	}
	return sync
}

// left is what the sync left behind.
func (w *watched) left(hpa *autoscalingv2.HorizontalPodAutoscaler) trace.Expected {
	slices.Sort(w.reasons)
	expected := trace.Expected{
		DesiredReplicas: w.desired, Rescaled: w.scaled, Events: w.reasons, Conditions: conditions(w.finally),
		Account: trace.Account{ProposedReplicas: w.proposed, StatusDesiredReplicas: w.finally.DesiredReplicas},
	}
	if !w.scaled && w.scale != nil {
		expected.DesiredReplicas = w.scale.Spec.Replicas
	} else if !w.scaled {
		expected.DesiredReplicas = hpa.Status.DesiredReplicas
	}
	for _, metric := range w.finally.CurrentMetrics {
		expected.Account.CurrentMetrics = append(expected.Account.CurrentMetrics, trace.FromStatus(metric))
	}
	return expected
}
