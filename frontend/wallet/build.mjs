// SPDX-License-Identifier: Apache-2.0
// Bundle the browser side of the app: node frontend/wallet/build.mjs [--check]
// The bundle is committed, so that `pip install` needs no Node; --check fails when it is not what the
// sources give.

import { build } from "esbuild";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const target = here("../src/net8_web/assets/wallet.js");

const result = await build({
  entryPoints: [here("src/main.js")],
  outfile: target,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "eof",
  write: !process.argv.includes("--check"),
});

if (process.argv.includes("--check")) {
  const committed = await readFile(target, "utf8").catch(() => "");
  if (committed !== result.outputFiles[0].text) {
    console.error("frontend/src/net8_web/assets/wallet.js is not what its sources give: run `node frontend/wallet/build.mjs`");
    process.exit(1);
  }
}
