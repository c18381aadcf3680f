"""A partition's progress against a plain model: whatever is fetched, dropped, rewound and acked, nothing is skipped.

The model is a topic with gaps and a consumer whose position moves with every fetch, records dropped or not. What must
hold: every record is handed out in order, and what may be committed is what follows the last of the batches that are
all done.
"""

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from streamapp.kafka.progress import Deliver, Progress, Rewind


class Record(NamedTuple):
    offset: int


class PartitionMachine(RuleBasedStateMachine):
    @initialize(gaps=st.lists(st.integers(1, 3), min_size=1, max_size=30), first=st.integers(0, 5), known=st.booleans())
    def begin(self, gaps, first, known):
        self.offsets = []
        for gap in gaps:
            first += gap
            self.offsets.append(first - 1)
        start = self.offsets[0] if known else None
        self.committed = start
        self.assign(start)

    def assign(self, start):
        self.progress = Progress(start)
        self.position = self.offsets[0] if start is None else start
        self.first_fetch = start is None
        self.handed: list[int] = []
        self.waiting: list[int] = []
        self.stale: list[int] = []
        self.done_until: int | None = None

    def fetch(self, most):
        run = [Record(offset) for offset in self.offsets if offset >= self.position][:most]
        if run:
            self.progress.fetched()
            self.position = run[-1].offset + 1
        return run

    @rule(most=st.integers(1, 8), batch=st.integers(1, 4))
    def records_arrive(self, most, batch):
        run = self.fetch(most)
        if not run:
            return
        decision = self.progress.admit(run)
        if isinstance(decision, Rewind):
            assert decision.offset == self.progress.expected
            self.position = decision.offset
            return
        assert isinstance(decision, Deliver)
        fresh = [record.offset for record in decision.records]
        for start in range(0, len(fresh), batch):
            chunk = fresh[start : start + batch]
            self.handed += chunk
            self.progress.hand_out(chunk[-1])
            self.waiting.append(chunk[-1])

    @rule(most=st.integers(1, 8))
    def records_are_fetched_and_dropped(self, most):
        if not self.first_fetch or self.handed:  # before the first record nobody can know that something was dropped
            self.fetch(most)

    @rule(back=st.integers(0, 10))
    def the_consumer_is_sought_back(self, back):
        self.position = max(self.offsets[0], self.position - back)

    @precondition(lambda self: self.waiting)
    @rule()
    def the_oldest_batch_is_done(self):
        last = self.waiting.pop(0)
        assert self.progress.confirm(last)
        self.done_until = last + 1
        self.stale.append(last)

    @precondition(lambda self: len(self.waiting) > 1)
    @rule(place=st.integers(1, 20))
    def another_batch_than_the_oldest_is_refused(self, place):
        assert not self.progress.confirm(self.waiting[min(place, len(self.waiting) - 1)])

    @precondition(lambda self: self.stale)
    @rule(place=st.integers(0, 20))
    def a_batch_that_is_done_already_is_refused(self, place):
        assert not self.progress.confirm(self.stale[min(place, len(self.stale) - 1)])

    @rule()
    def the_partition_comes_back_after_a_rebalance(self):
        self.committed = self.progress.committable or self.committed
        self.assign(self.committed)

    @invariant()
    def nothing_is_skipped_or_handed_out_twice(self):
        if hasattr(self, "progress"):
            begin = self.offsets[0] if self.committed is None else self.committed
            assert self.handed == [offset for offset in self.offsets if offset >= begin][: len(self.handed)]

    @invariant()
    def what_may_be_committed_is_what_is_done(self):
        if hasattr(self, "progress"):
            assert self.progress.committable == self.done_until

    def teardown(self):
        if not hasattr(self, "progress"):
            return
        self.offsets.append(self.offsets[-1] + 1)  # what was dropped last shows when the next record comes
        for _ in range(3 * len(self.offsets)):
            self.records_arrive(8, 3)
        while self.waiting:
            self.the_oldest_batch_is_done()
        begin = self.offsets[0] if self.committed is None else self.committed
        left = [offset for offset in self.offsets if offset >= begin]
        assert self.handed == left
        if left:
            assert self.progress.committable == self.offsets[-1] + 1


TestPartition = PartitionMachine.TestCase
TestPartition.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)


def offsets(decision):
    assert isinstance(decision, Deliver)
    return [record.offset for record in decision.records]


def run(*numbers):
    return [Record(number) for number in numbers]


def test_a_gap_is_taken_for_lost_records_once_and_then_believed():
    progress = Progress(5)
    assert progress.admit(run(8, 9)) == Rewind(5)
    assert offsets(progress.admit(run(8, 9))) == [8, 9]


def test_records_that_were_dropped_come_after_the_rewind():
    progress = Progress(5)
    assert progress.admit(run(8, 9)) == Rewind(5)
    assert offsets(progress.admit(run(5, 6, 7, 8))) == [5, 6, 7, 8]
    progress.hand_out(8)
    assert progress.admit(run(10)) == Rewind(9)


def test_what_was_handed_out_before_is_left_out():
    progress = Progress(0)
    progress.hand_out(4)
    assert offsets(progress.admit(run(3, 4, 5, 6))) == [5, 6]
    assert offsets(progress.admit(run(1, 2))) == []
    assert offsets(progress.admit(run())) == []


def test_nothing_is_committable_before_something_is_confirmed():
    progress = Progress(0)
    assert (progress.committable, progress.confirm(4)) == (None, False)
    progress.hand_out(4)
    assert (progress.committable, progress.expected) == (None, 5)
    assert progress.confirm(4)
    assert progress.committable == 5


@given(st.lists(st.integers(1, 4), min_size=1, max_size=20))
def test_a_partition_that_nothing_is_known_of_begins_where_its_first_record_stands(steps):
    numbers = [sum(steps[: place + 1]) for place in range(len(steps))]
    assert offsets(Progress().admit(run(*numbers))) == numbers
