"""The bounded queue between the threads of the pipeline."""

from threading import Event, Thread

import pytest

from mse_tui.features.channel import Channel


def writing(channel, items, error=None, closed=None):
    def produce():
        try:
            yield from items
            if error:
                raise error
        finally:
            if closed:
                closed.set()

    thread = Thread(target=lambda: channel.fill(produce), daemon=True)
    thread.start()
    return thread


def test_items_come_in_order_then_the_end():
    channel = Channel(3)
    writing(channel, [(number, 1) for number in range(100)])
    taken = []
    while items := channel.take(2):
        taken += items
    assert taken == list(range(100))


def test_an_error_comes_after_what_was_put_before_it():
    channel = Channel(10)
    writing(channel, [(1, 1), (2, 1)], ValueError("late")).join(5)
    assert channel.take(10) == [1, 2]
    with pytest.raises(ValueError, match="late"):
        channel.take()


def test_one_item_passes_however_heavy_and_no_second_one():
    channel = Channel(10)
    thread = writing(channel, [("heavy", 1000), ("next", 1)])
    thread.join(0.05)
    assert thread.is_alive()
    assert channel.take() == ["heavy"]
    assert channel.take() == ["next"]


def test_abandoning_releases_the_writer_and_closes_what_it_wrote_from():
    channel, closed = Channel(1), Event()
    thread = writing(channel, [(number, 1) for number in range(100)], closed=closed)
    assert channel.take() == [0]
    channel.abandon()
    thread.join(5)
    assert not thread.is_alive()
    assert closed.is_set()


def test_abandoning_releases_a_reader_that_waits_in_another_thread():
    """As the fetcher waits for the lister, whose next page nobody will put any more."""
    channel, taken = Channel(1), []
    thread = Thread(target=lambda: taken.append(channel.take()), daemon=True)
    thread.start()
    thread.join(0.05)
    assert thread.is_alive()
    channel.abandon()
    thread.join(5)
    assert not thread.is_alive()
    assert taken == [[]]
