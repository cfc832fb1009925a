"""Models: JSON Schema draft 4, judged once when it is loaded, then held against the messages of strangers."""
