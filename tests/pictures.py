"""Sequences of packets that say anything at all."""

from __future__ import annotations

from hypothesis import strategies as st

from policy.report.sequence import Arrow, Heading, Lane, Leg, Pause, Picture, Stop, Tag
from policy.report.style import clean


def text(most: int, least: int = 0) -> st.SearchStrategy[str]:
    return st.text(min_size=least, max_size=most).map(clean)


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    count = draw(st.integers(1, 10))
    lane = st.integers(0, count - 1)
    words = text(24, 1)
    stops = st.builds(
        Stop,
        lane,
        st.none() | words,
        st.none() | st.sampled_from(["dropped", "rejected", "no way on"]),
        st.none() | st.just("nobody wants it"),
    )

    @st.composite
    def arrows(draw: st.DrawFn) -> Arrow:
        path = draw(st.lists(stops, min_size=1, max_size=5))
        legs = [Leg(draw(text(40)), draw(st.booleans())) for _ in path[1:]]
        time = draw(st.sampled_from(["0 s", "1.5 ms", "5 days", "119.9 h"]))
        return Arrow(time, draw(text(50, 1)), tuple(path), tuple(legs), draw(st.booleans()))

    headings = st.builds(
        Heading,
        st.integers(1, 9999),
        text(150),
        text(120),
        st.booleans(),
        st.none() | st.booleans(),
        st.none() | text(200),
        st.lists(text(150), max_size=2).map(tuple),
    )
    items = st.one_of(headings, arrows(), st.builds(Tag, lane, text(50)), st.builds(Pause, text(30)))
    lanes = st.builds(Lane, text(24, 1), st.lists(text(32), max_size=4).map(tuple))
    return Picture(
        draw(text(150)),
        tuple(draw(st.lists(lanes, min_size=count, max_size=count))),
        tuple(draw(st.lists(items, max_size=12))),
        draw(text(60)),
    )
