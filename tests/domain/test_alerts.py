"""What is told, and when: tables of what is known, what holds, and what follows."""

import math
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyo_pipeline.domain.alerts import (
    GONE_AFTER,
    HOLDS_FOR,
    MOST_IN_MESSAGE,
    REMIND_AFTER,
    Alert,
    Condition,
    Decision,
    Kind,
    News,
    Notice,
    decide,
    message_of,
    pause,
    trial,
)

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=timezone.utc)
DROP = Condition(Kind.QUALITY, "answers", "nDCG@10 fell.")
QUEUE = Condition(Kind.QUEUE, "files", "412 files wait.")
MOMENT = timedelta(seconds=1)


def ago(time: timedelta) -> datetime:
    return NOW - time


def alert(condition: Condition = DROP, **changed: object) -> Alert:
    """One that began three days ago, and was told of an hour ago."""
    made = Alert(7, condition.kind, condition.subject, condition.sentence, ago(timedelta(days=3)))
    return replace(made, **{"last_sent_at": ago(timedelta(hours=1)), **changed})  # type: ignore[arg-type]  # its fields


TOLD = alert()
UNTOLD = alert(QUEUE, last_sent_at=None, opened_at=ago(timedelta(minutes=1)))
LASTED = replace(UNTOLD, opened_at=ago(HOLDS_FOR[Kind.QUEUE]))
LONG_AGO = alert(last_sent_at=ago(REMIND_AFTER))
NEWER = replace(DROP, sentence="nDCG@10 fell even more.")


@pytest.mark.parametrize(
    ("known", "holds", "follows"),
    [
        pytest.param([], [], Decision(), id="nothing holds"),
        pytest.param([], [DROP], Decision(begun=(DROP,)), id="it begins"),
        pytest.param([TOLD], [DROP], Decision(seen=((TOLD, DROP.sentence),)), id="it holds, and was told"),
        pytest.param([TOLD], [NEWER], Decision(seen=((TOLD, NEWER.sentence),)), id="it became worse: no news today"),
        pytest.param(
            [LONG_AGO],
            [NEWER],
            Decision(told=((LONG_AGO, News.REMINDER, NEWER.sentence),), seen=((LONG_AGO, NEWER.sentence),)),
            id="it holds since yesterday",
        ),
        pytest.param(
            [alert(last_sent_at=ago(REMIND_AFTER - MOMENT))],
            [DROP],
            Decision(seen=((alert(last_sent_at=ago(REMIND_AFTER - MOMENT)), DROP.sentence),)),
            id="not quite a day",
        ),
        pytest.param([TOLD], [], Decision(missing=(TOLD,)), id="it is not there any more"),
        pytest.param(
            [alert(missing_since=ago(GONE_AFTER - MOMENT))], [], Decision(), id="it has not been gone for long"
        ),
        pytest.param(
            [alert(missing_since=ago(GONE_AFTER))],
            [],
            Decision(told=((alert(missing_since=ago(GONE_AFTER)), News.RESOLVED, DROP.sentence),)),
            id="it is over",
        ),
        pytest.param(
            [alert(missing_since=ago(GONE_AFTER))],
            [DROP],
            Decision(seen=((alert(missing_since=ago(GONE_AFTER)), DROP.sentence),)),
            id="it came back before it was over",
        ),
        pytest.param([UNTOLD], [QUEUE], Decision(seen=((UNTOLD, QUEUE.sentence),)), id="it has not lasted yet"),
        pytest.param(
            [LASTED],
            [QUEUE],
            Decision(told=((LASTED, News.OPENED, QUEUE.sentence),), seen=((LASTED, QUEUE.sentence),)),
            id="it has lasted",
        ),
        pytest.param([UNTOLD], [], Decision(forgotten=(UNTOLD,)), id="it ended before anybody was told"),
        pytest.param(
            [TOLD],
            [QUEUE],
            Decision(begun=(QUEUE,), missing=(TOLD,)),
            id="one ends while another begins",
        ),
        pytest.param(
            [TOLD],
            [replace(DROP, subject="other")],
            Decision(begun=(replace(DROP, subject="other"),), missing=(TOLD,)),
            id="another subject is another alert",
        ),
    ],
)
def test_what_follows(known: list[Alert], holds: list[Condition], follows: Decision) -> None:
    assert decide(known, holds, NOW) == follows


def test_two_conditions_of_one_name_are_one() -> None:
    assert decide([], [DROP, NEWER], NOW).begun == (NEWER,)


