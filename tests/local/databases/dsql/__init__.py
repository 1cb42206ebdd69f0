"""Tests of the DSQL stand-in: each names what it holds the stand-in to, and how that is known.

"verified": a real cluster's answer, or AWS's own text, was read. "unverified": inferred, or one party's word. The
letters are the sources, all of 2026: D the Aurora DSQL user guide; E answers of a cluster recorded by the public
project dsql-emulator in September; P the references of AWS's DSQL skill for agents (October); S a public project's log
of statements on a cluster (September); N notes of the schema tool pistachio; G a PostgREST-like project's list; M
comments in ministack; L AWS's dsql-lint; F AWS's aurora-dsql-tools; I threads on GitHub.
"""
