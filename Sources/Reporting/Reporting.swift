// The room Reporting; its files follow.
