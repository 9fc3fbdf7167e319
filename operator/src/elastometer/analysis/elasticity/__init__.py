"""How well supply followed demand: the published elasticity metrics, on every supply that a run has.

Begin with `elasticity`; `scorecard` has the formulas alone. Opens only downwards: the demand, the derived run, the
model.
"""
