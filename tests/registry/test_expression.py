from __future__ import annotations

from gateway.registry.expression import Terms


def test_what_is_named_twice_has_one_placeholder_and_each_value_its_own() -> None:
    terms = Terms()
    texts = [terms.equal("a", {"N": "1"}), terms.absent("b"), terms.one_of("a", {"N": "1"}, {"N": "2"})]
    assert texts == ["#0 = :0", "attribute_not_exists (#1)", "#0 IN (:1, :2)"]
    assert terms.members() == {
        "ExpressionAttributeNames": {"#0": "a", "#1": "b"},
        "ExpressionAttributeValues": {":0": {"N": "1"}, ":1": {"N": "1"}, ":2": {"N": "2"}},
    }


def test_no_values_are_left_out_for_dynamodb_refuses_an_empty_member() -> None:
    terms = Terms()
    terms.absent("a")
    assert terms.members() == {"ExpressionAttributeNames": {"#0": "a"}}
