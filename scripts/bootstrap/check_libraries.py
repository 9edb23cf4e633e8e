"""Checks what a wrong pair of library versions breaks without a word: standard load profiles and tables in the app."""

import sys
from datetime import date

import pandas as pd
from demandlib import bdew
from streamlit.testing.v1 import AppTest

__all__ = ["main"]


def _table() -> None:
    import pandas as pd
    import streamlit as st

    st.dataframe(pd.DataFrame({"wh": [1, 2]}))


def main() -> int:
    """The exit status; each fault is a sentence."""
    faults = []
    day = pd.date_range(date(2025, 1, 1), periods=96, freq="15min")
    for name in ("H25", "G25"):
        try:
            profile = getattr(bdew, name)(day)
        except Exception as fault:
            faults.append(f"demandlib has no {name} ({fault}); run `make lock` and look at its version")
            continue
        if not 0 < float(profile.sum()) < float("inf"):
            faults.append(f"demandlib's {name} is empty; look at the versions of demandlib and numpy")
    app = AppTest.from_function(_table).run(timeout=60)
    if app.exception or not app.dataframe:
        faults.append("st.dataframe raises; look at the version of pyarrow")
    print("\n".join(faults) or "standard load profiles and tables work")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
