"""What tests in Python share: the program under test, looks at processes, terminals, brokers."""
