// The room Experiment; its files follow.
