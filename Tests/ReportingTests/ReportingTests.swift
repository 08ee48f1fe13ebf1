// The tests of Reporting.
