package fake

import (
	"context"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typedautoscalingv2 "k8s.io/client-go/kubernetes/typed/autoscaling/v2"
	listersv2 "k8s.io/client-go/listers/autoscaling/v2"
	"k8s.io/client-go/tools/cache"
)

// HPAs is the client, the informer and the store of one HPA.
type HPAs struct {
	typedautoscalingv2.HorizontalPodAutoscalerInterface
	cache.SharedIndexInformer

	store    cache.Indexer
	handlers []cache.ResourceEventHandler
	stored   *autoscalingv2.HorizontalPodAutoscaler
}

// NewHPAs stores the HPA.
func NewHPAs(hpa *autoscalingv2.HorizontalPodAutoscaler) *HPAs {
	h := &HPAs{store: cache.NewIndexer(cache.MetaNamespaceKeyFunc, byNamespace), stored: hpa}
	must(h.store.Add(hpa))
	return h
}

var byNamespace = cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc}

// Status is the status as last written.
func (h *HPAs) Status() autoscalingv2.HorizontalPodAutoscalerStatus { return h.stored.Status }

// Forget drops the handlers of a controller that has ended.
func (h *HPAs) Forget() { h.handlers = nil }

// HorizontalPodAutoscalers returns the client for every namespace.
func (h *HPAs) HorizontalPodAutoscalers(string) typedautoscalingv2.HorizontalPodAutoscalerInterface {
	return h
}

// UpdateStatus stores the status and tells the controller of it, as the informer of a live cluster does.
func (h *HPAs) UpdateStatus(_ context.Context, hpa *autoscalingv2.HorizontalPodAutoscaler, _ metav1.UpdateOptions) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	old := h.stored
	updated := old.DeepCopy()
	updated.Status = *hpa.Status.DeepCopy()
	h.stored = updated
	must(h.store.Update(updated))
	for _, handler := range h.handlers {
		handler.OnUpdate(old, updated)
	}
	return updated, nil
}

// Informer returns itself.
func (h *HPAs) Informer() cache.SharedIndexInformer { return h }

// Lister reads the store.
func (h *HPAs) Lister() listersv2.HorizontalPodAutoscalerLister {
	return listersv2.NewHorizontalPodAutoscalerLister(h.store)
}

// HasSynced is true from the start.
func (h *HPAs) HasSynced() bool { return true }

// AddEventHandlerWithResyncPeriod tells the handler of the HPA at once, and later of every change.
func (h *HPAs) AddEventHandlerWithResyncPeriod(handler cache.ResourceEventHandler, _ time.Duration) (cache.ResourceEventHandlerRegistration, error) {
	h.handlers = append(h.handlers, handler)
	handler.OnAdd(h.stored, true)
	return nil, nil
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
