package podautoscaler

import (
	"slices"
	"strings"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/sets"
	feature "k8s.io/apiserver/pkg/util/feature"
	metricsclient "k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
	"k8s.io/kubernetes/pkg/features"

	"elastometer.dev/oracle/internal/trace"
)

// facts are arguments and results by name.
type facts map[string]any

func recordCall(function string, arguments, result facts) {
	records.write(oneCase{Test: calling(), Kind: "call", Function: function, Arguments: arguments, Result: result})
}

func limited(replicas int32, reason string) facts {
	return facts{"replicas": replicas, "reason": reason}
}

func convertDesiredReplicasWithRules(currentReplicas, desiredReplicas, hpaMinReplicas, hpaMaxReplicas int32) (replicas int32, reason, message string) {
	if records.call(func() {
		replicas, reason, message = convertDesiredReplicasWithRulesUpstream(currentReplicas, desiredReplicas, hpaMinReplicas, hpaMaxReplicas)
	}) {
		recordCall("convertDesiredReplicasWithRules", facts{
			"current": currentReplicas, "desired": desiredReplicas, "minimum": hpaMinReplicas, "maximum": hpaMaxReplicas,
		}, limited(replicas, reason))
	}
	return replicas, reason, message
}

func calculateScaleUpLimitWithScalingRules(currentReplicas int32, scaleUpEvents, scaleDownEvents []timestampedScaleEvent, scalingRules *autoscalingv2.HPAScalingRules) (limit int32) {
	now := time.Now()
	arguments := facts{
		"current": currentReplicas, "rules": scalingRules,
		"scaleUpEvents": events(scaleUpEvents, now), "scaleDownEvents": events(scaleDownEvents, now),
	}
	if records.call(func() {
		limit = calculateScaleUpLimitWithScalingRulesUpstream(currentReplicas, scaleUpEvents, scaleDownEvents, scalingRules)
	}) {
		recordCall("calculateScaleUpLimitWithScalingRules", arguments, facts{"replicas": limit})
	}
	return limit
}

func calculateScaleDownLimitWithBehaviors(currentReplicas int32, scaleUpEvents, scaleDownEvents []timestampedScaleEvent, scalingRules *autoscalingv2.HPAScalingRules) (limit int32) {
	now := time.Now()
	arguments := facts{
		"current": currentReplicas, "rules": scalingRules,
		"scaleUpEvents": events(scaleUpEvents, now), "scaleDownEvents": events(scaleDownEvents, now),
	}
	if records.call(func() {
		limit = calculateScaleDownLimitWithBehaviorsUpstream(currentReplicas, scaleUpEvents, scaleDownEvents, scalingRules)
	}) {
		recordCall("calculateScaleDownLimitWithBehaviors", arguments, facts{"replicas": limit})
	}
	return limit
}

func (a *HorizontalController) stabilizeRecommendation(key string, prenormalizedDesiredReplicas int32) (replicas int32) {
	arguments := facts{
		"desired": prenormalizedDesiredReplicas, "windowSeconds": a.downscaleStabilisationWindow.Seconds(),
		"recommendations": remembered(a.recommendations[key], time.Now()),
	}
	if records.call(func() { replicas = a.stabilizeRecommendationUpstream(key, prenormalizedDesiredReplicas) }) {
		recordCall("stabilizeRecommendation", arguments, facts{
			"replicas": replicas, "recommendations": remembered(a.recommendations[key], time.Now()),
		})
	}
	return replicas
}

func (a *HorizontalController) stabilizeRecommendationWithBehaviors(args NormalizationArg) (replicas int32, reason, message string) {
	arguments := a.normalization(args)
	if records.call(func() { replicas, reason, message = a.stabilizeRecommendationWithBehaviorsUpstream(args) }) {
		recordCall("stabilizeRecommendationWithBehaviors", arguments, facts{
			"replicas": replicas, "reason": reason, "recommendations": remembered(a.recommendations[args.Key], time.Now()),
		})
	}
	return replicas, reason, message
}

func (a *HorizontalController) convertDesiredReplicasWithBehaviorRate(args NormalizationArg) (replicas int32, reason, message string) {
	arguments := a.normalization(args)
	if records.call(func() { replicas, reason, message = a.convertDesiredReplicasWithBehaviorRateUpstream(args) }) {
		recordCall("convertDesiredReplicasWithBehaviorRate", arguments, limited(replicas, reason))
	}
	return replicas, reason, message
}

func (a *HorizontalController) normalization(args NormalizationArg) facts {
	now := time.Now()
	return facts{
		"current": args.CurrentReplicas, "desired": args.DesiredReplicas, "minimum": args.MinReplicas,
		"maximum": args.MaxReplicas, "scaleUp": args.ScaleUpBehavior, "scaleDown": args.ScaleDownBehavior,
		"recommendations": remembered(a.recommendations[args.Key], now),
		"scaleUpEvents":   events(a.scaleUpEvents[args.Key], now), "scaleDownEvents": events(a.scaleDownEvents[args.Key], now),
	}
}

