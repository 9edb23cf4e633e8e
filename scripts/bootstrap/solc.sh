#!/bin/sh
# solc.sh FOLDER: puts npm's solc there under the name by which ape-solidity finds a native one, solc-v<version>.
set -eu

folder=$1
version=$(sed -n 's|.*"solc": "\(.*\)".*|\1|p' tests/package.json)
program=$folder/solc-v$version
mkdir -p "$folder"
rm -f "$folder"/solc-v*
# The absolute path of Node, because the compiler is also started with a PATH of somebody else's.
printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$(command -v node)" "$PWD/scripts/bootstrap/solc.cjs" > "$program"
chmod +x "$program"
