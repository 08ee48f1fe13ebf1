// The tests of Experiment.
