"""`net8-web`: serve the app. Options are Streamlit's own, such as `--server.port 8501`."""

import sys
from pathlib import Path

from streamlit.web import cli

__all__ = ["main"]


def main() -> None:
    """Run Streamlit on this package's app with the given options."""
    sys.argv = ["streamlit", "run", str(Path(__file__).parent / "serve" / "server.py"), *sys.argv[1:]]
    cli.main()


if __name__ == "__main__":
    main()
