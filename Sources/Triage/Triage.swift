// The room Triage; its files follow.
