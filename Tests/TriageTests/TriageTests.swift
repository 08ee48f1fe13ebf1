// The tests of Triage.
