package world

import (
	"fmt"
	"math"
	"math/rand/v2"

	"k8s.io/apimachinery/pkg/api/resource"
)

// dice is the chance of one world; the same seed and index give the same world.
type dice struct{ *rand.Rand }

func newDice(seed, index uint64) dice {
	return dice{rand.New(rand.NewPCG(seed, index))}
}

// pick takes one of several, each with the same chance; what is named twice comes twice as often.
func pick[T any](d dice, choices ...T) T {
	return choices[d.IntN(len(choices))]
}

func (d dice) chance(probability float64) bool {
	return d.Float64() < probability
}

// between returns a whole number, both ends included.
func (d dice) between(low, high int) int {
	return low + d.IntN(high-low+1)
}

func (d dice) real(low, high float64) float64 {
	return low + d.Float64()*(high-low)
}

// span is a time of trouble, in whole seconds; the end is not part of it.
type span struct{ from, to int }

func (s span) holds(second int) bool { return s.from <= second && second < s.to }

func anyHolds(spans []span, second int) bool {
	for _, each := range spans {
		if each.holds(second) {
			return true
		}
	}
	return false
}

// spans draws times of trouble within a world of this length.
func (d dice) spans(count, length, longest int) []span {
	drawn := make([]span, count)
	for i := range drawn {
		from := d.between(0, length)
		drawn[i] = span{from, from + d.between(1, longest)}
	}
	return drawn
}

// beyondMilli is where milli-units no longer fit into 64 bits with room to add.
const beyondMilli = 1e15

// quantity writes a value of so many milli-units in one of the notations that metrics APIs and people use.
func (d dice) quantity(milli float64) resource.Quantity {
	if math.Abs(milli) >= beyondMilli {
		return resource.MustParse(fmt.Sprintf("%.3fe%d", milli/1e15, 12))
	}
	whole := int64(math.Round(milli))
	switch {
	case d.chance(0.1):
		return resource.MustParse(fmt.Sprintf("%du", whole*1000+int64(d.between(-999, 999))))
	case d.chance(0.05):
		return resource.MustParse(fmt.Sprintf("%d.%03d", whole/1000, max(whole, -whole)%1000))
	case d.chance(0.05):
		return resource.MustParse(fmt.Sprintf("%de-3", whole))
	case whole%1000000 == 0 && d.chance(0.3):
		return resource.MustParse(fmt.Sprintf("%dk", whole/1000000))
	case whole%1000 == 0:
		return resource.MustParse(fmt.Sprintf("%d", whole/1000))
	default:
		return resource.MustParse(fmt.Sprintf("%dm", whole))
	}
}
