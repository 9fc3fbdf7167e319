package world

import "math"

// curve is the demand at a second, in replicas that would be busy with it exactly to their target.
type curve func(second float64) float64

// drawCurve draws a demand between nothing and somewhat more than `most` replicas, over a world of this length.
func drawCurve(d dice, most, length float64) curve {
	low, high := d.real(0, 0.5)*most, d.real(0.3, 1.25)*most
	at, took := d.real(0, 0.7)*length, d.real(0.02, 0.6)*length
	during := func(second float64) bool { return at <= second && second < at+took }
	period, phase := d.real(0.04, 0.8)*length, d.real(0, 2*math.Pi)
	base := pick(d,
		func(second float64) float64 { // step
			return either(second < at, low, high)
		},
		func(second float64) float64 { // ramp
			return low + (high-low)*min(max((second-at)/took, 0), 1)
		},
		func(second float64) float64 { // spike
			return either(during(second), high, low)
		},
		func(second float64) float64 { // sawtooth
			return low + (high-low)*math.Mod(second+at, period)/period
		},
		func(second float64) float64 { // diurnal
			return low + (high-low)*(1+math.Sin(2*math.Pi*second/period+phase))/2
		},
		func(second float64) float64 { // idle, then a burst
			return either(during(second), high, 0)
		},
		func(float64) float64 { return high }, // flat
	)
	noise := pick(d, 0, 0, 0.02, 0.1, 0.5)
	return func(second float64) float64 {
		return base(second) * math.Exp(noise*d.NormFloat64())
	}
}

func either(first bool, a, b float64) float64 {
	if first {
		return a
	}
	return b
}
