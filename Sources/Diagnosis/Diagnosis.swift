// The room Diagnosis; its files follow.
