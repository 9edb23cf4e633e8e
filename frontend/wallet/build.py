"""Bundle the browser side of the wallet: `python frontend/wallet/build.py [--check]`.

The bundle is committed, so that `pip install` needs no Node; `--check` fails when it is not what the sources give.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
BUNDLE = HERE.parent / "src" / "net8_web" / "assets" / "wallet.js"
OPTIONS = ["--bundle", "--format=esm", "--target=es2022", "--minify", "--legal-comments=eof", "--log-level=warning"]


def build(target: Path) -> None:
    """Write the bundle of `src/main.js` to `target`."""
    esbuild = Path(sys.executable).with_name("esbuild")
    if not esbuild.exists():
        sys.exit("esbuild is not installed: run `make setup` first")
    subprocess.run([str(esbuild), str(HERE / "src" / "main.js"), *OPTIONS, f"--outfile={target}"], check=True)  # noqa: S603


def main() -> None:
    """Build, or check that the committed bundle is up to date."""
    if sys.argv[1:] == ["--check"]:
        with tempfile.TemporaryDirectory() as folder:
            fresh = Path(folder) / "wallet.js"
            build(fresh)
            if fresh.read_bytes() != BUNDLE.read_bytes():
                sys.exit(f"{BUNDLE.name} is not what its sources give: run `python frontend/wallet/build.py`")
    elif sys.argv[1:]:
        sys.exit("usage: python frontend/wallet/build.py [--check]")
    else:
        build(BUNDLE)


if __name__ == "__main__":
    main()
