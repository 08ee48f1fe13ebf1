// The tests of Alerting.
