"""Names in a query; what the filters mean is in ``test_broadcasting`` and ``test_paging``, which both have them."""

from __future__ import annotations

from gateway.engine.filters import last, read_query


def test_a_signature_in_the_query_is_nobodys() -> None:
    assert read_query("a=1&X-Amz-Signature=00&x-amz-date=1&a=2", ("a",)) == {"a": ["1", "2"]}


def test_what_is_not_known_is_told() -> None:
    assert read_query(f"{'b' * 100}=1", ("a", "c")) == f"{'b' * 64} is not known here: a, c are"


def test_the_last_value_counts() -> None:
    values = read_query("a=1&a=2", ("a",))
    assert not isinstance(values, str)
    assert (last(values, "a"), last(values, "b")) == ("2", None)
