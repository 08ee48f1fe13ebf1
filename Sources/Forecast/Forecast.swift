// The room Forecast; its files follow.
