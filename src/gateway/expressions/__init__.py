"""Selection expressions and JSONPath as AWS reads them: compiled once, evaluated per message, no I/O."""
