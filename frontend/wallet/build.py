"""Bundle the browser side of the wallet: `python frontend/wallet/build.py [--check]`.

The bundles are committed, so that `pip install` needs no Node; `--check` fails when they are not what the sources give.
WalletConnect's is one of its own: an app without a project id never loads it. Beside it stands what it is made of, each
package with its licence; one whose licence is not among those below stops the build.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ASSETS = HERE.parent / "src" / "net8_web" / "assets"
OPTIONS = ["--bundle", "--format=esm", "--target=es2022", "--minify", "--legal-comments=eof", "--log-level=warning"]
WALLET, WALLETCONNECT, PACKAGES = "wallet.js", "walletconnect.js", "walletconnect-packages.txt"
LICENCES = {"MIT", "Apache-2.0", "ISC", "BSD-3-Clause", "0BSD", "(Apache-2.0 AND MIT)", "Apache-2.0 OR MIT"}


def _bundle(source: Path, target: Path, *more: str) -> None:
    esbuild = Path(sys.executable).with_name("esbuild")
    if not esbuild.exists():
        sys.exit("esbuild is not installed: run `make setup` first")
    # In its own folder, because paths of sources come to stand in the bundle.
    subprocess.run([str(esbuild), str(source), *OPTIONS, f"--outfile={target}", *more], check=True, cwd=HERE)  # noqa: S603


def _packages(inputs: list[str]) -> str:
    """The packages that a bundle is made of, one a line: name, version, licence."""
    found = {}
    for path in inputs:
        inside = re.match(r"(.*node_modules/(?:@[^/]+/)?[^/]+)/", path)
        if inside:
            about = json.loads((HERE / inside[1] / "package.json").read_text(encoding="utf-8"))
            found[about["name"], about["version"]] = about.get("license")
    strange = [f"{name} {version}: {licence}" for (name, version), licence in found.items() if licence not in LICENCES]
    if strange:
        sys.exit(f"licences that nobody has looked at, see LICENCES in build.py: {'; '.join(strange)}")
    return "".join(f"{name} {version} {licence}\n" for (name, version), licence in sorted(found.items()))


def build(folder: Path) -> None:
    """Write the bundles, and the list of what the second is made of, into `folder`."""
    _bundle(HERE / "src" / "main.js", folder / WALLET)
    if not (HERE / "walletconnect" / "node_modules").exists():
        sys.exit("WalletConnect's packages are not installed: run `make setup-dev` first")
    with tempfile.TemporaryDirectory() as kept:
        meta = Path(kept) / "meta.json"
        source = HERE / "walletconnect" / "src" / "main.js"
        _bundle(source, folder / WALLETCONNECT, f"--metafile={meta}")
        (folder / PACKAGES).write_text(_packages(list(json.loads(meta.read_text())["inputs"])), encoding="utf-8")


def main() -> None:
    """Build, or check that what is committed is up to date."""
    if sys.argv[1:] == ["--check"]:
        with tempfile.TemporaryDirectory() as folder:
            build(Path(folder))
            for name in (WALLET, WALLETCONNECT, PACKAGES):
                if (Path(folder) / name).read_bytes() != (ASSETS / name).read_bytes():
                    sys.exit(f"{name} is not what its sources give: run `python frontend/wallet/build.py`")
    elif sys.argv[1:]:
        sys.exit("usage: python frontend/wallet/build.py [--check]")
    else:
        build(ASSETS)


if __name__ == "__main__":
    main()
