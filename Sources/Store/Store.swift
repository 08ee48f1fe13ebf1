// The room Store; its files follow.
