"""Columns of texts as Arrow holds them."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def arrow_texts(column: "pd.Series[str]") -> pa.LargeStringArray:
    """Return a column of texts as one array of Arrow."""
    texts = pa.array(column.array).cast(pa.large_string())
    return texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts


def repeated(texts: "pd.Series[str]") -> NDArray[np.bool_]:
    """Tell which texts of a column stand in it before; at once where they ascend."""
    if texts.dtype == "str":
        rows = arrow_texts(texts)
        if pc.all(pc.less(rows[:-1], rows[1:]), skip_nulls=False).as_py():
            return np.zeros(len(texts), dtype=bool)
    return texts.duplicated().to_numpy(dtype=bool)


def text_bytes(texts: pa.LargeStringArray) -> NDArray[np.uint8]:
    """Return the bytes of all texts, one after another as they stand in memory."""
    _, starts, content = texts.buffers()
    if content is None:
        return np.empty(0, dtype=np.uint8)
    first, last = np.frombuffer(starts, dtype=np.int64)[[texts.offset, texts.offset + len(texts)]]
    return np.frombuffer(content, dtype=np.uint8)[first:last]
