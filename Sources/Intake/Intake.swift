// The room Intake; its files follow.
