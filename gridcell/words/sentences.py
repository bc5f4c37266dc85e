"""The sentences that a plan keeps, in any language: from their values, else as they are written."""

from typing import Final, TypeVar

import pandas as pd

from gridcell.words.catalogue import LANGUAGES, require_language, section
from gridcell.words.messages import Message, find_message, load_message, say

_BANDS: Final = ("under_band", "over_band")
_REASON: Final = "reason"
_UNPLACED: Final = "unplaced"

_Table = TypeVar("_Table", bound=pd.DataFrame)


def say_findings(findings: pd.DataFrame, lang: str) -> list[str]:
    """Return the messages of a plan's findings in a language.

    Parameters
    ----------
    findings
        `Plan.findings`: ``message`` in English, ``msgid`` and ``params`` where the plan keeps them.
        A sentence that its values do not give, as one that somebody else wrote, stays as it is.
    lang
        One of `LANGUAGES`.
    """
    sentences = [str(sentence) for sentence in findings["message"]]
    if require_language(lang) == LANGUAGES[0]:
        return sentences
    return [
        sentence if message is None else say(message, lang)
        for sentence, message in zip(sentences, _messages(findings), strict=True)
    ]


def say_kinds(findings: pd.DataFrame, lang: str) -> list[str]:
    """Return what the kinds of a plan's findings are called in a language.

    Data keep the key. One that somebody else wrote stays as it is.

    Parameters
    ----------
    findings
        `Plan.findings`: ``kind``.
    lang
        One of `LANGUAGES`.
    """
    names = section("kind", lang)
    return [names.get(str(kind), str(kind)) for kind in findings["kind"]]


def say_reasons(
    codes: "pd.Series[str]", reasons: "pd.Series[str]", findings: pd.DataFrame, lang: str
) -> list[str | None]:
    """Return why cells are outside their bands in a language, ``None`` for those inside.

    Parameters
    ----------
    codes, reasons
        Columns ``code`` and ``reason`` of cells.
    findings
        `Plan.findings`: those of kinds ``under_band`` and ``over_band`` keep the reasons' values.
        Of plans that have none, the reason is recognised by its English text.
    lang
        One of `LANGUAGES`.
    """
    told = reasons.notna() & (reasons != "")
    written = [str(r) if is_told else None for r, is_told in zip(reasons, told, strict=True)]
    if require_language(lang) == LANGUAGES[0]:
        return written
    bands = findings[findings["kind"].isin(_BANDS)]
    kept = dict(zip(bands["cell"].astype(str), _messages(bands), strict=True))
    return [
        None if sentence is None else _say_reason(sentence, kept.get(str(code)), lang)
        for code, sentence in zip(codes, written, strict=True)
    ]


def in_language(frame: _Table, findings: pd.DataFrame, lang: str) -> _Table:
    """Return findings, or cells with reasons, whose sentences are in a language.

    Parameters
    ----------
    frame
        `Plan.findings`, `Plan.households`, or cells with the columns ``code`` and ``reason``.
    findings
        `Plan.findings`.
    lang
        One of `LANGUAGES`.
    """
    if require_language(lang) == LANGUAGES[0]:
        return frame
    if "message" in frame:
        return frame.assign(message=say_findings(frame, lang)).astype({"message": "str"})
    if "household_id" in frame:
        return _translated(frame, LANGUAGES[0], lang)
    said = say_reasons(frame["code"], frame["reason"], findings, lang)
    return frame.assign(reason=pd.Series(said, index=frame.index, dtype="str"))


def in_english(frame: _Table, findings: pd.DataFrame) -> _Table:
    """Return what `in_language` made of a frame as it was; what somebody else wrote stays.

    Parameters
    ----------
    frame
        Findings, or cells with reasons, in any language.
    findings
        The findings, with their values.
    """
    if "message" in frame:
        said = [
            _english(sentence, message)
            for sentence, message in zip(frame["message"], _messages(frame, None), strict=True)
        ]
        return frame.assign(message=pd.Series(said, index=frame.index, dtype="str"))
    if "household_id" in frame:
        for lang in LANGUAGES[1:]:
            frame = _translated(frame, lang, LANGUAGES[0])
        return frame
    bands = findings[findings["kind"].isin(_BANDS)]
    kept: dict[str, Message] = {}
    for code, message in zip(bands["cell"].astype(str), _messages(bands, None), strict=True):
        reason = None if message is None else message.params.get(_REASON)
        if isinstance(reason, Message):
            kept[code] = reason
    said = [
        _english(sentence, kept.get(str(code)))
        for code, sentence in zip(frame["code"], frame["reason"], strict=True)
    ]
    return frame.assign(reason=pd.Series(said, index=frame.index, dtype="str"))


def _translated(households: _Table, source: str, lang: str) -> _Table:
    """Return the register with its reasons in another language, as far as they are ours."""
    found = {
        reason: find_message(reason, _UNPLACED, source)
        for reason in households["reason"].dropna().unique()
    }
    said = {reason: say(text, lang) for reason, text in found.items() if text is not None}
    return households.assign(reason=households["reason"].replace(said))


def _english(sentence: object, message: Message | None) -> object:
    """Return the message in English where a sentence is it in any language."""
    if message is None or not isinstance(sentence, str):
        return sentence
    return str(message) if any(say(message, lang) == sentence for lang in LANGUAGES) else sentence


def _say_reason(sentence: str, finding: Message | None, lang: str) -> str:
    message = None if finding is None else finding.params.get(_REASON)
    if not isinstance(message, Message) or str(message) != sentence:
        message = find_message(sentence, _REASON)
    return sentence if message is None else say(message, lang)


def _messages(findings: pd.DataFrame, lang: str | None = LANGUAGES[0]) -> list[Message | None]:
    """Return what findings say, ``None`` where nothing is kept but the sentence.

    A sentence that its values do not give in this language is somebody else's; none is compared
    where no language is named.
    """
    if not {"msgid", "params"} <= set(findings.columns):
        return [None] * len(findings)
    columns = [findings[name] for name in ("msgid", "params", "message")]
    return [_message(*row, lang=lang) for row in zip(*columns, strict=True)]


def _message(
    msgid: object, params: object, sentence: object, *, lang: str | None
) -> Message | None:
    if not isinstance(msgid, str) or not isinstance(params, str):
        return None
    try:
        message = load_message(msgid, params)
        return message if lang is None or say(message, lang) == sentence else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
