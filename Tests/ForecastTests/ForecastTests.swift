// The tests of Forecast.
