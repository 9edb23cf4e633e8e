"""Do the tests notice? Small faults are put into the contracts one at a time, and the tests are run against each."""
