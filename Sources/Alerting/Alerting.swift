// The room Alerting; its files follow.
