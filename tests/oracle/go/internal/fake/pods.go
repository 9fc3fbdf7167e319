package fake

import (
	corev1 "k8s.io/api/core/v1"
	listerscorev1 "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
)

// Pods is the informer of the Pods, filled by hand.
type Pods struct {
	cache.SharedIndexInformer
	store cache.Indexer
}

// NewPods is empty.
func NewPods() *Pods {
	return &Pods{store: cache.NewIndexer(cache.MetaNamespaceKeyFunc, byNamespace)}
}

// Replace makes these all the Pods that there are.
func (p *Pods) Replace(pods []*corev1.Pod) {
	items := make([]any, len(pods))
	for i, pod := range pods {
		items[i] = pod
	}
	must(p.store.Replace(items, ""))
}

// Informer returns itself.
func (p *Pods) Informer() cache.SharedIndexInformer { return p }

// Lister reads the store.
func (p *Pods) Lister() listerscorev1.PodLister { return listerscorev1.NewPodLister(p.store) }

// HasSynced is true from the start.
func (p *Pods) HasSynced() bool { return true }