def live(looks: list[bool], minutes: int) -> list[News]:
    """What is told of one condition, which holds or does not at each look."""
    said: list[News] = []
    known: list[Alert] = []
    for number, holds in enumerate(looks):
        now = NOW + number * timedelta(minutes=minutes)
        found = decide(known, [DROP] if holds else [], now)
        if found.begun:
            known = [alert(opened_at=now, last_sent_at=now)]
            said.append(News.OPENED)
            continue
        changes: dict[str, object] = {}
        if found.seen:
            changes["missing_since"] = None
        if found.missing:
            changes["missing_since"] = now
        for _, news, _ in found.told:
            said.append(news)
            changes["last_sent_at"] = now
        known = [replace(one, **changes) for one in known]  # type: ignore[arg-type]  # its fields
        if News.RESOLVED in [news for _, news, _ in found.told]:
            known = []
    return said


@given(st.lists(st.booleans(), max_size=200), st.integers(1, 600))
def test_each_beginning_has_one_end_and_they_take_turns(looks: list[bool], minutes: int) -> None:
    said = [news for news in live(looks, minutes) if news is not News.REMINDER]
    assert said == [News.OPENED, News.RESOLVED] * (len(said) // 2) + [News.OPENED] * (len(said) % 2)


@given(st.integers(1, 3000))
def test_what_lasts_is_told_once_a_day(minutes: int) -> None:
    looks = 100
    between = minutes * math.ceil(24 * 60 / minutes)  # at the first look after a day
    assert live([True] * looks, minutes).count(News.REMINDER) == (looks - 1) * minutes // between


def test_what_comes_and_goes_within_minutes_is_told_once() -> None:
    assert live([True, False, False, True] * 20, 1) == [News.OPENED]


def test_a_channel_that_fails_is_left_alone_for_longer_and_longer() -> None:
    minutes = [pause(attempts).total_seconds() / 60 for attempts in range(1, 12)]
    assert minutes == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]


# Messages -------------------------------------------------------------------------------------------------------------


def notice(number: int = 1, news: News = News.OPENED, sentence: str = DROP.sentence) -> Notice:
    return Notice(number, alert(), news, sentence, NOW, 0)


def test_a_message_about_one_says_what_it_is() -> None:
    found = message_of([notice()], NOW, "https://kyo.example.org")
    assert found.subject == "KYO: answers became worse"
    assert found.lines == ("answers became worse, since 2026-11-27 12:00 UTC: nDCG@10 fell.",)
    assert found.payload == {
        "text": "KYO: answers became worse\n• answers became worse, since 2026-11-27 12:00 UTC: nDCG@10 fell.",
        "source": "kyo",
        "address": "https://kyo.example.org",
        "sent_at": "2026-11-30T12:00:00+00:00",
        "alerts": [
            {
                "id": 7,
                "kind": "quality",
                "subject": "answers",
                "news": "opened",
                "sentence": "nDCG@10 fell.",
                "opened_at": "2026-11-27T12:00:00+00:00",
                "closed_at": None,
            }
        ],
    }


@pytest.mark.parametrize(
    ("news", "subject"),
    [
        (News.REMINDER, "KYO: Reminder: answers became worse"),
        (News.RESOLVED, "KYO: Over: answers became worse"),
    ],
)
def test_reminders_and_ends_are_told_as_such(news: News, subject: str) -> None:
    assert message_of([notice(news=news)], NOW, None).subject == subject


def test_of_many_the_first_are_told_and_the_others_counted() -> None:
    found = message_of([notice(number) for number in range(MOST_IN_MESSAGE + 3)], NOW, None)
    assert found.subject == f"KYO: {MOST_IN_MESSAGE + 3} alerts"
    assert len(found.lines) == MOST_IN_MESSAGE + 1
    assert found.lines[-1] == "… and 3 more: `kyo alerts list`."


def test_nothing_in_a_message_calls_everybody_in_slack() -> None:
    found = message_of([notice(sentence="Model <!channel> & co. <http://elsewhere|here>")], NOW, None)
    assert "<" not in str(found.payload["text"])
    assert "&lt;!channel&gt; &amp; co." in str(found.payload["text"])


def test_a_trial_says_that_nothing_is_wrong() -> None:
    found = trial(NOW, None)
    assert found.payload["alerts"] == []
    assert "Nothing is wrong" in str(found.payload["text"])
