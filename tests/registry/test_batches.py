"""The plan of the group commit, as playbooks: what is queued, what leaves, who is answered."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gateway.model.connection import Connection
from gateway.model.ids import ApiId, ConnectionId, NodeNumber, StageName
from gateway.registry.batches import FULL, TOO_LATE, Answer, Batch, CommitPolicy, Key, WriteQueue

ME = NodeNumber(1)
POLICY = CommitPolicy(
    batch_size=3,
    max_in_flight=2,
    patience_s=0.1,
    deadline_s=4.0,
    max_waiting=6,
    max_kept=4,
    min_backoff_s=0.1,
    max_backoff_s=1.0,
)


def key(name: str) -> Key:
    return ME, ConnectionId(name)


def connection(name: str, *, stage: str = "prod") -> Connection:
    return Connection(ConnectionId(name), ME, ApiId("abcdefghij"), StageName(stage), 1, "127.0.0.1", "localhost")


def full_jitter() -> float:
    return 1.0


class Book:
    """A queue with short words for the tests; a caller is named after what it asked for: ``+a`` or ``-a``."""

    def __init__(self, policy: CommitPolicy = POLICY) -> None:
        self.queue: WriteQueue[str] = WriteQueue(policy)
        self.now = 0.0

    def ask(self, *asks: str) -> None:
        for ask in asks:
            if ask[0] == "+":
                self.queue.put(connection(ask[1]), ask, self.now)
            else:
                self.queue.delete(key(ask[1]), ask, self.now)

    def leave(self) -> Batch[str] | None:
        self.queue.expire(self.now)
        return self.queue.next_batch(self.now)

    def sent(self) -> tuple[Batch[str], str]:
        batch = self.leave()
        assert batch is not None
        return batch, " ".join(("-" if w.connection is None else "+") + w.key[1] for w in batch.writes)

    def done(self, batch: Batch[str], *unprocessed: str) -> None:
        self.queue.succeeded(batch, frozenset(map(key, unprocessed)), self.now, full_jitter)

    def failed(self, batch: Batch[str]) -> None:
        self.queue.failed(batch, self.now, full_jitter)

    def answers(self) -> dict[str, str | None]:
        return {answer.waiter: answer.failure for answer in self.queue.take_answers()}


def test_writes_of_one_moment_leave_together_and_are_answered_together() -> None:
    book = Book()
    book.ask("+a", "-b")
    batch, what = book.sent()
    assert what == "+a -b"
    assert book.answers() == {}
    book.done(batch)
    assert book.answers() == {"+a": None, "-b": None}
    assert book.queue.idle


def test_a_batch_that_is_not_full_waits_for_the_flight_before_it() -> None:
    book = Book()
    book.ask("+a")
    first, _ = book.sent()
    book.ask("+b", "+c")
    assert book.leave() is None
    book.ask("+d")
    _, what = book.sent()
    assert what == "+b +c +d"
    book.ask("+e")
    book.done(first)
    assert book.leave() is None, "the second flight is still young"


def test_a_slow_flight_holds_nothing_back_longer_than_the_patience() -> None:
    book = Book()
    book.ask("+a")
    book.sent()
    book.ask("+b")
    assert book.queue.wake_at(book.now) == 0.1
    book.now = 0.1
    assert book.sent()[1] == "+b"


def test_no_more_flights_than_stated_even_with_full_batches() -> None:
    book = Book(replace(POLICY, max_waiting=20))
    book.ask(*(f"+{name}" for name in "abcdefghi"))
    first, _ = book.sent()
    book.sent()
    assert book.leave() is None
    book.done(first)
    assert book.sent()[1] == "+g +h +i"


def test_a_pair_that_waits_together_cancels_out_and_both_succeed() -> None:
    book = Book()
    book.ask("+a", "-a")
    assert book.leave() is None
    assert book.answers() == {"+a": None, "-a": None}
    assert book.queue.idle


def test_a_delete_never_overtakes_its_put() -> None:
    book = Book()
    book.ask("+a")
    put, _ = book.sent()
    book.ask("-a", "+b", "+c", "+d")
    _, what = book.sent()
    assert what == "+b +c +d"
    book.done(put)
    book.now = 1.0
    assert book.sent()[1] == "-a"


def test_a_put_that_failed_once_may_exist_so_its_delete_is_sent() -> None:
    book = Book()
    book.ask("+a")
    put, _ = book.sent()
    book.failed(put)
    book.ask("-a")
    assert book.answers() == {"+a": None}
    book.now = 1.0
    delete, what = book.sent()
    assert what == "-a"
    book.done(delete)
    assert book.answers() == {"-a": None}


def test_a_flying_put_that_fails_is_settled_by_the_delete_behind_it() -> None:
    book = Book()
    book.ask("+a")
    put, _ = book.sent()
    book.ask("-a")
    book.failed(put)
    assert book.answers() == {"+a": None}
    book.now = 1.0
    assert book.sent()[1] == "-a"


def test_the_last_put_of_a_key_wins_and_every_caller_is_answered() -> None:
    book = Book()
    book.queue.put(connection("a", stage="old"), "first", 0.0)
    book.queue.put(connection("a", stage="new"), "second", 0.0)
    batch, what = book.sent()
    assert what == "+a"
    assert batch.writes[0].connection == connection("a", stage="new")
    book.done(batch)
    assert book.answers() == {"first": None, "second": None}


def test_a_put_after_a_waiting_delete_supersedes_it_and_is_itself_deletable() -> None:
    book = Book()
    book.ask("-a", "+a")
    assert book.answers() == {"-a": None}
    book.ask("-a")
    assert book.answers() == {"+a": None}
    assert book.sent()[1] == "-a"


def test_unprocessed_writes_go_again_after_a_pause_and_only_they() -> None:
    book = Book()
    book.ask("+a", "+b")
    batch, _ = book.sent()
    book.done(batch, "b")
    assert book.answers() == {"+a": None}
    assert book.leave() is None
    assert book.queue.wake_at(book.now) == 0.1
    book.now = 0.1
    again, what = book.sent()
    assert what == "+b"
    book.done(again)
    assert book.answers() == {"+b": None}


def test_nothing_processed_counts_as_a_failed_call() -> None:
    book = Book()
    book.ask("+a")
    batch, _ = book.sent()
    book.done(batch, "a")
    assert book.queue.failures == 1


def test_after_failures_pauses_grow_and_one_batch_probes() -> None:
    book = Book()
    book.ask(*(f"+{name}" for name in "abcdef"))
    first, _ = book.sent()
    second, _ = book.sent()
    book.failed(first)
    assert book.queue.wake_at(book.now) == 0.1
    book.failed(second)
    assert book.leave() is None
    assert book.queue.wake_at(book.now) == 0.2
    book.now = 0.2
    probe, what = book.sent()
    assert what == "+d +e +f"
    assert book.leave() is None, "only one until it succeeds"
    book.done(probe)
    assert book.sent()[1] == "+a +b +c"
    assert book.queue.failures == 0


def test_the_pause_never_exceeds_its_limit() -> None:
    book = Book(replace(POLICY, deadline_s=1000.0))
    book.ask("+a")
    for _ in range(12):
        batch, _ = book.sent()
        book.failed(batch)
        wake_at = book.queue.wake_at(book.now)
        assert wake_at is not None and wake_at - book.now <= 1.0 + 1e-9
        book.now = wake_at


def test_an_unsent_put_past_its_deadline_fails_and_leaves_nothing_behind() -> None:
    book = Book()
    book.ask("+a")
    batch, _ = book.sent()
    book.failed(batch)
    book.ask("+b")
    book.queue.expire(4.0)
    assert book.answers() == {"+a": TOO_LATE, "+b": TOO_LATE}
    assert book.queue.kept == 1, "only the one that may have arrived"


def test_a_put_given_up_in_flight_is_deleted_when_it_has_landed() -> None:
    book = Book()
    book.ask("+a")
    put, _ = book.sent()
    book.now = 4.0
    assert book.leave() is None
    assert book.answers() == {"+a": TOO_LATE}
    book.done(put)
    delete, what = book.sent()
    assert what == "-a"
    book.done(delete)
    assert book.queue.idle


def test_a_failed_delete_is_kept_and_rides_along_with_later_writes() -> None:
    book = Book()
    book.ask("-a")
    batch, _ = book.sent()
    book.now = 4.0
    book.queue.expire(book.now)
    assert book.answers() == {"-a": TOO_LATE}
    book.failed(batch)
    assert book.queue.kept == 1
    book.ask("+b")
    book.now = 5.0
    batch, what = book.sent()
    assert what == "+b -a"
    book.done(batch, "a")
    assert book.queue.kept == 1
    batch, what = book.sent()
    book.done(batch)
    assert (what, book.queue.idle) == ("-a", True)


def test_kept_deletes_leave_by_themselves_after_the_pause() -> None:
    book = Book()
    book.ask("-a")
    batch, _ = book.sent()
    book.failed(batch)
    book.now = 4.0
    assert book.queue.wake_at(0.0) == 0.1
    book.queue.expire(book.now)
    assert book.sent()[1] == "-a"


def test_a_caller_joins_a_kept_delete() -> None:
    book = Book()
    book.ask("-a")
    batch, _ = book.sent()
    book.failed(batch)
    book.now = 4.0
    book.queue.expire(book.now)
    book.answers()
    book.ask("-a")
    assert book.queue.kept == 0
    batch, _ = book.sent()
    book.done(batch)
    assert book.answers() == {"-a": None}


def test_a_put_takes_the_place_of_a_kept_delete_and_stays_deletable() -> None:
    book = Book()
    book.ask("-a")
    batch, _ = book.sent()
    book.failed(batch)
    book.now = 4.0
    book.queue.expire(book.now)
    book.ask("+a", "-a")
    assert book.sent()[1] == "-a", "the first one may still be in the table"


def test_a_full_queue_refuses_at_once_and_keeps_the_delete() -> None:
    book = Book()
    book.ask(*(f"+{name}" for name in "abcdef"), "+x", "-y")
    assert book.answers() == {"+x": FULL, "-y": FULL}
    assert book.queue.kept == 1
    book.ask("-a")
    assert book.answers() == {"+a": None, "-a": None}, "what shrinks the queue is always taken"


def test_kept_deletes_are_bounded_and_losses_counted() -> None:
    book = Book()
    book.ask(*(f"+{name}" for name in "abcdef"), *(f"-{name}" for name in "uvwxyz"))
    assert (book.queue.kept, book.queue.lost) == (4, 2)


def test_a_rejected_batch_is_split_and_only_the_culprit_fails() -> None:
    book = Book()
    book.ask("+a", "+b", "-c")
    batch, _ = book.sent()
    book.queue.rejected(batch, "bad item", book.now)
    told: dict[str, str | None] = {}
    for expected in ("+a", "+b", "-c"):
        single, what = book.sent()
        assert what == expected
        if what == "+b":
            book.queue.rejected(single, "bad item", book.now)
        else:
            book.done(single)
        told |= book.answers()
    assert told == {"+a": None, "+b": "bad item", "-c": None}
    assert book.queue.idle


def test_abandon_fails_everyone() -> None:
    book = Book()
    book.ask("+a")
    book.sent()
    book.ask("+b", "-c")
    book.queue.abandon("closed")
    assert book.answers() == {"+a": "closed", "+b": "closed", "-c": "closed"}


def test_nothing_to_do_needs_no_timer() -> None:
    book = Book()
    assert book.queue.wake_at(0.0) is None
    book.ask("+a")
    assert book.queue.wake_at(0.0) == 4.0
    batch, _ = book.sent()
    book.done(batch)
    assert book.queue.wake_at(0.0) is None


def test_a_put_repeated_behind_its_flight_is_not_simply_cancelled_out() -> None:
    book = Book()
    book.ask("+a")
    put, _ = book.sent()
    book.ask("+a", "-a")
    book.done(put)
    assert book.sent()[1] == "-a"


def test_a_put_repeated_while_the_first_was_given_up_stays() -> None:
    book = Book()
    book.ask("+a")
    put, _ = book.sent()
    book.now = 3.0
    book.ask("+a")
    book.now = 4.0
    assert book.leave() is None
    book.done(put)
    again, what = book.sent()
    assert what == "+a"
    book.done(again)
    assert book.queue.idle, "no delete is kept that would undo it"


def test_a_delete_given_up_in_flight_is_not_repeated_when_it_succeeds() -> None:
    book = Book()
    book.ask("-a")
    delete, _ = book.sent()
    book.now = 4.0
    book.queue.expire(book.now)
    book.done(delete)
    assert book.queue.idle


def test_one_success_ends_the_pause() -> None:
    book = Book()
    book.ask(*(f"+{name}" for name in "abcdef"))
    first, _ = book.sent()
    second, _ = book.sent()
    book.failed(first)
    book.done(second)
    book.ask("+g", "+h", "+i")
    assert book.sent()[1] == "+g +h +i"


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("connect"), st.integers(0, 7)),
        st.tuples(st.just("disconnect"), st.integers(0, 7)),
        st.tuples(st.sampled_from(["done", "failed", "partly", "rejected"]), st.integers(0, 255)),
        st.tuples(st.just("wait"), st.sampled_from([0, 1, 10, 100, 1000, 5000])),
    ),
    max_size=80,
)


class Story:
    """Plays steps against a queue and a table that does what DynamoDB does, or what one that fails half-way does.

    An ID is used once, as connections do: one put, then perhaps one delete.
    """

    def __init__(self) -> None:
        self.book = Book(replace(POLICY, max_kept=1000))
        self.flights: list[Batch[str]] = []
        self.connected: dict[int, str] = {}
        self.asked: list[str] = []
        self.told: list[Answer[str]] = []
        self.records: set[str] = set()

    def step(self, what: str, number: int) -> None:
        if what == "connect" and number not in self.connected:
            self.connected[number] = f"{number}.{len(self.asked)}"
            self.asked.append(f"+{self.connected[number]}")
            self.book.queue.put(connection(self.connected[number]), self.asked[-1], self.book.now)
        elif what == "disconnect" and number in self.connected:
            name = self.connected.pop(number)
            self.asked.append(f"-{name}")
            self.book.queue.delete(key(name), self.asked[-1], self.book.now)
        elif what == "wait":
            self.book.now += number / 1000
            self.depart()
        elif what in ("done", "failed", "partly", "rejected") and self.flights:
            self.land(what, number)
        self.told += self.book.queue.take_answers()

    def depart(self) -> None:
        while (batch := self.book.leave()) is not None:
            self.flights.append(batch)

    def land(self, how: str, number: int) -> None:
        batch = self.flights.pop(number % len(self.flights))
        names: list[str] = [write.key[1] for write in batch.writes]
        some = {name for index, name in enumerate(names) if number >> index & 1}
        if how in ("done", "partly"):
            some |= set(names) if how == "done" else set()
            self.apply(batch, some)
            self.book.done(batch, *(set(names) - some))
        elif how == "failed":
            self.apply(batch, some)
            self.book.failed(batch)
        else:
            self.book.queue.rejected(batch, "bad", self.book.now)

    def apply(self, batch: Batch[str], names: set[str]) -> None:
        assert len({write.key for write in batch.writes}) == len(batch.writes) <= POLICY.batch_size
        for write in batch.writes:
            if write.key[1] in names:
                (self.records.discard if write.connection is None else self.records.add)(write.key[1])

    def end(self) -> None:
        """From here on everything succeeds."""
        for _ in range(1000):
            self.depart()
            while self.flights:
                self.land("done", 0)
            self.told += self.book.queue.take_answers()
            self.book.now += 1.0
            if self.book.queue.idle:
                return

    @property
    def refused(self) -> set[str]:
        return {answer.waiter[1:] for answer in self.told if answer.waiter[0] == "+" and answer.failure is not None}


@given(STEPS)
def test_any_order_of_events_answers_everyone_once_and_leaves_no_stray_record(steps: list[tuple[str, int]]) -> None:
    story = Story()
    for what, number in steps:
        story.step(what, number)
    story.end()
    assert story.book.queue.idle
    assert sorted(answer.waiter for answer in story.told) == sorted(story.asked)
    if not any(what == "rejected" for what, _ in steps):
        assert story.records == set(story.connected.values()) - story.refused
