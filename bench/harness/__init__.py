"""The benchmark's own machinery: what is measured with what, judged how, and shown where."""