func (a *HorizontalController) storeScaleEvent(behavior *autoscalingv2.HorizontalPodAutoscalerBehavior, key string, prevReplicas, newReplicas int32) {
	now := time.Now()
	arguments := facts{
		"behavior": behavior, "before": prevReplicas, "after": newReplicas,
		"scaleUpEvents": events(a.scaleUpEvents[key], now), "scaleDownEvents": events(a.scaleDownEvents[key], now),
	}
	if records.call(func() { a.storeScaleEventUpstream(behavior, key, prevReplicas, newReplicas) }) {
		recordCall("storeScaleEvent", arguments, facts{
			"scaleUpEvents": events(a.scaleUpEvents[key], now), "scaleDownEvents": events(a.scaleDownEvents[key], now),
		})
	}
}

func getReplicasChangePerPeriod(periodSeconds int32, scaleEvents []timestampedScaleEvent) (change int32) {
	arguments := facts{"periodSeconds": periodSeconds, "events": events(scaleEvents, time.Now())}
	if records.call(func() { change = getReplicasChangePerPeriodUpstream(periodSeconds, scaleEvents) }) {
		recordCall("getReplicasChangePerPeriod", arguments, facts{"change": change})
	}
	return change
}

func groupPods(pods []*v1.Pod, metrics metricsclient.PodMetricsInfo, resource v1.ResourceName, cpuInitializationPeriod, delayOfInitialReadinessStatus time.Duration) (readyPodCount int, unreadyPods, missingPods, ignoredPods sets.Set[string]) {
	now := time.Now()
	arguments := facts{
		"pods": podLines(pods, now), "samples": samples(metrics, now), "resource": resource,
		"cpuInitializationPeriodSeconds": cpuInitializationPeriod.Seconds(),
		"initialReadinessDelaySeconds":   delayOfInitialReadinessStatus.Seconds(),
	}
	if records.call(func() {
		readyPodCount, unreadyPods, missingPods, ignoredPods = groupPodsUpstream(pods, metrics, resource, cpuInitializationPeriod, delayOfInitialReadinessStatus)
	}) {
		recordCall("groupPods", arguments, facts{
			"ready": readyPodCount, "unready": sets.List(unreadyPods), "missing": sets.List(missingPods), "ignored": sets.List(ignoredPods),
		})
	}
	return readyPodCount, unreadyPods, missingPods, ignoredPods
}

func calculateRequests(pods []*v1.Pod, container string, resource v1.ResourceName) (requests map[string]int64, err error) {
	if records.call(func() { requests, err = calculateRequestsUpstream(pods, container, resource) }) {
		recordRequests(pods, container, resource, requests, err)
	}
	return requests, err
}

func calculatePodRequestsFromContainers(pod *v1.Pod, container string, resource v1.ResourceName) (request int64, err error) {
	if records.call(func() { request, err = calculatePodRequestsFromContainersUpstream(pod, container, resource) }) {
		recordRequests([]*v1.Pod{pod}, container, resource, map[string]int64{pod.Name: request}, err)
	}
	return request, err
}

func recordRequests(pods []*v1.Pod, container string, resource v1.ResourceName, requests map[string]int64, err error) {
	recordCall("calculateRequests", facts{
		"pods": podLines(pods, time.Now()), "container": container, "resource": resource,
		"podLevelResources": feature.DefaultFeatureGate.Enabled(features.PodLevelResources),
	}, facts{"requests": requests, "failed": err != nil})
}

// podLines are the Pods as a trace has them, with tidy times.
func podLines(pods []*v1.Pod, now time.Time) []trace.Pod {
	lines := []trace.Pod{}
	for _, pod := range pods {
		tidied := pod.DeepCopy()
		if started := tidied.Status.StartTime; started != nil {
			started.Time = now.Add(tidy(started.Time, now))
		}
		for i := range tidied.Status.Conditions {
			changed := &tidied.Status.Conditions[i].LastTransitionTime
			changed.Time = now.Add(tidy(changed.Time, now))
		}
		lines = append(lines, trace.FromPod(tidied, now, true))
	}
	slices.SortFunc(lines, func(one, other trace.Pod) int { return strings.Compare(one.Name, other.Name) })
	return lines
}

func samples(metrics metricsclient.PodMetricsInfo, now time.Time) []trace.Sample {
	lines := []trace.Sample{}
	for _, name := range sets.List(sets.KeySet(metrics)) {
		lines = append(lines, trace.Sample{
			Pod: name, Value: *resource.NewMilliQuantity(metrics[name].Value, resource.DecimalSI),
			Timestamp: trace.Of(tidy(metrics[name].Timestamp, now)), Window: trace.Of(metrics[name].Window),
		})
	}
	return lines
}
