// The tests of Diagnosis.
