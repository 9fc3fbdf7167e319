package world

import (
	"fmt"
	"slices"
)

// grace is how long a deleted Pod stays at most, in seconds.
const grace = 30

// deployment is the target: it makes and deletes Pods until there are as many as its spec says.
type deployment struct {
	dice
	template

	replicas int
	pods     []*pod
	made     int
	before   int // second of the last look
	byHand   []manual
	quota    int // no more Pods than this can be made
	report   func(exact int) int
}

// manual is somebody's `kubectl scale`.
type manual struct{ second, replicas int }

func drawDeployment(d dice, low, high, length int) *deployment {
	t := &deployment{dice: d, template: drawTemplate(d, length), quota: never}
	t.replicas = pick(d, low, low, d.between(low, high), d.between(0, high+2))
	t.report = drawReport(d)
	if d.chance(0.15) {
		t.quota = d.between(0, high)
	}
	if t.replicas == 0 || d.chance(0.3) {
		t.byHand = drawManual(d, low, high, length)
	}
	settled := d.chance(0.8)
	for range t.replicas {
		fresh := t.create(-d.between(0, 20))
		if settled {
			fresh.settle(d)
		}
	}
	return t
}

// drawManual draws some changes by hand, among them to nothing and out of bounds. Where somebody turns the target off,
// somebody turns it on again, for the controller does not.
func drawManual(d dice, low, high, length int) []manual {
	drawn := []manual{{d.between(0, length/4), d.between(1, high)}}
	for range d.between(0, 3) {
		second := d.between(0, length)
		choice := pick(d, 0, d.between(0, high+5), d.between(low, high), high+d.between(1, 10), max(low-1, 0))
		drawn = append(drawn, manual{second, choice})
		if choice == 0 {
			drawn = append(drawn, manual{second + d.between(1, 300), d.between(1, high)})
		}
	}
	slices.SortStableFunc(drawn, func(a, b manual) int { return a.second - b.second })
	return drawn
}

// drawReport draws how truly status.replicas follows the Pods.
func drawReport(d dice) func(int) int {
	last := 0
	return pick(d,
		func(exact int) int { return exact },
		func(exact int) int { return exact },
		func(exact int) int { last, exact = exact, last; return exact }, // one look behind
		func(exact int) int {
			if d.chance(0.1) {
				return pick(d, 0, exact+1, max(exact-1, 0))
			}
			return exact
		},
	)
}

func (t *deployment) create(second int) *pod {
	fresh := t.plan(t.dice, fmt.Sprintf("%s-%03d", Target, t.made), second)
	t.made++
	t.pods = append(t.pods, fresh)
	return fresh
}

// advance takes it to this second: hand-made changes, new Pods, deletions, and what is gone.
func (t *deployment) advance(second int) {
	for len(t.byHand) > 0 && t.byHand[0].second <= second {
		t.replicas = t.byHand[0].replicas
		t.byHand = t.byHand[1:]
	}
	acted := min(t.before+t.between(1, 3), second)
	t.before = second
	t.pods = slices.DeleteFunc(t.pods, func(p *pod) bool { return p.gone <= second })
	active := t.active(second)
	for len(active) < min(t.replicas, t.quota) {
		active = append(active, t.create(acted))
	}
	for len(active) > t.replicas {
		t.delete(active[len(active)-1], acted)
		active = active[:len(active)-1]
	}
	t.collect(second)
}

// active are the Pods that the Deployment counts, those first that it would delete last.
func (t *deployment) active(second int) []*pod {
	var found []*pod
	for _, each := range t.pods {
		if !each.deleted(second) && !each.ended(second) {
			found = append(found, each)
		}
	}
	slices.SortStableFunc(found, func(a, b *pod) int { return a.ready - b.ready })
	return found
}

func (t *deployment) delete(p *pod, second int) {
	p.deleting = second
	p.gone = second + t.between(1, grace)
}

// collect deletes the oldest of those that ended, where they get many.
func (t *deployment) collect(second int) {
	ended := 0
	for _, each := range slices.Backward(t.pods) {
		if each.ended(second) && !each.deleted(second) {
			if ended++; ended > 3 {
				t.delete(each, second)
			}
		}
	}
}
