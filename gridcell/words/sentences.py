"""The sentences that a plan keeps, in any language: from their values, else as they are written."""

from typing import Final

import pandas as pd

from gridcell.words.catalogue import LANGUAGES, require_language, section
from gridcell.words.messages import Message, find_message, load_message, say

_BANDS: Final = ("under_band", "over_band")
_REASON: Final = "reason"


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


def _say_reason(sentence: str, finding: Message | None, lang: str) -> str:
    message = None if finding is None else finding.params.get(_REASON)
    if not isinstance(message, Message) or str(message) != sentence:
        message = find_message(sentence, _REASON)
    return sentence if message is None else say(message, lang)


def _messages(findings: pd.DataFrame) -> list[Message | None]:
    """Return what findings say, ``None`` where nothing is kept but the sentence."""
    if not {"msgid", "params"} <= set(findings.columns):
        return [None] * len(findings)
    columns = [findings[name] for name in ("msgid", "params", "message")]
    return [_message(*row) for row in zip(*columns, strict=True)]


def _message(msgid: object, params: object, sentence: object) -> Message | None:
    if not isinstance(msgid, str) or not isinstance(params, str):
        return None
    try:
        message = load_message(msgid, params)
        return message if str(message) == sentence else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
