"""Carries out a study: it makes owned ElasticityTests, which the operator runs as it runs any other, and compares them.

    decide_study(study, status, seen, now)      what is next: one action at most, the status, when to ask again; pure
    runs, stopping, conclusion                  its parts: the rows of the status, when no further run begins, the end
    StudySession, act_on_study                  the edges: snapshot of the cluster, and what carries an action out
"""
