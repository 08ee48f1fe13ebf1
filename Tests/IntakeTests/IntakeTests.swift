// The tests of Intake.
